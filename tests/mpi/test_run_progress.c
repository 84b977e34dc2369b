/* What a run says while it goes on: lines, JSON, a bar, a callback. */
#include "suite.h"

#include "base/clock.h"
#include "mpi/report.h"

#include <jansson.h>
#include <math.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int nothing(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args, (void)job;
    return 0;
}

static int draw(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    (void)args, (void)cost, (void)err;
    return index < *(const uint64_t *)payload ? MPIJOB_MORE : MPIJOB_END;
}

/* Runs jobs, one a batch, and returns what all of that wrote to a descriptor of this rank; to the other one of standard
 * output and standard error nothing is written. The run must end with this status. */
static char *listen_to_run(mpijob_call *call, int expected, int descriptor, mpijob_inputs inputs,
                           mpijob_parallel_options options)
{
    suite_capture capture, other;
    mpijob_function f = {.call = call};
    options.batch_size = 1;
    suite_capture_begin(&capture, descriptor);
    suite_capture_begin(&other, descriptor == STDERR_FILENO ? STDOUT_FILENO : STDERR_FILENO);
    int status = mpijob_parallel(NULL, &f, &inputs, MPI_COMM_WORLD, &options, NULL);
    char *elsewhere = suite_capture_end(&other);
    char *said = suite_capture_end(&capture);
    bool silent = elsewhere[0] == '\0';
    free(elsewhere);
    everyone(status == expected);
    everyone(silent);
    everyone(suite_rank == 0 || said[0] == '\0');
    return said;
}

static char *listen_to(int descriptor, uint64_t jobs, bool known, mpijob_parallel_options options)
{
    mpijob_inputs inputs = known ? mpijob_range(jobs) : mpijob_generator(draw, &jobs, MPIJOB_UNKNOWN);
    return listen_to_run(nothing, MPIJOB_OK, descriptor, inputs, options);
}

