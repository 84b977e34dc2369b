/* Jobs that wait are found when another program has done them meanwhile. */
#include "memory_suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAITERS 100
#define WANTED 200
#define MANY 20000 /* results of the other program, for an index that is not read as a whole */

/* One job is the other program, some wait until what it stored was found, the rest is what it stores. */
typedef struct task {
    int64_t number;
    int32_t role;
} task;

enum role {
    OTHER,
    WAITS,
    WORK
};

static const mpijob_field task_fields[] = {MPIJOB_FIELD(task, number, MPIJOB_INT64),
                                           MPIJOB_FIELD(task, role, MPIJOB_INT32)};
static const mpijob_record task_record = MPIJOB_RECORD_OF(task, task_fields);
static const mpijob_type real = {.kind = MPIJOB_FLOAT64};

static struct {
    int64_t count; /* of results that the other program stores */
    bool stays;    /* it does not end before the run does */
    bool other;    /* its calls are being made */
    mpijob_memory *memory;
    int found;       /* of its results, by rank 0's look-ups */
    char heard[300]; /* a file that is there when all that are wanted were */
} scene;

static int work(void *result, const void *args, mpijob_job *job);
static const mpijob_function work_function = {.name = "work",
                                              .call = work,
                                              .args_size = sizeof(task),
                                              .args = &task_record,
                                              .result_size = sizeof(double),
                                              .result = &real};

static int be_another_program(mpijob_job *job)
{
    mpijob_error err;
    mpijob_function function;
    double value;
    if (mpijob_memory_open(&scene.memory, memory_folder, NULL, &err) != MPIJOB_OK ||
        mpijob_memory_cache(&function, scene.memory, &work_function, NULL, &err) != MPIJOB_OK)
        return mpijob_job_fail(job, "%s", err.text);
    scene.other = true;
    for (int64_t i = 0; i < scene.count; i++) {
        const task t = {.number = i, .role = WORK};
        if (mpijob_function_call(&value, &function, &t, NULL, &err) != MPIJOB_OK)
            return mpijob_job_fail(job, "%s", err.text);
    }
    scene.other = false;
    if (!scene.stays)
        mpijob_memory_close(scene.memory);
    return 0;
}

static int work(void *result, const void *args, mpijob_job *job)
{
    const task *t = args;
    double value = (double)t->number / 2;
    memcpy(result, &value, sizeof value);
    if (t->role == OTHER)
        return be_another_program(job);
    for (int i = 0; t->role == WAITS && i < 100 && access(scene.heard, F_OK) != 0; i++)
        usleep(2000);
    computed += t->role == WORK && !scene.other;
    return 0;
}

/* A look-up of rank 0, by its store thread, found something. */
static int hears(const mpijob_entry *entry, void *payload)
{
    (void)entry;
    (void)payload;
    if (++scene.found < WANTED)
        return 1;
    int fd = open(scene.heard, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return 1;
}

static const struct {
    int64_t count;
    bool stays, costs;
} scenes[] = {{WANTED, false, false}, {WANTED, true, false}, {MANY, false, false}, {WANTED, true, true}};

START_TEST(what_another_program_has_done_is_not_computed)
{
    static task tasks[1 + WAITERS + WANTED];
    static double values[1 + WAITERS + WANTED], costs[1 + WAITERS + WANTED];
    const uint64_t count = 1 + WAITERS + WANTED;
    const mpijob_cache_options cached = {.cache_validation_callback = hears};
    mpijob_function f;
    mpijob_error err;
    mpijob_stats stats = {0};
    mpijob_parallel_options options = {.batch_size = 1, .stats = &stats};
    scene.count = scenes[_i].count;
    scene.stays = scenes[_i].stays;
    scene.memory = NULL;
    scene.found = 0;
    snprintf(scene.heard, sizeof scene.heard, "%s/heard", memory_folder);
    for (uint64_t i = 0; i < count; i++) {
        tasks[i] = i == 0         ? (task){-1, OTHER}
                   : i <= WAITERS ? (task){-1 - (int64_t)i, WAITS}
                                  : (task){(int64_t)(i - WAITERS - 1), WORK};
        values[i] = -1;
        costs[i] = (double)(count - i);
    }
    mpijob_inputs inputs = mpijob_arguments(tasks, count);
    inputs.costs = scenes[_i].costs ? costs : NULL;
    int status = mpijob_memory_cache(&f, memory, &work_function, &cached, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    status = run(values, &f, &inputs, &options, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    bool right = true;
    for (uint64_t i = 0; i < count; i++)
        right = right && values[i] == (double)tasks[i].number / 2;
    rank0(right);
    if (scene.stays)
        mpijob_memory_close(scene.memory);
    ck_assert_int_eq(computed_by_all(), 0);
    rank0(stats.hits == WANTED && stats.computed == 1 + WAITERS);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("memory_again");
    TCase *cases = tcase_create("jobs that another program does");
    tcase_add_checked_fixture(cases, memory_set_up, memory_tear_down);
    tcase_add_loop_test(cases, what_another_program_has_done_is_not_computed, 0,
                        (int)(sizeof scenes / sizeof scenes[0]));
    suite_add_tcase(suite, cases);
    return memory_main(argc, argv, suite);
}
