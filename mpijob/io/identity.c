#include "io/identity.h"

#include "base/clock.h"
#include "base/error.h"
#include "io/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* The kernel empties this page in every child, however it was made: so what it says is never a parent's number. */
static _Atomic(atomic_long *) kept_id;
static pthread_once_t keeping = PTHREAD_ONCE_INIT;

static void make_page(void)
{
    void *page = mmap(NULL, sizeof(atomic_long), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, sizeof(atomic_long), MADV_WIPEONFORK) == 0)
        atomic_store_explicit(&kept_id, page, memory_order_release);
    else
        munmap(page, sizeof(atomic_long));
}

long mpj_process_id(void)
{
    pthread_once(&keeping, make_page);
    atomic_long *kept = atomic_load_explicit(&kept_id, memory_order_acquire);
    long id = kept ? atomic_load_explicit(kept, memory_order_relaxed) : 0;
    if (id != 0)
        return id;
    id = (long)getpid();
    if (kept)
        atomic_store_explicit(kept, id, memory_order_relaxed);
    return id;
}

static void read_line(char *out, size_t out_bytes, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, out_bytes - 1);
    if (fd >= 0)
        close(fd);
    out[got > 0 ? got : 0] = '\0';
}

/* The command in parentheses may hold anything, also ") ". */
unsigned long long mpj_process_start(const char *process)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", process);
    read_line(text, sizeof text, path);
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

uint64_t mpj_place(void)
{
    char text[512], space[64] = "";
    mpj_host_name(text);
    size_t used = strlen(text);
    read_line(text + used, 64, "/proc/sys/kernel/random/boot_id");
    ssize_t got = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[got > 0 ? got : 0] = '\0';
    used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s", space);
    return mpj_checksum(text, strlen(text));
}

uint64_t mpj_random_token(void)
{
    uint64_t token;
    if (getrandom(&token, sizeof token, 0) == (ssize_t)sizeof token)
        return token;
    const struct {
        double now;
        const void *stack;
    } guess = {mpj_now(), &token}; /* before the system has collected randomness, seconds after its start */
    return mpj_checksum(&guess, sizeof guess);
}

/* A process that may be looked at only in part counts as alive. */
mpj_process_state mpj_process_look(uint64_t place, long pid, unsigned long long start)
{
    if (place != mpj_place() || start == 0 || pid <= 0)
        return MPJ_PROCESS_ELSEWHERE;
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return MPJ_PROCESS_GONE;
    char process[24];
    snprintf(process, sizeof process, "%ld", pid);
    unsigned long long now = mpj_process_start(process);
    return now == 0 || now == start ? MPJ_PROCESS_LIVES : MPJ_PROCESS_GONE;
}
