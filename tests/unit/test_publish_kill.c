/* Publishing that is killed, and publishing by several at the same time: what is at the target is always whole. How
 * many kills: MPIJOB_KILLS. */
#include "publish_faults.h"
#include "scratch.h"
#include "versions.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static const struct {
    int folder;
    int no_exchange;
    int durable;
} ways[] = {{0, 0, 0}, {1, 0, 0}, {1, EINVAL, 0}, {0, 0, 1}, {1, 0, 1}, {1, ENOSYS, 1}};

static scratch here;
static char target[MPJ_PATH_BYTES];

/* What a killed process had told: versions that were acknowledged. */
static struct shared {
    atomic_ullong acknowledged;
    atomic_ullong reads;
    atomic_int go_on;
} * shared;

static void begin(void)
{
    memset(&faults, 0, sizeof faults);
    scratch_make(&here);
    strcpy(target, scratch_path(&here, "array.zarr"));
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    atomic_store(&shared->go_on, 1);
}

static void end(void)
{
    memset(&faults, 0, sizeof faults);
    munmap(shared, sizeof *shared);
    scratch_remove(&here);
}

static void use(int way)
{
    faults.no_exchange = ways[way].no_exchange;
}

/* The version that is there, which must be the last acknowledged one or the next. */
static uint64_t check_target(uint64_t acknowledged)
{
    char found[MPJ_PATH_BYTES];
    mpj_publish_recover(target, found);
    uint64_t version = version_at(target);
    ck_assert_msg(version == acknowledged || version == acknowledged + 1, "version %llu where %llu was acknowledged",
                  (unsigned long long)version, (unsigned long long)acknowledged);
    return version;
}

/* One more publish removes what the dead left. */
static void check_clean(int way, uint64_t version)
{
    faults.die_at = 0;
    ck_assert_int_eq(version_publish(target, ways[way].folder, version, 0, NULL), MPIJOB_OK);
    ck_assert_uint_eq(version_at(target), version);
    ck_assert_int_eq(scratch_names(&here), 1);
}

/* ---- Killed at every step, one after the other ------------------------------------------------------------------- */

