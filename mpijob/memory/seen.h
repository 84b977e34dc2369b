/* Since when files have looked as they do, as this host has seen it: times of files are other clocks, and programs that
 * clean are shorter than what they have to wait for. One small file a host, cleaner/<place>.seen, a line each:
 * "<name> <value> <since>", since in seconds since boot (the place changes with the boot). */
#ifndef MPJ_MEMORY_SEEN_H
#define MPJ_MEMORY_SEEN_H

#include "io/below.h"

#include <stdint.h>

#define MPJ_SEEN_NAME_BYTES 112

typedef struct mpj_seen_item {
    char name[MPJ_SEEN_NAME_BYTES];
    uint64_t value;
    double since_s;
    bool noted; /* asked for by this process: what nobody asks for any more is forgotten */
} mpj_seen_item;

/* Begin with zero. */
typedef struct mpj_seen {
    mpj_seen_item *items;
    size_t count, capacity;
    bool changed;
} mpj_seen;

/* Text of such a file, what is no line of one passed over. 0, or -1: no memory. */
int mpj_seen_parse(mpj_seen *seen, const char *text, double now_s);
/* What was noted, as text; to be freed with mpj_free. NULL: no memory. */
char *mpj_seen_print(const mpj_seen *seen);

/* It has this value now: for how many seconds it has had it. Without memory: 0. */
double mpj_seen_note(mpj_seen *seen, const char *name, uint64_t value, double now_s);

void mpj_seen_free(mpj_seen *seen);

/* This host's file in the folder; what cannot be read or written is as if nothing had been seen. */
void mpj_seen_load(mpj_seen *seen, int folder, const char *path);
void mpj_seen_save(const mpj_seen *seen, int folder, const char *path, const mpj_rights *rights);

#endif
