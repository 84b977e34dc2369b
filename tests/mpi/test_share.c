/* Inputs that are kept once per node. test_share small: the same where /dev/shm has no room for 100 MB. */
#include "suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool little_memory;

/* What the kernel allows to do at an address: "r--s" and the like. */
static bool is_writable(const void *at)
{
    char line[1000];
    bool writable = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        char rights[5];
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, rights) == 3 && (uintptr_t)at >= from &&
            (uintptr_t)at < to)
            writable = rights[1] == 'w';
    }
    if (maps)
        fclose(maps);
    return writable;
}

static const struct {
    int kind;
    size_t bytes;
} inputs[] = {
    {0, 0},    {0, 1},    {0, 4096},    {0, 100 << 20},    {0, 3000001},
    {1, 0},    {1, 4097}, {2, 0},       {2, 1},            {2, 100 << 20},
    {3, 0},    {3, 1},    {3, 1000003}, {3, 20 << 20},
};

static int expected_kind(int at)
{
    int kind = inputs[at].kind ? inputs[at].kind : MPIJOB_SHARE_MEMORY;
    return kind == MPIJOB_SHARE_MEMORY && little_memory && inputs[at].bytes > 64 << 20 ? MPIJOB_SHARE_FILE : kind;
}

START_TEST(every_rank_reads_it)
{
    size_t bytes = inputs[_i].bytes;
    mpijob_shared *shared = NULL;
    mpijob_error err = {.text = ""};
    suite_log log = {.messages = 0};
    mpijob_share_options options = {.kind = inputs[_i].kind, .log = suite_listen, .log_payload = &log};
    unsigned char *data = suite_rank == 0 ? malloc(bytes + 1) : NULL;
    if (data)
        pattern_fill(data, bytes, (uint64_t)_i);
    /* Only rank 0's data and size count. */
    int status = mpijob_share(&shared, data, suite_rank == 0 ? bytes : 12345, MPI_COMM_WORLD, &options, &err);
    free(data);
    everyone(status == MPIJOB_OK);
    const void *at = mpijob_shared_data(shared);
    everyone(at != NULL && (uintptr_t)at % 64 == 0);
    everyone(mpijob_shared_bytes(shared) == bytes);
    everyone(mpijob_shared_kind(shared) == expected_kind(_i));
    everyone(pattern_is(at, bytes, (uint64_t)_i));
    everyone(mpijob_shared_kind(shared) == MPIJOB_SHARE_COPY || !is_writable(at));
    everyone(log.messages == 0);
    /* Nothing of it keeps a name. */
    mpijob_share_free(shared);
    everyone(bytes == 0 || expected_kind(_i) == MPIJOB_SHARE_COPY || !is_writable(at));
}
END_TEST

START_TEST(ranks_release_theirs_when_they_like)
{
    mpijob_shared *shared[3];
    uint64_t data[1000];
    for (uint64_t i = 0; i < 1000; i++)
        data[i] = i;
    for (int i = 0; i < 3; i++) {
        int status = mpijob_share(&shared[i], data, sizeof data, MPI_COMM_WORLD, NULL, NULL);
        everyone(status == MPIJOB_OK);
    }
    /* One rank after the other, each in its own order. */
    for (int turn = 0; turn < suite_size; turn++) {
        if (turn == suite_rank)
            for (int i = 0; i < 3; i++)
                mpijob_share_free(shared[(i + suite_rank) % 3]);
        bool mine = turn < suite_rank;
        bool readable = !mine || memcmp(mpijob_shared_data(shared[0]), data, sizeof data) == 0;
        everyone(readable);
    }
    mpijob_share_free(NULL);
}
END_TEST

static int look(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    const uint64_t *data = mpijob_shared_data(job->shared[0]);
    *(uint64_t *)result = data[job->index] + job->shared_count;
    return 0;
}

START_TEST(jobs_read_it)
{
    uint64_t data[500];
    uint64_t results[500];
    mpijob_shared *shared[2];
    mpijob_share_options options = {.kind = _i};
    for (uint64_t i = 0; i < 500; i++)
        data[i] = i * i;
    for (int i = 0; i < 2; i++) {
        int status = mpijob_share(&shared[i], data, sizeof data, MPI_COMM_WORLD, &options, NULL);
        everyone(status == MPIJOB_OK);
    }
    mpijob_function f = {.call = look, .result_size = sizeof(uint64_t)};
    mpijob_inputs range = mpijob_range(500);
    const mpijob_shared *list[2] = {shared[0], shared[1]};
    mpijob_parallel_options with = {.shared = list, .shared_count = 2};
    int status = run(results, &f, &range, &with, NULL);
    bool right = true;
    for (uint64_t i = 0; suite_rank == 0 && i < 500; i++)
        right = right && results[i] == i * i + 2;
    mpijob_share_free(shared[0]);
    mpijob_share_free(shared[1]);
    ck_assert_int_eq(status, MPIJOB_OK);
    everyone(right);
}
END_TEST

