/** @file
 * Where warnings and notes of the library go.
 *
 * The library prints nothing except through such a function, and the progress and statistics that the caller asked
 * for. Without one, warnings go to the standard error stream as one line each, "mpijob: " in front.
 */
#ifndef MPIJOB_LOG_H
#define MPIJOB_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mpijob_log_level {
    MPIJOB_LOG_WARNING = 1, /**< something works less well than it could; the text says what to do */
    MPIJOB_LOG_NOTE = 2     /**< worth knowing, nothing to do; not printed by default */
} mpijob_log_level;

/**
 * Takes one message.
 *
 * @param level    mpijob_log_level
 * @param text     one line without its newline; valid during the call only
 * @param payload  what was given together with the function
 *
 * Called by the thread that made the library call, or, on rank 0 during a run, by the library's own thread while
 * the calling thread is inside a job: it must not call the library. Never called twice at the same time for one run.
 */
typedef void mpijob_log_fn(int level, const char *text, void *payload);

#ifdef __cplusplus
}
#endif

#endif
