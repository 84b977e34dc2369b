/* Random schedules. MPIJOB_SCHEDULES sets how many, MPIJOB_FIRST_SEED where to begin: to repeat a failure, set the
 * latter to the seed that was printed, and MPIJOB_SCHEDULES to 1. */
#include "plan_model.h"

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEDULES 20000

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(every_schedule_holds)
{
    uint64_t first = from_environment("MPIJOB_FIRST_SEED", 1);
    uint64_t count = from_environment("MPIJOB_SCHEDULES", SCHEDULES);
    plan_model_coverage c = {0};
    for (uint64_t seed = first; seed < first + count; seed++) {
        /* Every other schedule also runs out of memory once, somewhere. */
        const char *wrong = plan_model_run(seed, seed % 2 ? PLAN_MODEL_NEVER : seed / 2 % 40, &c);
        ck_assert_msg(wrong == NULL, "seed %" PRIu64 ": %s", seed, wrong);
    }
    printf("schedules=%" PRIu64 " batches=%" PRIu64 " drained=%" PRIu64 " lost=%" PRIu64 " retried=%" PRIu64
           " failed=%" PRIu64 " abandoned=%" PRIu64 " gated=%" PRIu64 " dedicated=%" PRIu64 " found=%" PRIu64
           " asked_again=%" PRIu64 " out_of_memory=%" PRIu64 "\n",
           count, c.batches, c.drained, c.lost, c.retried, c.failed, c.abandoned, c.gated, c.dedicated, c.found,
           c.asked_again, c.out_of_memory);
    if (count < 1000)
        return;
    ck_assert_msg(c.drained && c.lost && c.retried && c.failed && c.abandoned && c.gated && c.dedicated && c.found &&
                      c.asked_again && c.out_of_memory,
                  "the schedules did not reach everything");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan_random");
    TCase *cases = tcase_create("schedules");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, every_schedule_holds);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
