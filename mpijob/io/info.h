/* What a name in an open folder is. */
#ifndef MPJ_IO_INFO_H
#define MPJ_IO_INFO_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mpj_info {
    bool is_file, is_folder; /* neither: a link, a device */
    uint64_t bytes;          /* of a file */
    int64_t modified_s;      /* since 1970, by whatever clock the file system has */
} mpj_info;

/* Links are not followed. 1: there is one; 0: none; -1: unknown (errno). */
int mpj_info_look(mpj_info *info, int folder, const char *name);

/* Opens a folder in an open folder, a link not. -1: there is none, or it cannot be (errno). */
int mpj_info_open_folder(int folder, const char *name);

#endif
