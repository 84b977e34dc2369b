/* The files of an election (election.h). A lock holds one line of fixed length: token, counter, place, pid and start of
 * its holder, 16 hexadecimal digits each. */
#include "base/clock.h"
#include "base/error.h"
#include "memory/election.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK "lock."
#define FREE "free."
#define NAME_BYTES 32
#define LINE "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n"
#define LINE_SCAN "%16" SCNx64 " %16" SCNx64 " %16" SCNx64 " %16" SCNx64 " %16" SCNx64
#define LINE_BYTES 85 /* 5 x 17 */

static void name_of(char name[NAME_BYTES], const char *prefix, uint64_t generation)
{
    snprintf(name, NAME_BYTES, "%s%" PRIu64, prefix, generation);
}

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

typedef struct generations {
    uint64_t locked, freed; /* the highest */
} generations;

static int note_name(const char *name, void *payload)
{
    generations *all = payload;
    uint64_t locked = mpj_election_generation(name, LOCK), freed = mpj_election_generation(name, FREE);
    if (locked > all->locked)
        all->locked = locked;
    if (freed > all->freed)
        all->freed = freed;
    return 0;
}

/* The holder, as its lock tells it. A lock that is empty was made without a link a moment ago, or by a process that then
 * died, or on a full disk. */
static void look_at_holder(mpj_election *election, mpj_election_view *view)
{
    char name[NAME_BYTES], line[LINE_BYTES + 1] = "";
    uint64_t token, counter = 0, place, pid, start;
    int fd;
    name_of(name, LOCK, view->highest);
    if (mpj_below_open(&fd, election->folder, MPJ_CLEANER_FOLDER, name, NULL, NULL) == MPIJOB_OK) {
        mpj_file_read_some(fd, line, LINE_BYTES, 0);
        mpj_file_close(&fd);
    }
    view->holder = MPJ_PROCESS_ELSEWHERE;
    if (sscanf(line, LINE_SCAN, &token, &counter, &place, &pid, &start) == 5)
        view->holder = mpj_process_look(place, (long)pid, start);
    view->unchanged_s = mpj_seen_note(&election->seen, name, counter, mpj_boot_time());
}

static int look(mpj_election *election, mpj_election_view *view, mpijob_error *err)
{
    generations all = {0};
    int status = mpj_below_list(election->folder, MPJ_CLEANER_FOLDER, note_name, &all, err);
    *view = (mpj_election_view){.highest = all.locked, .free = all.freed >= all.locked};
    if (status == MPIJOB_OK && view->highest > 0 && !view->free)
        look_at_holder(election, view);
    return status;
}

/* ---- The own lock ------------------------------------------------------------------------------------------------ */

static void write_line(mpj_election *election)
{
    char line[LINE_BYTES + 1];
    snprintf(line, sizeof line, LINE, election->token, election->counter, mpj_place(), (uint64_t)getpid(),
             (uint64_t)mpj_process_start("self"));
    election->last_beat = mpj_now();
    mpj_file_write(election->fd, MPJ_CLEANER_FOLDER, line, LINE_BYTES, 0, NULL);
}

/* A file server may have made the name and report that it is there, when its first answer was lost. */
static bool is_own(const mpj_election *election, const char *name)
{
    char line[LINE_BYTES + 1] = "";
    uint64_t token = 0;
    int fd;
    if (mpj_below_open(&fd, election->folder, MPJ_CLEANER_FOLDER, name, NULL, NULL) != MPIJOB_OK)
        return false;
    mpj_file_read_some(fd, line, LINE_BYTES, 0);
    mpj_file_close(&fd);
    return sscanf(line, "%16" SCNx64, &token) == 1 && token == election->token;
}

/* Its name appears with the line in it. On a full disk, where cleaning helps, the name has to do: the others then wait for
 * ten minutes. */
static bool make_linked(mpj_election *election, const char *name, const mpj_rights *rights, mpijob_error *err)
{
    char temporary[NAME_BYTES + 16];
    snprintf(temporary, sizeof temporary, "%s.%08" PRIx32 MPJ_TEMPORARY_SUFFIX, name, (uint32_t)election->token);
    if (mpj_below_create(&election->fd, election->folder, MPJ_CLEANER_FOLDER, temporary, rights, err) != MPIJOB_OK)
        return false;
    write_line(election);
    bool made = mpj_below_link(election->folder, temporary, name, err) == MPIJOB_OK || is_own(election, name);
    mpj_below_unlink(election->folder, temporary, NULL);
    if (!made)
        mpj_file_close(&election->fd);
    return made;
}

