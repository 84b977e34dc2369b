/* Writers that are killed at any moment, and several at once: what was acknowledged as written is found, nothing else
 * than what was stored is. MPIJOB_KILLS: how many are killed. */
#include "memo.h"

#include "base/clock.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_BYTES 3000

static char location[MPJ_PATH_BYTES];
static memo m;
/* Shared with the children: entries below this number are flushed. */
static volatile uint64_t *acknowledged;

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
    acknowledged = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(acknowledged != MAP_FAILED);
}

static void end(void)
{
    munmap((void *)(uintptr_t)acknowledged, 4096);
    files_end();
}

static size_t bytes_of(uint64_t number)
{
    return (size_t)(number * 2654435761u % MOST_BYTES);
}

/* Stores from `from` on until it is killed, or up to `to`. */
static void store(int who, uint64_t from, uint64_t to)
{
    memo_open(&m, location);
    for (uint64_t i = from; i < to; i++) {
        if (memo_put_with(&m, i, bytes_of(i), 0, i % 50 == 49 ? 1 : 0, 0) != MPIJOB_OK)
            _exit(1);
        if (i % 50 == 49)
            acknowledged[who] = i + 1;
    }
    memo_close(&m);
    _exit(0);
}

static pid_t start(int who, uint64_t from, uint64_t to)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        store(who, from, to);
    return child;
}

static void check_all(uint64_t from, uint64_t sure, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        int found = memo_find(&m, i, bytes_of(i), 0);
        ck_assert_int_ge(found, 0);
        if (i < sure)
            ck_assert_msg(found == 1, "entry %llu of %llu is lost", (unsigned long long)i, (unsigned long long)sure);
    }
}

START_TEST(killed_writers_lose_only_what_was_not_written)
{
    const char *kills = getenv("MPIJOB_KILLS");
    int rounds = kills ? atoi(kills) : 20;
    uint64_t from = 0;
    int state;
    for (int round = 0; round < rounds; round++) {
        acknowledged[0] = from;
        pid_t child = start(0, from, UINT64_MAX);
        while (acknowledged[0] == from)
            mpj_sleep(0.0001);
        mpj_sleep(0.0001 * (round * 7 % 97));
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, &state, 0), child);
        ck_assert(WIFSIGNALED(state));
        memo_open(&m, location);
        check_all(from, acknowledged[0], acknowledged[0] + 100);
        ck_assert_uint_eq(memo_counts(&m).damaged, 0);
        memo_close(&m);
        ck_assert_int_eq(m.warnings, 0);
        from = acknowledged[0] + 100000;
    }
    ck_assert_int_eq(memo_files(location, ".seg"), rounds);
    ck_assert_int_eq(memo_files(location, ".idx"), 0);
}
END_TEST

START_TEST(two_write_while_one_reads)
{
    enum {
        EACH = 6000,
        APART = 1000000
    };
    int state, living = 2;
    acknowledged[0] = 0;
    acknowledged[1] = APART;
    memo_open(&m, location);
    start(0, 0, EACH);
    start(1, APART, APART + EACH);
    for (int who = 0; living > 0; who = !who) {
        uint64_t base = who ? APART : 0, sure = acknowledged[who];
        mpj_shelf_refresh_now(m.shelf);
        check_all(sure > base + 500 ? sure - 500 : base, sure, sure + 50);
        while (living > 0 && waitpid(-1, &state, WNOHANG) > 0) {
            ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
            living--;
        }
    }
    mpj_shelf_refresh_now(m.shelf);
    check_all(0, EACH, EACH + 1);
    check_all(APART, APART + EACH, APART + EACH + 1);
    ck_assert_uint_eq(memo_counts(&m).damaged, 0);
    memo_close(&m);
    memo_open(&m, location);
    check_all(0, EACH, EACH + 1);
    check_all(APART, APART + EACH, APART + EACH + 1);
    memo_close(&m);
    ck_assert_int_eq(memo_files(location, ".idx"), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_kill");
    TCase *tcase = tcase_create("kill");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, killed_writers_lose_only_what_was_not_written);
    tcase_add_test(tcase, two_write_while_one_reads);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
