#include "sched/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EVERY_JOB 11
#define TIME_BYTES 32
#define UNKNOWN_DIGITS 3
#define MOST_DIGITS 20
#define BAR_CELLS 20
#define BAR_LEAST_CELLS 5
#define BAR_FRAME 3
#define PARTS 4
#define PART_BYTES 64

/* ---- When ------------------------------------------------------------------------------------------------------ */

/* A mark is where total - k + 1 is a multiple of the frequency: so the question is whether a multiple lies between the
 * values for `now` and for the first job after `before`. */
static bool due_of_known(uint64_t total, uint64_t frequency, uint64_t before, uint64_t now)
{
    uint64_t last = total < 2 ? 0 : total - 2;
    if (last > now)
        last = now;
    if (last <= before)
        return false;
    uint64_t farthest = total - before;
    return farthest - farthest % frequency >= total - last + 1;
}

static uint64_t whole_root(uint64_t number)
{
    uint64_t root = (uint64_t)sqrt((double)number);
    if (root > UINT32_MAX)
        root = UINT32_MAX;
    while (root * root > number)
        root--;
    while (root < UINT32_MAX && (root + 1) * (root + 1) <= number)
        root++;
    return root;
}

/* floor(sqrt(jobs / s)) with s = 0.5 * distance^2, in whole numbers: floor(floor(sqrt(2 * jobs)) / distance). */
static uint64_t level(uint64_t jobs, uint64_t distance)
{
    return whole_root(jobs > UINT64_MAX / 2 ? UINT64_MAX : 2 * jobs) / distance;
}

bool mpj_progress_due(const mpj_progress_state *state, uint64_t before, uint64_t now)
{
    uint64_t total = state->total;
    if (state->verbose <= 0 || now <= before)
        return false;
    if (state->verbose >= EVERY_JOB)
        return total == MPJ_UNKNOWN || before + 1 < total;
    if (total != MPJ_UNKNOWN)
        return due_of_known(total, total / (uint64_t)state->verbose + 1, before, now);
    uint64_t distance = (uint64_t)(EVERY_JOB - state->verbose);
    return before == 0 || level(before, distance) != level(now, distance);
}

double mpj_progress_remaining(double work_done, double work_left, double elapsed_s)
{
    if (!(work_done > 0) || !(elapsed_s >= 0))
        return -1;
    double remaining = elapsed_s / work_done * (work_left > 0 ? work_left : 0);
    return isfinite(remaining) ? remaining : -1;
}

/* ---- Lines ----------------------------------------------------------------------------------------------------- */

char *mpj_progress_time(char *out, size_t out_bytes, double seconds)
{
    if (!(seconds > 0))
        seconds = 0;
    if (seconds > 60)
        snprintf(out, out_bytes, "%4.1fmin", seconds / 60);
    else
        snprintf(out, out_bytes, " %5.1fs", seconds);
    return out;
}

static int digits(uint64_t number)
{
    int count = 1;
    for (; number > 9; number /= 10)
        count++;
    return count;
}

/* To the right in `width` columns, or in as many as it needs. Not by "%*llu": compilers warn of a width that they
 * cannot bound. */
static const char *padded(char out[MOST_DIGITS + 1], uint64_t number, int width)
{
    int needed = digits(number);
    snprintf(out, MOST_DIGITS + 1, "%20llu", (unsigned long long)number);
    return out + MOST_DIGITS - (needed > width ? needed : width);
}

/* "Done  31 out of 100 | elapsed:    0.6s", or "Done  18 tasks      | elapsed:    0.6s", and `tail`. */
static void done_line(const mpj_progress_state *state, uint64_t done, uint64_t total, double elapsed_s,
                      const char *tail, char *out, size_t out_bytes)
{
    int width = state->total == MPJ_UNKNOWN ? UNKNOWN_DIGITS : digits(state->total);
    char k[MOST_DIGITS + 1];
    char n[MOST_DIGITS + 1];
    char elapsed[TIME_BYTES];
    char hits[PART_BYTES] = "";
    bool known = total != MPJ_UNKNOWN;
    if (state->hits > 0)
        snprintf(hits, sizeof hits, " (%llu from Memory)", (unsigned long long)state->hits);
    snprintf(out, out_bytes, "[Parallel(n_jobs=%d)]: Done %s %s%s | elapsed: %s%s%s", state->n_jobs,
             padded(k, done, width), known ? "out of " : "tasks     ", known ? padded(n, total, width) : "",
             mpj_progress_time(elapsed, sizeof elapsed, elapsed_s), tail, hits);
}

void mpj_progress_start_line(const mpj_progress_state *state, uint32_t workers, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "[Parallel(n_jobs=%d)]: Using backend MPIBackend with %lu concurrent workers.",
             state->n_jobs, (unsigned long)workers);
}

void mpj_progress_line(const mpj_progress_state *state, uint64_t done, double elapsed_s, double remaining_s, char *out,
                       size_t out_bytes)
{
    char remaining[TIME_BYTES];
    char tail[2 * TIME_BYTES] = "";
    if (remaining_s >= 0 && state->total != MPJ_UNKNOWN)
        snprintf(tail, sizeof tail, " remaining: %s", mpj_progress_time(remaining, sizeof remaining, remaining_s));
    done_line(state, done, state->total, elapsed_s, tail, out, out_bytes);
}