static int share_inside(void *result, const void *args, mpijob_job *job)
{
    mpijob_shared *shared;
    mpijob_error err;
    (void)args;
    if (mpijob_share(&shared, &job->index, sizeof job->index, MPI_COMM_WORLD, NULL, &err) != MPIJOB_OK)
        return mpijob_job_fail(job, "%s", err.text);
    memcpy(result, mpijob_shared_data(shared), sizeof job->index);
    mpijob_share_free(shared);
    return 0;
}

START_TEST(inside_a_job_it_is_the_ranks_own)
{
    uint64_t results[100];
    mpijob_function f = {.call = share_inside, .result_size = sizeof(uint64_t)};
    mpijob_inputs range = mpijob_range(100);
    int status = run(results, &f, &range, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; suite_rank == 0 && i < 100; i++)
        right = right && results[i] == i;
    everyone(right);
}
END_TEST

/* Where there is room nowhere, everyone has a copy, and rank 0 says so, once. */
START_TEST(copies_where_there_is_no_other_room)
{
    mpijob_shared *shared;
    suite_log log = {.messages = 0};
    mpijob_share_options options = {.kind = MPIJOB_SHARE_FILE, .log = suite_listen, .log_payload = &log};
    char *before = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    setenv("TMPDIR", "/nonexistent/folder", 1);
    unsigned char data[1000];
    pattern_fill(data, sizeof data, 7);
    int status = mpijob_share(&shared, data, sizeof data, MPI_COMM_WORLD, &options, NULL);
    before ? setenv("TMPDIR", before, 1) : unsetenv("TMPDIR");
    free(before);
    everyone(status == MPIJOB_OK);
    bool copied = mpijob_shared_kind(shared) == MPIJOB_SHARE_COPY &&
                  pattern_is(mpijob_shared_data(shared), sizeof data, 7);
    mpijob_share_free(shared);
    everyone(copied);
    everyone(log.messages == (suite_rank == 0));
    rank0(strstr(log.last, "1000 bytes") && strstr(log.last, "/nonexistent/folder"));
}
END_TEST

static const struct {
    int kind;
    uint64_t reserved;
    bool no_data, negative;
    const char *text;
} wrong[] = {{4, 0, false, false, "kind"},
             {-1, 0, false, false, "kind"},
             {0, 1, false, false, "reserved"},
             {0, 0, true, false, "data is NULL"},
             {0, 0, false, true, "negative"}};

START_TEST(what_makes_no_sense)
{
    mpijob_shared *shared = NULL;
    mpijob_error err = {.text = ""};
    mpijob_share_options options = {.kind = wrong[_i].kind, .reserved = {0, wrong[_i].reserved}};
    size_t bytes = wrong[_i].negative ? (size_t)-5 : 5;
    int status = mpijob_share(&shared, wrong[_i].no_data ? NULL : "12345", bytes, MPI_COMM_WORLD, &options, &err);
    everyone(status == MPIJOB_EINVAL);
    everyone(strstr(err.text, wrong[_i].text) != NULL);
    everyone(err.rank == 0);
}
END_TEST

START_TEST(kinds_that_differ)
{
    mpijob_shared *shared = NULL;
    mpijob_error err = {.text = ""};
    mpijob_share_options options = {.kind = suite_rank == suite_size - 1 ? 3 : 2};
    int status = mpijob_share(&shared, "12345", 5, MPI_COMM_WORLD, &options, &err);
    if (status == MPIJOB_OK)
        mpijob_share_free(shared);
    everyone(status == (suite_size == 1 ? MPIJOB_OK : MPIJOB_EMISMATCH));
}
END_TEST

/* -- Filled in place -- */

START_TEST(rank_0_fills_it_in_place)
{
    size_t bytes = inputs[_i].bytes;
    mpijob_shared *shared = NULL;
    mpijob_error err = {.text = ""};
    mpijob_share_options options = {.kind = inputs[_i].kind};
    void *memory = &options;
    int status = mpijob_share_begin(&shared, &memory, suite_rank == 0 ? bytes : 12345, MPI_COMM_WORLD, &options, &err);
    everyone(status == MPIJOB_OK);
    everyone((memory != NULL) == (suite_rank == 0) && (uintptr_t)memory % 64 == 0);
    everyone(mpijob_shared_bytes(shared) == bytes);
    everyone(mpijob_shared_kind(shared) == expected_kind(_i));
    /* Twice: what counts is what is there in the end. */
    for (uint64_t i = 0; memory && i < 2; i++)
        pattern_fill(memory, bytes, (uint64_t)_i + 1 - i);
    status = mpijob_share_seal(shared, &err);
    everyone(status == MPIJOB_OK);
    const void *at = mpijob_shared_data(shared);
    everyone(suite_rank != 0 || at == memory);
    everyone(pattern_is(at, bytes, (uint64_t)_i));
    everyone(mpijob_shared_kind(shared) == MPIJOB_SHARE_COPY || !is_writable(at));
    mpijob_share_free(shared);
}
END_TEST

