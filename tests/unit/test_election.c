/* Who may clean a folder: one at a time, whoever dies. */
#include "memo.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "memory/election.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Deciding ---------------------------------------------------------------------------------------------------- */

START_TEST(a_vacant_place_is_stood_for)
{
    static const struct {
        mpj_election_view view;
        uint64_t next;
    } cases[] = {
        {{0, true, MPJ_PROCESS_ELSEWHERE, 0}, 1},    {{7, true, MPJ_PROCESS_LIVES, 0}, 8},
        {{7, false, MPJ_PROCESS_LIVES, 0}, 0},       {{7, false, MPJ_PROCESS_LIVES, 599}, 0},
        {{7, false, MPJ_PROCESS_LIVES, 600}, 8}, /* it hangs */
        {{7, false, MPJ_PROCESS_GONE, 0}, 8},        {{7, false, MPJ_PROCESS_ELSEWHERE, 599}, 0},
        {{7, false, MPJ_PROCESS_ELSEWHERE, 601}, 8}, {{UINT64_MAX, true, MPJ_PROCESS_GONE, 601}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_uint_eq(mpj_election_next(&cases[i].view), cases[i].next);
}
END_TEST

START_TEST(names_of_generations)
{
    static const struct {
        const char *name;
        uint64_t generation;
    } cases[] = {{"lock.1", 1},
                 {"lock.900000000000000000", 900000000000000000},
                 {"lock.", 0},
                 {"lock.0", 0},
                 {"lock.01", 0},
                 {"lock.-1", 0},
                 {"lock.1x", 0},
                 {"free.1", 0},
                 {"lock", 0},
                 {"lock.1.tmp", 0},
                 {"lock.99999999999999999999", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_uint_eq(mpj_election_generation(cases[i].name, "lock."), cases[i].generation);
    ck_assert(!mpj_election_is_old(1, 20));
    ck_assert(!mpj_election_is_old(5, 25));
    ck_assert(mpj_election_is_old(4, 25));
    ck_assert(!mpj_election_is_old(25, 25));
}
END_TEST

/* A model: names that only one can make, contenders that look and act at different times, holders that die. */
typedef struct contender {
    bool holds, looked;
    uint64_t generation; /* it holds, or is about to try for */
    double seen_since;
    uint64_t seen_highest, seen_counter;
} contender;

typedef struct world {
    uint64_t highest, freed, counter;
    bool dead; /* the holder of the highest */
    double now;
    contender all[6];
    int count;
} world;

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void look(world *w, contender *c)
{
    if (c->seen_highest != w->highest || c->seen_counter != w->counter)
        c->seen_since = w->now;
    c->seen_highest = w->highest;
    c->seen_counter = w->counter;
    const mpj_election_view view = {w->highest, w->freed >= w->highest, MPJ_PROCESS_ELSEWHERE, w->now - c->seen_since};
    c->generation = mpj_election_next(&view);
    c->looked = c->generation != 0;
}

/* Making the name succeeds for one; it counts if it is the highest. */
static void try_it(world *w, contender *c)
{
    c->looked = false;
    if (c->generation <= w->highest)
        return;
    w->highest = c->generation;
    w->counter = 0;
    w->dead = false;
    c->holds = true;
}

static int living_holders(const world *w)
{
    int holders = 0;
    for (int i = 0; i < w->count; i++)
        holders += w->all[i].holds;
    return holders;
}

static void step(world *w, uint64_t *state, uint64_t *grants)
{
    contender *c = &w->all[next_random(state) % (uint64_t)w->count];
    w->now += (double)(next_random(state) % 20);
    for (int i = 0; i < w->count; i++) /* who lives raises its counter in time */
        if (w->all[i].holds)
            w->counter++;
    if (c->holds) {
        c->holds = false;
        if (next_random(state) % 3)
            w->freed = c->generation;
        else
            w->dead = true;
    } else if (c->looked) {
        bool held = c->holds;
        try_it(w, c);
        *grants += !held && c->holds;
    } else {
        look(w, c);
    }
}

START_TEST(never_two_and_always_again_one)
{
    static const int counts[] = {2, 6};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        world w = {.count = counts[_i]};
        uint64_t state = seed, grants = 0;
        for (int i = 0; i < 3000; i++) {
            step(&w, &state, &grants);
            ck_assert_int_le(living_holders(&w), 1);
        }
        ck_assert_uint_gt(grants, 30);
    }
}
END_TEST

/* ---- What has been seen ------------------------------------------------------------------------------------------ */

START_TEST(what_stands_still_is_known_later)
{
    mpj_seen seen = {.items = NULL}, later = {.items = NULL};
    ck_assert_double_eq(mpj_seen_note(&seen, "a", 5, 1000), 0);
    ck_assert_double_eq(mpj_seen_note(&seen, "b", 5, 1100), 0);
    ck_assert_double_eq(mpj_seen_note(&seen, "a", 5, 1300), 300);
    ck_assert_double_eq(mpj_seen_note(&seen, "b", 6, 1300), 0);
    char *text = mpj_seen_print(&seen);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(mpj_seen_parse(&later, text, 2000), 0);
    mpj_free(text);
    ck_assert_double_eq(mpj_seen_note(&later, "a", 5, 2000), 999);
    ck_assert_double_eq(mpj_seen_note(&later, "b", 6, 2000), 699);
    ck_assert_double_eq(mpj_seen_note(&later, "b", 7, 2000), 0);
    mpj_seen_free(&later);
    ck_assert_int_eq(mpj_seen_parse(&later, "x 1\n\ny 2 3 4\nfuture 1 99999\n\xff\n", 50), 0);
    ck_assert_uint_eq(later.count, 1);
    mpj_seen_free(&later);
    mpj_seen_free(&seen);
}
END_TEST

/* ---- In files ---------------------------------------------------------------------------------------------------- */

static char location[MPJ_PATH_BYTES];
static memo m;

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
}

static void end(void)
{
    memo_close(&m);
    files_end();
}

START_TEST(one_holds_and_the_next_gets_it_after)
{
    mpj_election first, second;
    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(mpj_election_stand(&first, m.store, "mpijob/f", NULL), 1);
        ck_assert_uint_eq(first.generation, (uint64_t)i + 1);
        ck_assert_int_eq(mpj_election_stand(&second, m.store, "mpijob/f", NULL), 0);
        ck_assert(mpj_election_holds(&first));
        first.last_beat -= 40; /* its counter rises, it still holds */
        ck_assert(mpj_election_holds(&first));
        ck_assert_uint_eq(first.counter, 1);
        mpj_election_end(&first, m.store);
    }
    char path[MPJ_PATH_BYTES];
    scratch cleaner = files;
    snprintf(path, sizeof path, "%s/location/mpijob/f/cleaner", files.folder);
    ck_assert_int_lt(snprintf(cleaner.folder, sizeof cleaner.folder, "%s", path), (int)sizeof cleaner.folder);
    ck_assert_int_le(scratch_names(&cleaner), 2 * (MPJ_ELECTION_KEPT + 2) + 1);
}
END_TEST

START_TEST(who_is_overtaken_holds_no_more)
{
    mpj_election first;
    char path[MPJ_PATH_BYTES];
    ck_assert_int_eq(mpj_election_stand(&first, m.store, "mpijob/f", NULL), 1);
    ck_assert_int_eq(mpj_path_join(path, location, "mpijob/f/cleaner/lock.2", NULL), MPIJOB_OK);
    files_write(path, "", 0);
    ck_assert(!mpj_election_holds(&first));
    mpj_election_end(&first, m.store);
    ck_assert_int_eq(mpj_election_stand(&first, m.store, "mpijob/f", NULL), 0); /* nobody knows whose it is */
}
END_TEST

START_TEST(one_that_was_killed_is_followed_at_once)
{
    mpj_election election;
    pid_t child = fork();
    if (child == 0) {
        memo_must(mpj_election_stand(&election, m.store, "mpijob/f", NULL) == 1);
        raise(SIGKILL);
    }
    int state;
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFSIGNALED(state));
    ck_assert_int_eq(mpj_election_stand(&election, m.store, "mpijob/f", NULL), 1);
    ck_assert_uint_eq(election.generation, 2);
    mpj_election_end(&election, m.store);
}
END_TEST

