/* Jobs that fail, on each rank, at each place of a run and in each way: one record, the same on all ranks, and what a
 * consumer sees of it. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS 60

/* How the jobs of a run fail; the same on all ranks. */
typedef struct plan {
    uint64_t first, last; /* these jobs fail */
    int rank;             /* those on this rank; -1: on any */
    int how;              /* see fail_somehow() */
} plan;

enum { OWN_TEXT, LONG_TEXT, NO_TEXT, ODD_NUMBER, POSITIVE, HOWS };

static const char *const expected[HOWS] = {"own text of 7%", "xxxxxxxxxx", "returned -1", "returned -77", "returned 3"};

static int fail_somehow(mpijob_job *job, int how)
{
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    switch (how) {
    case OWN_TEXT:
        return mpijob_job_fail(job, "own text of %d%%", 7);
    case LONG_TEXT:
        return mpijob_job_fail(job, "%s", text);
    case NO_TEXT:
        return -1;
    case ODD_NUMBER:
        return -77;
    default:
        return 3;
    }
}

static int maybe(void *result, const void *args, mpijob_job *job)
{
    const plan *p = job->context;
    (void)args;
    memset(result, 0x5a, sizeof(uint64_t));
    if (p->rank >= 0)
        suite_sleep(0.5e-3); /* so that every rank gets some */
    if (job->index < p->first || job->index > p->last || (p->rank >= 0 && job->rank != p->rank)) {
        *(uint64_t *)result = job->index + 1;
        /* A text that is not followed by failing is nobody's. */
        mpijob_job_fail(job, "said in vain");
        return 0;
    }
    return fail_somehow(job, p->how);
}

static const mpijob_function function = {.name = "maybe", .call = maybe, .result_size = sizeof(uint64_t)};

/* The whole record: nothing in it depends on the rank that has it. */
static void check_record(const mpijob_error *err, const plan *p)
{
    char place[120];
    snprintf(place, sizeof place, "job %d failed on rank %d (%s): ", (int)err->job, err->rank, err->host);
    ck_assert_int_eq(err->status, MPIJOB_EJOB);
    ck_assert(err->job >= (int64_t)p->first && err->job <= (int64_t)p->last);
    ck_assert(p->rank < 0 ? err->rank >= 0 && err->rank < suite_size : err->rank == p->rank);
    ck_assert_int_eq(err->attempt, 1);
    ck_assert(err->host[0] && err->signal == 0 && err->os_errno == 0 && err->mpi_class == 0);
    ck_assert_msg(strncmp(err->text, place, strlen(place)) == 0, "'%s'", err->text);
    ck_assert_msg(strstr(err->text, expected[p->how]), "'%s' does not say '%s'", err->text, expected[p->how]);
    size_t said = strlen(err->text) - strlen(place);
    ck_assert(said < 700 && (p->how != LONG_TEXT || said >= 690));
}

static bool is_hole(const plan *p, uint64_t index)
{
    return index >= p->first && index <= p->last;
}

static const struct range {
    uint64_t first, last;
} ranges[] = {{0, 0}, {JOBS - 1, JOBS - 1}, {0, JOBS - 1}, {20, 45}, {31, 31}};

/* Every range, way to fail, policy and batch size. */
START_TEST(whichever_job_fails)
{
    static const uint64_t batches[] = {0, 1, JOBS};
    const struct range *r = &ranges[_i];
    for (int i = 0; i < HOWS * 2 * COUNT_OF(batches); i++) {
        plan p = {r->first, r->last, -1, i % HOWS};
        uint64_t results[JOBS] = {0};
        int8_t statuses[JOBS];
        mpijob_error err;
        mpijob_inputs inputs = mpijob_range(JOBS);
        mpijob_parallel_options options = {
            .on_error = i / HOWS % 2, .batch_size = batches[i / HOWS / 2], .context = &p, .statuses = statuses};
        ck_assert_int_eq(run(results, &function, &inputs, &options, &err), MPIJOB_EJOB);
        check_record(&err, &p);
        bool right = true;
        for (uint64_t j = 0; j < JOBS; j++) {
            bool canceled = statuses[j] == MPIJOB_ECANCELED && options.on_error == MPIJOB_STOP;
            right = right && (canceled || statuses[j] == (is_hole(&p, j) ? MPIJOB_EJOB : MPIJOB_OK)) &&
                    results[j] == (canceled || is_hole(&p, j) ? 0 : j + 1);
        }
        rank0(right);
        ck_assert(options.on_error == MPIJOB_STOP || err.job == (int64_t)r->first);
    }
}
END_TEST

