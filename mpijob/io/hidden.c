#include "io/hidden.h"

#include "base/clock.h"
#include "base/error.h"
#include "data/utf8.h"
#include "io/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SHOWN_BYTES 32
#define HOST_BYTES 12

/* ".mpijob-<kind>-<target>.<checksum>-<host>-<place>-<pid>-<start>-<token>" */
#define LEAD ".mpijob-"
#define LEAD_BYTES (sizeof LEAD - 1)
#define KIND_BYTES 3

static const char kind_names[][KIND_BYTES + 1] = {"tmp", "new", "old", "del"};

int mpj_path_split(char folder[MPJ_PATH_BYTES], const char **name, const char *path, mpijob_error *err)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    size_t bytes = slash ? (size_t)(slash - path) : 1;
    const char *from = slash ? path : ".";
    if (slash == path) /* the root keeps its slash */
        bytes = 1;
    if (bytes >= MPJ_PATH_BYTES)
        return mpj_fail(err, MPIJOB_EINVAL, "a path is longer than %d bytes: %.200s...", MPJ_PATH_BYTES - 1, path);
    memcpy(folder, from, bytes);
    folder[bytes] = '\0';
    return MPIJOB_OK;
}

void mpj_hidden_tag(char tag[MPJ_HIDDEN_TAG_BYTES], const char *target_name)
{
    size_t length = strlen(target_name);
    /* Cut between characters: a name with a part of one is refused by some file systems. */
    int shown = (int)mpj_utf8_cut(target_name, length, SHOWN_BYTES);
    snprintf(tag, MPJ_HIDDEN_TAG_BYTES, "-%.*s.%016" PRIx64 "-", shown, target_name, mpj_checksum(target_name, length));
}

/* ---- Who we are ------------------------------------------------------------------------------------------------- */

static void read_line(char *out, size_t out_bytes, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, out_bytes - 1);
    if (fd >= 0)
        close(fd);
    out[got > 0 ? got : 0] = '\0';
}

/* In clock ticks since boot; 0: unknown. The command in parentheses may hold anything, also ") ". */
static unsigned long long start_of(const char *process)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", process);
    read_line(text, sizeof text, path);
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

static uint64_t this_place(void)
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

static uint64_t random_token(void)
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

static void make_name(char name[MPJ_HIDDEN_NAME_BYTES], const char *tag, mpj_hidden_kind kind)
{
    char host[MPIJOB_ERROR_HOST_BYTES];
    mpj_host_name(host);
    snprintf(name, MPJ_HIDDEN_NAME_BYTES, LEAD "%s%s%.*s-%016" PRIx64 "-%ld-%llu-%016" PRIx64, kind_names[kind], tag,
             HOST_BYTES, host, this_place(), (long)getpid(), start_of("self"), random_token());
}

int mpj_hidden_path(char path[MPJ_PATH_BYTES], const char *target, mpj_hidden_kind kind, mpijob_error *err)
{
    char folder[MPJ_PATH_BYTES], tag[MPJ_HIDDEN_TAG_BYTES], name[MPJ_HIDDEN_NAME_BYTES];
    const char *target_name;
    int status = mpj_path_split(folder, &target_name, target, err);
    if (status != MPIJOB_OK)
        return status;
    mpj_hidden_tag(tag, target_name);
    make_name(name, tag, kind);
    return mpj_path_join(path, folder, name, err);
}

/* ---- Reading names ---------------------------------------------------------------------------------------------- */

/* Where the n-th field from the right begins; NULL: there are fewer. */
static const char *field_from_right(const char *name, int n)
{
    const char *at = name + strlen(name);
    while (at > name) {
        if (*--at == '-' && --n == 0)
            return at + 1;
    }
    return NULL;
}

mpj_hidden_kind mpj_hidden_kind_of(const char *name, const char *tag)
{
    if (strncmp(name, LEAD, LEAD_BYTES) != 0 || strlen(name) < LEAD_BYTES + KIND_BYTES)
        return MPJ_HIDDEN_NONE;
    const char *kind_name = name + LEAD_BYTES, *behind = kind_name + KIND_BYTES;
    if (strncmp(behind, tag, strlen(tag)) != 0 || !field_from_right(behind + strlen(tag), 4))
        return MPJ_HIDDEN_NONE;
    int kind = MPJ_HIDDEN_TMP;
    while (kind < MPJ_HIDDEN_NONE && strncmp(kind_name, kind_names[kind], KIND_BYTES) != 0)
        kind++;
    return (mpj_hidden_kind)kind;
}

void mpj_hidden_change(char *path, mpj_hidden_kind kind)
{
    char *slash = strrchr(path, '/');
    memcpy((slash ? slash + 1 : path) + LEAD_BYTES, kind_names[kind], KIND_BYTES);
}

/* A process that may be looked at only in part counts as alive. */
mpj_hidden_owner mpj_hidden_owner_of(const char *name)
{
    uint64_t place;
    long pid;
    unsigned long long start;
    const char *fields = field_from_right(name, 4);
    if (!fields || sscanf(fields, "%16" SCNx64 "-%ld-%llu-", &place, &pid, &start) != 3)
        return MPJ_OWNER_ELSEWHERE;
    if (place != this_place() || start == 0 || pid <= 0)
        return MPJ_OWNER_ELSEWHERE;
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH)
        return MPJ_OWNER_GONE;
    char process[24];
    snprintf(process, sizeof process, "%ld", pid);
    unsigned long long now = start_of(process);
    return now == 0 || now == start ? MPJ_OWNER_LIVES : MPJ_OWNER_GONE;
}
