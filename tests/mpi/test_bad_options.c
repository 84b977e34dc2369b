/* Bad and differing arguments, on one rank only or on all: every rank is told the same, and the next run works. */
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define JOBS 20
#define NEGATIVE ((size_t)-3)

static int count_up(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index + 1;
    return 0;
}

/* Everything that one call is made of. */
typedef struct call {
    uint64_t room[JOBS];
    uint64_t *results;
    mpijob_function function;
    const mpijob_function *function_given;
    mpijob_inputs inputs;
    const mpijob_inputs *inputs_given;
    mpijob_parallel_options options;
    double costs[JOBS];
    mpijob_error failures[2];
    size_t failures_count;
    int8_t statuses[JOBS];
    const mpijob_shared *shared[1];
} call;

static void good(call *c)
{
    memset(c, 0, sizeof *c);
    c->results = c->room;
    c->function = (mpijob_function){.name = "count up", .call = count_up, .result_size = sizeof(uint64_t)};
    c->function_given = &c->function;
    c->inputs = mpijob_range(JOBS);
    c->inputs_given = &c->inputs;
}

static int make(call *c, mpijob_error *err)
{
    return run(c->results, c->function_given, c->inputs_given, &c->options, err);
}

static void check_good_run(void)
{
    call c;
    mpijob_error err;
    good(&c);
    everyone(make(&c, &err) == MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; i < JOBS; i++)
        right = right && c.room[i] == i + 1;
    rank0(right);
}

static int no_next(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    (void)args, (void)cost, (void)index, (void)payload, (void)err;
    return MPIJOB_END;
}

static int no_consumer(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                       mpijob_error *err)
{
    (void)result, (void)bytes, (void)index, (void)failure, (void)payload, (void)err;
    return MPIJOB_GO_ON;
}

static int no_reduction(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload,
                        mpijob_error *err)
{
    (void)accumulator, (void)result, (void)bytes, (void)index, (void)payload, (void)err;
    return MPIJOB_GO_ON;
}

/* -- Bad on any rank -- */

#define SPOIL(name, statement)                                                                                         \
    static void name(call *c)                                                                                          \
    {                                                                                                                  \
        statement;                                                                                                     \
    }

SPOIL(no_function, c->function_given = NULL)
SPOIL(no_call, c->function.call = NULL)
SPOIL(function_reserved, c->function.reserved[3] = 1)
SPOIL(args_size_negative, c->function.args_size = NEGATIVE)
SPOIL(result_size_negative, c->function.result_size = NEGATIVE)
SPOIL(list_of_any_size, c->function.result_size = MPIJOB_ANY_SIZE)
SPOIL(return_as_unknown, c->options.return_as = 3)
SPOIL(return_as_below, c->options.return_as = -1)
SPOIL(on_error_unknown, c->options.on_error = 2)
SPOIL(rank0_unknown, c->options.rank0 = 3)
SPOIL(progress_unknown, c->options.progress = 3)
SPOIL(everywhere_unknown, c->options.everywhere = 2)
SPOIL(jobs_call_mpi_unknown, c->options.jobs_call_mpi = -1)
SPOIL(print_stats_unknown, c->options.print_stats = 7)
SPOIL(verbose_negative, c->options.verbose = -1)
SPOIL(batch_size_negative, c->options.batch_size = (uint64_t)-1)
SPOIL(max_batch_size_negative, c->options.max_batch_size = (uint64_t)-5)
SPOIL(accumulator_size_negative, c->options.accumulator_size = NEGATIVE)
SPOIL(failures_capacity_negative, c->options.failures_capacity = NEGATIVE)
SPOIL(shared_count_negative, c->options.shared_count = NEGATIVE)
SPOIL(options_reserved, c->options.reserved[7] = 1)
SPOIL(shared_missing, c->options.shared_count = 1)
SPOIL(shared_null, (c->options.shared_count = 1, c->options.shared = c->shared))
SPOIL(reduce_and_generator, (c->options.reduce = no_reduction, c->options.return_as = MPIJOB_GENERATOR))
SPOIL(reduce_and_consume, (c->options.reduce = no_reduction, c->options.consume = no_consumer))
SPOIL(everywhere_generator, (c->options.everywhere = 1, c->options.return_as = MPIJOB_GENERATOR))
SPOIL(everywhere_without_results, (c->options.everywhere = 1, c->function.result_size = 0))
SPOIL(everywhere_without_size, (c->options.everywhere = 1, c->options.reduce = no_reduction))
SPOIL(everywhere_without_room, (c->options.everywhere = 1, c->results = NULL))

