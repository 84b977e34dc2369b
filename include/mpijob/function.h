/** @file
 * Functions: what a run executes, what Memory keeps the results of, what a call calls.
 *
 * One object describes a function once, and is then called directly (memory.h), through Memory (memory.h), or in a run
 * (parallel.h). For runs without Memory `call` and the two sizes are enough; Memory also wants the descriptions.
 *
 *     typedef struct { double c, gamma; int32_t fold; } fit_args;
 *     static const mpijob_field fit_fields[] = { ... };                          // type.h
 *     static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit_args, fit_fields);
 *     static const mpijob_type score = {.kind = MPIJOB_FLOAT64};
 *
 *     mpijob_function fit = {.name = "fit", .call = fit_call, .args_size = sizeof(fit_args), .args = &fit_record,
 *                            .result_size = sizeof(double), .result = &score, .version = 1};
 *
 * Needs no MPI.
 */
#ifndef MPIJOB_FUNCTION_H
#define MPIJOB_FUNCTION_H

#include <mpijob/error.h>
#include <mpijob/export.h>
#include <mpijob/random.h>
#include <mpijob/type.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A shared input of a run: see share.h. */
typedef struct mpijob_shared mpijob_shared;

/** What a job is told about itself. Valid during the call; the members are for reading. */
typedef struct mpijob_job {
    uint64_t index;  /**< which job, from 0: its place among the inputs and the results. Of a cached function that has
                          arguments: 0, since its key does not cover it */
    uint64_t seed;   /**< the run's seed. Of a cached function: made from the key */
    int32_t rank;    /**< the rank that executes it, in the run's communicator (in a nested run: of the outer run) */
    int32_t attempt; /**< which attempt at this job, from 1 */
    const mpijob_shared *const *shared; /**< the run's shared inputs, `shared_count` of them */
    size_t shared_count;
    void *context; /**< this rank's own `context` from the run's options */
    void *own;     /**< the library's */
} mpijob_job;

/**
 * A job.
 *
 * @param result  where the result goes: `result_size` bytes, not initialised, aligned as malloc does when result_size
 *                is a multiple of 16, else as an array of such elements is. NULL when result_size is 0 or
 *                MPIJOB_ANY_SIZE (then mpijob_job_result makes the room)
 * @param args    this job's argument struct, `args_size` bytes, read-only, aligned like `result`; NULL for a range
 * @param job     index, rank, random stream, ...
 *
 * @return 0 when the result is there; anything else is a failure of this job, best made by
 * `return mpijob_job_fail(job, "...")`.
 *
 * Runs in the main thread of its rank (the thread that called mpijob_parallel). It may call mpijob_parallel: such a
 * nested run executes in this rank alone. It may call MPI only if the options say `jobs_call_mpi`.
 */
typedef int mpijob_call(void *result, const void *args, mpijob_job *job);

/** Says why a job failed. Returns MPIJOB_EJOB, to be returned by the job. The text is cut at 700 bytes. */
MPIJOB_API int mpijob_job_fail(mpijob_job *job, const char *format, ...) MPIJOB_PRINTF(2, 3);

/**
 * Room for the result of a job whose function has result_size MPIJOB_ANY_SIZE: `bytes` bytes, not initialised,
 * aligned to 16. A second call changes the size and keeps the content up to the smaller one, but may move it. A job
 * that never calls this has a result of 0 bytes. Do not free.
 *
 * With a described result (mpijob_function.result) `bytes` must be whole elements: the result is an array of one
 * dimension, unless mpijob_job_result_array gives it others.
 *
 * @return NULL when there is no memory (return mpijob_job_fail then), when the function's results have a fixed size, or
 * when `bytes` are not whole elements.
 */
MPIJOB_API void *mpijob_job_result(mpijob_job *job, size_t bytes);

/**
 * The same for an array of the function's result type (bytes where it has none): room for the elements in C order.
 * Memory keeps the shape with the result; a run hands out the elements alone.
 *
 * @param ndim  0 to 32
 * @return as mpijob_job_result; NULL too when the shape is none.
 */
MPIJOB_API void *mpijob_job_result_array(mpijob_job *job, int ndim, const size_t *shape);

/** Sets `random` to the job's own stream: the run's seed, and the job's index as the stream. Of a cached function the
 * stream depends on its key alone. See random.h. */
MPIJOB_API void mpijob_job_random(const mpijob_job *job, mpijob_random *random);

/** For mpijob_function's result_size: results of any size, 0 bytes to as large as memory, made by mpijob_job_result. */
#define MPIJOB_ANY_SIZE SIZE_MAX

/**
 * The text of the file in which a function is written, so that Memory notices when it is edited. Made by
 * MPIJOB_SOURCE (track.h), or by hand.
 */
typedef struct mpijob_source {
    const char *file;     /**< its name, for messages */
    const char *text;     /**< its text as it was when compiled; NULL: not known, which is as without tracking */
    size_t bytes;         /**< of the text; 0: up to the zero byte behind it */
    const char *function; /**< the C function in it that counts; NULL: the file as a whole, so that its static helpers,
                               macros and constants count too */
    uint64_t reserved[2]; /**< zero, else MPIJOB_EINVAL */
} mpijob_source;

/** What mpijob_memory_cache makes. Opaque. */
typedef struct mpijob_cached mpijob_cached;

/**
 * A function. Must be the same on every rank of a run (only addresses may differ). Zero what is not needed.
 */
typedef struct mpijob_function {
    const char *name;   /**< for messages, comparisons between ranks, and its folder in Memory; NULL: "function" */
    mpijob_call *call;  /**< required */
    size_t args_size;   /**< bytes of the argument struct; 0: jobs have an index only */
    size_t result_size; /**< bytes of a result; 0: none; MPIJOB_ANY_SIZE */
    const mpijob_record *args;   /**< what the argument struct holds; Memory needs it when args_size is not 0 */
    const mpijob_type *result;   /**< type of the result's elements; NULL: bytes. Without MPIJOB_STRING or pointers */
    const size_t *result_shape;  /**< of a result of fixed size, `result_ndim` lengths whose product is the number of
                                      elements; NULL: one element has 0 dimensions, more have 1 */
    int32_t result_ndim;
    int32_t context_free;        /**< 1: promises that results do not depend on `context` (nor on anything behind it):
                                      without it a cached run with a context is MPIJOB_EINVAL */
    uint64_t version;            /**< Memory: raise it when results change and the source is not tracked */
    const mpijob_source *source; /**< Memory: tracked source; NULL: name, descriptions and version decide alone */
    const mpijob_cached *cached; /**< set by mpijob_memory_cache; NULL: not cached */
    uint64_t reserved[4];        /**< zero, else MPIJOB_EINVAL */
} mpijob_function;

#ifdef __cplusplus
}
#endif

#endif