/* Whoever makes the name has won it; any failure is somebody else's win. That it is the highest is to be seen after. */
static bool take(mpj_election *election, uint64_t generation, const mpj_rights *rights)
{
    char name[NAME_BYTES];
    mpj_election_view view;
    mpijob_error err = {0};
    name_of(name, LOCK, generation);
    bool linked = make_linked(election, name, rights, &err);
    if (!linked && (err.os_errno == EEXIST || mpj_below_create(&election->fd, election->folder, MPJ_CLEANER_FOLDER,
                                                               name, rights, NULL) != MPIJOB_OK))
        return false;
    election->generation = generation;
    if (!linked)
        write_line(election);
    if (look(election, &view, NULL) == MPIJOB_OK && view.highest == generation)
        return true;
    mpj_file_close(&election->fd);
    return false;
}

typedef struct removing {
    int folder;
    uint64_t highest;
} removing;

/* Of a lock that was never linked: whoever is still at it has lost. */
static bool is_left_over(const char *name, uint64_t highest)
{
    size_t bytes = strlen(name), tail = strlen(MPJ_TEMPORARY_SUFFIX);
    return strncmp(name, LOCK, strlen(LOCK)) == 0 && bytes > tail &&
           strcmp(name + bytes - tail, MPJ_TEMPORARY_SUFFIX) == 0 && strtoull(name + strlen(LOCK), NULL, 10) <= highest;
}

static int remove_old(const char *name, void *payload)
{
    const removing *r = payload;
    uint64_t locked = mpj_election_generation(name, LOCK), freed = mpj_election_generation(name, FREE);
    uint64_t generation = locked ? locked : freed;
    if ((generation && mpj_election_is_old(generation, r->highest)) || is_left_over(name, r->highest))
        mpj_below_unlink(r->folder, name, NULL);
    return 0;
}

static void leave(mpj_election *election)
{
    mpj_file_close(&election->fd);
    mpj_file_close(&election->folder);
    mpj_seen_free(&election->seen);
}

static int stand(mpj_election *election, const mpj_store *store, mpijob_error *err)
{
    mpj_election_view view;
    mpj_seen_load(&election->seen, election->folder, MPJ_CLEANER_FOLDER);
    int status = look(election, &view, err);
    if (status != MPIJOB_OK)
        return status;
    uint64_t generation = mpj_election_next(&view);
    if (generation && take(election, generation, &store->rights))
        return 1;
    if (view.holder != MPJ_PROCESS_LIVES)
        mpj_seen_save(&election->seen, election->folder, MPJ_CLEANER_FOLDER, &store->rights);
    return 0;
}

int mpj_election_stand(mpj_election *election, const mpj_store *store, const char *function, mpijob_error *err)
{
    char below[MPJ_ESCAPED_BYTES + 32];
    *election = (mpj_election){.folder = -1, .fd = -1, .token = mpj_random_token()};
    snprintf(below, sizeof below, "%s/" MPJ_CLEANER_FOLDER, function);
    int status = mpj_below_walk(&election->folder, store->location, below, &store->rights, err);
    if (status != MPIJOB_OK)
        return status;
    status = stand(election, store, err);
    if (status != 1)
        leave(election);
    return status;
}

bool mpj_election_holds(mpj_election *election)
{
    generations all = {0};
    if (mpj_now() - election->last_beat >= MPJ_ELECTION_BEAT_S) {
        election->counter++;
        write_line(election);
    }
    return mpj_below_list(election->folder, MPJ_CLEANER_FOLDER, note_name, &all, NULL) == MPIJOB_OK &&
           all.locked == election->generation;
}

void mpj_election_end(mpj_election *election, const mpj_store *store)
{
    char name[NAME_BYTES];
    int fd;
    if (election->fd < 0)
        return;
    removing r = {election->folder, election->generation};
    mpj_seen_save(&election->seen, election->folder, MPJ_CLEANER_FOLDER, &store->rights);
    mpj_below_list(election->folder, MPJ_CLEANER_FOLDER, remove_old, &r, NULL);
    name_of(name, FREE, election->generation);
    if (mpj_below_create(&fd, election->folder, MPJ_CLEANER_FOLDER, name, &store->rights, NULL) == MPIJOB_OK)
        mpj_file_close(&fd);
    leave(election);
}
