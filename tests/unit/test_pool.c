#include "base/pool.h"
#include "base/threads.h"

#include "base/alloc.h"
#include "base/error.h"

#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#ifndef __has_feature
#define __has_feature(name) 0 /* clang's way to name a sanitizer */
#endif

#define ITEMS 500

static const int thread_counts[] = {1, 2, 3, 8, 600};

/* ---- Items in any order ------------------------------------------------------------------------------------------ */

typedef struct record {
    atomic_int calls[ITEMS];
    atomic_int order;
    int begun_as[ITEMS];
    atomic_int worker_out_of_range;
    int threads;
    uint64_t fail_from; /* items from here on fail */
    pthread_t caller;
    uint64_t ticks, last_done, stop_at;
    int tick_elsewhere, tick_went_back;
} record;

static void record_init(record *r, int threads)
{
    memset(r, 0, sizeof *r);
    r->threads = threads;
    r->fail_from = UINT64_MAX;
    r->stop_at = UINT64_MAX;
    r->caller = pthread_self();
}

static int work(uint64_t item, int worker, void *payload, mpijob_error *err)
{
    record *r = payload;
    int range = r->threads < MPJ_MAX_THREADS ? r->threads : MPJ_MAX_THREADS;
    int own = pthread_equal(pthread_self(), r->caller) != 0;
    r->begun_as[item] = atomic_fetch_add(&r->order, 1);
    atomic_fetch_add(&r->calls[item], 1);
    if (worker < 0 || worker >= range || (worker == 0) != own)
        atomic_store(&r->worker_out_of_range, 1);
    return item >= r->fail_from ? mpj_fail(err, MPIJOB_ECORRUPT, "item %d", (int)item) : MPIJOB_OK;
}

static int tick(uint64_t done, uint64_t count, void *payload)
{
    record *r = payload;
    r->tick_elsewhere |= !pthread_equal(pthread_self(), r->caller) || done > count;
    r->tick_went_back |= r->ticks > 0 && done < r->last_done;
    r->ticks++;
    r->last_done = done;
    return done >= r->stop_at;
}

static int calls_of(record *r)
{
    int all = 0;
    for (int i = 0; i < ITEMS; i++) {
        ck_assert_int_le(atomic_load(&r->calls[i]), 1);
        all += atomic_load(&r->calls[i]);
    }
    return all;
}

START_TEST(each_item_is_worked_on_once)
{
    record r;
    record_init(&r, thread_counts[_i]);
    ck_assert_int_eq(mpj_pool_run(ITEMS, r.threads, work, tick, &r, NULL), MPIJOB_OK);
    ck_assert_int_eq(calls_of(&r), ITEMS);
    ck_assert(!atomic_load(&r.worker_out_of_range));
    ck_assert(!r.tick_elsewhere && !r.tick_went_back);
    ck_assert_uint_ge(r.ticks, 1);
    ck_assert_uint_eq(r.last_done, ITEMS);
}
END_TEST

START_TEST(one_thread_goes_in_order)
{
    record r;
    record_init(&r, 1);
    ck_assert_int_eq(mpj_pool_run(ITEMS, 1, work, NULL, &r, NULL), MPIJOB_OK);
    for (int i = 0; i < ITEMS; i++)
        ck_assert_int_eq(r.begun_as[i], i);
}
END_TEST

START_TEST(no_items_is_a_success)
{
    record r;
    record_init(&r, 4);
    ck_assert_int_eq(mpj_pool_run(0, 4, work, tick, &r, NULL), MPIJOB_OK);
    ck_assert_int_eq(calls_of(&r), 0);
    ck_assert_uint_eq(r.ticks, 1);
}
END_TEST

START_TEST(the_lowest_failed_item_is_reported_and_no_more_begin)
{
    record r;
    mpijob_error err = {0};
    record_init(&r, thread_counts[_i]);
    r.fail_from = 40;
    ck_assert_int_eq(mpj_pool_run(ITEMS, r.threads, work, tick, &r, &err), MPIJOB_ECORRUPT);
    ck_assert_int_eq(err.status, MPIJOB_ECORRUPT);
    ck_assert_str_eq(err.text, "item 40");
    for (int i = 0; i <= 40; i++)
        ck_assert_int_eq(atomic_load(&r.calls[i]), 1);
    ck_assert_int_le(calls_of(&r), 40 + MPJ_MAX_THREADS);
    ck_assert_int_eq(mpj_pool_run(ITEMS, r.threads, work, NULL, &r, NULL), MPIJOB_ECORRUPT);
}
END_TEST