/* Publishes one version in a process that dies instead of its n-th change; returns whether it died. */
static int publish_and_die(int way, uint64_t version, long n)
{
    pid_t child = fork();
    if (child == 0) {
        faults.calls = 0;
        faults.die_at = n;
        _exit(version_publish(target, ways[way].folder, version, ways[way].durable, NULL) == MPIJOB_OK ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return 1;
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    return 0;
}

/* Each step once with an old version there and nothing left over, once among the left-overs of those before. */
START_TEST(a_death_at_any_step_leaves_the_old_or_the_new)
{
    int died = 1, died_before_end = 0;
    uint64_t version = 1;
    use(_i);
    ck_assert_int_eq(version_publish(target, ways[_i].folder, version, 0, NULL), MPIJOB_OK);
    for (long n = 1; died; n++) {
        died = publish_and_die(_i, version + 1, n);
        died_before_end += died;
        uint64_t seen = check_target(version);
        if (!died)
            ck_assert_uint_eq(seen, version + 1);
        version = seen;
        if (n % 2)
            check_clean(_i, ++version);
    }
    ck_assert_int_ge(died_before_end, ways[_i].folder ? 8 + VERSION_FILES : 2);
    check_clean(_i, ++version);
}
END_TEST

/* The same where there is nothing yet. */
START_TEST(a_first_version_appears_whole_or_not_at_all)
{
    int died = 1;
    use(_i);
    for (long n = 1; died; n++) {
        died = publish_and_die(_i, 1, n);
        uint64_t seen = version_at(target);
        ck_assert(seen == 1 || (died && seen == 0));
        ck_assert_int_eq(mpj_folder_remove(target, NULL), MPIJOB_OK);
        ck_assert_uint_eq(version_at(target), 0);
    }
    check_clean(_i, 5);
}
END_TEST

/* ---- Killed at random moments ------------------------------------------------------------------------------------ */

static void publish_for_ever(int way, uint64_t version)
{
    for (;;) {
        if (version_publish(target, ways[way].folder, ++version, ways[way].durable, NULL) != MPIJOB_OK)
            _exit(1);
        atomic_store(&shared->acknowledged, version);
    }
}

static void wait_ns(long nanoseconds)
{
    struct timespec pause = {0, nanoseconds};
    nanosleep(&pause, NULL);
}

static int kills_wanted(void)
{
    const char *text = getenv("MPIJOB_KILLS");
    return text ? atoi(text) : 30;
}

START_TEST(a_kill_at_any_moment_leaves_the_old_or_the_new)
{
    uint64_t version = 1;
    unsigned random = 12345;
    use(_i);
    ck_assert_int_eq(version_publish(target, ways[_i].folder, version, 0, NULL), MPIJOB_OK);
    for (int kills = kills_wanted(); kills > 0; kills--) {
        atomic_store(&shared->acknowledged, version);
        pid_t child = fork();
        if (child == 0)
            publish_for_ever(_i, version);
        while (atomic_load(&shared->acknowledged) == version) /* the first kill only after it has begun its work */
            wait_ns(100000);
        random = random * 1103515245u + 12345u;
        wait_ns((long)(random >> 12)); /* up to 1 ms: several publishes */
        int status;
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        version = check_target(atomic_load(&shared->acknowledged));
    }
    check_clean(_i, version + 1);
}
END_TEST

/* ---- Several at the same time ------------------------------------------------------------------------------------ */

#define WRITERS 2
#define READERS 2
#define PUBLISHES 150

static pid_t start(void (*act)(int way, int number), int way, int number)
{
    pid_t child = fork();
    if (child == 0) {
        act(way, number);
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    return child;
}

static void write_many(int way, int number)
{
    for (uint64_t i = 1; i <= PUBLISHES; i++)
        if (version_publish(target, ways[way].folder, i * WRITERS + (uint64_t)number, 0, NULL) != MPIJOB_OK)
            _exit(1);
}

static void read_many(int way, int number)
{
    (void)way, (void)number;
    do {
        uint64_t version = version_at(target);
        if (version == UINT64_MAX)
            _exit(2); /* not whole */
        if (version == 0)
            _exit(3); /* missing: there was one from the beginning */
        atomic_fetch_add(&shared->reads, 1);
    } while (atomic_load(&shared->go_on));
}

static int ended_well(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

START_TEST(writers_and_readers_at_the_same_time_see_whole_ones)
{
    pid_t writer[WRITERS], reader[READERS];
    int result[WRITERS + READERS];
    use(_i);
    ck_assert_int_eq(version_publish(target, ways[_i].folder, 1, 0, NULL), MPIJOB_OK);
    for (int i = 0; i < READERS; i++)
        reader[i] = start(read_many, _i, i);
    for (int i = 0; i < WRITERS; i++)
        writer[i] = start(write_many, _i, i);
    for (int i = 0; i < WRITERS; i++)
        result[i] = ended_well(writer[i]);
    atomic_store(&shared->go_on, 0);
    for (int i = 0; i < READERS; i++)
        result[WRITERS + i] = ended_well(reader[i]);
    for (int i = 0; i < WRITERS + READERS; i++)
        ck_assert_int_eq(result[i], 0);
    ck_assert_uint_gt(atomic_load(&shared->reads), 0);
    uint64_t last = version_at(target);
    ck_assert_uint_ge(last, PUBLISHES * WRITERS);
    check_clean(_i, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("publish_kill");
    TCase *kills = tcase_create("kills");
    tcase_add_checked_fixture(kills, begin, end);
    tcase_add_loop_test(kills, a_death_at_any_step_leaves_the_old_or_the_new, 0, UNIT_COUNT(ways));
    tcase_add_loop_test(kills, a_first_version_appears_whole_or_not_at_all, 0, UNIT_COUNT(ways));
    tcase_add_loop_test(kills, a_kill_at_any_moment_leaves_the_old_or_the_new, 0, UNIT_COUNT(ways));
    suite_add_tcase(suite, kills);
    TCase *several = tcase_create("several");
    tcase_add_checked_fixture(several, begin, end);
    tcase_add_loop_test(several, writers_and_readers_at_the_same_time_see_whole_ones, 0, 3);
    suite_add_tcase(suite, several);
    return unit_run(suite);
}
