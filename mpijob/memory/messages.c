/* What joblib's Memory says, to standard output, where `verbose` asks for it. */
#include "memory/memory.h"

#include "array/jsontext.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "memory/shelf.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COLUMNS 80
#define STAMP_COLUMNS 16

int mpj_cached_verbose(const mpijob_cached *c)
{
    return c->options.verbose;
}

/* "0.1s, 0.0min" */
static void duration(char *out, size_t bytes, double seconds)
{
    snprintf(out, bytes, "%.1fs, %.1fmin", seconds, seconds / 60);
}

static void print_line_of(char filler, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = length; i < COLUMNS; i++)
        putchar(filler);
    puts(text);
}

/* f(c=10.0, gamma=0.1) */
static void print_call(const mpijob_cached *c, const void *args, uint64_t index)
{
    char *text = mpj_cached_args_json(c, args, index);
    json_t *object = NULL;
    if (text)
        mpj_json_parse_object(&object, text, strlen(text), c->signature.name, NULL);
    const char *name, *between = "";
    json_t *value;
    printf("%s(", c->signature.name);
    json_object_foreach(object, name, value)
    {
        printf("%s%s=", between, name);
        json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
        between = ", ";
    }
    printf(")");
    json_decref(object);
    mpj_free(text);
}

static const char *folder_of(const mpijob_cached *c)
{
    return c->shelf ? mpj_shelf_path(c->shelf) : "none";
}

/* Where a result is, in joblib's way: its folder, and in that its key. */
static void print_place(const mpijob_cached *c, const mpj_name *name)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES];
    mpijob_digest_text(key, &name->key);
    printf("%s/%s\n", folder_of(c), key);
}

void mpj_say_querying(const mpijob_cached *c, const mpj_name *name, const void *args, uint64_t index)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES];
    if (c->options.verbose < 20)
        return;
    mpijob_digest_text(key, &name->key);
    printf("Querying %s with signature ", c->signature.name);
    print_call(c, args, index);
    printf(", argument hash %s in location %s\n", key, folder_of(c));
    fflush(stdout);
}

void mpj_say_computing(const mpijob_cached *c, const mpj_name *name, const void *args, uint64_t index)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES];
    if (c->options.verbose < 1)
        return;
    mpijob_digest_text(key, &name->key);
    if (c->options.verbose > 10)
        printf("Computing func %s, argument hash %s in location %s\n", c->signature.name, key, folder_of(c));
    print_line_of('_', "");
    printf("[Memory] Calling %s...\n", c->signature.name);
    print_call(c, args, index);
    putchar('\n');
    fflush(stdout);
}

static void say_end(const mpijob_cached *c, const char *what, double seconds)
{
    char took[64], line[MPIJOB_REFERENCE_FUNCTION_BYTES + 128];
    duration(took, sizeof took, seconds);
    snprintf(line, sizeof line, "%s%s - %s", c->signature.name, what, took);
    print_line_of('_', line);
    fflush(stdout);
}

void mpj_say_computed(const mpijob_cached *c, const mpj_name *name, double seconds)
{
    if (c->options.verbose < 1)
        return;
    if (c->options.verbose > 10 && c->shelf) {
        printf("Persisting in ");
        print_place(c, name);
    }
    say_end(c, "", seconds);
}

void mpj_say_loading(const mpijob_cached *c, const mpj_name *name, const void *args, uint64_t index, bool shelved)
{
    char since[64];
    if (c->options.verbose < 2)
        return;
    duration(since, sizeof since, mpj_now() - c->since);
    printf("[Memory]%-*s: Loading ", STAMP_COLUMNS, since);
    if (shelved)
        print_call(c, args, index);
    else
        fputs(c->signature.name, stdout);
    if (c->options.verbose > 10) {
        printf(" from ");
        print_place(c, name);
    } else {
        puts("...");
    }
    fflush(stdout);
}

void mpj_say_loaded(const mpijob_cached *c, double seconds)
{
    if (c->options.verbose > 4)
        say_end(c, " cache loaded", seconds);
}

/* ---- Changes ----------------------------------------------------------------------------------------------------- */

void mpj_say_changed(const mpijob_cached *c)
{
    if (c->options.verbose <= 10)
        return;
    printf("Function %s (identified by %s) has changed.\n", c->signature.name, c->signature.name);
    fflush(stdout);
}

void mpj_say_clearing(const mpijob_cached *c)
{
    if (c->options.verbose < 1)
        return;
    printf("[MemorizedFunc(func=%s, location=%s)]: Clearing function cache identified by %s\n", c->signature.name,
           c->memory->location, c->signature.name);
    fflush(stdout);
}

/* As Python writes what joblib keeps of an item. */
void mpj_say_deleting(const mpj_store *store, const char *function, const mpj_name *name, uint64_t bytes,
                      int64_t used_ns)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES];
    time_t used = (time_t)(used_ns / 1000000000);
    struct tm at;
    if (!localtime_r(&used, &at))
        return;
    mpijob_digest_text(key, &name->key);
    printf("Deleting item CacheItemInfo(path='%s/%s/%s', size=%llu, "
           "last_access=datetime.datetime(%d, %d, %d, %d, %d, %d))\n",
           store->location, function, key, (unsigned long long)bytes, at.tm_year + 1900, at.tm_mon + 1, at.tm_mday,
           at.tm_hour, at.tm_min, at.tm_sec);
    fflush(stdout);
}

void mpj_say_flushing(const mpijob_memory *memory)
{
    if (memory->options.verbose < 1)
        return;
    printf("[Memory(location=%s)]: Flushing completely the cache\n", memory->location);
    fflush(stdout);
}