START_TEST(a_tick_ends_the_call)
{
    record r;
    mpijob_error err = {0};
    record_init(&r, thread_counts[_i]);
    r.stop_at = 30;
    ck_assert_int_eq(mpj_pool_run(ITEMS, r.threads, work, tick, &r, &err), MPIJOB_ECANCELED);
    ck_assert_int_eq(err.status, MPIJOB_ECANCELED);
    ck_assert_int_ge(calls_of(&r), 30);
    ck_assert_uint_ge(r.last_done, 30);
    if (r.threads == 1)
        ck_assert_int_eq(calls_of(&r), 30);
}
END_TEST

/* Two items that wait for each other: only two threads at the same time get through. */
static int meet(uint64_t item, int worker, void *payload, mpijob_error *err)
{
    (void)item, (void)worker, (void)err;
    pthread_barrier_wait(payload);
    return MPIJOB_OK;
}

START_TEST(items_run_at_the_same_time)
{
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 2);
    ck_assert_int_eq(mpj_pool_run(2, 2, meet, NULL, &barrier, NULL), MPIJOB_OK);
    pthread_barrier_destroy(&barrier);
}
END_TEST

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

START_TEST(an_option_means_a_number_of_threads)
{
    ck_assert_int_eq(mpj_threads(1), 1);
    ck_assert_int_eq(mpj_threads(17), 17);
    ck_assert_int_eq(mpj_threads(-3), 1);
    ck_assert_int_eq(mpj_threads(100000), MPJ_MAX_THREADS);
    cpu_set_t one, before;
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    int allowed = CPU_COUNT(&before);
    size_t first = 0;
    ck_assert_int_eq(mpj_threads(0), allowed < 8 ? allowed : 8);
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(mpj_threads(0), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

static void *look_at_mask(void *payload)
{
    pthread_sigmask(SIG_SETMASK, NULL, payload);
    return NULL;
}

START_TEST(threads_take_no_signals_and_the_caller_keeps_its_own)
{
    mpj_crew crew;
    sigset_t mask, before, after;
    sigemptyset(&mask);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    mpj_crew_start(&crew, 1, look_at_mask, &mask);
    ck_assert_int_eq(crew.count, 1);
    mpj_crew_join(&crew);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    static const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGCHLD, SIGALRM};
    for (int i = 0; i < UNIT_COUNT(signals); i++) {
        ck_assert_int_eq(sigismember(&mask, signals[i]), 1);
        ck_assert_int_eq(sigismember(&before, signals[i]), sigismember(&after, signals[i]));
    }
}
END_TEST

/* No room for another stack. */
START_TEST(threads_that_cannot_be_started_are_done_without)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) ||               \
    __has_feature(thread_sanitizer)
    return; /* these need address space without limit */
#else
    struct rlimit before, none;
    record r;
    record_init(&r, 8);
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    none = before;
    none.rlim_cur = 1 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    int status = mpj_pool_run(ITEMS, 8, work, NULL, &r, NULL);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_int_eq(calls_of(&r), ITEMS);
    for (int i = 0; i < ITEMS; i++)
        ck_assert_int_eq(r.begun_as[i], i);
#endif
}
END_TEST

/* ---- Pipelines -------------------------------------------------------------------------------------------------- */

typedef struct line {
    uint64_t product[ITEMS]; /* by slot */
    size_t slots;
    atomic_int in_use; /* made or being made, and not taken */
    atomic_int most_in_use;
    atomic_int made;
    uint64_t taken;
    uint64_t fail_make, fail_take;
    pthread_t caller;
    int wrong;
} line;

static void line_init(line *l, size_t slots)
{
    memset(l, 0, sizeof *l);
    l->slots = slots;
    l->fail_make = l->fail_take = UINT64_MAX;
    l->caller = pthread_self();
}

