/* The list of checksums of a Zarr folder. Text form: arrays.md. */
#ifndef MPJ_ARRAY_SUMS_H
#define MPJ_ARRAY_SUMS_H

#include "io/tree.h"

#define MPJ_SUMS_NAME ".mpijob-sums"
#define MPJ_SUMS_LIMIT ((uint64_t)1 << 30)

/* ---- Writing ---- */
typedef struct mpj_sum {
    uint64_t sum;
    uint64_t bytes;
} mpj_sum;
mpj_sum mpj_sum_of(const void *content, size_t bytes);

typedef struct mpj_sums_text {
    char *text;
    size_t used, capacity;
    uint64_t count;
    int no_memory; /* noticed at the end */
} mpj_sums_text;   /* zeroed: empty */
void mpj_sums_add(mpj_sums_text *list, const char *name, mpj_sum sum);
/* Adds the last line. What is in text and used is then the file. */
int mpj_sums_finish(mpj_sums_text *list, mpijob_error *err);
void mpj_sums_text_free(mpj_sums_text *list);

/* ---- Reading ---- */
typedef struct mpj_sums_entry {
    const char *name;
    mpj_sum sum;
} mpj_sums_entry;

typedef struct mpj_sums {
    char *text;
    mpj_sums_entry *entries; /* sorted by name */
    size_t count;
    int known; /* 0: there is no such file: everything goes unchecked */
} mpj_sums;

/* Of the folder with this prefix; a zip has none. MPIJOB_ECORRUPT when the list itself is damaged. On failure there is
 * nothing to free. */
int mpj_sums_read(mpj_sums *sums, mpj_tree *tree, const char *prefix, mpijob_error *err);
/* The same from memory; `text` is taken over (mpj_alloc) and is changed. what: the file, for messages. */
int mpj_sums_parse(mpj_sums *sums, char *text, size_t bytes, const char *what, mpijob_error *err);
void mpj_sums_free(mpj_sums *sums); /* zeroed: without effect */

const mpj_sums_entry *mpj_sums_find(const mpj_sums *sums, const char *name);

/* Is a file as it is listed? what: the file, for messages. MPIJOB_OK also when nothing is known. */
int mpj_sums_check(const mpj_sums *sums, const char *name, const void *content, size_t bytes, const char *what,
                   mpijob_error *err);
/* May a file be missing? MPIJOB_ECORRUPT when it is listed. */
int mpj_sums_check_missing(const mpj_sums *sums, const char *name, const char *what, mpijob_error *err);

#endif
