/* What the files of a verification share. */
#ifndef MPJ_MEMORY_VERIFY_H
#define MPJ_MEMORY_VERIFY_H

#include "memory/liststore.h"

/* A finding, with texts of its own. */
typedef struct mpj_found_flaw {
    mpijob_finding finding;
    char file[MPJ_PATH_BYTES];
    char reason[MPIJOB_ERROR_TEXT_BYTES];
} mpj_found_flaw;

typedef struct mpj_verifying {
    mpijob_store *store;
    mpijob_store_verified *verified;
    mpijob_bytes_fn *progress;
    void *progress_payload;
    uint64_t done, total; /* bytes, for the progress */
    mpijob_error *err;
    /* Of the function at hand. */
    const char *function; /* "mpijob/<folder>" */
    const char *name;
    mpj_found_flaw *flaws;
    size_t count, capacity;
    int status;
} mpj_verifying;

/* file: below the function's folder; key: may be NULL. */
void mpj_verify_tell(mpj_verifying *v, int kind, const char *file, uint64_t offset, const mpijob_digest *key,
                     const char *reason);
/* So many bytes were read. MPIJOB_OK or MPIJOB_ECANCELED. */
int mpj_verify_step(mpj_verifying *v, uint64_t bytes);

/* verifylarge.c: is the file of a large result of this function as it was stored? bytes: of the entry. MPIJOB_OK,
 * MPIJOB_ENOMEM, or what is wrong with it. */
int mpj_large_check(mpijob_memory *memory, const char *name, const mpj_listed *entry, const mpj_entry_header *header,
                    const unsigned char *bytes, mpijob_error *err);
/* The file of a live entry, whose bytes are given; and files that no entry of the list refers to. */
int mpj_verify_large(mpj_verifying *v, const mpj_list *list, const mpj_listed *entry, const mpj_entry_header *header,
                     const unsigned char *bytes);
typedef struct mpj_large_seen {
    char (*all)[MPJ_LARGE_FILE_BYTES]; /* found in the folder */
    size_t count, capacity;
} mpj_large_seen;
int mpj_verify_large_files(mpj_verifying *v, mpj_large_seen *seen);
int mpj_verify_orphans(mpj_verifying *v, mpj_list *list, mpj_large_seen *seen);

/* verifyrest.c: descriptions of versions, records of use. */
int mpj_verify_versions(mpj_verifying *v, const mpj_list *list);
int mpj_verify_uses(mpj_verifying *v);

/* liststats.c: bytes of all files of the location. */
uint64_t mpj_location_bytes(const mpj_store *store);

#endif
