/* Looking what others stored: list the folder; then the lengths of open files; then open again those that did not grow,
 * since on some network file systems an old descriptor shows an old length. Measurements: store.md. */
#include "base/clock.h"
#include "io/sync.h"
#include "memory/shelf.h"

#define REOPENED_RECENT 8 /* those that grew last */
#define REOPENED_IN_TURN 8

static bool may_grow(const mpj_known *known)
{
    return !known->sealed && !known->gone && !known->own;
}

static void look_at_lengths(mpj_shelf *shelf)
{
    for (size_t i = 0; i < shelf->known_count; i++) {
        mpj_known *known = shelf->known[i];
        if (!may_grow(known))
            continue;
        int64_t length = known->fd < 0 ? -1 : mpj_file_length(known->fd);
        if (length < 0)
            mpj_descriptors_drop(&shelf->store->descriptors, &known->fd);
        if (length < 0 || (uint64_t)length != known->bytes || known->good < known->bytes)
            mpj_shelf_scan(shelf, known);
    }
}

static void open_again(mpj_shelf *shelf, mpj_known *known)
{
    mpj_descriptors_drop(&shelf->store->descriptors, &known->fd);
    mpj_shelf_scan(shelf, known);
}

/* Of those that have not grown since `began`, the one that grew last before `bound`. */
static mpj_known *grown_before(const mpj_shelf *shelf, double bound)
{
    mpj_known *latest = NULL;
    for (size_t i = 0; i < shelf->known_count; i++) {
        mpj_known *known = shelf->known[i];
        if (may_grow(known) && known->grown < bound && (!latest || known->grown > latest->grown))
            latest = known;
    }
    return latest;
}

static void open_some_again(mpj_shelf *shelf, double began)
{
    double bound = began;
    for (int i = 0; i < REOPENED_RECENT; i++) {
        mpj_known *known = grown_before(shelf, bound);
        if (!known)
            return;
        bound = known->grown;
        open_again(shelf, known);
    }
    int left = REOPENED_IN_TURN;
    for (size_t i = 0; i < shelf->known_count && left > 0; i++) {
        shelf->reopened = (shelf->reopened + 1) % shelf->known_count;
        mpj_known *known = shelf->known[shelf->reopened];
        if (!may_grow(known) || known->grown >= bound)
            continue;
        open_again(shelf, known);
        left--;
    }
}

void mpj_shelf_refresh_now(mpj_shelf *shelf)
{
    double began = mpj_now();
    if (mpj_shelf_list(shelf, NULL) == MPIJOB_OK && shelf->folder >= 0) {
        mpj_location_is_on(shelf->store, shelf->folder);
        look_at_lengths(shelf);
        if (!shelf->store->local)
            open_some_again(shelf, began);
    }
    mpj_refresh_done(&shelf->refresh, began, mpj_now());
    shelf->store->counts.refreshes++;
}

int mpj_shelf_refresh(mpj_shelf *shelf, double now, double compute_s)
{
    if (!mpj_refresh_pays(&shelf->refresh, now, compute_s))
        return 0;
    mpj_shelf_refresh_now(shelf);
    return 1;
}
