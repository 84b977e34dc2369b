#include "mpi/calls.h"

#include "base/alloc.h"
#include "mpi/memo.h"

#define LONG_CALL_S 0.2 /* what took so long is not kept waiting */
#define MOST_WAITING ((size_t)64 << 20)

struct mpj_calls {
    mpj_errand errand; /* first */
    mpijob_memory *memory;
    mpj_entries entries;
    uint64_t count;
    bool hurry;
};

static void drop(mpj_errand *errand)
{
    mpj_calls *calls = (mpj_calls *)errand;
    mpj_free(calls->entries.data);
    mpj_free(calls);
}

/* The store thread. */
static void store(mpj_errand *errand)
{
    mpj_calls *calls = (mpj_calls *)errand;
    mpj_entry_note note;
    size_t at = 0;
    while (mpj_entries_next(calls->entries.data, calls->entries.bytes, &at, &note) == 1) {
        const mpijob_cached *cached = mpj_memory_find_cached(calls->memory, note.function, note.name.version);
        if (!cached || !mpj_cached_keeps(cached))
            continue;
        mpj_made made = {.name = &note.name,
                         .args = note.args,
                         .index = note.index,
                         .result = note.result ? note.result : "",
                         .bytes = note.bytes,
                         .meta = note.meta,
                         .meta_bytes = note.meta_bytes,
                         .file = note.file,
                         .compute_s = note.seconds};
        mpj_cached_lock(cached);
        mpj_cached_store(cached, &made, NULL);
        mpj_cached_unlock(cached);
    }
    drop(errand);
}

mpj_calls *mpj_calls_new(mpijob_memory *memory)
{
    mpj_calls *calls = mpj_calloc(1, sizeof *calls);
    if (!calls)
        return NULL;
    calls->errand = (mpj_errand){.run = store, .drop = drop};
    calls->memory = memory;
    return calls;
}

int mpj_calls_add(mpj_calls *calls, const mpj_entry_note *note)
{
    if (mpj_entries_add(&calls->entries, note) != 0)
        return -1;
    calls->count++;
    calls->hurry = calls->hurry || note->seconds >= LONG_CALL_S;
    return 0;
}

mpijob_memory *mpj_calls_memory(const mpj_calls *calls)
{
    return calls->memory;
}

uint64_t mpj_calls_give(mpj_calls *calls)
{
    uint64_t count = calls->count;
    mpj_clerk *clerk = mpj_memo_clerk_of(calls->memory);
    calls->errand.bytes = calls->entries.capacity;
    if (clerk && mpj_clerk_load(clerk) <= MOST_WAITING && mpj_clerk_give(clerk, &calls->errand, calls->hurry) == 0)
        return count;
    drop(&calls->errand);
    return 0;
}
