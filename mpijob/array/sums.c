#include "array/sums.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "mpijob-sums 1 xxh3-64\n"
#define FIRST_WORDS "mpijob-sums "
#define SUM_DIGITS 16
#define ADVICE "damaged, or changed by another program (if so, remove " MPJ_SUMS_NAME " beside it to accept the change)"

/* ---- Writing --------------------------------------------------------------------------------------------------- */

mpj_sum mpj_sum_of(const void *content, size_t bytes)
{
    return (mpj_sum){mpj_checksum(content, bytes), bytes};
}

static void append(mpj_sums_text *list, const char *text, size_t bytes)
{
    void *block = list->text;
    if (list->no_memory || mpj_grow(&block, &list->capacity, list->used + bytes, 1) != 0) {
        list->no_memory = 1;
        return;
    }
    list->text = block;
    memcpy(list->text + list->used, text, bytes);
    list->used += bytes;
}

static void append_line(mpj_sums_text *list, mpj_sum sum, const char *name)
{
    char numbers[64];
    int length =
        snprintf(numbers, sizeof numbers, "%016llx %llu ", (unsigned long long)sum.sum, (unsigned long long)sum.bytes);
    if (list->used == 0)
        append(list, FIRST_LINE, strlen(FIRST_LINE));
    append(list, numbers, (size_t)length);
    append(list, name, strlen(name));
    append(list, "\n", 1);
}

void mpj_sums_add(mpj_sums_text *list, const char *name, mpj_sum sum)
{
    append_line(list, sum, name);
    list->count++;
}

int mpj_sums_finish(mpj_sums_text *list, mpijob_error *err)
{
    mpj_sum own = {.bytes = list->count};
    if (!list->no_memory)
        own.sum = mpj_checksum(list->text, list->used);
    append_line(list, own, "end");
    return list->no_memory ? mpj_fail_memory(err, "a list of checksums", list->used) : MPIJOB_OK;
}

void mpj_sums_text_free(mpj_sums_text *list)
{
    mpj_free(list->text);
    *list = (mpj_sums_text){0};
}

/* ---- Reading --------------------------------------------------------------------------------------------------- */

static const char *read_hex(const char *text, uint64_t *value)
{
    *value = 0;
    for (int i = 0; i < SUM_DIGITS; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return NULL;
        *value = *value << 4 | (uint64_t)digit;
    }
    return text + SUM_DIGITS;
}

static const char *read_decimal(const char *text, uint64_t *value)
{
    const char *end = text;
    *value = 0;
    for (; *end >= '0' && *end <= '9'; end++) {
        if (__builtin_mul_overflow(*value, (uint64_t)10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*end - '0'), value))
            return NULL;
    }
    return end > text ? end : NULL;
}

/* A line without its end, zero-terminated. */
static int read_line(const char *line, mpj_sums_entry *entry)
{
    const char *rest = read_hex(line, &entry->sum.sum);
    if (!rest || *rest != ' ')
        return -1;
    rest = read_decimal(rest + 1, &entry->sum.bytes);
    if (!rest || *rest != ' ' || rest[1] == '\0')
        return -1;
    entry->name = rest + 1;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const mpj_sums_entry *)a)->name, ((const mpj_sums_entry *)b)->name);
}

static size_t count_lines(const char *text, size_t bytes)
{
    size_t count = 0;
    for (const char *at = text; (at = memchr(at, '\n', bytes - (size_t)(at - text))) != NULL; at++)
        count++;
    return count;
}

/* The lines between first and last, of which there must be `lines`, and the last. 0, or -1. */
static int read_lines(mpj_sums *sums, size_t bytes, size_t lines)
{
    char *line = sums->text + strlen(FIRST_LINE);
    mpj_sums_entry last = {0};
    for (size_t i = 0; i <= lines; i++) {
        char *end = memchr(line, '\n', bytes - (size_t)(line - sums->text));
        size_t before = (size_t)(line - sums->text);
        if (i == lines) {
            uint64_t sum = mpj_checksum(sums->text, before);
            *end = '\0';
            return read_line(line, &last) == 0 && strcmp(last.name, "end") == 0 && last.sum.sum == sum &&
                           last.sum.bytes == lines
                       ? 0
                       : -1;
        }
        line = end + 1;
    }
    return -1;
}

