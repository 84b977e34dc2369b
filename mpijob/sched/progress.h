/* When a run says how far it is, and in what words: joblib's. Pure: time comes in as a number, text goes out. */
#ifndef MPJ_SCHED_PROGRESS_H
#define MPJ_SCHED_PROGRESS_H

#include "sched/span.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct mpj_progress_state {
    int verbose;      /* 0: never */
    int n_jobs;       /* what the prefix shows */
    uint64_t total;   /* MPJ_UNKNOWN */
    uint64_t hits;    /* jobs of those done that were not computed: shown when there are any */
} mpj_progress_state;

/* Whether a mark lies in (before, now]: numbers of finished jobs. The end of a run (now == total) is a mark of its own,
 * shown as "finished", and not counted here.
 * Total known: frequency = total / verbose + 1; marks are the k < total with (total - k + 1) % frequency == 0, except
 * k = total - 1. Total unknown: with s = 0.5 (11 - verbose)^2 and i = k - 1 jobs finished before this one, a mark where
 * floor(sqrt(i / s)) != floor(sqrt((i + 1) / s)), and at i = 0. verbose > 10: every k < total. verbose <= 0: never.
 * The cost does not depend on how many jobs lie between. */
bool mpj_progress_due(const mpj_progress_state *state, uint64_t before, uint64_t now);

/* Estimated seconds to the end: work_left / (work_done / elapsed_s); < 0 when unknown (nothing done yet, or no finite
 * number). */
double mpj_progress_remaining(double work_done, double work_left, double elapsed_s);

/* "   0.5s", " 1.2min": joblib's short time, 7 characters or so. Returns out. */
char *mpj_progress_time(char *out, size_t out_bytes, double seconds);

/* The lines, without newline, cut at the buffer's end. remaining_s < 0, or total unknown: no remaining time. The final
 * line is that of a run in which all jobs are done: as joblib, a run that ends before has none. Hits come last, as
 * " (31 from Memory)", behind all that joblib's lines have. */
void mpj_progress_start_line(const mpj_progress_state *state, uint32_t workers, char *out, size_t out_bytes);
void mpj_progress_line(const mpj_progress_state *state, uint64_t done, double elapsed_s, double remaining_s, char *out,
                       size_t out_bytes);
void mpj_progress_final_line(const mpj_progress_state *state, uint64_t done, double elapsed_s, char *out,
                             size_t out_bytes);

/* The bar for a terminal of `columns` columns, such as
 * " 41% [########            ] 410/1000 jobs | 812.3 jobs/s | left    0.7s | 2 of 2 ranks". Never longer: where room is
 * short the cells shrink, then go, then the ranks, the hits (" | 31 from Memory"), the rate and the time. Total unknown: no percentage and cells, and
 * the elapsed time. */
void mpj_progress_bar(const mpj_progress_state *state, uint64_t done, double elapsed_s, double remaining_s,
                      uint32_t busy, uint32_t workers, unsigned columns, char *out, size_t out_bytes);

#endif
