/** @file
 * Status codes and the error record.
 *
 * Every call that can fail returns an `int`: 0 (MPIJOB_OK), or one of the negative codes below. Calls that people
 * will want to read about also fill an error record that the caller owns. There is no global or per-thread state:
 * what went wrong is in the record that you passed, and nowhere else.
 */
#ifndef MPIJOB_ERROR_H
#define MPIJOB_ERROR_H

#include <mpijob/export.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * All status codes: X(name, number, text). The numbers are part of the interface and never change.
 *
 * Two are outcomes to branch on: MPIJOB_EJOB (the run went through its protocol, but a job of yours failed) and
 * MPIJOB_ECANCELED (the run was asked to stop before its end). The others say that something is wrong.
 */
#define MPIJOB_STATUS_LIST(X)                                                                                          \
    X(MPIJOB_OK, 0, "success")                                                                                         \
    X(MPIJOB_EJOB, -1, "a job failed")                                                                                 \
    X(MPIJOB_ENOTFOUND, -2, "not found")                                                                               \
    X(MPIJOB_ECANCELED, -3, "stopped before the end")                                                                  \
    X(MPIJOB_EINVAL, -4, "invalid argument")                                                                           \
    X(MPIJOB_EMISMATCH, -5, "the ranks do not agree")                                                                  \
    X(MPIJOB_ENOMEM, -6, "out of memory")                                                                              \
    X(MPIJOB_EOS, -7, "a system call failed")                                                                          \
    X(MPIJOB_EMPI, -8, "an MPI call failed")                                                                           \
    X(MPIJOB_EINPUT, -9, "the input generator failed")                                                                 \
    X(MPIJOB_ECONSUMER, -10, "the consumer of results failed")                                                         \
    X(MPIJOB_EUNSUPPORTED, -11, "not supported")                                                                       \
    X(MPIJOB_ECORRUPT, -12, "damaged data")                                                                            \
    X(MPIJOB_EVERSION, -13, "a format version that this library does not know")                                        \
    X(MPIJOB_EINTERNAL, -14, "internal error")

typedef enum mpijob_status {
#define MPIJOB_STATUS_ENUM(name, number, text) name = number,
    MPIJOB_STATUS_LIST(MPIJOB_STATUS_ENUM)
#undef MPIJOB_STATUS_ENUM
} mpijob_status;

#define MPIJOB_ERROR_HOST_BYTES 64
#define MPIJOB_ERROR_TEXT_BYTES 896

/**
 * What went wrong, where, in which job. Plain data without pointers, 1024 bytes: it may be copied, kept, written
 * to a file, or sent to another rank as it is.
 *
 * A call that succeeds leaves the record untouched. A call that fails fills all of it. The last argument of such
 * calls may be NULL when the status alone is enough.
 */
typedef struct mpijob_error {
    int32_t status;    /**< the code that the call returned */
    int32_t rank;      /**< rank, in the run's communicator, where it was first noticed; -1: no rank is concerned */
    int64_t job;       /**< index of the job that failed; -1: no job is concerned */
    int32_t attempt;   /**< which attempt at that job, from 1; 0: no job is concerned */
    int32_t signal;    /**< signal that ended the job, 0: none */
    int32_t os_errno;  /**< errno of the system call that failed, 0: none */
    int32_t mpi_class; /**< class of the MPI error, 0: none */
    char host[MPIJOB_ERROR_HOST_BYTES]; /**< host name of that rank, "" when not concerned; zero-terminated */
    char text[MPIJOB_ERROR_TEXT_BYTES]; /**< one line for people: what, where, why, what to do; zero-terminated */
    uint8_t reserved[32];               /**< zero */
} mpijob_error;

/**
 * A short text for a status code. Never NULL, also for numbers that are no status.
 */
MPIJOB_API const char *mpijob_strerror(int status);

#ifdef __cplusplus
}
#endif

#endif
