/* What the files that explain a miss share. */
#ifndef MPJ_MEMORY_WHY_H
#define MPJ_MEMORY_WHY_H

#include "data/textbuf.h"
#include "memory/liststore.h"

/* whytext.c: in what two descriptions differ, for people: "its version number (1, here 2); its arguments". */
void mpj_why_differences(mpj_textbuf *out, const mpj_store *store, const char *function, uint64_t version,
                         uint64_t other);
/* "3 minutes", "2.5 days" */
void mpj_why_duration(char *out, size_t bytes, double seconds);

/* whytrash.c: when an entry of this name was removed, seconds since 1970; negative: none is in the trash. */
int64_t mpj_why_removed(const mpj_store *store, const char *function, const mpj_name *name);

#endif
