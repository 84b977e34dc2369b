/* A progress bar on standard error, if that is a terminal and the work takes longer than half a second. */
#ifndef MPJ_CLI_BAR_H
#define MPJ_CLI_BAR_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mpj_bar {
    const char *what;
    double begun_s;
    double drawn_s;
    bool terminal;
    bool drawn;
} mpj_bar;

/* what: in front of the bar. From now on SIGINT and SIGTERM are noted, and end the work at the next step. */
void mpj_bar_begin(mpj_bar *bar, const char *what);

/* A mpijob_bytes_fn; the payload is the bar. */
int mpj_bar_step(uint64_t done_bytes, uint64_t total_bytes, void *bar);

/* Takes the bar off the screen. */
void mpj_bar_end(mpj_bar *bar);

/* The signal that asked for an end, 0: none. */
int mpj_bar_signal(void);

#endif
