/* What a run says about itself afterwards. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_RANKS 64

static int rest(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    suite_sleep(1e-3);
    *(uint64_t *)result = job->index;
    return 0;
}

static const mpijob_function resting = {.name = "rest", .call = rest, .args_size = 8, .result_size = 8};

/* Each rank's figures add up to the whole. */
static bool adds_up(const mpijob_stats *s)
{
    mpijob_rank_stats sum = {.jobs = 0};
    double most = 0;
    for (uint32_t i = 0; i < s->ranks_used; i++) {
        const mpijob_rank_stats *r = &s->ranks[i];
        if (r->busy_s < 0 || r->waiting_s < 0 || r->scheduling_s < -1e-3)
            return false;
        sum.jobs += r->jobs;
        sum.batches += r->batches;
        sum.busy_s += r->busy_s;
        sum.waiting_s += r->waiting_s;
        sum.scheduling_s += r->scheduling_s;
        most = r->busy_s > most ? r->busy_s : most;
    }
    double imbalance = most * s->ranks_used / sum.busy_s;
    return sum.jobs == s->jobs && sum.batches == s->batches && sum.busy_s > s->busy_s * 0.999 &&
           sum.busy_s < s->busy_s * 1.001 && sum.waiting_s <= s->waiting_s * 1.001 && imbalance > s->imbalance * 0.999 &&
           imbalance < s->imbalance * 1.001 && sum.scheduling_s < s->scheduling_s * 1.001 + 1e-6;
}

static const int n_jobs_values[] = {0, 1, -2};

START_TEST(figures_of_a_run)
{
    uint64_t args[200] = {0};
    uint64_t results[200];
    mpijob_rank_stats ranks[MOST_RANKS];
    mpijob_stats s = {.ranks = ranks, .ranks_capacity = MOST_RANKS};
    memset(ranks, 0, sizeof ranks);
    mpijob_inputs inputs = mpijob_arguments(args, 200);
    mpijob_parallel_options options = {.stats = &s, .batch_size = 4, .n_jobs = n_jobs_values[_i]};
    int status = run(results, &resting, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(s.jobs == 200 && s.failed == 0 && s.left == 0 && s.batches == 50);
    rank0(s.ranks_used == (uint32_t)mpijob_effective_n_jobs(n_jobs_values[_i], suite_size));
    everyone(s.ranks_total == (uint32_t)suite_size && s.ranks == ranks && s.ranks_capacity == MOST_RANKS);
    everyone(s.wall_s > 0.2 / suite_size);
    /* Nobody sleeps shorter than asked; nobody is busy for longer than the run. */
    rank0(s.busy_s >= 0.2 && s.busy_s <= s.wall_s * s.ranks_used * 1.01);
    rank0(s.imbalance >= 0.999 && s.imbalance <= s.ranks_used * 1.001);
    rank0(adds_up(&s));
    uint64_t elsewhere = 200 - ranks[0].jobs;
    rank0(s.sent_bytes == 8 * elsewhere && s.received_bytes == 8 * elsewhere);
    /* A batch and its reply, and for every other rank, also one left out, an end and a farewell. */
    rank0(s.messages >= 2 * (s.batches - ranks[0].batches) + 2 * (uint64_t)(suite_size - 1));
    rank0(s.ranks_used > 1 || s.messages == 2 * (uint64_t)(suite_size - 1));
    everyone(suite_rank == 0 || (s.jobs == 0 && s.batches == 0 && s.ranks_used == 0 && ranks[0].jobs == 0));
}
END_TEST

START_TEST(as_many_ranks_as_there_is_room_for)
{
    uint64_t args[50] = {0};
    uint64_t results[50];
    mpijob_rank_stats ranks[2] = {{.jobs = 4711}, {.jobs = 4711}};
    mpijob_stats s = {.ranks = ranks, .ranks_capacity = 1};
    mpijob_inputs inputs = mpijob_arguments(args, 50);
    mpijob_parallel_options options = {.stats = &s, .rank0 = MPIJOB_RANK0_WORKS};
    int status = run(results, &resting, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    everyone(ranks[1].jobs == 4711);
    rank0(ranks[0].jobs <= 50);
}
END_TEST

static int give_up(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = 0;
    return job->index == 30;
}

START_TEST(figures_of_a_run_that_failed)
{
    uint64_t results[100];
    mpijob_stats s = {.jobs = 0};
    mpijob_function f = {.call = give_up, .result_size = 8};
    mpijob_inputs inputs = mpijob_range(100);
    mpijob_parallel_options options = {.stats = &s, .batch_size = 1};
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_EJOB);
    rank0(s.failed == 1 && s.jobs >= 1 && s.jobs + s.left == 100);
}
END_TEST

START_TEST(figures_of_no_jobs)
{
    mpijob_rank_stats ranks[MOST_RANKS];
    mpijob_stats s = {.ranks = ranks, .ranks_capacity = MOST_RANKS};
    mpijob_function f = {.call = give_up};
    mpijob_inputs inputs = mpijob_range(0);
    mpijob_parallel_options options = {.stats = &s};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(s.jobs == 0 && s.batches == 0 && s.imbalance == 0 && s.busy_s == 0);
}
END_TEST

START_TEST(printed_on_request)
{
    uint64_t args[50] = {0};
    uint64_t results[50];
    suite_capture errors, output;
    mpijob_inputs inputs = mpijob_arguments(args, 50);
    mpijob_parallel_options options = {.print_stats = 1, .verbose = _i ? 50 : 0, .progress = MPIJOB_PROGRESS_JSON};
    suite_capture_begin(&errors, STDERR_FILENO);
    suite_capture_begin(&output, STDOUT_FILENO);
    mpijob_error err;
    int status = mpijob_parallel(results, &resting, &inputs, MPI_COMM_WORLD, &options, &err);
    char *said = suite_capture_end(&output);
    char *complained = suite_capture_end(&errors);
    const char *stats = _i ? said : complained;
    const char *other = _i ? complained : said;
    bool printed = strstr(stats, "Jobs       50; in ") && strstr(stats, "Rank 0 ") && strstr(stats, "Traffic ");
    bool silent = suite_rank == 0 ? other[0] == '\0' : said[0] == '\0' && complained[0] == '\0';
    free(said);
    free(complained);
    everyone(status == MPIJOB_OK);
    rank0(printed);
    everyone(silent);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("run_stats");
    TCase *group = suite_group(suite, "statistics");
    tcase_add_loop_test(group, figures_of_a_run, 0, COUNT_OF(n_jobs_values));
    tcase_add_test(group, as_many_ranks_as_there_is_room_for);
    tcase_add_test(group, figures_of_a_run_that_failed);
    tcase_add_test(group, figures_of_no_jobs);
    tcase_add_loop_test(group, printed_on_request, 0, 2);
    return suite_main(argc, argv, suite);
}