/* -- Bad on rank 0 -- */

SPOIL(no_inputs, c->inputs_given = NULL)
SPOIL(inputs_reserved, c->inputs.reserved[0] = 1)
SPOIL(count_negative, c->inputs.count = (uint64_t)-20)
SPOIL(count_unknown, c->inputs.count = MPIJOB_UNKNOWN)
SPOIL(array_without_size, c->inputs.array = c->room)
SPOIL(array_and_generator, (c->inputs.array = c->room, c->inputs.next = no_next))
SPOIL(generator_and_costs, (c->inputs.next = no_next, c->inputs.costs = c->costs))
SPOIL(no_args, c->function.args_size = 8)
SPOIL(cost_negative, (c->inputs.costs = c->costs, c->costs[7] = -1))
SPOIL(cost_not_a_number, (c->inputs.costs = c->costs, c->costs[19] = (double)NAN))
SPOIL(cost_infinite, (c->inputs.costs = c->costs, c->costs[0] = (double)INFINITY))
SPOIL(no_results, c->results = NULL)
SPOIL(no_consume, c->options.return_as = MPIJOB_GENERATOR)
SPOIL(no_consume_unordered, c->options.return_as = MPIJOB_GENERATOR_UNORDERED)
SPOIL(consume_and_list, c->options.consume = no_consumer)
SPOIL(failures_without_room, (c->options.failures_capacity = 2, c->options.failures_count = &c->failures_count))
SPOIL(failures_without_count, (c->options.failures_capacity = 2, c->options.failures = c->failures))
SPOIL(no_accumulator, (c->options.reduce = no_reduction, c->results = NULL))
SPOIL(list_of_unknown_count, (c->inputs.next = no_next, c->inputs.count = MPIJOB_UNKNOWN))
SPOIL(statuses_of_unknown_count, (c->inputs.next = no_next, c->inputs.count = MPIJOB_UNKNOWN,
                                  c->options.statuses = c->statuses, c->function.result_size = 0))
SPOIL(reduced_statuses_of_unknown_count,
      (c->inputs.next = no_next, c->inputs.count = MPIJOB_UNKNOWN, c->options.statuses = c->statuses,
       c->options.reduce = no_reduction))

typedef struct spoilt {
    const char *name;
    void (*spoil)(call *c);
    const char *says;
    bool rank0_only;
} spoilt;

static const spoilt bad[] = {
    {"no function", no_function, "`call`", false},
    {"no call", no_call, "`call`", false},
    {"function reserved", function_reserved, "reserved", false},
    {"args_size negative", args_size_negative, "args_size", false},
    {"result_size negative", result_size_negative, "result_size", false},
    {"list of any size", list_of_any_size, "any size", false},
    {"return_as unknown", return_as_unknown, "return_as is 3", false},
    {"return_as below", return_as_below, "return_as is -1", false},
    {"on_error unknown", on_error_unknown, "on_error is 2", false},
    {"rank0 unknown", rank0_unknown, "rank0 is 3", false},
    {"progress unknown", progress_unknown, "progress is 3", false},
    {"everywhere unknown", everywhere_unknown, "everywhere is 2", false},
    {"jobs_call_mpi unknown", jobs_call_mpi_unknown, "jobs_call_mpi is -1", false},
    {"print_stats unknown", print_stats_unknown, "print_stats is 7", false},
    {"verbose negative", verbose_negative, "verbose is -1", false},
    {"batch_size negative", batch_size_negative, "batch_size is negative (-1)", false},
    {"max_batch_size negative", max_batch_size_negative, "max_batch_size is negative (-5)", false},
    {"accumulator_size negative", accumulator_size_negative, "accumulator_size is negative", false},
    {"failures_capacity negative", failures_capacity_negative, "failures_capacity is negative", false},
    {"shared_count negative", shared_count_negative, "shared_count is negative", false},
    {"options reserved", options_reserved, "reserved", false},
    {"shared missing", shared_missing, "shared is NULL", false},
    {"shared null", shared_null, "shared[0] is NULL", false},
    {"reduce and generator", reduce_and_generator, "exclude each other", false},
    {"reduce and consume", reduce_and_consume, "exclude each other", false},
    {"everywhere, generator", everywhere_generator, "everywhere", false},
    {"everywhere without results", everywhere_without_results, "everywhere", false},
    {"everywhere without size", everywhere_without_size, "accumulator_size", false},
    {"everywhere without room", everywhere_without_room, "`results` is NULL", false},
    {"no inputs", no_inputs, "`inputs` is NULL", true},
    {"inputs reserved", inputs_reserved, "reserved", true},
    {"count negative", count_negative, "negative", true},
    {"count unknown", count_unknown, "only a generator", true},
    {"array without size", array_without_size, "args_size", true},
    {"array and generator", array_and_generator, "both an array and a generator", true},
    {"generator and costs", generator_and_costs, "costs", true},
    {"no args", no_args, "the inputs give none", true},
    {"cost negative", cost_negative, "job 7 is -1", true},
    {"cost not a number", cost_not_a_number, "job 19", true},
    {"cost infinite", cost_infinite, "job 0 is inf", true},
    {"no results", no_results, "`results` is NULL", true},
    {"no consume", no_consume, "`consume`", true},
    {"no consume, unordered", no_consume_unordered, "`consume`", true},
    {"consume and list", consume_and_list, "return_as is list", true},
    {"failures without room", failures_without_room, "failures_capacity", true},
    {"failures without count", failures_without_count, "failures_capacity", true},
    {"no accumulator", no_accumulator, "accumulator", true},
    {"list of unknown count", list_of_unknown_count, "known number of jobs", true},
    {"statuses of unknown count", statuses_of_unknown_count, "known number of jobs", true},
    {"reduced statuses of unknown count", reduced_statuses_of_unknown_count, "known number of jobs", true},
};

