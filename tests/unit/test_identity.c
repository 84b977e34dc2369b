/* Who this process is: also in a child, which has its parent's memory. */
#include "io/identity.h"

#include "unit.h"

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

static int exit_code_of(pid_t child)
{
    int state;
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

START_TEST(a_child_is_another_process)
{
    ck_assert_int_eq(mpj_process_id(), (long)getpid());
    pid_t child = fork();
    if (child == 0) {
        bool right = mpj_process_id() == (long)getpid();
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(mpj_process_id() == (long)getpid() ? 0 : 1);
        _exit(right && exit_code_of(grandchild) == 0 && mpj_process_id() == (long)getpid() ? 0 : 1);
    }
    ck_assert_int_eq(exit_code_of(child), 0);
    ck_assert_int_eq(mpj_process_id(), (long)getpid());
}
END_TEST

START_TEST(a_process_is_known_by_its_start)
{
    uint64_t place = mpj_place();
    unsigned long long start = mpj_process_start("self");
    ck_assert_uint_gt(start, 0);
    ck_assert_int_eq(mpj_process_look(place, mpj_process_id(), start), MPJ_PROCESS_LIVES);
    ck_assert_int_eq(mpj_process_look(place, mpj_process_id(), start + 1), MPJ_PROCESS_GONE);
    ck_assert_int_eq(mpj_process_look(place + 1, mpj_process_id(), start), MPJ_PROCESS_ELSEWHERE);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(exit_code_of(child), 0);
    ck_assert_int_eq(mpj_process_look(place, (long)child, start), MPJ_PROCESS_GONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *cases = tcase_create("who a process is");
    tcase_add_test(cases, a_child_is_another_process);
    tcase_add_test(cases, a_process_is_known_by_its_start);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
