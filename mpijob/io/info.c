#include "io/info.h"

#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int mpj_info_look(mpj_info *info, int folder, const char *name)
{
    struct stat found;
    if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -1;
    *info = (mpj_info){.is_file = S_ISREG(found.st_mode),
                       .is_folder = S_ISDIR(found.st_mode),
                       .bytes = S_ISREG(found.st_mode) ? (uint64_t)found.st_size : 0,
                       .modified_s = found.st_mtime};
    return 1;
}

int mpj_info_open_folder(int folder, const char *name)
{
    return mpj_open_at(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}
