/* Records of use: read together, and merged (cleaner.h). */
#include "base/alloc.h"
#include "base/error.h"
#include "io/codec.h"
#include "memory/cleaner.h"

#include <stdio.h>

#define FILE_MOST_BYTES ((uint64_t)1 << 30)

typedef char use_name[MPJ_WRITER_BYTES + 8];

typedef struct reading {
    mpj_use_table *uses;
    int folder;
    const char *path;
    use_name *names; /* of the files that were read, or are damaged */
    size_t count, capacity;
    mpijob_error *err;
} reading;

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static bool is_whole(const unsigned char *file, uint64_t bytes, mpj_use_head *head)
{
    return bytes >= MPJ_USE_HEAD_BYTES && mpj_use_head_decode(head, file) == MPIJOB_OK &&
           bytes - MPJ_USE_HEAD_BYTES == head->count * MPJ_USE_RECORD_BYTES &&
           mpj_checksum(file + MPJ_USE_HEAD_BYTES, (size_t)(bytes - MPJ_USE_HEAD_BYTES)) == head->records_sum;
}

/* Of a damaged file nothing is taken. */
static int take_records(mpj_use_table *uses, const unsigned char *file, uint64_t bytes)
{
    mpj_use_head head;
    if (!is_whole(file, bytes, &head))
        return 0;
    uses->hits += head.hits;
    uses->saved_s += head.saved_s;
    for (uint64_t i = 0; i < head.count; i++) {
        mpj_use_record record;
        mpj_use_record_decode(&record, file + MPJ_USE_HEAD_BYTES + i * MPJ_USE_RECORD_BYTES);
        if (mpj_use_add(uses, &record) != 0)
            return -1;
    }
    return 0;
}

/* All of it, to be freed with mpj_free. 1; 0: it cannot be read; -1: there is no memory. */
static int read_all(unsigned char **file, int fd, uint64_t *bytes)
{
    if (*bytes > FILE_MOST_BYTES)
        return 0;
    unsigned char *made = mpj_alloc((size_t)*bytes);
    if (!made)
        return -1;
    long got = mpj_file_read_some(fd, made, (size_t)*bytes, 0);
    if (got < 0) {
        mpj_free(made);
        return 0;
    }
    *file = made;
    *bytes = (uint64_t)got;
    return 1;
}

int mpj_uses_are_whole(int fd, uint64_t bytes)
{
    mpj_use_head head;
    unsigned char *file;
    if (read_all(&file, fd, &bytes) != 1)
        return -1;
    int whole = is_whole(file, bytes, &head);
    mpj_free(file);
    return whole;
}

/* 1: it was read, though it may be damaged; 0: it cannot be; else an error. */
static int read_file(const reading *r, const char *name)
{
    unsigned char *file;
    uint64_t bytes;
    int fd, failed = 0;
    if (mpj_below_open(&fd, r->folder, r->path, name, &bytes, NULL) != MPIJOB_OK)
        return 0;
    int got = read_all(&file, fd, &bytes);
    mpj_file_close(&fd);
    if (got == 1) {
        failed = take_records(r->uses, file, bytes);
        mpj_free(file);
    }
    return got < 0 || failed ? mpj_fail_memory(r->err, "records of use", bytes) : got;
}

static int take_file(const char *name, void *payload)
{
    reading *r = payload;
    char writer[MPJ_WRITER_BYTES];
    if (!mpj_writer_of(writer, name, MPJ_USE_SUFFIX))
        return MPIJOB_OK;
    if (mpj_grow((void **)&r->names, &r->capacity, r->count + 1, sizeof *r->names) != 0)
        return mpj_fail_memory(r->err, "records of use", sizeof *r->names);
    int status = read_file(r, name);
    if (status == 1)
        snprintf(r->names[r->count++], sizeof *r->names, "%s", name);
    return status == 1 ? MPIJOB_OK : status;
}

