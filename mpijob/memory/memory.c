/* Locations: opening, options, closing, statistics. */
#include "memory/memory.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/codec.h"
#include "memory/opened.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LARGE_BYTES ((size_t)1 << 20)
#define LARGE_MOST_BYTES ((size_t)1 << 30) /* an entry has lengths of 32 bits */
#define UMASK 022

void mpj_memory_warn(const mpijob_memory *memory, const char *format, ...)
{
    char text[MPIJOB_ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    mpj_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    if (memory->options.log)
        memory->options.log(MPIJOB_LOG_WARNING, text, memory->options.log_payload);
    else
        fprintf(stderr, "mpijob: %s\n", text);
}

/* ---- Options ---- */

static int check_numbers(const mpijob_memory_options *o, mpijob_error *err)
{
    for (size_t i = 0; i < sizeof o->reserved / sizeof o->reserved[0]; i++)
        if (o->reserved[i] != 0)
            return mpj_fail(err, MPIJOB_EINVAL,
                            "a reserved member of the memory options is set: zero the struct first");
    if (o->verbose < 0)
        return mpj_fail(err, MPIJOB_EINVAL, "option verbose is %d; it is 0 or more", o->verbose);
    if (o->compress < MPIJOB_UNCOMPRESSED || o->compress > 9)
        return mpj_fail(err, MPIJOB_EINVAL, "option compress is %d; it is -1 (not), 0 (where it gains) or 1 to 9",
                        o->compress);
    if (o->durability < MPIJOB_DURABLE_PUBLISH || o->durability > MPIJOB_DURABLE_EACH)
        return mpj_fail(err, MPIJOB_EINVAL, "option durability is %d; it is 0, 1 or 2", o->durability);
    if (o->check_mapped < 0 || o->check_mapped > 1)
        return mpj_fail(err, MPIJOB_EINVAL, "option check_mapped is %d; it is 0 or 1", o->check_mapped);
    if (o->umask > 0777)
        return mpj_fail(err, MPIJOB_EINVAL, "option umask is %#o; it has permission bits only", o->umask);
    if (!(o->max_age_s >= 0))
        return mpj_fail(err, MPIJOB_EINVAL, "option max_age_s is %g; it is 0 or more", o->max_age_s);
    return MPIJOB_OK;
}

int mpj_check_mmap_mode(const char *mode, mpijob_error *err)
{
    if (mode && *mode && strcmp(mode, "r") != 0 && strcmp(mode, "c") != 0 && strcmp(mode, "r+") != 0 &&
        strcmp(mode, "w+") != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "option mmap_mode is \"%s\"; it is NULL, \"r\", \"c\", \"r+\" or \"w+\"",
                        mode);
    return MPIJOB_OK;
}

/* The caller's text need not last. */
static const char *lasting(const char *mode)
{
    static const char *const modes[] = {"r", "c", "r+", "w+"};
    for (size_t i = 0; mode && i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(mode, modes[i]) == 0)
            return modes[i];
    return NULL;
}

static int find_group(gid_t *group, const char *name, mpijob_error *err)
{
    char *end;
    *group = (gid_t)-1;
    if (!name)
        return MPIJOB_OK;
    errno = 0;
    unsigned long number = strtoul(name, &end, 10);
    if (*name >= '0' && *name <= '9' && *end == '\0' && errno == 0 && number < (gid_t)-1) {
        *group = (gid_t)number;
        return MPIJOB_OK;
    }
    size_t bytes = 16384;
    char *buffer = mpj_alloc(bytes);
    struct group entry, *found = NULL;
    if (!buffer)
        return mpj_fail_memory(err, "the group's name", bytes);
    int failed = getgrnam_r(name, &entry, buffer, bytes, &found);
    if (found)
        *group = entry.gr_gid;
    mpj_free(buffer);
    if (!found)
        return mpj_fail(err, MPIJOB_EINVAL, "option group: there is no group '%s'%s%s", name, failed ? ": " : "",
                        failed ? strerror(failed) : "");
    return MPIJOB_OK;
}

static mode_t process_umask(void)
{
    /* The system tells it only by setting it, which other threads would see. */
    char line[200];
    unsigned mask = UMASK;
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Umask: %o", &mask) == 1)
            break;
    if (status)
        fclose(status);
    return mask & 0777;
}

static int read_options(mpijob_memory *memory, mpj_store_options *store, const mpijob_memory_options *options,
                        mpijob_error *err)
{
    mpijob_memory_options *o = &memory->options;
    if (options)
        *o = *options;
    int status = check_numbers(o, err);
    if (status == MPIJOB_OK)
        status = mpj_check_mmap_mode(o->mmap_mode, err);
    if (status == MPIJOB_OK)
        status = find_group(&store->group, o->group, err);
    if (status != MPIJOB_OK)
        return status;
    memory->codec = mpj_codec_find(o->codec ? o->codec : "lz4");
    if (memory->codec < 0)
        return mpj_fail(err, MPIJOB_EINVAL, "option codec: this Blosc has no '%s'", o->codec);
    o->codec = mpj_codec_name(memory->codec);
    o->group = NULL;
    if (o->large_bytes == 0)
        o->large_bytes = LARGE_BYTES;
    if (o->large_bytes > LARGE_MOST_BYTES)
        o->large_bytes = LARGE_MOST_BYTES;
    o->mmap_mode = lasting(o->mmap_mode);
    store->umask = o->umask ? o->umask : UMASK | process_umask();
    store->durability = o->durability;
    store->log = o->log;
    store->log_payload = o->log_payload;
    return MPIJOB_OK;
}

/* ---- Opening and closing ---- */

static bool is_off(const char *location)
{
    const char *variable = getenv("MPIJOB_MEMORY");
    return !location || !*location || (variable && strcmp(variable, "off") == 0);
}

static int open_location(mpijob_memory *memory, const char *location, const mpj_store_options *options,
                         mpijob_error *err)
{
    size_t bytes = strlen(location) + 1;
    memory->location = mpj_alloc(bytes);
    if (!memory->location)
        return mpj_fail_memory(err, "a location's name", bytes);
    memcpy(memory->location, location, bytes);
    return mpj_store_open(&memory->store, location, options, err);
}

int mpj_memory_open(mpijob_memory **opened, const char *location, const mpijob_memory_options *options,
                    mpijob_error *err)
{
    mpj_store_options store = {0};
    mpijob_memory *memory = mpj_calloc(1, sizeof *memory);
    if (!memory)
        return mpj_fail_memory(err, "a location", sizeof *memory);
    pthread_mutex_init(&memory->lock, NULL);
    pthread_mutex_init(&memory->brief_lock, NULL);
    int status = read_options(memory, &store, options, err);
    if (status == MPIJOB_OK && location)
        status = open_location(memory, location, &store, err);
    if (status != MPIJOB_OK) {
        mpijob_memory_close(memory);
        return status;
    }
    if (memory->store)
        mpj_memory_register(memory);
    *opened = memory;
    return MPIJOB_OK;
}

int mpijob_memory_open(mpijob_memory **memory, const char *location, const mpijob_memory_options *options,
                       mpijob_error *err)
{
    if (!memory)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_memory_open: memory is NULL");
    return mpj_memory_open(memory, is_off(location) ? NULL : location, options, err);
}

void mpijob_memory_close(mpijob_memory *memory)
{
    if (!memory)
        return;
    mpj_memory_unregister(memory);
    if (memory->close_runs)
        memory->close_runs(memory->runs);
    mpj_ticker_stop(memory);
    if (memory->store)
        mpj_memory_limits_at_end(memory);
    for (mpijob_cached *c = memory->functions; c; c = c->next)
        mpj_cached_mend(c);
    while (memory->functions)
        mpj_cached_free_first(memory);
    if (memory->store)
        mpj_store_close(memory->store);
    pthread_mutex_destroy(&memory->brief_lock);
    pthread_mutex_destroy(&memory->lock);
    mpj_free(memory->location);
    mpj_free(memory);
}

int mpijob_memory_sync(mpijob_memory *memory, mpijob_error *err)
{
    if (!memory)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_memory_sync: memory is NULL");
    if (!memory->store)
        return MPIJOB_OK;
    mpj_memory_finish_runs(memory);
    pthread_mutex_lock(&memory->lock);
    int status = mpj_store_flush(memory->store, true, err);
    pthread_mutex_unlock(&memory->lock);
    return status;
}

const char *mpijob_memory_location(const mpijob_memory *memory)
{
    return memory && memory->store ? memory->location : NULL;
}

void **mpj_memory_runs(mpijob_memory *memory, void (*close)(void *kept), void (*finish)(void *kept))
{
    memory->close_runs = close;
    memory->finish_runs = finish;
    return &memory->runs;
}

void mpj_memory_finish_runs(mpijob_memory *memory)
{
    if (memory->finish_runs)
        memory->finish_runs(memory->runs);
}

/* ---- Statistics ---- */

void mpijob_memory_get_stats(const mpijob_memory *memory, mpijob_memory_stats *stats)
{
    mpj_store_counts counts = {0};
    pthread_mutex_t *lock = (pthread_mutex_t *)&memory->lock, *brief = (pthread_mutex_t *)&memory->brief_lock;
    pthread_mutex_lock(lock);
    pthread_mutex_lock(brief);
    *stats = memory->stats;
    pthread_mutex_unlock(brief);
    if (memory->store)
        mpj_store_count(memory->store, &counts);
    pthread_mutex_unlock(lock);
    stats->stored = counts.stored;
    stats->stored_bytes += counts.stored_bytes;
    stats->not_stored += counts.not_stored;
    stats->damaged += counts.damaged;
    stats->refreshes = counts.refreshes;
}

void mpijob_memory_stats_print(FILE *stream, const mpijob_memory *memory)
{
    mpijob_memory_stats s;
    mpijob_memory_get_stats(memory, &s);
    uint64_t calls = s.hits + s.misses;
    fprintf(stream, "Memory     %llu hits, %llu misses", (unsigned long long)s.hits, (unsigned long long)s.misses);
    if (calls)
        fprintf(stream, " (%.1f %% found)", 100.0 * (double)s.hits / (double)calls);
    fprintf(stream, ", %.1f s saved, %.1f s computed\n", s.seconds_saved, s.seconds_computed);
    fprintf(stream, "           %llu results stored, %.1f MB", (unsigned long long)s.stored,
            (double)s.stored_bytes / 1e6);
    if (s.not_stored)
        fprintf(stream, ", %llu could not be stored", (unsigned long long)s.not_stored);
    if (s.damaged)
        fprintf(stream, ", %llu found damaged", (unsigned long long)s.damaged);
    fputc('\n', stream);
}