/* Rank 0 takes jobs when it gets to run, and the others may have done them all by then: once more, in that case. */
static int run_until_it_fails(void *results, const mpijob_inputs *inputs, const mpijob_parallel_options *options,
                              mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (int i = 0; i < 20 && status == MPIJOB_OK; i++)
        status = run(results, &function, inputs, options, err);
    return status;
}

START_TEST(whichever_rank_fails)
{
    for (int i = 0; i < suite_size * 2; i++) {
        plan p = {0, JOBS * 10, i / 2, OWN_TEXT};
        uint64_t results[JOBS * 10];
        mpijob_error err;
        mpijob_error failures[JOBS * 10];
        size_t count = 0;
        mpijob_inputs inputs = mpijob_range(JOBS * 10);
        mpijob_parallel_options options = {.on_error = i % 2,
                                           .context = &p,
                                           .batch_size = 2,
                                           .failures = failures,
                                           .failures_capacity = COUNT_OF(failures),
                                           .failures_count = &count};
        ck_assert_int_eq(run_until_it_fails(results, &inputs, &options, &err), MPIJOB_EJOB);
        check_record(&err, &p);
        bool right = count > 0;
        for (size_t j = 0; j < count && suite_rank == 0; j++)
            right = right && failures[j].rank == p.rank && results[failures[j].job] == 0 && failures[j].attempt == 1 &&
                    strstr(failures[j].text, "own text");
        rank0(right);
    }
}
END_TEST

typedef struct taken {
    const plan *p;
    uint64_t next;
    bool wrong, ordered;
} taken;

static int take(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                mpijob_error *err)
{
    taken *t = payload;
    uint64_t value = index + 1;
    (void)err;
    bool hole = is_hole(t->p, index);
    t->wrong = t->wrong || (t->ordered && index != t->next) || (failure != NULL) != hole;
    t->wrong = t->wrong || (hole ? result || bytes || failure->job != (int64_t)index || failure->status != MPIJOB_EJOB
                                 : bytes != sizeof value || memcmp(result, &value, sizeof value) != 0);
    t->next++;
    return MPIJOB_GO_ON;
}

/* In order, under stop, a consumer sees a prefix: at most what lies before the first failing job. */
START_TEST(what_a_consumer_sees)
{
    for (int i = 0; i < COUNT_OF(ranges) * 4 * 3; i++) {
        const struct range *r = &ranges[i % COUNT_OF(ranges)];
        int kind = i / COUNT_OF(ranges) % 4;
        plan p = {r->first, r->last, -1, OWN_TEXT};
        taken t = {.p = &p, .ordered = kind % 2 == 0};
        mpijob_error err;
        mpijob_inputs inputs = mpijob_range(JOBS);
        mpijob_parallel_options options = {.return_as = t.ordered ? MPIJOB_GENERATOR : MPIJOB_GENERATOR_UNORDERED,
                                           .on_error = kind / 2,
                                           .batch_size = (uint64_t)(i / COUNT_OF(ranges) / 4) * 4,
                                           .consume = take,
                                           .consume_payload = &t,
                                           .context = &p};
        ck_assert_int_eq(run(NULL, &function, &inputs, &options, &err), MPIJOB_EJOB);
        check_record(&err, &p);
        rank0(!t.wrong);
        rank0(options.on_error == MPIJOB_CONTINUE ? t.next == JOBS : !t.ordered || t.next <= p.first);
    }
}
END_TEST

static int fail_any_size(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    unsigned char *room = mpijob_job_result(job, 300);
    if (room)
        memset(room, 1, 300);
    return mpijob_job_fail(job, "%0*d", 690, (int)job->index);
}

/* More text than fits into a message. */
START_TEST(many_long_texts_in_one_batch)
{
    static const mpijob_function any = {.name = "any", .call = fail_any_size, .result_size = MPIJOB_ANY_SIZE};
    plan p = {0, JOBS - 1, -1, OWN_TEXT};
    taken t = {.p = &p, .ordered = true};
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR,
                                       .on_error = MPIJOB_CONTINUE,
                                       .batch_size = 30,
                                       .consume = take,
                                       .consume_payload = &t};
    ck_assert_int_eq(run(NULL, &any, &inputs, &options, &err), MPIJOB_EJOB);
    ck_assert_int_eq(err.job, 0);
    rank0(!t.wrong && t.next == JOBS);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("job failure");
    TCase *group = suite_group(suite, "records and holes");
    tcase_set_timeout(group, 600);
    tcase_add_loop_test(group, whichever_job_fails, 0, COUNT_OF(ranges));
    tcase_add_test(group, whichever_rank_fails);
    tcase_add_test(group, what_a_consumer_sees);
    tcase_add_test(group, many_long_texts_in_one_batch);
    return suite_main(argc, argv, suite);
}