static int make(uint64_t item, size_t slot, void *payload, mpijob_error *err)
{
    line *l = payload;
    int in_use = atomic_fetch_add(&l->in_use, 1) + 1, most = atomic_load(&l->most_in_use);
    while (in_use > most && !atomic_compare_exchange_weak(&l->most_in_use, &most, in_use))
        continue;
    atomic_fetch_add(&l->made, 1);
    l->product[slot] = item * item + 1; /* without a lock: the pipeline has to order this against taking */
    return item >= l->fail_make ? mpj_fail(err, MPIJOB_ECORRUPT, "made %d", (int)item) : MPIJOB_OK;
}

static int take(uint64_t item, size_t slot, void *payload, mpijob_error *err)
{
    line *l = payload;
    l->wrong |= item != l->taken || l->product[slot] != item * item + 1 || slot >= l->slots;
    l->wrong |= !pthread_equal(pthread_self(), l->caller);
    l->product[slot] = 0;
    l->taken++;
    atomic_fetch_sub(&l->in_use, 1);
    return item == l->fail_take ? mpj_fail(err, MPIJOB_EOS, "took %d", (int)item) : MPIJOB_OK;
}

static const size_t slot_counts[] = {1, 2, 3, 7, 300};

/* All pairs of threads and slots. */
#define PAIRS (UNIT_COUNT(thread_counts) * UNIT_COUNT(slot_counts))
#define THREADS_OF(i) thread_counts[(i) % UNIT_COUNT(thread_counts)]
#define SLOTS_OF(i) slot_counts[(i) / UNIT_COUNT(thread_counts)]

START_TEST(a_pipeline_takes_in_order_from_few_slots)
{
    line l;
    line_init(&l, SLOTS_OF(_i));
    ck_assert_int_eq(mpj_pipe_run(ITEMS, THREADS_OF(_i), l.slots, make, take, &l, NULL), MPIJOB_OK);
    ck_assert_uint_eq(l.taken, ITEMS);
    ck_assert_int_eq(atomic_load(&l.made), ITEMS);
    ck_assert(!l.wrong);
    ck_assert_int_le(atomic_load(&l.most_in_use), (int)l.slots);
}
END_TEST

START_TEST(all_before_a_failed_item_are_taken)
{
    line l;
    mpijob_error err = {0};
    line_init(&l, SLOTS_OF(_i));
    l.fail_make = 77;
    ck_assert_int_eq(mpj_pipe_run(ITEMS, THREADS_OF(_i), l.slots, make, take, &l, &err), MPIJOB_ECORRUPT);
    ck_assert_str_eq(err.text, "made 77");
    ck_assert_uint_eq(l.taken, 77);
    ck_assert(!l.wrong);
    ck_assert_int_le(atomic_load(&l.made), 77 + (int)l.slots);
}
END_TEST

START_TEST(a_failed_taking_ends_it)
{
    line l;
    mpijob_error err = {0};
    line_init(&l, SLOTS_OF(_i));
    l.fail_take = 55;
    ck_assert_int_eq(mpj_pipe_run(ITEMS, THREADS_OF(_i), l.slots, make, take, &l, &err), MPIJOB_EOS);
    ck_assert_str_eq(err.text, "took 55");
    ck_assert_uint_eq(l.taken, 56);
    ck_assert_int_le(atomic_load(&l.made), 56 + (int)l.slots);
}
END_TEST

