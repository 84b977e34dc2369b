/* What the calls of mpijob/store.h share. */
#ifndef MPJ_MEMORY_LISTSTORE_H
#define MPJ_MEMORY_LISTSTORE_H

#include "memory/cleaner.h"
#include "memory/list.h"
#include "memory/memory.h"

#include <mpijob/store.h>

struct mpijob_store {
    mpijob_memory *memory;
};

static inline mpj_store *mpj_store_of(mpijob_store *store)
{
    return store->memory->store;
}

int64_t mpj_store_now_ns(void);
static inline double mpj_age_s(int64_t now_ns, int64_t then_ns)
{
    return 1e-9 * ((double)now_ns - (double)then_ns);
}

/* One function, by name, or, with NULL, each: with the list of its entries. nonzero ends it, and is returned.
 * MPIJOB_ENOTFOUND: there is none of this name. */
typedef int mpj_each_list_fn(mpj_list *list, const char *name, void *payload);
int mpj_each_list(mpijob_store *store, const char *function, mpj_each_list_fn *each, void *payload, mpijob_error *err);

/* An entry of a list for people, from its bytes (mpj_list_entry). The texts: in `texts`. */
typedef struct mpj_stored_texts {
    char *json;
    size_t json_capacity;
    char file[MPJ_LARGE_FILE_BYTES + 16], segment[MPJ_WRITER_BYTES + 32];
} mpj_stored_texts;
int mpj_stored_fill(mpijob_stored *stored, mpj_stored_texts *texts, const mpj_list *list, const mpj_listed *entry,
                    const mpj_entry_header *header, const unsigned char *bytes, mpijob_error *err);

#endif