static int read_folder(reading *r, const mpj_store *store, const char *function)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    snprintf(below, sizeof below, "%s/" MPJ_USE_FOLDER, function);
    int status = mpj_below_walk(&r->folder, store->location, below, NULL, r->err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
    return mpj_below_list(r->folder, r->path, take_file, r, r->err);
}

/* What this process itself found is not in a file yet. */
static int take_own(mpj_use_table *uses, const mpj_store *store, const char *function)
{
    for (const mpj_shelf *shelf = store->shelves; shelf; shelf = shelf->next) {
        if (strncmp(shelf->below, function, shelf->below_function) != 0 || function[shelf->below_function])
            continue;
        uses->hits += shelf->use.hits;
        uses->saved_s += shelf->use.saved_s;
        for (size_t i = 0; i < shelf->use.capacity; i++)
            if (mpj_use_add(uses, &shelf->use.records[i]) != 0)
                return -1;
    }
    return 0;
}

int mpj_uses_read(mpj_use_table *uses, const mpj_store *store, const char *function, mpijob_error *err)
{
    *uses = (mpj_use_table){.records = NULL};
    reading r = {.uses = uses, .folder = -1, .path = function, .err = err};
    int status = read_folder(&r, store, function);
    if (status == MPIJOB_OK && take_own(uses, store, function) != 0)
        status = mpj_fail_memory(err, "records of use", sizeof *uses->records);
    mpj_file_close(&r.folder);
    mpj_free(r.names);
    return status;
}

void mpj_uses_free(mpj_use_table *uses)
{
    mpj_free(uses->records);
    *uses = (mpj_use_table){.records = NULL};
}

/* ---- Merging ----------------------------------------------------------------------------------------------------- */

/* Of what lives in the list. */
static int choose(mpj_use_table *kept, const mpj_use_table *all, const mpj_list *list)
{
    kept->hits = all->hits;
    kept->saved_s = all->saved_s;
    for (size_t i = 0; i < list->count; i++) {
        const mpj_use_record *record =
            list->entries[i].live && !list->entries[i].drop ? mpj_use_find(all, &list->entries[i].name) : NULL;
        if (record && mpj_use_add(kept, record) != 0)
            return -1;
    }
    return 0;
}

static int publish(const reading *r, const mpj_store *store, const mpj_list *list)
{
    mpj_use_table kept = {.records = NULL};
    int status = MPIJOB_OK;
    if (list && choose(&kept, r->uses, list) != 0)
        status = mpj_fail_memory(r->err, "records of use", r->uses->used * sizeof *kept.records);
    if (status == MPIJOB_OK)
        status = mpj_use_publish(list ? &kept : r->uses, r->folder, r->path, &store->rights, r->err);
    mpj_uses_free(&kept);
    return status;
}

/* The new one first: killed in between, hours stand in two files, which changes nothing, and hits count twice. */
int mpj_uses_merge(const mpj_store *store, const char *function, const mpj_list *list, mpijob_error *err)
{
    mpj_use_table uses = {.records = NULL};
    reading r = {.uses = &uses, .folder = -1, .path = function, .err = err};
    int status = read_folder(&r, store, function);
    if (status == MPIJOB_OK && r.count > 1) {
        status = publish(&r, store, list);
        for (size_t i = 0; i < r.count && status == MPIJOB_OK; i++)
            status = mpj_below_unlink(r.folder, r.names[i], err);
    }
    mpj_file_close(&r.folder);
    mpj_free(r.names);
    mpj_uses_free(&uses);
    return status;
}

void mpj_cleaner_merge_uses(mpj_shelf *shelf)
{
    char function[MPJ_FUNCTION_BYTES];
    mpj_election election;
    snprintf(function, sizeof function, "%.*s", (int)shelf->below_function, shelf->below);
    if (mpj_election_stand(&election, shelf->store, function, NULL) != 1)
        return;
    mpj_uses_merge(shelf->store, function, NULL, NULL);
    mpj_election_end(&election, shelf->store);
}