START_TEST(an_empty_pipeline_and_no_slots_are_allowed)
{
    line l;
    line_init(&l, 1);
    ck_assert_int_eq(mpj_pipe_run(0, 2, 0, make, take, &l, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_pipe_run(5, 2, 0, make, take, &l, NULL), MPIJOB_OK);
    ck_assert_uint_eq(l.taken, 5);
}
END_TEST

/* Several items are held at the same time, as a library that pulls may. */
START_TEST(items_are_pulled_and_held)
{
    line l;
    mpj_pipe *pipe;
    line_init(&l, 4);
    ck_assert_int_eq(mpj_pipe_open(&pipe, ITEMS, thread_counts[_i], 4, make, &l, NULL), MPIJOB_OK);
    for (uint64_t item = 0; item < ITEMS; item += 2) {
        size_t first, second;
        ck_assert_int_eq(mpj_pipe_next(pipe, &first, NULL), MPIJOB_OK);
        ck_assert_int_eq(mpj_pipe_next(pipe, &second, NULL), MPIJOB_OK);
        ck_assert_int_eq(take(item, first, &l, NULL), MPIJOB_OK);
        mpj_pipe_release(pipe, first);
        ck_assert_int_eq(take(item + 1, second, &l, NULL), MPIJOB_OK);
        mpj_pipe_release(pipe, second);
    }
    size_t slot;
    ck_assert_int_eq(mpj_pipe_next(pipe, &slot, NULL), MPIJOB_EINTERNAL);
    mpj_pipe_close(pipe);
    ck_assert(!l.wrong);
}
END_TEST

START_TEST(a_pipeline_is_closed_at_any_time)
{
    line l;
    mpj_pipe *pipe;
    line_init(&l, 3);
    ck_assert_int_eq(mpj_pipe_open(&pipe, ITEMS, 3, 3, make, &l, NULL), MPIJOB_OK);
    size_t slot;
    for (int i = 0; i < _i; i++)
        ck_assert_int_eq(mpj_pipe_next(pipe, &slot, NULL), i < 3 ? MPIJOB_OK : MPIJOB_EINTERNAL);
    mpj_pipe_close(pipe);
    ck_assert_int_le(atomic_load(&l.made), 3);
    mpj_pipe_close(NULL);
}
END_TEST

START_TEST(a_failed_item_stays_failed_when_asked_again)
{
    line l;
    mpj_pipe *pipe;
    mpijob_error err = {0};
    size_t slot;
    line_init(&l, 2);
    l.fail_make = 0;
    ck_assert_int_eq(mpj_pipe_open(&pipe, ITEMS, 2, 2, make, &l, NULL), MPIJOB_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(mpj_pipe_next(pipe, &slot, &err), MPIJOB_ECORRUPT);
        ck_assert_str_eq(err.text, "made 0");
    }
    mpj_pipe_close(pipe);
}
END_TEST

START_TEST(no_memory_for_a_pipeline_is_an_error)
{
    line l;
    mpijob_error err = {0};
    line_init(&l, 2);
    mpj_alloc_fail_after(0);
    ck_assert_int_eq(mpj_pipe_run(ITEMS, 2, 2, make, take, &l, &err), MPIJOB_ENOMEM);
    mpj_alloc_fail_after(UINT64_MAX);
    ck_assert_int_eq(err.status, MPIJOB_ENOMEM);
    ck_assert_int_eq(atomic_load(&l.made), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *alone = tcase_create("alone"); /* first: a thread's stack may be used again, if there was one */
    tcase_add_test(alone, threads_that_cannot_be_started_are_done_without);
    suite_add_tcase(suite, alone);
    TCase *items = tcase_create("items");
    tcase_add_loop_test(items, each_item_is_worked_on_once, 0, UNIT_COUNT(thread_counts));
    tcase_add_test(items, one_thread_goes_in_order);
    tcase_add_test(items, no_items_is_a_success);
    tcase_add_loop_test(items, the_lowest_failed_item_is_reported_and_no_more_begin, 0, UNIT_COUNT(thread_counts));
    tcase_add_loop_test(items, a_tick_ends_the_call, 0, UNIT_COUNT(thread_counts));
    tcase_add_test(items, items_run_at_the_same_time);
    suite_add_tcase(suite, items);
    TCase *threads = tcase_create("threads");
    tcase_add_test(threads, an_option_means_a_number_of_threads);
    tcase_add_test(threads, threads_take_no_signals_and_the_caller_keeps_its_own);
    suite_add_tcase(suite, threads);
    TCase *pipes = tcase_create("pipes");
    tcase_add_loop_test(pipes, a_pipeline_takes_in_order_from_few_slots, 0, PAIRS);
    tcase_add_loop_test(pipes, all_before_a_failed_item_are_taken, 0, PAIRS);
    tcase_add_loop_test(pipes, a_failed_taking_ends_it, 0, PAIRS);
    tcase_add_test(pipes, an_empty_pipeline_and_no_slots_are_allowed);
    tcase_add_loop_test(pipes, items_are_pulled_and_held, 0, UNIT_COUNT(thread_counts));
    tcase_add_loop_test(pipes, a_pipeline_is_closed_at_any_time, 0, 5);
    tcase_add_test(pipes, a_failed_item_stays_failed_when_asked_again);
    tcase_add_test(pipes, no_memory_for_a_pipeline_is_an_error);
    suite_add_tcase(suite, pipes);
    return unit_run(suite);
}
