/* Jobs that are looked up: by hand, by random schedules against a plain model, and with every allocation failing. */
#include "sched/lookup.h"

#include "base/alloc.h"
#include "unit.h"

#include <inttypes.h>
#include <mpijob/error.h>
#include <stdlib.h>
#include <string.h>

static mpj_look_key key_of(uint64_t value)
{
    /* The low bits, which choose the place, are few: places collide and chains wrap around. */
    return (mpj_look_key){{value % 3 + UINT64_MAX / 7 * (value % 2), value, value * value, 1}};
}

static int draw(mpj_lookup *lookup, uint64_t index, uint64_t value, double now)
{
    mpj_look_key key = key_of(value);
    return mpj_lookup_drawn(lookup, index, &key, now);
}

START_TEST(equal_jobs_are_asked_once)
{
    mpj_lookup lookup = {0};
    mpj_look_chain chain;
    uint64_t index;
    ck_assert_int_eq(draw(&lookup, 0, 7, 0), MPJ_LOOK_ASK);
    ck_assert_int_eq(draw(&lookup, 1, 7, 0), MPJ_LOOK_WAIT);
    ck_assert_int_eq(draw(&lookup, 2, 8, 0), MPJ_LOOK_ASK);
    ck_assert_int_eq(draw(&lookup, 3, 7, 0), MPJ_LOOK_WAIT);
    ck_assert_uint_eq(lookup.asked, 2);
    ck_assert_int_eq(mpj_lookup_missed(&lookup, 0, 1), 1);
    ck_assert_int_eq(draw(&lookup, 4, 7, 1), MPJ_LOOK_WAIT); /* in flight: being computed */
    ck_assert_int_eq(mpj_lookup_found(&lookup, 2, 1, &chain), 1);
    ck_assert_int_eq(mpj_lookup_next(&lookup, &chain, &index), 0);
    mpj_look_key key, expected = key_of(7);
    ck_assert(mpj_lookup_executed(&lookup, 0, &key, &chain));
    ck_assert_mem_eq(&key, &expected, sizeof key);
    const uint64_t duplicates[] = {1, 3, 4};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(mpj_lookup_next(&lookup, &chain, &index), 1);
        ck_assert_uint_eq(index, duplicates[i]);
    }
    ck_assert_int_eq(mpj_lookup_next(&lookup, &chain, &index), 0);
    ck_assert_uint_eq(lookup.held, 0);
    ck_assert_int_eq(draw(&lookup, 5, 7, 2), MPJ_LOOK_ASK); /* settled: by now it is in the store */
    ck_assert_uint_eq(lookup.duplicates, 3);
    mpj_lookup_free(&lookup);
}
END_TEST

START_TEST(without_answers_asked_jobs_are_missed)
{
    mpj_lookup lookup = {0};
    mpj_look_chain chain;
    uint64_t at = 0, index;
    ck_assert(!mpj_lookup_is_quiet(&lookup, 100, 1));
    for (uint64_t i = 0; i < 4; i++)
        draw(&lookup, i, i, 10);
    ck_assert(!mpj_lookup_is_quiet(&lookup, 10.9, 1));
    ck_assert_int_eq(mpj_lookup_missed(&lookup, 3, 10.9), 1);
    ck_assert(!mpj_lookup_is_quiet(&lookup, 11.8, 1));
    ck_assert(mpj_lookup_is_quiet(&lookup, 12, 1));
    mpj_lookup_stall(&lookup);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert_int_eq(mpj_lookup_give_up(&lookup, &at, &index), 1);
        ck_assert_uint_eq(index, i);
    }
    ck_assert_int_eq(mpj_lookup_give_up(&lookup, &at, &index), 0);
    ck_assert_int_eq(draw(&lookup, 4, 4, 12), MPJ_LOOK_COMPUTE);
    ck_assert_int_eq(draw(&lookup, 5, 4, 12), MPJ_LOOK_WAIT);
    ck_assert_int_eq(mpj_lookup_found(&lookup, 1, 13, &chain), 0); /* too late */
    ck_assert_int_eq(draw(&lookup, 6, 6, 13), MPJ_LOOK_ASK);       /* but it answers again */
    ck_assert(mpj_lookup_executed(&lookup, 1, NULL, &chain));
    ck_assert(!mpj_lookup_executed(&lookup, 1, NULL, &chain));
    ck_assert(!mpj_lookup_executed(&lookup, 5, NULL, &chain)); /* a duplicate */
    ck_assert_int_eq(mpj_lookup_missed(&lookup, 99, 14), 0);
    mpj_lookup_free(&lookup);
}
END_TEST

/* -- Random schedules -- */

enum state {
    UNDRAWN,
    ASKED,
    MISSED,
    WAITING,
    SETTLED
};

#define JOBS 300

typedef struct model {
    mpj_lookup lookup;
    uint64_t random;
    uint64_t value[JOBS];
    enum state state[JOBS];
    uint64_t drawn;
    bool stalled;
} model;

static uint64_t below(model *m, uint64_t bound)
{
    m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (m->random >> 33) % bound;
}

/* The job of this value that others wait for, or JOBS. */
static uint64_t leader(const model *m, uint64_t value)
{
    for (uint64_t i = 0; i < m->drawn; i++)
        if (m->value[i] == value && (m->state[i] == ASKED || m->state[i] == MISSED))
            return i;
    return JOBS;
}

