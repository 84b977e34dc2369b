#include "mpi/report.h"

#include "base/clock.h"

#include <jansson.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_EVERY_S 0.1
#define TO_STDOUT_FROM 50

static void print_line(mpj_report *report, const char *line)
{
    fprintf(report->stream, "%s\n", line);
    fflush(report->stream);
}

static void print_json(mpj_report *report, const char *event)
{
    const mpijob_progress *p = &report->now;
    json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:I, s:I}", "event", event, "done",
                               (json_int_t)p->done, "failed", (json_int_t)p->failed, "hits", (json_int_t)p->hits,
                               "elapsed_s", p->elapsed_s, "jobs_per_s", p->jobs_per_s, "ranks_used",
                               (json_int_t)p->ranks_used, "ranks_busy", (json_int_t)p->ranks_busy);
    if (!object)
        return;
    json_object_set_new(object, "total", p->total == MPIJOB_UNKNOWN ? json_null() : json_integer((json_int_t)p->total));
    json_object_set_new(object, "remaining_s", p->remaining_s < 0 ? json_null() : json_real(p->remaining_s));
    json_dumpf(object, report->stream, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    fputc('\n', report->stream);
    fflush(report->stream);
}

static void draw_bar(mpj_report *report)
{
    char bar[512];
    const mpijob_progress *p = &report->now;
    mpj_progress_bar(&report->state, p->done, p->elapsed_s, p->remaining_s, p->ranks_busy, p->ranks_used,
                     report->columns, bar, sizeof bar);
    fprintf(report->stream, "\r\033[K%s", bar);
    fflush(report->stream);
}

static unsigned columns_of(int descriptor)
{
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

void mpj_report_start(mpj_report *report, const mpj_run *run)
{
    const mpijob_parallel_options *o = &run->options;
    *report = (mpj_report){.run = run, .style = o->progress};
    report->stream = o->verbose < TO_STDOUT_FROM ? stderr : stdout;
    report->state = (mpj_progress_state){
        .verbose = o->verbose, .n_jobs = o->n_jobs ? o->n_jobs : run->used, .total = run->inputs.count};
    report->now = (mpijob_progress){.total = run->inputs.count, .remaining_s = -1, .ranks_used = (uint32_t)run->used};
    if (o->verbose == 0)
        return;
    int descriptor = fileno(report->stream);
    if (report->style == MPIJOB_PROGRESS_BAR && !isatty(descriptor))
        report->style = MPIJOB_PROGRESS_LINES;
    report->columns = columns_of(descriptor);
    if (report->style == MPIJOB_PROGRESS_JSON) {
        print_json(report, "start");
    } else if (report->style == MPIJOB_PROGRESS_LINES) {
        char line[256];
        mpj_progress_start_line(&report->state, (uint32_t)run->used, line, sizeof line);
        print_line(report, line);
    }
}

/* What is left, in the unit of what is done; < 0: unknown. Jobs that are not looked up yet count as far as they will
 * have to be executed, if it goes on as so far. */
static double work_left(const mpj_report *report, const mpj_plan_counts *counts)
{
    const mpijob_inputs *in = &report->run->inputs;
    if (in->count == MPIJOB_UNKNOWN)
        return -1;
    double settled = (double)(counts->drawn - counts->asked);
    double missed = settled - (double)counts->found;
    double share = settled > 0 ? missed / settled : 1;
    double mean = missed > 0 ? counts->cost_drawn / missed : 1;
    double unseen = (double)(in->count - counts->drawn + counts->asked) * mean;
    if (in->costs && counts->drawn < in->count) {
        unseen = (double)counts->asked * mean;
        for (uint64_t i = counts->drawn; i < in->count; i++)
            unseen += in->costs[i];
    }
    return counts->cost_drawn - counts->cost_done + unseen * share;
}

static void take(mpj_report *report, const mpj_plan_counts *counts, bool with_estimate)
{
    mpijob_progress *p = &report->now;
    p->done = counts->done;
    p->failed = counts->failed;
    p->hits = report->state.hits = counts->found;
    p->elapsed_s = mpj_now() - report->run->began;
    p->ranks_busy = counts->busy_workers;
    p->jobs_per_s = p->elapsed_s > 0 ? (double)p->done / p->elapsed_s : 0;
    double left = with_estimate ? work_left(report, counts) : -1;
    p->remaining_s = left < 0 ? -1 : mpj_progress_remaining(counts->cost_done, left, p->elapsed_s);
}

static void show(mpj_report *report, const mpj_plan_counts *counts)
{
    char line[256];
    take(report, counts, true);
    if (report->style == MPIJOB_PROGRESS_JSON) {
        print_json(report, "progress");
        return;
    }
    mpj_progress_line(&report->state, counts->done, report->now.elapsed_s, report->now.remaining_s, line, sizeof line);
    print_line(report, line);
}

void mpj_report_update(mpj_report *report, const mpj_plan_counts *counts)
{
    const mpijob_parallel_options *o = &report->run->options;
    if (o->verbose > 0 && report->style == MPIJOB_PROGRESS_BAR) {
        double now = mpj_now();
        if (now - report->bar_at >= BAR_EVERY_S) {
            take(report, counts, true);
            draw_bar(report);
            report->bar_at = now;
        }
    } else if (o->verbose > 0 && mpj_progress_due(&report->state, report->shown, counts->done)) {
        show(report, counts);
    }
    report->shown = counts->done;
    if (o->on_progress)
        take(report, counts, true);
}

bool mpj_report_news(mpj_report *report, mpijob_progress *news)
{
    if (!report->run->options.on_progress || report->told == report->now.done)
        return false;
    report->told = report->now.done;
    *news = report->now;
    return true;
}

void mpj_report_end(mpj_report *report, const mpj_plan_counts *counts, bool complete)
{
    const mpijob_parallel_options *o = &report->run->options;
    take(report, counts, true);
    report->now.finished = complete;
    if (o->on_progress) {
        mpijob_progress copy = report->now;
        o->on_progress(&copy, o->on_progress_payload);
    }
    if (o->verbose == 0)
        return;
    if (report->style == MPIJOB_PROGRESS_JSON) {
        print_json(report, complete ? "finished" : "stopped");
    } else if (report->style == MPIJOB_PROGRESS_BAR) {
        draw_bar(report);
        print_line(report, "");
    } else if (complete) {
        char line[256];
        mpj_progress_final_line(&report->state, counts->done, report->now.elapsed_s, line, sizeof line);
        print_line(report, line);
    }
}