/* `first`: the lowest rank that is wrong. */
static void check_refused(const spoilt *b, call *c, int first)
{
    mpijob_error err;
    char name[32];
    snprintf(name, sizeof name, "rank %d ", first);
    int status = make(c, &err);
    ck_assert_msg(status == MPIJOB_EINVAL, "%s on rank %d: status %d, '%s'", b->name, first, status, err.text);
    ck_assert_msg(err.rank == first, "%s on rank %d: the record has rank %d", b->name, first, err.rank);
    ck_assert_msg(strstr(err.text, b->says), "%s: '%s' does not say '%s'", b->name, err.text, b->says);
    ck_assert_msg(strstr(err.text, name), "%s: '%s' does not say '%s'", b->name, err.text, name);
    ck_assert(err.host[0]);
    ck_assert_int_eq(err.job, -1);
}

START_TEST(bad_on_one_rank)
{
    const spoilt *b = &bad[_i];
    for (int wrong = 0; wrong < (b->rank0_only ? 1 : suite_size); wrong++) {
        call c;
        good(&c);
        if (suite_rank == wrong)
            b->spoil(&c);
        check_refused(b, &c, wrong);
        check_good_run();
    }
}
END_TEST

START_TEST(bad_on_all_ranks)
{
    call c;
    good(&c);
    bad[_i].spoil(&c);
    check_refused(&bad[_i], &c, 0);
    check_good_run();
}
END_TEST

/* What rank 0 alone looks at may be anything elsewhere. */
START_TEST(what_only_rank_0_needs)
{
    call c;
    mpijob_error err;
    good(&c);
    if (suite_rank != 0) {
        c.inputs = mpijob_generator(no_next, NULL, 7);
        c.inputs_given = suite_rank % 2 ? NULL : &c.inputs;
        c.results = NULL;
    }
    everyone(make(&c, &err) == MPIJOB_OK);
}
END_TEST

/* -- Differing -- */

SPOIL(differ_name, c->function.name = "another")
SPOIL(differ_args_size, c->function.args_size = 4)
SPOIL(differ_result_size, c->function.result_size = 4)
SPOIL(differ_n_jobs, c->options.n_jobs = 1)
SPOIL(differ_verbose, c->options.verbose = 5)
SPOIL(differ_pre_dispatch, c->options.pre_dispatch = "2*n_jobs")
SPOIL(differ_batch_size, c->options.batch_size = 2)
SPOIL(differ_max_batch_size, c->options.max_batch_size = 2)
SPOIL(differ_reduce, c->options.reduce = no_reduction)
SPOIL(differ_accumulator_size, c->options.accumulator_size = 8)
SPOIL(differ_everywhere, c->options.everywhere = 1)
SPOIL(differ_on_error, c->options.on_error = MPIJOB_CONTINUE)
SPOIL(differ_seed, c->options.seed = 1)
SPOIL(differ_high_seed, c->options.seed = UINT64_C(1) << 63)
SPOIL(differ_rank0, c->options.rank0 = MPIJOB_RANK0_SCHEDULES)
SPOIL(differ_jobs_call_mpi, c->options.jobs_call_mpi = 1)
SPOIL(differ_progress, c->options.progress = MPIJOB_PROGRESS_JSON)
SPOIL(differ_print_stats, c->options.print_stats = 1)

