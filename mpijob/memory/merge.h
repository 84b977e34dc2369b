/* What the files of a merging of locations share. */
#ifndef MPJ_MEMORY_MERGE_H
#define MPJ_MEMORY_MERGE_H

#include "memory/liststore.h"

/* Of one function. */
typedef struct merging {
    mpijob_store *other; /* where it comes from */
    const char *name;
    mpj_list *from, *to;
    mpijob_store_merged *merged;
    mpijob_error *err;
    mpj_shelf *shelf; /* of `to` */
    int folder;       /* its segments */
    mpj_output out;
    mpj_room room;
    bool described;
    uint64_t version; /* that was described last */
} merging;

/* Is the file of a large result as it was stored? The entry: in m->room. */
bool mpj_merge_is_whole(merging *m, const mpj_listed *e, const mpj_entry_header *header);
/* Copies a file below large/. MPIJOB_OK, MPIJOB_EOS, ... */
int mpj_merge_copy_file(merging *m, const char *file);

#endif
