/* The names in a zip file, sorted: looked up by any thread without asking libzip. */
#ifndef MPJ_IO_ZIPINDEX_H
#define MPJ_IO_ZIPINDEX_H

#include "io/treekind.h"

#include <zip.h>

typedef struct mpj_zip_entry {
    const char *name;
    uint64_t number; /* libzip's */
    uint64_t bytes, packed_bytes;
    uint16_t method, encryption;
} mpj_zip_entry;

typedef struct mpj_zip_index {
    mpj_zip_entry *entries;
    size_t count;
} mpj_zip_index;

/* Names point into `zip`. Of several entries of one name the last counts, as for Python's zipfile. Names that lead
 * elsewhere ("..", a leading '/') are left out. */
int mpj_zip_index_make(mpj_zip_index *index, zip_t *zip, const char *path, mpijob_error *err);
void mpj_zip_index_free(mpj_zip_index *index);

const mpj_zip_entry *mpj_zip_index_find(const mpj_zip_index *index, const char *name);
/* Is there anything below `folder` (without '/' at its end)? */
int mpj_zip_index_has_folder(const mpj_zip_index *index, const char *folder);
/* Names directly below `folder` ("" or with '/' at its end). 1: there is such a folder. */
int mpj_zip_index_list(const mpj_zip_index *index, const char *folder, mpj_tree_each_fn *each, void *payload);

#endif
