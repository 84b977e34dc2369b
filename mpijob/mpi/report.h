/* Telling the user how far a run is: lines, a bar, JSON, the callback. */
#ifndef MPJ_MPI_REPORT_H
#define MPJ_MPI_REPORT_H

#include "mpi/run.h"
#include "sched/plan.h"
#include "sched/progress.h"

#include <stdio.h>

typedef struct mpj_report {
    const mpj_run *run;
    mpj_progress_state state;
    FILE *stream;
    int style;
    uint64_t shown;       /* finished jobs at the last report */
    uint64_t told;        /* to the callback */
    double bar_at;        /* when the bar was last drawn */
    unsigned columns;
    mpijob_progress now;
} mpj_report;

void mpj_report_start(mpj_report *report, const mpj_run *run);

/* Jobs were finished: says so if it is time to. */
void mpj_report_update(mpj_report *report, const mpj_plan_counts *counts);

/* Whether the caller's callback is to be called, with what; with the lock held. */
bool mpj_report_news(mpj_report *report, mpijob_progress *news);

/* The run is over. `complete`: every job was finished. */
void mpj_report_end(mpj_report *report, const mpj_plan_counts *counts, bool complete);

#endif