/* Each wins so many times; inside is a folder that only one at a time can make. */
static void compete(int times, const char *inside)
{
    for (int won = 0; won < times;) {
        mpj_election election;
        if (mpj_election_stand(&election, m.store, "mpijob/f", NULL) != 1) {
            mpj_sleep(0.0001);
            continue;
        }
        won++;
        memo_must(mkdir(inside, 0777) == 0);
        memo_must(mpj_election_holds(&election));
        memo_must(rmdir(inside) == 0);
        mpj_election_end(&election, m.store);
    }
}

START_TEST(two_processes_are_never_inside_together)
{
    const char *inside = scratch_path(&files, "inside");
    pid_t child = fork();
    if (child == 0) {
        compete(200, inside);
        _exit(0);
    }
    int state;
    compete(200, inside);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("election");
    TCase *pure = tcase_create("deciding"), *io = tcase_create("files");
    tcase_add_test(pure, a_vacant_place_is_stood_for);
    tcase_add_test(pure, names_of_generations);
    tcase_add_loop_test(pure, never_two_and_always_again_one, 0, 2);
    tcase_add_test(pure, what_stands_still_is_known_later);
    suite_add_tcase(suite, pure);
    tcase_add_checked_fixture(io, begin, end);
    tcase_add_test(io, one_holds_and_the_next_gets_it_after);
    tcase_add_test(io, who_is_overtaken_holds_no_more);
    tcase_add_test(io, one_that_was_killed_is_followed_at_once);
    tcase_add_test(io, two_processes_are_never_inside_together);
    suite_add_tcase(suite, io);
    return unit_run(suite);
}
