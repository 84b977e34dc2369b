/* What was removed from a function's folder waits in <function>/trash/ until nobody can be reading it any more: a
 * file or a folder, renamed to <seconds since 1970, 10 digits>-<16 hex>.<what it was>. What stood in large/ (its name
 * ends in .large, .npy or .zip) waits a day, since it may be mapped, the rest an hour. */
#ifndef MPJ_MEMORY_TRASH_H
#define MPJ_MEMORY_TRASH_H

#include "memory/shelf.h"

#define MPJ_TRASH_ITEM_BYTES 96
#define MPJ_TRASH_LARGE_S 86400
#define MPJ_TRASH_S 3600

/* `function`: its folder, "mpijob/<escaped name>", below the store's location. */

/* Moves <function>/<name> ("segments", "large/ab/...") there; item: its name from now on. MPIJOB_OK; MPIJOB_ENOTFOUND:
 * there is nothing of that name; MPIJOB_EOS. */
int mpj_trash_put(const mpj_store *store, const char *function, const char *name, char item[MPJ_TRASH_ITEM_BYTES],
                  mpijob_error *err);

/* The bytes of an item, of a folder those of all files in it and in its folders. */
uint64_t mpj_trash_bytes(const mpj_store *store, const char *function, const char *item);

int mpj_trash_remove(const mpj_store *store, const char *function, const char *item, mpijob_error *err);

/* Removes what has waited long enough at this time. What cannot be removed stays. */
void mpj_trash_sweep(const mpj_store *store, const char *function, int64_t now_s);

/* How long an item waits; negative: the name is of none. *since_s: from when on. */
int64_t mpj_trash_grace(const char *item, int64_t *since_s);

#endif