static void draw_one(model *m)
{
    if (m->drawn == JOBS)
        return;
    uint64_t index = m->drawn;
    int expected = leader(m, m->value[index]) < JOBS ? MPJ_LOOK_WAIT : m->stalled ? MPJ_LOOK_COMPUTE : MPJ_LOOK_ASK;
    int got;
    do
        got = draw(&m->lookup, index, m->value[index], 0);
    while (got == MPIJOB_ENOMEM);
    ck_assert_int_eq(got, expected);
    m->state[index] = got == MPJ_LOOK_WAIT ? WAITING : got == MPJ_LOOK_ASK ? ASKED : MISSED;
    m->drawn++;
}

static void settle_chain(model *m, uint64_t index, mpj_look_chain chain)
{
    uint64_t duplicate, last = 0;
    while (mpj_lookup_next(&m->lookup, &chain, &duplicate)) {
        ck_assert_int_eq(m->state[duplicate], WAITING);
        ck_assert_uint_eq(m->value[duplicate], m->value[index]);
        ck_assert_uint_ge(duplicate, last);
        last = duplicate;
        m->state[duplicate] = SETTLED;
    }
    bool left = false;
    for (uint64_t i = 0; i < m->drawn; i++)
        left = left || (m->state[i] == WAITING && m->value[i] == m->value[index]);
    ck_assert(!left);
}

static void answer_one(model *m)
{
    uint64_t index = below(m, JOBS);
    bool asked = index < m->drawn && m->state[index] == ASKED;
    mpj_look_chain chain;
    m->stalled = false;
    if (below(m, 2)) {
        ck_assert_int_eq(mpj_lookup_missed(&m->lookup, index, 0), asked);
        if (asked)
            m->state[index] = MISSED;
        return;
    }
    ck_assert_int_eq(mpj_lookup_found(&m->lookup, index, 0, &chain), asked);
    if (!asked)
        return;
    m->state[index] = SETTLED;
    settle_chain(m, index, chain);
}

static void execute_one(model *m)
{
    uint64_t index = below(m, JOBS);
    mpj_look_chain chain;
    bool missed = index < m->drawn && m->state[index] == MISSED;
    ck_assert_int_eq(mpj_lookup_executed(&m->lookup, index, NULL, &chain), missed);
    if (!missed)
        return;
    m->state[index] = SETTLED;
    settle_chain(m, index, chain);
}

static void stall(model *m)
{
    uint64_t at = 0, index;
    mpj_lookup_stall(&m->lookup);
    m->stalled = true;
    while (mpj_lookup_give_up(&m->lookup, &at, &index)) {
        ck_assert_int_eq(m->state[index], ASKED);
        m->state[index] = MISSED;
    }
    bool left = false;
    for (uint64_t i = 0; i < m->drawn; i++)
        left = left || m->state[i] == ASKED;
    ck_assert(!left);
}

static bool same_words(uint64_t a, uint64_t b)
{
    mpj_look_key left = key_of(a), right = key_of(b);
    return left.words[0] == right.words[0] && left.words[1] == right.words[1];
}

/* A missed job by the first bytes of its key; sometimes it is asked once more. */
static void ask_again(model *m)
{
    uint64_t index = below(m, JOBS), found = JOBS;
    mpj_look_key key = key_of(m->value[index]);
    bool expected = false;
    for (uint64_t i = 0; i < m->drawn; i++)
        expected = expected || (m->state[i] == MISSED && same_words(m->value[i], m->value[index]));
    ck_assert_int_eq(mpj_lookup_missed_with(&m->lookup, key.words, &found), expected);
    if (!expected)
        return;
    ck_assert_int_eq(m->state[found], MISSED);
    ck_assert(same_words(m->value[found], m->value[index]));
    mpj_lookup_ask_again(&m->lookup, found, 0);
    m->state[found] = ASKED;
}

static void step(model *m)
{
    uint64_t kind = below(m, 64);
    if (kind < 24)
        draw_one(m);
    else if (kind < 44)
        answer_one(m);
    else if (kind < 60)
        execute_one(m);
    else if (kind < 63)
        ask_again(m);
    else
        stall(m);
}

static void run_schedule(uint64_t seed, uint64_t fail_allocation)
{
    model *m = calloc(1, sizeof *m);
    m->random = seed * 2 + 1;
    uint64_t values = 1 + below(m, below(m, 2) ? 400 : 20);
    for (int i = 0; i < JOBS; i++)
        m->value[i] = below(m, values);
    mpj_alloc_fail_after(fail_allocation);
    for (int i = 0; i < 3000; i++) {
        step(m);
        if (i % 16 == 0) {
            const char *wrong = mpj_lookup_check(&m->lookup);
            ck_assert_msg(wrong == NULL, "seed %" PRIu64 ": %s", seed, wrong);
        }
    }
    mpj_alloc_fail_after(UINT64_MAX);
    mpj_lookup_free(&m->lookup);
    free(m);
}

START_TEST(random_schedules)
{
    for (uint64_t seed = 1; seed <= 100; seed++)
        run_schedule(seed, UINT64_MAX);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (uint64_t n = 0; n < 20; n++)
        run_schedule(1000 + n, n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup");
    TCase *cases = tcase_create("jobs that are looked up");
    tcase_add_test(cases, equal_jobs_are_asked_once);
    tcase_add_test(cases, without_answers_asked_jobs_are_missed);
    tcase_add_test(cases, random_schedules);
    tcase_add_test(cases, every_allocation_may_fail);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