void mpj_progress_final_line(const mpj_progress_state *state, uint64_t done, double elapsed_s, char *out,
                             size_t out_bytes)
{
    done_line(state, done, done, elapsed_s, " finished", out, out_bytes);
}

/* ---- Bar ------------------------------------------------------------------------------------------------------- */

typedef struct bar_text {
    char head[8];                  /* percentage */
    char count[PART_BYTES];        /* the one part that is always there */
    char parts[PARTS][PART_BYTES]; /* rate, time, hits, ranks; "": not known, or no room */
} bar_text;

static double fraction_done(const mpj_progress_state *state, uint64_t done)
{
    return done < state->total ? (double)done / (double)state->total : 1;
}

static void describe_count(const mpj_progress_state *state, uint64_t done, bar_text *text)
{
    if (state->total == MPJ_UNKNOWN) {
        snprintf(text->count, sizeof text->count, "%llu jobs", (unsigned long long)done);
        return;
    }
    /* 100 is said when it is true: rounding must not say it for 999,999 of a million. */
    double percent = floor(100 * fraction_done(state, done));
    if (percent > 99 && done < state->total)
        percent = 99;
    snprintf(text->head, sizeof text->head, "%3.0f%% ", percent);
    snprintf(text->count, sizeof text->count, "%llu/%llu jobs", (unsigned long long)done,
             (unsigned long long)state->total);
}

static void describe_rate(uint64_t done, double elapsed_s, char part[PART_BYTES])
{
    double rate = elapsed_s > 0 ? (double)done / elapsed_s : 0;
    if (rate > 0 && rate < 1e15)
        snprintf(part, PART_BYTES,
                 rate < 1     ? " | %.2g jobs/s"
                 : rate < 1e4 ? " | %.1f jobs/s"
                              : " | %.0f jobs/s",
                 rate);
}

static void describe_time(const mpj_progress_state *state, double elapsed_s, double remaining_s, char part[PART_BYTES])
{
    char time[TIME_BYTES];
    if (state->total == MPJ_UNKNOWN)
        snprintf(part, PART_BYTES, " | elapsed %s", mpj_progress_time(time, sizeof time, elapsed_s));
    else if (remaining_s >= 0)
        snprintf(part, PART_BYTES, " | left %s", mpj_progress_time(time, sizeof time, remaining_s));
}

/* Empties the parts that do not fit, the least telling first; returns the columns still free. */
static size_t fit_parts(bar_text *text, size_t columns)
{
    static const int by_worth[PARTS] = {1, 0, 2, 3};
    size_t used = strlen(text->head) + strlen(text->count);
    size_t room = columns > used ? columns - used : 0;
    for (int i = 0; i < PARTS; i++) {
        char *part = text->parts[by_worth[i]];
        if (strlen(part) > room)
            part[0] = '\0';
        room -= strlen(part);
    }
    return room;
}

/* "[########            ] ", as wide as the room allows; "" when that is too narrow to tell anything. */
static void draw_cells(char cells[BAR_CELLS + BAR_FRAME + 1], size_t room, double fraction)
{
    size_t count = room > BAR_CELLS + BAR_FRAME ? BAR_CELLS : room - BAR_FRAME;
    cells[0] = '\0';
    if (room < BAR_LEAST_CELLS + BAR_FRAME)
        return;
    memset(cells, ' ', count + BAR_FRAME);
    memset(cells + 1, '#', (size_t)(fraction * (double)count));
    cells[0] = '[';
    cells[count + 1] = ']';
    cells[count + BAR_FRAME] = '\0';
}

void mpj_progress_bar(const mpj_progress_state *state, uint64_t done, double elapsed_s, double remaining_s,
                      uint32_t busy, uint32_t workers, unsigned columns, char *out, size_t out_bytes)
{
    bar_text text = {.head = ""};
    char cells[BAR_CELLS + BAR_FRAME + 1] = "";
    char line[BAR_CELLS + (PARTS + 2) * PART_BYTES];
    describe_count(state, done, &text);
    describe_rate(done, elapsed_s, text.parts[0]);
    describe_time(state, elapsed_s, remaining_s, text.parts[1]);
    if (state->hits > 0)
        snprintf(text.parts[2], PART_BYTES, " | %llu from Memory", (unsigned long long)state->hits);
    snprintf(text.parts[3], PART_BYTES, " | %lu of %lu ranks", (unsigned long)busy, (unsigned long)workers);
    size_t room = fit_parts(&text, columns);
    if (state->total != MPJ_UNKNOWN)
        draw_cells(cells, room, fraction_done(state, done));
    snprintf(line, sizeof line, "%s%s%s%s%s%s%s", text.head, cells, text.count, text.parts[0], text.parts[1],
             text.parts[2], text.parts[3]);
    snprintf(out, out_bytes, "%.*s", columns < sizeof line ? (int)columns : (int)sizeof line, line);
}
