#include "io/hidden.h"

#include "base/error.h"
#include "data/utf8.h"
#include "io/codec.h"
#include "io/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
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

static void make_name(char name[MPJ_HIDDEN_NAME_BYTES], const char *tag, mpj_hidden_kind kind)
{
    char host[MPIJOB_ERROR_HOST_BYTES];
    mpj_host_name(host);
    snprintf(name, MPJ_HIDDEN_NAME_BYTES, LEAD "%s%s%.*s-%016" PRIx64 "-%ld-%llu-%016" PRIx64, kind_names[kind], tag,
             HOST_BYTES, host, mpj_place(), (long)getpid(), mpj_process_start("self"), mpj_random_token());
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

/* ---- Reading names ----------------------------------------------------------------------------------------------- */

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

mpj_hidden_owner mpj_hidden_owner_of(const char *name)
{
    uint64_t place;
    long pid;
    unsigned long long start;
    const char *fields = field_from_right(name, 4);
    if (!fields || sscanf(fields, "%16" SCNx64 "-%ld-%llu-", &place, &pid, &start) != 3)
        return MPJ_OWNER_ELSEWHERE;
    mpj_process_state state = mpj_process_look(place, pid, start);
    return state == MPJ_PROCESS_LIVES  ? MPJ_OWNER_LIVES
           : state == MPJ_PROCESS_GONE ? MPJ_OWNER_GONE
                                       : MPJ_OWNER_ELSEWHERE;
}
