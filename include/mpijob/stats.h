/** @file
 * What a run did, and where its time went.
 */
#ifndef MPIJOB_STATS_H
#define MPIJOB_STATS_H

#include <mpijob/export.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One rank's share of a run. Seconds are wall-clock seconds of that rank's main thread. */
typedef struct mpijob_rank_stats {
    uint64_t jobs;       /**< jobs finished here, failed ones included */
    uint64_t batches;    /**< batches executed here */
    double busy_s;       /**< inside the job function */
    double waiting_s;    /**< nothing to do */
    double scheduling_s; /**< everything else: messages, deciding, handing out results, consumer and generator */
} mpijob_rank_stats;

/**
 * A run's figures, filled on rank 0 (elsewhere only `ranks_total` and `wall_s` are, the rest is zero), also when the
 * run failed after it had begun. Set `ranks` and `ranks_capacity` before the run to get the figures of every rank;
 * zero the rest.
 */
typedef struct mpijob_stats {
    uint64_t jobs;           /**< jobs finished, failed ones included */
    uint64_t failed;         /**< of these, how many failed */
    uint64_t hits;           /**< of these, how many were found in Memory ... */
    uint64_t duplicates;     /**< ... how many got the result of an equal job of the same run ... */
    uint64_t computed;       /**< ... and how many were executed: all others */
    uint64_t left;           /**< known jobs that were not run, because the run stopped before them */
    uint64_t batches;        /**< batches executed */
    uint64_t messages;       /**< messages that rank 0 sent and received */
    uint64_t sent_bytes;     /**< inputs that rank 0 sent */
    uint64_t received_bytes; /**< results that rank 0 received */
    double wall_s;           /**< from the call to the end of the last job's delivery */
    double busy_s;           /**< summed over ranks */
    double waiting_s;        /**< summed over ranks */
    double scheduling_s;     /**< summed over ranks */
    double seconds_saved;    /**< what computing the hits and duplicates took, when they were computed */
    double imbalance;        /**< largest busy_s of a rank over the mean; 1: perfect; 0: no rank was busy */
    uint32_t ranks_total;    /**< ranks of the communicator */
    uint32_t ranks_used;     /**< ranks that took part: n_jobs, resolved */
    mpijob_rank_stats *ranks; /**< the caller's array, or NULL; filled for the first ranks_capacity ranks used */
    size_t ranks_capacity;
    uint64_t reserved[8]; /**< zero */
} mpijob_stats;

/**
 * Prints a few lines for people: jobs, rate, wall seconds, where the ranks' time went, and the imbalance. With more
 * than 8 ranks in `ranks` only the least and the most busy ones are named.
 */
MPIJOB_API void mpijob_stats_print(FILE *stream, const mpijob_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