/* After the text's own checksum was found right. */
static int read_entries(mpj_sums *sums, size_t lines)
{
    char *line = sums->text + strlen(FIRST_LINE);
    int sorted = 1;
    for (size_t i = 0; i < lines; i++) {
        char *end = strchr(line, '\n');
        if (!end)
            return -1;
        *end = '\0';
        if (read_line(line, &sums->entries[i]) != 0)
            return -1;
        sorted = sorted && (i == 0 || by_name(&sums->entries[i - 1], &sums->entries[i]) < 0);
        line = end + 1;
    }
    if (!sorted)
        qsort(sums->entries, lines, sizeof *sums->entries, by_name);
    sums->count = lines;
    return 0;
}

static int damaged(mpj_sums *sums, const char *what, mpijob_error *err)
{
    mpj_sums_free(sums);
    return mpj_fail(err, MPIJOB_ECORRUPT,
                    "%s: the list of checksums is damaged itself; without it (removed) the array is "
                    "read unchecked",
                    what);
}

int mpj_sums_parse(mpj_sums *sums, char *text, size_t bytes, const char *what, mpijob_error *err)
{
    *sums = (mpj_sums){.text = text, .known = 1};
    size_t first = strlen(FIRST_LINE);
    if (bytes > strlen(FIRST_WORDS) && memcmp(text, FIRST_WORDS, strlen(FIRST_WORDS)) == 0 &&
        (bytes < first || memcmp(text, FIRST_LINE, first) != 0)) {
        mpj_sums_free(sums);
        return mpj_fail(err, MPIJOB_EVERSION, "%s: a list of checksums of another version, or damaged", what);
    }
    if (bytes <= first || memcmp(text, FIRST_LINE, first) != 0 || text[bytes - 1] != '\n' || memchr(text, '\0', bytes))
        return damaged(sums, what, err);
    size_t lines = count_lines(text, bytes);
    if (lines < 2 || read_lines(sums, bytes, lines - 2) != 0)
        return damaged(sums, what, err);
    sums->entries = mpj_calloc(lines, sizeof *sums->entries);
    if (!sums->entries) {
        mpj_sums_free(sums);
        return mpj_fail_memory(err, "a list of checksums", lines * sizeof *sums->entries);
    }
    return read_entries(sums, lines - 2) == 0 ? MPIJOB_OK : damaged(sums, what, err);
}

int mpj_sums_read(mpj_sums *sums, mpj_tree *tree, const char *prefix, mpijob_error *err)
{
    char name[MPJ_PATH_BYTES], what[2 * MPJ_PATH_BYTES];
    mpj_tree_buffer buffer = {0};
    *sums = (mpj_sums){0};
    if (mpj_tree_is_zip(tree))
        return MPIJOB_OK;
    snprintf(name, sizeof name, "%s%s", prefix, MPJ_SUMS_NAME);
    snprintf(what, sizeof what, "%s/%s", mpj_tree_path(tree), name);
    int status = mpj_tree_read(tree, name, &buffer, MPJ_SUMS_LIMIT, err);
    if (status == MPIJOB_OK)
        return mpj_sums_parse(sums, buffer.data, buffer.bytes, what, err);
    mpj_free(buffer.data);
    return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
}

void mpj_sums_free(mpj_sums *sums)
{
    mpj_free(sums->text);
    mpj_free(sums->entries);
    *sums = (mpj_sums){0};
}

const mpj_sums_entry *mpj_sums_find(const mpj_sums *sums, const char *name)
{
    mpj_sums_entry key = {.name = name};
    return sums->count ? bsearch(&key, sums->entries, sums->count, sizeof key, by_name) : NULL;
}

int mpj_sums_check(const mpj_sums *sums, const char *name, const void *content, size_t bytes, const char *what,
                   mpijob_error *err)
{
    if (!sums->known)
        return MPIJOB_OK;
    const mpj_sums_entry *entry = mpj_sums_find(sums, name);
    if (!entry)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s is not in the list of checksums: " ADVICE, what);
    if (entry->sum.bytes != bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s has %zu bytes, not the %llu it was written with: " ADVICE, what,
                        bytes, (unsigned long long)entry->sum.bytes);
    if (entry->sum.sum != mpj_checksum(content, bytes))
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s has a wrong checksum: " ADVICE, what);
    return MPIJOB_OK;
}

int mpj_sums_check_missing(const mpj_sums *sums, const char *name, const char *what, mpijob_error *err)
{
    if (!mpj_sums_find(sums, name))
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_ECORRUPT, "%s is missing, and the list of checksums has it: " ADVICE, what);
}
