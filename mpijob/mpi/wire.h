/* The messages between the scheduler (rank 0) and the workers. doc/protocol.md tells who sends what when, and why no
 * rank can be left waiting. All numbers are in the host's byte order: one run never mixes byte orders. */
#ifndef MPJ_MPI_WIRE_H
#define MPJ_MPI_WIRE_H

#include "memory/cached.h"

#include <stdint.h>

/* Heads, with what rides inside them, stay below the eager limit of every transport, so that sending and receiving one
 * never waits for the other side. What does not fit follows in a message of its own, on its own tag, received in
 * place. */
#define MPJ_MESSAGE_BYTES 3840

/* A tag for each direction and size: messages of one tag between two ranks arrive in the order of sending. */
enum {
    MPJ_TAG_TO_WORKER = 1,
    MPJ_TAG_TO_SCHEDULER = 2,
    MPJ_TAG_ARGS = 3,
    MPJ_TAG_RESULTS = 4,
    MPJ_TAG_ANSWER = 5
};

/* To a worker. */
enum {
    MPJ_BATCH = 1,    /* jobs to execute */
    MPJ_HANDBACK = 2, /* finish the job in hand, answer every batch with what was executed, start no other job */
    MPJ_END = 3       /* the last message of a run: answer with MPJ_BYE */
};

/* To the scheduler. */
enum {
    MPJ_REPLY = 1,     /* a batch is answered: each batch, once */
    MPJ_STOP_NOTE = 2, /* mpijob_request_stop was called on this rank */
    MPJ_FATAL = 3,     /* this rank cannot go on: an error record follows inside; batches are still answered */
    MPJ_BYE = 4,       /* this rank's last message: its figures */
    MPJ_ASK = 5        /* a cached call inside a job wants to know whether its result is there */
};

typedef struct mpj_batch_head {
    uint32_t kind;
    uint32_t span_count; /* that many mpj_span follow inside */
    uint64_t id;
    uint64_t jobs;
    uint64_t args_bytes; /* packed in the batch's order */
    uint32_t args_follow; /* 0: inside, after the spans; 1: in a message MPJ_TAG_ARGS */
    uint32_t reserved;
} mpj_batch_head;

/* The parts of a reply, in this order. Seconds: of each executed job, in runs over cached functions. Entries: see
 * mpi/entries.h. */
enum {
    MPJ_PART_SIZES,
    MPJ_PART_FAILURES,
    MPJ_PART_SECONDS,
    MPJ_PART_ENTRIES,
    MPJ_PART_RESULTS,
    MPJ_PARTS
};

typedef struct mpj_reply_head {
    uint32_t kind;
    uint32_t parts_follow; /* bit 1 << part: set: in a message MPJ_TAG_RESULTS of its own; not set: inside */
    uint64_t id;
    uint64_t executed;
    uint64_t failed;
    uint64_t results_bytes;
    uint64_t failures_bytes;
    uint64_t entries_bytes;
    double busy_s;
    double gap_s; /* idle before this batch; < 0: unknown */
} mpj_reply_head;

/* Two texts follow inside: the location's name and the function's, each with its zero. */
typedef struct mpj_ask_head {
    uint32_t kind;
    uint32_t location_bytes;
    uint32_t function_bytes;
    uint32_t quiet;  /* 1: nothing is counted */
    uint64_t number; /* the asking rank's */
    mpj_name name;
} mpj_ask_head;

/* One message of whatever size: the result's packed elements follow, when it is no large one. */
typedef struct mpj_answer_head {
    uint64_t number;
    int32_t found; /* 1; 0: not there, or not in time; -1: rank 0 does not have this function */
    int32_t reserved;
    mpj_hit hit; /* its payload means nothing */
} mpj_answer_head;

typedef struct mpj_bye {
    uint32_t kind;
    uint32_t reserved;
    uint64_t jobs;
    uint64_t batches;
    double busy_s;
    double waiting_s;
    double scheduling_s;
} mpj_bye;

/* One failed job in a reply's failures, followed by its text without terminator, padded to 8 bytes. */
typedef struct mpj_failure_head {
    uint64_t position; /* in the batch; ascending */
    int32_t status;
    int32_t os_errno;
    uint32_t text_bytes;
    uint32_t reserved;
} mpj_failure_head;

#endif