static int number(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = 7 * job->index + 1;
    return 0;
}

/* The results of one run are the shared input of the next. */
START_TEST(a_run_fills_it)
{
    enum {
        JOBS = 3000
    };
    uint64_t results[500];
    void *memory;
    mpijob_shared *shared;
    mpijob_error err;
    mpijob_share_options with = {.kind = _i};
    int status = mpijob_share_begin(&shared, &memory, JOBS * sizeof(uint64_t), MPI_COMM_WORLD, &with, &err);
    everyone(status == MPIJOB_OK);
    mpijob_function first = {.call = number, .result_size = sizeof(uint64_t)};
    mpijob_inputs range = mpijob_range(JOBS);
    status = run(memory, &first, &range, NULL, &err);
    everyone(status == MPIJOB_OK);
    status = mpijob_share_seal(shared, &err);
    everyone(status == MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; i < JOBS; i++)
        right = right && ((const uint64_t *)mpijob_shared_data(shared))[i] == 7 * i + 1;
    everyone(right);
    mpijob_function second = {.call = look, .result_size = sizeof(uint64_t)};
    const mpijob_shared *list[1] = {shared};
    mpijob_parallel_options options = {.shared = list, .shared_count = 1};
    range = mpijob_range(COUNT_OF(results));
    status = run(results, &second, &range, &options, &err);
    everyone(status == MPIJOB_OK);
    for (uint64_t i = 0; suite_rank == 0 && i < 500; i++)
        right = right && results[i] == 7 * i + 2;
    everyone(right);
    mpijob_share_free(shared);
}
END_TEST

static mpijob_shared *begin(MPI_Comm comm, uint64_t **memory)
{
    mpijob_shared *shared = NULL;
    void *at = NULL;
    int status = mpijob_share_begin(&shared, &at, sizeof(uint64_t), comm, NULL, NULL);
    everyone(status == MPIJOB_OK);
    *memory = at;
    if (at)
        **memory = 5;
    return shared;
}

START_TEST(it_need_not_be_sealed)
{
    uint64_t *memory;
    mpijob_shared *shared = begin(MPI_COMM_WORLD, &memory);
    mpijob_share_free(shared);
    shared = begin(MPI_COMM_WORLD, &memory);
    const mpijob_shared *list[1] = {shared};
    mpijob_parallel_options options = {.shared = list, .shared_count = 1};
    mpijob_function function = {.call = look, .result_size = sizeof(uint64_t)};
    mpijob_inputs range = mpijob_range(1);
    mpijob_error err = {.text = ""};
    uint64_t result;
    int status = run(&result, &function, &range, &options, &err);
    everyone(status == MPIJOB_EINVAL && strstr(err.text, "mpijob_share_seal") != NULL);
    status = mpijob_share_seal(shared, &err);
    everyone(status == MPIJOB_OK);
    status = run(&result, &function, &range, &options, &err);
    everyone(status == MPIJOB_OK);
    rank0(result == 6);
    mpijob_share_free(shared);
}
END_TEST

static bool refuses_to_seal(mpijob_shared *shared, const char *text)
{
    mpijob_error err = {.text = ""};
    return mpijob_share_seal(shared, &err) == MPIJOB_EINVAL && strstr(err.text, text);
}

START_TEST(sealing_that_makes_no_sense)
{
    uint64_t *memory;
    mpijob_shared *shared = begin(MPI_COMM_WORLD, &memory);
    mpijob_shared *other = begin(MPI_COMM_WORLD, &memory);
    mpijob_shared *given;
    bool refused = refuses_to_seal(NULL, "NULL");
    everyone(refused);
    /* Different ones, after which each can still be sealed. */
    mpijob_error err;
    if (suite_size > 1) {
        int status = mpijob_share_seal(suite_rank == suite_size - 1 ? other : shared, &err);
        everyone(status == MPIJOB_EMISMATCH);
    }
    int sealed = mpijob_share_seal(shared, NULL);
    everyone(sealed == MPIJOB_OK);
    refused = refuses_to_seal(shared, "sealed already");
    everyone(refused);
    int status = mpijob_share(&given, "x", 1, MPI_COMM_WORLD, NULL, NULL);
    everyone(status == MPIJOB_OK);
    refused = refuses_to_seal(given, "never one of mpijob_share_begin");
    everyone(refused);
    mpijob_share_free(given);
    mpijob_share_free(other);
    everyone(*(const uint64_t *)mpijob_shared_data(shared) == 5);
    mpijob_share_free(shared);
}
END_TEST

