/* Time, and waiting without burning a core. */
#ifndef MPJ_BASE_CLOCK_H
#define MPJ_BASE_CLOCK_H

/* Seconds of the monotonic clock. */
double mpj_now(void);

/* Waiting for something that must be polled: spins for a moment, then sleeps with growing pauses up to about 1 ms.
 * Measured: a rank that waits this way uses about 2 % of a core. */
typedef struct mpj_backoff {
    double started;
    double pause_s;
} mpj_backoff;

/* Call when something was found: the next waiting starts anew. */
void mpj_backoff_reset(mpj_backoff *backoff);

/* Call each time that nothing was found. */
void mpj_backoff_wait(mpj_backoff *backoff);

/* The same while a large message is on its way, with short pauses: the transport moves it piece by piece, only when it
 * is asked. Measured: with pauses of 1 ms, 512 MB between two ranks of a host take 6 s, with these 0.5 s. */
void mpj_backoff_wait_briskly(mpj_backoff *backoff);

/* Sleep; accurate to a few microseconds only where the thread's timer slack was lowered. */
void mpj_sleep(double seconds);

/* Sets the calling thread's timer slack, in nanoseconds, and returns what it was (0: unknown, and nothing was set).
 * The default of 50 us makes every short sleep 70 us. Per thread: put the old one back before returning to a caller. */
unsigned long mpj_timer_slack(unsigned long nanoseconds);

#endif
