#include "mpi/storing.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "mpi/memo.h"

#include <string.h>

#define SHEAF_BYTES ((size_t)64 << 10)  /* then it goes */
#define SHEAF_AGE_S 5e-3                /* or when it is so old */
#define LONG_JOB_S 0.2                  /* or at once, with a result that took so long */
#define MOST_WAITING ((size_t)64 << 20) /* bytes that the store thread has not dealt with */

struct mpj_sheaf {
    mpj_errand errand; /* first */
    const mpijob_cached *cached;
    size_t args_bytes;
    size_t count;
    size_t used;
    size_t capacity;
    _Alignas(16) unsigned char bytes[];
};

/* In a sheaf, before arguments, meta, name of the file and result, each padded to 16 bytes. */
typedef struct item {
    mpj_name name;
    uint64_t index;
    uint64_t bytes;
    uint64_t bytes_here; /* of these */
    double seconds;
    uint32_t meta_bytes;
    uint32_t file_bytes; /* with its zero; 0: none */
} item;

static size_t padded(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

/* All of an item. */
static size_t bytes_of(const item *head, size_t args_bytes)
{
    return padded(sizeof *head) + padded(args_bytes) + padded(head->meta_bytes) + padded(head->file_bytes) +
           padded(head->bytes_here);
}

/* -- The store thread -- */

static void drop(mpj_errand *errand)
{
    mpj_free(errand);
}

/* What lies at *at, which moves on; NULL: nothing. */
static const void *next_part(const unsigned char **at, size_t bytes)
{
    const unsigned char *part = *at;
    *at += padded(bytes);
    return bytes ? part : NULL;
}

static void touch_all(const mpj_sheaf *sheaf)
{
    const unsigned char *at = sheaf->bytes;
    for (size_t i = 0; i < sheaf->count; i++) {
        item head;
        memcpy(&head, at, sizeof head);
        mpj_memo_touch(sheaf->cached, &head.name);
        at += bytes_of(&head, sheaf->args_bytes);
    }
}

static void store(mpj_errand *errand)
{
    mpj_sheaf *sheaf = (mpj_sheaf *)errand;
    const unsigned char *at = sheaf->bytes;
    mpj_memo_lock(sheaf->cached);
    const mpj_moment moment = mpj_this_moment();
    touch_all(sheaf);
    for (size_t i = 0; i < sheaf->count; i++) {
        item head;
        memcpy(&head, next_part(&at, sizeof head), sizeof head);
        mpj_stored result = {.name = &head.name,
                             .index = head.index,
                             .bytes = head.bytes,
                             .meta_bytes = head.meta_bytes,
                             .seconds = head.seconds};
        result.args = next_part(&at, sheaf->args_bytes);
        result.meta = next_part(&at, head.meta_bytes);
        result.file = next_part(&at, head.file_bytes);
        result.result = next_part(&at, head.bytes_here);
        mpj_memo_store(sheaf->cached, &result, &moment);
    }
    mpj_memo_unlock(sheaf->cached);
    mpj_free(sheaf);
}

/* -- The run -- */

static mpj_sheaf *new_sheaf(const mpj_storing *storing, size_t need)
{
    size_t capacity = need > SHEAF_BYTES ? need : SHEAF_BYTES;
    mpj_sheaf *sheaf = mpj_alloc(sizeof *sheaf + capacity);
    if (!sheaf)
        return NULL;
    sheaf->errand = (mpj_errand){.run = store, .drop = drop};
    sheaf->cached = storing->cached;
    sheaf->args_bytes = storing->args_bytes;
    sheaf->count = 0;
    sheaf->used = 0;
    sheaf->capacity = capacity;
    return sheaf;
}

void mpj_storing_flush(mpj_storing *storing)
{
    mpj_sheaf *sheaf = storing->sheaf;
    if (!sheaf)
        return;
    storing->sheaf = NULL;
    sheaf->errand.bytes = sizeof *sheaf + sheaf->capacity;
    uint64_t count = sheaf->count;
    if (mpj_clerk_give(storing->clerk, &sheaf->errand, storing->hurry) == 0)
        return;
    storing->lost += count;
    mpj_free(sheaf);
}

static unsigned char *put(unsigned char *to, const void *bytes, size_t count)
{
    if (count > 0)
        memcpy(to, bytes, count);
    return to + padded(count);
}

/* The sheaf to which so many bytes are added; NULL: too much waits, or no memory. */
static mpj_sheaf *room_for(mpj_storing *storing, size_t need, double now)
{
    if (storing->sheaf && storing->sheaf->capacity - storing->sheaf->used < need)
        mpj_storing_flush(storing);
    if (storing->sheaf)
        return storing->sheaf;
    size_t load = mpj_clerk_load(storing->clerk);
    if (load == 0 || load + need <= MOST_WAITING)
        storing->sheaf = new_sheaf(storing, need);
    storing->begun = now;
    storing->hurry = false;
    return storing->sheaf;
}

bool mpj_storing_add(mpj_storing *storing, const mpj_stored *result, double now)
{
    item head = {.name = *result->name,
                 .index = result->index,
                 .bytes = result->bytes,
                 .bytes_here = result->file ? 0 : result->bytes,
                 .seconds = result->seconds,
                 .meta_bytes = (uint32_t)result->meta_bytes,
                 .file_bytes = result->file ? (uint32_t)strlen(result->file) + 1 : 0};
    size_t need = bytes_of(&head, storing->args_bytes);
    mpj_sheaf *sheaf = room_for(storing, need, now);
    if (!sheaf) {
        storing->lost++;
        return false;
    }
    unsigned char *at = put(sheaf->bytes + sheaf->used, &head, sizeof head);
    at = put(at, result->args, storing->args_bytes);
    at = put(at, result->meta, head.meta_bytes);
    at = put(at, result->file, head.file_bytes);
    put(at, result->result, head.bytes_here);
    sheaf->used += need;
    sheaf->count++;
    storing->hurry = storing->hurry || result->seconds >= LONG_JOB_S;
    return true;
}

void mpj_storing_look(mpj_storing *storing, double now)
{
    if (storing->sheaf && (storing->hurry || now - storing->begun >= SHEAF_AGE_S))
        mpj_storing_flush(storing);
}