/* The next line, cut off its end; NULL: there is none. */
static char *next_line(char **at)
{
    char *line = *at;
    char *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

static const struct {
    uint64_t jobs;
    bool known;
    int verbose, n_jobs;
    const char *prefix; /* of the line of each mark, with the number */
    uint64_t marks[12]; /* 0: no more */
} lines[] = {
    {1000, true, 5, -1, "[Parallel(n_jobs=-1)]: Done %4d out of 1000 | elapsed: ", {197, 398, 599, 800}},
    {1000, true, 5, 1, "[Parallel(n_jobs=1)]: Done %4d out of 1000 | elapsed: ", {197, 398, 599, 800}},
    {10, true, 11, -1, "[Parallel(n_jobs=-1)]: Done %2d out of 10 | elapsed: ", {1, 2, 3, 4, 5, 6, 7, 8, 9}},
    {100, false, 5, -1, "[Parallel(n_jobs=-1)]: Done %3d tasks      | elapsed: ", {1, 18, 72}},
    {5, false, 11, 1, "[Parallel(n_jobs=1)]: Done %3d tasks      | elapsed: ", {1, 2, 3, 4, 5}},
    {0, true, 5, -1, "", {0}},
};

/* Whether the text is joblib's for this run. */
static bool are_joblibs(char *said, int at)
{
    char expected[200];
    char *line = next_line(&said);
    int n_jobs = lines[at].n_jobs;
    snprintf(expected, sizeof expected, "[Parallel(n_jobs=%d)]: Using backend MPIBackend with %d concurrent workers.",
             n_jobs, mpijob_effective_n_jobs(n_jobs, suite_size));
    bool right = line && strcmp(line, expected) == 0;
    for (int i = 0; right && lines[at].marks[i]; i++) {
        snprintf(expected, sizeof expected, lines[at].prefix, (int)lines[at].marks[i]);
        line = next_line(&said);
        right = line && strncmp(line, expected, strlen(expected)) == 0 &&
                (strstr(line, "s remaining: ") != NULL) == lines[at].known;
    }
    int width = lines[at].known ? 1 : 3;
    snprintf(expected, sizeof expected, "[Parallel(n_jobs=%d)]: Done %*d out of %*d | elapsed: ", n_jobs, width,
             (int)lines[at].jobs, width, (int)lines[at].jobs);
    line = next_line(&said);
    return right && line && strncmp(line, expected, strlen(expected)) == 0 && strstr(line, " finished") && !said[0];
}

START_TEST(joblibs_lines)
{
    mpijob_parallel_options options = {.verbose = lines[_i].verbose, .n_jobs = lines[_i].n_jobs};
    char *said = listen_to(STDERR_FILENO, lines[_i].jobs, lines[_i].known, options);
    char *copy = strdup(said);
    bool right = suite_rank != 0 || are_joblibs(said, _i);
    if (!right)
        fprintf(stderr, "%s", copy);
    free(copy);
    free(said);
    everyone(right);
}
END_TEST

static const struct {
    int verbose, descriptor;
} streams[] = {{0, STDERR_FILENO}, {1, STDERR_FILENO}, {49, STDERR_FILENO}, {50, STDOUT_FILENO}, {100, STDOUT_FILENO}};

START_TEST(the_stream_depends_on_verbose)
{
    mpijob_parallel_options options = {.verbose = streams[_i].verbose};
    char *said = listen_to(streams[_i].descriptor, 20, true, options);
    bool right = (said[0] != '\0') == (streams[_i].verbose > 0);
    free(said);
    rank0(right);
}
END_TEST

/* One object a line, in the order of time. */
static bool is_json(char *said, uint64_t jobs, bool known)
{
    json_int_t before = 0;
    int objects = 0;
    bool right = true;
    char event[20] = "";
    for (char *line = next_line(&said); line && right; line = next_line(&said), objects++) {
        json_t *object = json_loads(line, 0, NULL);
        json_int_t done = json_integer_value(json_object_get(object, "done"));
        json_t *total = json_object_get(object, "total");
        snprintf(event, sizeof event, "%s", json_string_value(json_object_get(object, "event")));
        right = object && done >= before && json_is_real(json_object_get(object, "elapsed_s")) &&
                (known ? json_integer_value(total) == (json_int_t)jobs : json_is_null(total)) &&
                strcmp(event, objects == 0 ? "start" : said[0] ? "progress" : "finished") == 0;
        before = done;
        json_decref(object);
    }
    return right && before == (json_int_t)jobs && objects > 2 && strcmp(event, "finished") == 0;
}

START_TEST(json_for_programs)
{
    mpijob_parallel_options options = {.verbose = _i < 2 ? 11 : 60, .progress = MPIJOB_PROGRESS_JSON};
    char *said = listen_to(_i < 2 ? STDERR_FILENO : STDOUT_FILENO, 50, _i != 1, options);
    bool right = suite_rank != 0 || is_json(said, 50, _i != 1);
    free(said);
    everyone(right);
}
END_TEST

/* Everything that comes out of the terminal's other end; it is small enough to wait there. */
static char *listen_to_terminal(uint64_t jobs, mpijob_parallel_options options)
{
    struct winsize size = {.ws_col = 70, .ws_row = 25};
    int master, slave;
    char *said = calloc(1, 100001);
    if (!said || openpty(&master, &slave, NULL, NULL, &size) != 0)
        abort();
    mpijob_function f = {.call = nothing};
    mpijob_inputs inputs = mpijob_range(jobs);
    fflush(NULL);
    int kept = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    int status = mpijob_parallel(NULL, &f, &inputs, MPI_COMM_WORLD, &options, NULL);
    fflush(NULL);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(slave);
    size_t bytes = 0;
    for (ssize_t got; bytes < 100000 && (got = read(master, said + bytes, 100000 - bytes)) > 0;)
        bytes += (size_t)got;
    close(master);
    everyone(status == MPIJOB_OK);
    return said;
}

START_TEST(a_bar_on_a_terminal)
{
    mpijob_parallel_options options = {.verbose = 1, .progress = MPIJOB_PROGRESS_BAR};
    char *said = listen_to_terminal(300, options);
    bool right = strstr(said, "\r\033[K") && strstr(said, "100% ") && strstr(said, "300/300 jobs") &&
                 !strstr(said, "Parallel(");
    /* Never wider than the terminal. */
    for (char *at = said; right && (at = strstr(at, "\033[K")) != NULL; at += 3)
        right = strcspn(at + 3, "\r\n") <= 70;
    free(said);
    rank0(right);
}
END_TEST

START_TEST(no_bar_elsewhere)
{
    mpijob_parallel_options options = {.verbose = 5, .progress = MPIJOB_PROGRESS_BAR};
    char *said = listen_to(STDERR_FILENO, 300, true, options);
    bool right = strstr(said, "Done 300 out of 300") && !strchr(said, '\r') && !strchr(said, '\033');
    free(said);
    rank0(right);
}
END_TEST

/* ---- Runs that end early ---------------------------------------------------------------------------------------- */

static int fail_at_7(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    return job->index == 7 ? mpijob_job_fail(job, "seven") : 0;
}

/* Every later one too: the rank that has job 7 may sleep until the others have done everything. */
static int fail_from_7(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    return job->index >= 7 ? mpijob_job_fail(job, "seven") : 0;
}

/* Again and again: of one request rank 0 may hear when the others have done everything. */
static int ask_for_a_stop(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    if (job->index >= 7)
        mpijob_request_stop();
    return 0;
}

static int enough(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                  mpijob_error *err)
{
    (void)result, (void)bytes, (void)failure, (void)payload, (void)err;
    return index == 40 ? MPIJOB_ENOUGH : MPIJOB_GO_ON;
}

/* Jobs are drawn as they are needed, so that some are left when the run ends early. */
static const struct {
    mpijob_call *call;
    mpijob_consume_fn *consume;
    int on_error, status;
    bool complete;
} endings[] = {
    {nothing, NULL, MPIJOB_STOP, MPIJOB_OK, true},
    {fail_at_7, NULL, MPIJOB_CONTINUE, MPIJOB_EJOB, true},
    {fail_from_7, NULL, MPIJOB_STOP, MPIJOB_EJOB, false},
    {ask_for_a_stop, NULL, MPIJOB_STOP, MPIJOB_ECANCELED, false},
    {nothing, enough, MPIJOB_STOP, MPIJOB_OK, false},
};

static char *listen_to_ending(int at, int style)
{
    mpijob_parallel_options options = {.verbose = 11, .progress = style, .pre_dispatch = "2*n_jobs"};
    options.on_error = endings[at].on_error;
    options.consume = endings[at].consume;
    options.return_as = endings[at].consume ? MPIJOB_GENERATOR : MPIJOB_LIST;
    char *said = listen_to_run(endings[at].call, endings[at].status, STDERR_FILENO, mpijob_range(500), options);
    mpijob_clear_stop();
    return said;
}

START_TEST(only_a_complete_run_is_finished)
{
    char *lines_said = listen_to_ending(_i, MPIJOB_PROGRESS_LINES);
    char *json_said = listen_to_ending(_i, MPIJOB_PROGRESS_JSON);
    bool complete = endings[_i].complete;
    bool right = strstr(lines_said, "concurrent workers") && !strstr(lines_said, "stopped") &&
                 (strstr(lines_said, "Done 500 out of 500 ") != NULL) == complete &&
                 (strstr(lines_said, " finished\n") != NULL) == complete &&
                 (strstr(json_said, "\"finished\"") != NULL) == complete &&
                 (strstr(json_said, "\"stopped\"") != NULL) == !complete;
    if (suite_rank == 0 && !right)
        fprintf(stderr, "%s%s", lines_said, json_said);
    free(lines_said);
    free(json_said);
    rank0(right);
}
END_TEST

/* ---- The callback ---------------------------------------------------------------------------------------------- */

typedef struct heard {
    uint64_t calls, done, finished, total;
    bool wrong;
} heard;

static void hear(const mpijob_progress *p, void *payload)
{
    heard *h = payload;
    h->wrong = h->wrong || suite_rank != 0 || h->finished || p->done < h->done || p->total != h->total ||
               p->failed > p->done || p->elapsed_s < 0 || p->ranks_used != (uint32_t)suite_size ||
               p->ranks_busy > p->ranks_used || p->jobs_per_s < 0;
    h->done = p->done;
    h->calls++;
    h->finished += (uint64_t)p->finished;
}

START_TEST(a_callback)
{
    bool known = _i != 1;
    heard h = {.total = known ? 500 : MPIJOB_UNKNOWN};
    uint64_t jobs = 500;
    mpijob_function f = {.call = nothing};
    mpijob_inputs inputs = known ? mpijob_range(jobs) : mpijob_generator(draw, &jobs, MPIJOB_UNKNOWN);
    mpijob_parallel_options options = {.on_progress = hear, .on_progress_payload = &h, .batch_size = 5};
    if (_i == 2) {
        options.return_as = MPIJOB_GENERATOR;
        options.consume = enough;
        options.pre_dispatch = "100";
    }
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    everyone(!h.wrong);
    everyone(suite_rank == 0 || h.calls == 0);
    rank0(h.calls >= 2 && h.calls <= 101 && (_i == 2 || (h.done == 500 && h.finished == 1)));
    rank0(_i != 2 || (h.done >= 41 && h.done < 500 && h.finished == 0));
}
END_TEST

/* ---- The remaining time ----------------------------------------------------------------------------------------- */

/* So much is left, by what is done: 60 of 100 that are not found. The costs are 2 where the caller gives them. */
static const struct {
    mpj_plan_counts counts;
    uint64_t total;
    bool costs;
    double left, done;
} estimates[] = {
    {{.drawn = 100, .done = 40, .cost_drawn = 100, .cost_done = 40}, 100, false, 60, 40},
    {{.drawn = 1000, .found = 900, .done = 940, .cost_drawn = 100, .cost_done = 40}, 1000, false, 60, 40},
    {{.drawn = 1000, .asked = 500, .found = 450, .done = 490, .cost_drawn = 50, .cost_done = 40}, 1000, false, 60, 40},
    {{.drawn = 500, .found = 450, .done = 490, .cost_drawn = 50, .cost_done = 40}, 1000, false, 60, 40},
    {{.drawn = 600, .asked = 100, .found = 450, .done = 490, .cost_drawn = 50, .cost_done = 40}, 1000, false, 60, 40},
    {{.drawn = 1000, .found = 900, .done = 940, .cost_drawn = 200, .cost_done = 80}, 1000, true, 120, 80},
    {{.drawn = 1000, .asked = 500, .found = 450, .done = 490, .cost_drawn = 100, .cost_done = 80}, 1000, true, 120, 80},
    {{.drawn = 500, .found = 450, .done = 490, .cost_drawn = 100, .cost_done = 80}, 1000, true, 120, 80},
    {{.drawn = 600, .asked = 100, .found = 450, .done = 490, .cost_drawn = 100, .cost_done = 80}, 1000, true, 120, 80},
    {{.drawn = 1000, .found = 1000, .done = 1000}, 1000, false, 0, 0},
};

static void ignore(const mpijob_progress *p, void *payload)
{
    (void)p, (void)payload;
}

START_TEST(what_is_found_is_no_work)
{
    double costs[1000];
    mpj_run run = {.inputs = {.count = estimates[_i].total, .costs = estimates[_i].costs ? costs : NULL},
                   .options = {.on_progress = ignore},
                   .used = 1,
                   .began = mpj_now() - 100};
    mpj_report report;
    mpijob_progress p = {0};
    for (int i = 0; i < 1000; i++)
        costs[i] = 2;
    mpj_report_start(&report, &run);
    mpj_report_update(&report, &estimates[_i].counts);
    bool news = mpj_report_news(&report, &p);
    double expected = estimates[_i].done > 0 ? estimates[_i].left / estimates[_i].done : -1;
    everyone(news && p.hits == estimates[_i].counts.found && p.done == estimates[_i].counts.done);
    everyone(expected < 0 ? p.remaining_s < 0 : fabs(p.remaining_s / p.elapsed_s - expected) < 1e-9);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("run_progress");
    TCase *group = suite_group(suite, "progress");
    tcase_add_loop_test(group, joblibs_lines, 0, COUNT_OF(lines));
    tcase_add_loop_test(group, the_stream_depends_on_verbose, 0, COUNT_OF(streams));
    tcase_add_loop_test(group, json_for_programs, 0, 3);
    tcase_add_test(group, a_bar_on_a_terminal);
    tcase_add_test(group, no_bar_elsewhere);
    tcase_add_loop_test(group, only_a_complete_run_is_finished, 0, COUNT_OF(endings));
    tcase_add_loop_test(group, a_callback, 0, 3);
    tcase_add_loop_test(group, what_is_found_is_no_work, 0, COUNT_OF(estimates));
    return suite_main(argc, argv, suite);
}