static const spoilt different[] = {
    {"name", differ_name, "", false},
    {"args_size", differ_args_size, "", true},
    {"result_size", differ_result_size, "", false},
    {"n_jobs", differ_n_jobs, "", false},
    {"verbose", differ_verbose, "", false},
    {"pre_dispatch", differ_pre_dispatch, "", false},
    {"batch_size", differ_batch_size, "", false},
    {"max_batch_size", differ_max_batch_size, "", false},
    {"reduce", differ_reduce, "", false},
    {"accumulator_size", differ_accumulator_size, "", false},
    {"everywhere", differ_everywhere, "", false},
    {"on_error", differ_on_error, "", false},
    {"seed", differ_seed, "", false},
    {"high bit of seed", differ_high_seed, "", false},
    {"rank0", differ_rank0, "", false},
    {"jobs_call_mpi", differ_jobs_call_mpi, "", false},
    {"progress", differ_progress, "", false},
    {"print_stats", differ_print_stats, "", false},
};

static void check_mismatch(const spoilt *d, call *c, const char *says, int first)
{
    mpijob_error err;
    int status = make(c, &err);
    ck_assert_msg(status == MPIJOB_EMISMATCH, "%s: status %d, '%s'", d->name, status, err.text);
    ck_assert_msg(strstr(err.text, says), "%s: '%s' does not say '%s'", d->name, err.text, says);
    ck_assert_int_eq(err.rank, first);
}

START_TEST(one_rank_differs)
{
    const spoilt *d = &different[_i];
    if (suite_size == 1)
        return;
    /* Rank 0 with arguments but no inputs for them would be a bad call of its own. */
    for (int wrong = d->rank0_only; wrong < suite_size; wrong++) {
        char says[64] = "ranks 1";
        call c;
        good(&c);
        if (suite_rank == wrong)
            d->spoil(&c);
        if (wrong > 0)
            snprintf(says, sizeof says, "rank %d differs from rank 0", wrong);
        else if (suite_size == 2)
            snprintf(says, sizeof says, "rank 1 differs from rank 0");
        check_mismatch(d, &c, says, wrong > 0 ? wrong : 1);
        check_good_run();
    }
}
END_TEST

START_TEST(several_ranks_differ)
{
    call c;
    if (suite_size < 3)
        return;
    good(&c);
    c.options.seed = (uint64_t)suite_rank % 2;
    check_mismatch(&different[0], &c, suite_size == 3 ? "rank 1 differs" : suite_size <= 5 ? "ranks 1, 3 differ" : "ranks 1, 3, 5", 1);
}
END_TEST

/* -- Bad for all alike, seen when the number of ranks is known -- */

START_TEST(bad_pre_dispatch)
{
    static const char *const texts[] = {"",    "x",  "2*",         "n_jobs/0", "2*n_jobs)", "((n_jobs", "-1", "0", "1.5.2",
                                        "all ", "**", "1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1*1"};
    for (int i = 0; i < COUNT_OF(texts); i++) {
        call c;
        mpijob_error err;
        good(&c);
        c.options.pre_dispatch = texts[i];
        int status = make(&c, &err);
        if (strcmp(texts[i], "all ") != 0)
            ck_assert_msg(status == MPIJOB_EINVAL, "pre_dispatch '%s': status %d", texts[i], status);
        ck_assert_msg(status == MPIJOB_OK || strstr(err.text, "pre_dispatch"), "'%s'", err.text);
    }
    check_good_run();
}
END_TEST

/* -- Communicators -- */

