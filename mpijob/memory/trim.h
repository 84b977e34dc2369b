/* Removing results until limits hold, in all functions of a location together. */
#ifndef MPJ_MEMORY_TRIM_H
#define MPJ_MEMORY_TRIM_H

#include "memory/cleaner.h"
#include "memory/trimrule.h"

typedef struct mpj_trim_options {
    mpj_trim_limits limits;
    bool now;       /* what is removed does not wait in the trash, nor what waits there already */
    bool automatic; /* nothing happens as long as the limits hold, and if they do not, some room is made */
    bool tells;     /* joblib's message of each result that goes */
} mpj_trim_options;

/* MPIJOB_OK; MPIJOB_EOS, MPIJOB_ENOMEM; MPIJOB_ECANCELED: another process is at it (*removed says what was done). */
int mpj_trim(mpj_store *store, const mpj_trim_options *options, mpijob_removed *removed, mpijob_error *err);

/* Of one function: its results as items; those of others stay. */
int mpj_trim_items(mpj_list *list, mpj_trim_item **items, size_t *count, size_t *capacity, mpijob_error *err);

#endif
