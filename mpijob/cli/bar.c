#include "cli/bar.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 30
#define FIRST_AFTER_S 0.5
#define BETWEEN_S 0.1

static volatile sig_atomic_t ending_signal;

static void note_signal(int number)
{
    ending_signal = number;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A second signal ends the program at once: the handler is there for one. What is being printed is printed all the same. */
static void catch_signal(int number)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    struct sigaction before;
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void mpj_bar_begin(mpj_bar *bar, const char *what)
{
    *bar = (mpj_bar){.what = what, .begun_s = now_s(), .terminal = isatty(STDERR_FILENO) == 1};
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
}

static void draw(const mpj_bar *bar, double done, double elapsed_s)
{
    static const char full[WIDTH + 1] = "##############################";
    static const char empty[WIDTH + 1] = "..............................";
    int filled = (int)(done * WIDTH);
    double remaining_s = done > 0 ? elapsed_s * (1 - done) / done : 0;
    fprintf(stderr, "\r%s [%.*s%.*s] %3d %%  %.0f s left \033[K", bar->what, filled, full, WIDTH - filled, empty,
            (int)(100 * done), remaining_s);
    fflush(stderr);
}

int mpj_bar_step(uint64_t done_bytes, uint64_t total_bytes, void *payload)
{
    mpj_bar *bar = payload;
    double now = now_s();
    if (bar->terminal && now - bar->begun_s >= FIRST_AFTER_S && now - bar->drawn_s >= BETWEEN_S && total_bytes > 0) {
        draw(bar, (double)done_bytes / (double)total_bytes, now - bar->begun_s);
        bar->drawn = true;
        bar->drawn_s = now;
    }
    return ending_signal != 0;
}

void mpj_bar_end(mpj_bar *bar)
{
    if (bar->drawn)
        fputs("\r\033[K", stderr);
    bar->drawn = false;
}

int mpj_bar_signal(void)
{
    return ending_signal;
}
