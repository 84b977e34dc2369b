/* What whoever opens a function's folder does for those who come after (cleaner.h). */
#include "base/clock.h"
#include "io/sync.h"
#include "memory/cleaner.h"
#include "memory/trash.h"

#include <stdio.h>
#include <time.h>

#define SMALL_BYTES ((uint64_t)4 << 20) /* segments that are merged then */
#define LEFT_BYTES ((uint64_t)1 << 20)  /* without an index: worth looking whether the writer lives */

static bool is_small(const char *writer, uint64_t bytes, void *payload)
{
    const double *until = payload;
    (void)writer;
    return bytes <= SMALL_BYTES && mpj_now() < *until;
}

/* Half of the time is for reading them, so that some of it is left. */
static void merge_small(mpj_shelf *shelf, const char *function, mpj_election *election)
{
    double now = mpj_now(), read_until = now + MPJ_OPENING_S / 2;
    mpj_compacted done = {.sources = 0};
    mpj_list list;
    const mpj_list_options reading = {.want = is_small, .want_payload = &read_until};
    const mpj_compact_options compact = {.now = shelf->store->local, .until = now + MPJ_OPENING_S};
    if (mpj_list_read(&list, shelf->store, function, &reading, NULL) == MPIJOB_OK) {
        mpj_cleaner_close(&list, &election->seen);
        for (size_t i = 0; i < list.segment_count; i++)
            list.segments[i].source = list.segments[i].closed;
        mpj_compact(&list, election, &compact, &done, NULL);
    }
    mpj_list_free(&list);
}

/* Only of processes of this host: a look at the others' would cost every opening, and they may live. */
static bool is_left_behind(mpj_shelf *shelf, mpj_known *known)
{
    mpj_segment_header header;
    if (known->gone || known->own || known->sealed || known->index_seen || known->bytes < LEFT_BYTES)
        return false;
    int fd = mpj_shelf_segment_fd(shelf, known);
    return fd >= 0 && mpj_segment_read_header(&header, fd, shelf->segments, NULL) == MPIJOB_OK &&
           mpj_process_look(header.place, (long)header.pid, header.start) == MPJ_PROCESS_GONE;
}

static bool is_left(const char *writer, uint64_t bytes, void *payload)
{
    mpj_shelf *shelf = payload;
    (void)bytes;
    for (size_t i = 0; i < shelf->known_count; i++)
        if (strcmp(shelf->known[i]->writer, writer) == 0)
            return is_left_behind(shelf, shelf->known[i]);
    return false;
}

static void seal_left(mpj_shelf *shelf, const char *function, mpj_election *election)
{
    mpj_list list;
    const mpj_list_options reading = {.want = is_left, .want_payload = shelf};
    if (mpj_list_read(&list, shelf->store, function, &reading, NULL) == MPIJOB_OK) {
        mpj_cleaner_close(&list, &election->seen);
        mpj_cleaner_seal(&list, NULL);
    }
    mpj_list_free(&list);
}

static bool has_many(const mpj_shelf *shelf)
{
    size_t found = 0;
    for (size_t i = 0; i < shelf->known_count; i++)
        found += !shelf->known[i]->gone && !shelf->known[i]->own;
    return found > MPJ_SEGMENTS_MANY;
}

static bool has_left(mpj_shelf *shelf)
{
    for (size_t i = 0; i < shelf->known_count; i++)
        if (is_left_behind(shelf, shelf->known[i]))
            return true;
    return false;
}

/* What has waited long enough in the trash goes whenever somebody comes by: no election is needed for that. */
static void sweep_trash(const mpj_shelf *shelf, const char *function)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    mpj_trash_sweep(shelf->store, function, now.tv_sec);
}

void mpj_cleaner_at_opening(mpj_shelf *shelf)
{
    char function[MPJ_FUNCTION_BYTES];
    mpj_election election;
    if (!mpj_store_writes(shelf->store) || shelf->folder < 0)
        return;
    snprintf(function, sizeof function, "%.*s", (int)shelf->below_function, shelf->below);
    sweep_trash(shelf, function);
    bool many = has_many(shelf), left = has_left(shelf);
    if (!many && !left)
        return;
    mpj_location_is_on(shelf->store, shelf->folder);
    if (mpj_election_stand(&election, shelf->store, function, NULL) != 1)
        return;
    if (many)
        merge_small(shelf, function, &election);
    if (left)
        seal_left(shelf, function, &election);
    mpj_cleaner_sweep(shelf->store, function);
    mpj_election_end(&election, shelf->store);
    mpj_shelf_list(shelf, NULL);
}