START_TEST(no_communicator_for_some)
{
    call c;
    mpijob_error err;
    MPI_Comm part;
    good(&c);
    bool in = suite_rank % 2 == 0;
    MPI_Comm_split(MPI_COMM_WORLD, in ? 0 : MPI_UNDEFINED, 0, &part);
    int status = mpijob_parallel(c.results, &c.function, &c.inputs, part, NULL, &err);
    everyone(status == (in ? MPIJOB_OK : MPIJOB_EINVAL));
    everyone(in || strstr(err.text, "MPI_COMM_NULL"));
    everyone(in || mpijob_serve(NULL, NULL, part, &err) == MPIJOB_EINVAL);
    mpijob_shared *shared;
    everyone(in || mpijob_share(&shared, NULL, 0, part, NULL, &err) == MPIJOB_EINVAL);
    if (in)
        MPI_Comm_free(&part);
    check_good_run();
}
END_TEST

START_TEST(inter_communicator)
{
    call c;
    mpijob_error err;
    MPI_Comm half, inter;
    if (suite_size < 2)
        return;
    good(&c);
    MPI_Comm_split(MPI_COMM_WORLD, suite_rank % 2, 0, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, suite_rank % 2 ? 0 : 1, 5, &inter);
    everyone(mpijob_parallel(c.results, &c.function, &c.inputs, inter, NULL, &err) == MPIJOB_EINVAL);
    everyone(strstr(err.text, "MPI_Intercomm_merge") != NULL);
    MPI_Comm_free(&inter);
    MPI_Comm_free(&half);
    check_good_run();
}
END_TEST

/* -- The other calls -- */

static const mpijob_function served = {.name = "served", .call = count_up, .result_size = sizeof(uint64_t)};
static const mpijob_function unserved = {.name = "unserved", .call = count_up, .result_size = sizeof(uint64_t)};

START_TEST(serving_is_refused_on_every_rank)
{
    static const mpijob_function empty = {.name = "empty"};
    static const mpijob_function *const right[] = {&served, NULL};
    static const mpijob_function *const incomplete[] = {&served, &empty, NULL};
    static const mpijob_function *const other[] = {&unserved, NULL};
    for (int wrong = 0; wrong < suite_size; wrong++) {
        mpijob_error err;
        bool mine = suite_rank == wrong;
        everyone(mpijob_serve(mine ? NULL : right, NULL, MPI_COMM_WORLD, &err) == MPIJOB_EINVAL);
        everyone(err.rank == wrong && strstr(err.text, "list of functions"));
        everyone(mpijob_serve(mine ? incomplete : right, NULL, MPI_COMM_WORLD, &err) == MPIJOB_EINVAL);
        everyone(err.rank == wrong && strstr(err.text, "function 1"));
        if (suite_size == 1)
            continue;
        everyone(mpijob_serve(mine ? other : right, NULL, MPI_COMM_WORLD, &err) == MPIJOB_EMISMATCH);
    }
    check_good_run();
}
END_TEST

/* Rank 0's mistakes while the others serve: only it hears of them, and the next run works. */
START_TEST(mistakes_while_serving)
{
    static const mpijob_function *const functions[] = {&served, NULL};
    mpijob_error err;
    bool right = true;
    int status = mpijob_serve(functions, NULL, MPI_COMM_WORLD, &err);
    if (status == MPIJOB_LEADS) {
        call c;
        mpijob_inputs inputs = mpijob_range(JOBS);
        good(&c);
        for (int i = 0; i < COUNT_OF(bad); i++) {
            good(&c);
            c.function = served;
            bad[i].spoil(&c);
            const mpijob_function *given = c.function_given ? &served : NULL;
            if (memcmp(&c.function, &served, sizeof served) != 0)
                continue; /* would not be in the list */
            right = right && mpijob_parallel(c.results, given, c.inputs_given, MPI_COMM_WORLD, &c.options, &err) ==
                                 MPIJOB_EINVAL;
            right = right && strstr(err.text, bad[i].says);
        }
        if (suite_size > 1) {
            right = right && mpijob_parallel(c.room, &unserved, &inputs, MPI_COMM_WORLD, NULL, &err) == MPIJOB_EINVAL;
            right = right && strstr(err.text, "mpijob_serve");
            right = right && mpijob_serve(functions, NULL, MPI_COMM_WORLD, &err) == MPIJOB_EINVAL;
        }
        right = right && mpijob_parallel(c.room, &served, &inputs, MPI_COMM_WORLD, NULL, &err) == MPIJOB_OK;
        for (uint64_t i = 0; i < JOBS; i++)
            right = right && c.room[i] == i + 1;
        right = right && mpijob_serve_end(MPI_COMM_WORLD, NULL) == MPIJOB_OK;
    }
    everyone(right);
    check_good_run();
}
END_TEST

