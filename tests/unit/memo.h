/* A memo store with entries whose content follows from their number. */
#ifndef MPJ_TESTS_MEMO_H
#define MPJ_TESTS_MEMO_H

#include "data/digest.h"
#include "files.h"
#include "memory/store.h"

#include <stdint.h>
#include <string.h>

#define MEMO_TIME INT64_C(1700000000000000000)

typedef struct memo {
    mpj_store *store;
    mpj_shelf *shelf;
    int warnings;
} memo;

static inline void memo_log(int level, const char *text, void *payload)
{
    (void)level;
    (void)text;
    ((memo *)payload)->warnings++;
}

static inline mpj_store_options memo_options(memo *m)
{
    return (mpj_store_options){.umask = 022, .group = (gid_t)-1, .log = memo_log, .log_payload = m};
}

/* As an assertion, but without a message to Check: children that are killed would send half of one. */
#define memo_must(condition)                                                                                           \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static inline void memo_open_with(memo *m, const char *location, const mpj_store_options *options)
{
    mpijob_error err;
    memo_must(mpj_store_open(&m->store, location, options, &err) == MPIJOB_OK);
    memo_must(mpj_shelf_open(&m->shelf, m->store, "f", &err) == MPIJOB_OK);
}

static inline void memo_open(memo *m, const char *location)
{
    mpj_store_options options = memo_options(m);
    m->warnings = 0;
    memo_open_with(m, location, &options);
}

static inline void memo_close(memo *m)
{
    mpj_store_close(m->store);
    m->store = NULL;
}

static inline mpj_name memo_name(uint64_t number)
{
    mpj_name name = {.version = 0x0123456789abcdef};
    uint64_t other = ~number;
    mpj_digest_of(&name.key, &number, sizeof number);
    mpj_digest_of(&name.check, &other, sizeof other);
    return name;
}

/* The payload of entry `number` that is stored for the `round`-th time, of `bytes` bytes: compressible by half. */
static inline void memo_fill(unsigned char *payload, size_t bytes, uint64_t number, uint64_t round)
{
    uint64_t state = number * 1000003 + round * 7919 + 1;
    for (size_t i = 0; i < bytes; i++) {
        if (i % 2 == 0)
            state = state * 6364136223846793005u + 1442695040888963407u;
        payload[i] = (unsigned char)(i % 2 ? number : state >> 56);
    }
}

static inline int memo_put_with(memo *m, uint64_t number, size_t bytes, uint64_t round, double compute_s, int compress)
{
    mpijob_error err;
    unsigned char *payload = malloc(bytes + 1);
    char json[32];
    memo_must(payload != NULL);
    memo_fill(payload, bytes, number, round);
    int length = snprintf(json, sizeof json, "{\"x\": %llu}", (unsigned long long)number);
    const mpj_put put = {.name = memo_name(number),
                         .kind = MPJ_ENTRY_VALUE,
                         .payload = payload,
                         .bytes = bytes,
                         .type_bytes = 2,
                         .compress = compress,
                         .codec = 1,
                         .json = json,
                         .json_bytes = (size_t)length,
                         .meta = &number,
                         .meta_bytes = sizeof number,
                         .compute_s = compute_s,
                         .time_ns = MEMO_TIME + (int64_t)round};
    int status = mpj_shelf_put(m->shelf, &put, &err);
    free(payload);
    return status;
}

static inline int memo_put(memo *m, uint64_t number, size_t bytes, uint64_t round)
{
    return memo_put_with(m, number, bytes, round, 0, 0);
}

static inline int memo_clear(memo *m, uint64_t number, uint64_t round)
{
    const mpj_put put = {.name = memo_name(number),
                         .kind = MPJ_ENTRY_TOMBSTONE,
                         .json = "",
                         .payload = "",
                         .meta = "",
                         .time_ns = MEMO_TIME + (int64_t)round};
    return mpj_shelf_put(m->shelf, &put, NULL);
}

/* Is it what was stored in that round? */
static inline bool memo_is(const mpj_entry *entry, uint64_t number, size_t bytes, uint64_t round)
{
    unsigned char *payload = malloc(bytes + 1);
    memo_must(payload != NULL);
    memo_fill(payload, bytes, number, round);
    bool same = entry->bytes == bytes && memcmp(entry->payload, payload, bytes) == 0;
    free(payload);
    return same;
}

/* 1: there, and right; 0: not there; -1: another value. */
static inline int memo_find(memo *m, uint64_t number, size_t bytes, uint64_t round)
{
    mpj_name name = memo_name(number);
    mpj_entry entry;
    if (!mpj_shelf_find(m->shelf, &name, &entry))
        return 0;
    return memo_is(&entry, number, bytes, round) ? 1 : -1;
}

static inline mpj_store_counts memo_counts(const memo *m)
{
    mpj_store_counts counts;
    mpj_store_count(m->store, &counts);
    return counts;
}

/* How many files with this suffix are among the segments; path: one of them, or "". */
static inline int memo_files_named(const char *location, const char *suffix, char path[MPJ_PATH_BYTES])
{
    char folder[MPJ_PATH_BYTES];
    int count = 0;
    path[0] = '\0';
    ck_assert_int_eq(mpj_path_join(folder, location, "mpijob/f/segments", NULL), MPIJOB_OK);
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        size_t length = strlen(entry->d_name), tail = strlen(suffix);
        if (length <= tail || strcmp(entry->d_name + length - tail, suffix) != 0)
            continue;
        ck_assert_int_eq(mpj_path_join(path, folder, entry->d_name, NULL), MPIJOB_OK);
        count++;
    }
    if (listing)
        closedir(listing);
    return count;
}

static inline int memo_files(const char *location, const char *suffix)
{
    char path[MPJ_PATH_BYTES];
    return memo_files_named(location, suffix, path);
}

#endif