START_TEST(sealing_without_its_communicator)
{
    MPI_Comm comm;
    uint64_t *memory;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    mpijob_shared *shared = begin(comm, &memory);
    MPI_Comm_free(&comm);
    bool refused = refuses_to_seal(shared, "does not exist any more");
    mpijob_share_free(shared);
    everyone(refused);
}
END_TEST

/* The same mistakes; and to fill on some ranks what is given on others. */
START_TEST(beginning_that_makes_no_sense)
{
    mpijob_shared *shared = NULL;
    mpijob_error err = {.text = ""};
    void *memory;
    mpijob_share_options options = {.kind = wrong[_i].kind, .reserved = {0, wrong[_i].reserved}};
    size_t bytes = wrong[_i].negative ? (size_t)-5 : 5;
    int status = mpijob_share_begin(&shared, &memory, bytes, MPI_COMM_WORLD, &options, &err);
    everyone(status == (wrong[_i].no_data ? MPIJOB_OK : MPIJOB_EINVAL));
    /* Nothing needs to be given here. */
    everyone(wrong[_i].no_data || (strstr(err.text, wrong[_i].text) && strstr(err.text, "mpijob_share_begin")));
    if (wrong[_i].no_data)
        mpijob_share_free(shared);
    if (suite_rank == suite_size - 1)
        status = mpijob_share_begin(&shared, &memory, 5, MPI_COMM_WORLD, NULL, &err);
    else
        status = mpijob_share(&shared, "12345", 5, MPI_COMM_WORLD, NULL, &err);
    everyone(status == (suite_size == 1 ? MPIJOB_OK : MPIJOB_EMISMATCH));
    if (status == MPIJOB_OK)
        mpijob_share_free(shared);
}
END_TEST

static int fill_inside(void *result, const void *args, mpijob_job *job)
{
    mpijob_shared *shared;
    mpijob_error err;
    void *memory;
    (void)args;
    if (!refuses_to_seal(job->context, "inside a run"))
        return mpijob_job_fail(job, "an input of main was sealed");
    if (mpijob_share_begin(&shared, &memory, sizeof job->index, MPI_COMM_WORLD, NULL, &err) != MPIJOB_OK)
        return mpijob_job_fail(job, "%s", err.text);
    memcpy(memory, &job->index, sizeof job->index);
    int status = mpijob_share_seal(shared, &err);
    bool again = refuses_to_seal(shared, "sealed already");
    memcpy(result, mpijob_shared_data(shared), sizeof job->index);
    mpijob_share_free(shared);
    return status != MPIJOB_OK || !again;
}

START_TEST(filled_inside_a_job)
{
    uint64_t results[100];
    uint64_t *memory;
    mpijob_shared *shared = begin(MPI_COMM_WORLD, &memory);
    mpijob_function f = {.call = fill_inside, .result_size = sizeof(uint64_t)};
    mpijob_inputs range = mpijob_range(100);
    mpijob_parallel_options options = {.context = shared};
    int status = run(results, &f, &range, &options, NULL);
    mpijob_share_free(shared);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; suite_rank == 0 && i < 100; i++)
        right = right && results[i] == i;
    everyone(right);
}
END_TEST

int main(int argc, char **argv)
{
    little_memory = argc > 1 && strcmp(argv[1], "small") == 0;
    Suite *suite = suite_create("share");
    TCase *group = suite_group(suite, "share");
    tcase_add_loop_test(group, every_rank_reads_it, 0, COUNT_OF(inputs));
    tcase_add_test(group, ranks_release_theirs_when_they_like);
    tcase_add_loop_test(group, jobs_read_it, 0, 4);
    tcase_add_test(group, inside_a_job_it_is_the_ranks_own);
    tcase_add_test(group, copies_where_there_is_no_other_room);
    tcase_add_loop_test(group, what_makes_no_sense, 0, COUNT_OF(wrong));
    tcase_add_test(group, kinds_that_differ);
    group = suite_group(suite, "filled in place");
    tcase_add_loop_test(group, rank_0_fills_it_in_place, 0, COUNT_OF(inputs));
    tcase_add_loop_test(group, a_run_fills_it, 0, 4);
    tcase_add_test(group, it_need_not_be_sealed);
    tcase_add_test(group, sealing_that_makes_no_sense);
    tcase_add_test(group, sealing_without_its_communicator);
    tcase_add_loop_test(group, beginning_that_makes_no_sense, 0, COUNT_OF(wrong));
    tcase_add_test(group, filled_inside_a_job);
    return suite_main(argc, argv, suite);
}