START_TEST(sharing_is_refused_on_every_rank)
{
    static const char text[] = "text";
    for (int wrong = 0; wrong < suite_size; wrong++) {
        mpijob_error err;
        mpijob_shared *shared;
        mpijob_share_options options = {.kind = suite_rank == wrong ? 9 : 0};
        everyone(mpijob_share(&shared, text, sizeof text, MPI_COMM_WORLD, &options, &err) == MPIJOB_EINVAL);
        everyone(err.rank == wrong && strstr(err.text, "kind is 9"));
        options = (mpijob_share_options){.reserved = {suite_rank == wrong}};
        everyone(mpijob_share(&shared, text, sizeof text, MPI_COMM_WORLD, &options, &err) == MPIJOB_EINVAL);
        options = (mpijob_share_options){.kind = suite_rank == wrong ? MPIJOB_SHARE_COPY : 0};
        if (suite_size > 1)
            everyone(mpijob_share(&shared, text, sizeof text, MPI_COMM_WORLD, &options, &err) == MPIJOB_EMISMATCH);
    }
    mpijob_error err;
    mpijob_shared *shared;
    everyone(mpijob_share(&shared, NULL, 4, MPI_COMM_WORLD, NULL, &err) == MPIJOB_EINVAL);
    everyone(mpijob_share(&shared, NULL, NEGATIVE, MPI_COMM_WORLD, NULL, &err) == MPIJOB_EINVAL);
    check_good_run();
}
END_TEST

static int serve_inside(void *result, const void *args, mpijob_job *job)
{
    static const mpijob_function *const functions[] = {&served, NULL};
    (void)args, (void)job;
    *(int *)result = mpijob_serve(functions, NULL, MPI_COMM_WORLD, NULL);
    return 0;
}

START_TEST(serving_inside_a_job)
{
    int results[4];
    mpijob_error err;
    const mpijob_function function = {.name = "inside", .call = serve_inside, .result_size = sizeof(int)};
    mpijob_inputs inputs = mpijob_range(4);
    everyone(run(results, &function, &inputs, NULL, &err) == MPIJOB_OK);
    bool right = true;
    for (int i = 0; i < 4; i++)
        right = right && results[i] == MPIJOB_EINVAL;
    rank0(right);
}
END_TEST

/* The first call on a communicator is refused: the second one begins anew. */
START_TEST(refused_on_a_fresh_communicator)
{
    for (int wrong = 0; wrong < suite_size; wrong++) {
        call c;
        mpijob_error err;
        MPI_Comm fresh;
        MPI_Comm_dup(MPI_COMM_WORLD, &fresh);
        for (int i = 0; i < 3; i++) {
            good(&c);
            c.options.verbose = i < 2 && suite_rank == wrong ? -1 : 0;
            int status = mpijob_parallel(c.results, &c.function, &c.inputs, fresh, &c.options, &err);
            everyone(status == (i < 2 ? MPIJOB_EINVAL : MPIJOB_OK));
        }
        MPI_Comm_free(&fresh);
    }
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("bad options");
    TCase *group = suite_group(suite, "arguments");
    tcase_set_timeout(group, 600);
    tcase_add_loop_test(group, bad_on_one_rank, 0, COUNT_OF(bad));
    tcase_add_loop_test(group, bad_on_all_ranks, 0, COUNT_OF(bad));
    tcase_add_test(group, what_only_rank_0_needs);
    tcase_add_loop_test(group, one_rank_differs, 0, COUNT_OF(different));
    tcase_add_test(group, several_ranks_differ);
    tcase_add_test(group, bad_pre_dispatch);
    group = suite_group(suite, "communicators");
    tcase_add_test(group, no_communicator_for_some);
    tcase_add_test(group, inter_communicator);
    tcase_add_test(group, refused_on_a_fresh_communicator);
    group = suite_group(suite, "other calls");
    tcase_add_test(group, serving_is_refused_on_every_rank);
    tcase_add_test(group, mistakes_while_serving);
    tcase_add_test(group, serving_inside_a_job);
    tcase_add_test(group, sharing_is_refused_on_every_rank);
    return suite_main(argc, argv, suite);
}
