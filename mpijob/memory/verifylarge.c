/* Files of large results (verify.h). */
#include "base/alloc.h"
#include "base/error.h"
#include "io/info.h"
#include "memory/trash.h"
#include "memory/verify.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- One that an entry refers to --------------------------------------------------------------------------------- */

static bool hit_of(mpj_hit *hit, const mpj_listed *entry, const mpj_entry_header *header, const unsigned char *bytes)
{
    const unsigned char *payload = bytes + mpj_entry_payload_at(header);
    *hit = (mpj_hit){.name = entry->name, .large = true};
    if (header->stored_bytes >= sizeof hit->file)
        return false;
    memcpy(hit->file, payload, (size_t)header->stored_bytes);
    hit->file[header->stored_bytes] = '\0';
    return mpj_large_is_name(hit->file) && mpj_meta_get(bytes + mpj_entry_meta_at(header), header->meta_bytes,
                                                        &hit->ndim, hit->shape, &hit->summed, &hit->sum) == 0;
}

/* Mapped, so that it need not fit into memory, and with its checksum. */
static int load(mpijob_cached *c, const mpj_hit *hit, mpijob_error *err)
{
    mpijob_array array;
    const char *mode = c->mmap_mode;
    c->mmap_mode = "r";
    c->memory->options.check_mapped = 1;
    int status = mpj_cached_load(c, hit, &array, err);
    c->mmap_mode = mode;
    if (status == MPIJOB_OK)
        mpijob_array_free(&array);
    return status;
}

int mpj_large_check(mpijob_memory *memory, const char *name, const mpj_listed *entry, const mpj_entry_header *header,
                    const unsigned char *bytes, mpijob_error *err)
{
    mpijob_reference reference = {.version = entry->name.version};
    mpijob_cached *c;
    mpj_hit hit;
    size_t elements;
    snprintf(reference.function, sizeof reference.function, "%s", name);
    if (!hit_of(&hit, entry, header, bytes))
        return mpj_fail(err, MPIJOB_ECORRUPT, "an entry names a file that cannot be its own, or has no shape");
    int status = mpj_cached_describe(&c, memory, &reference, err);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_shape_bytes(&elements, hit.ndim, hit.shape, c->packing.bytes) != 0)
        return mpj_fail(err, MPIJOB_ECORRUPT, "an entry has a shape that is larger than the address space");
    hit.bytes = elements;
    return load(c, &hit, err);
}

typedef struct waiting {
    const mpj_verifying *v;
    const char *file; /* below large/ */
    bool found;
} waiting;

/* An item of the trash: this file, or the folder of all of them with this file in it. */
static int look_in_item(const char *item, void *payload)
{
    waiting *w = payload;
    char below[MPJ_FUNCTION_BYTES + MPJ_TRASH_ITEM_BYTES + 64];
    const char *base = strchr(w->file, '/') + 1;
    int folder;
    size_t length = strlen(item), tail = strlen(base);
    w->found = length > tail && strcmp(item + length - tail, base) == 0;
    if (w->found || snprintf(below, sizeof below, "%s/" MPJ_TRASH_FOLDER "/%s/%.2s", w->v->function, item, w->file) >=
                        (int)sizeof below)
        return w->found;
    if (mpj_below_walk(&folder, mpj_store_of(w->v->store)->location, below, NULL, NULL) != MPIJOB_OK)
        return 0;
    w->found = mpj_below_look(folder, base, NULL) == 1;
    mpj_file_close(&folder);
    return w->found;
}

/* Was it removed on purpose? Somebody may have cleared it between its being written and being entered. */
static bool is_in_trash(const mpj_verifying *v, const char *file)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    waiting w = {v, file, false};
    int trash;
    snprintf(below, sizeof below, "%s/" MPJ_TRASH_FOLDER, v->function);
    if (mpj_below_walk(&trash, mpj_store_of(v->store)->location, below, NULL, NULL) != MPIJOB_OK)
        return false;
    mpj_below_list(trash, below, look_in_item, &w, NULL);
    mpj_file_close(&trash);
    return w.found;
}

int mpj_verify_large(mpj_verifying *v, const mpj_list *list, const mpj_listed *entry, const mpj_entry_header *header,
                     const unsigned char *bytes)
{
    char name[MPJ_LARGE_FILE_BYTES] = "", file[MPJ_LARGE_FILE_BYTES + 16];
    mpijob_error own = {0};
    int status = mpj_large_check(v->store->memory, v->name, entry, header, bytes, &own);
    if (status == MPIJOB_ENOMEM)
        return mpj_told(v->err, status, &own);
    if (header->stored_bytes < sizeof name)
        memcpy(name, bytes + mpj_entry_payload_at(header), (size_t)header->stored_bytes);
    bool sound = mpj_large_is_name(name);
    snprintf(file, sizeof file, MPJ_LARGE_FOLDER "%s%s", sound ? "/" : "", sound ? name : "");
    if (status == MPIJOB_ENOTFOUND && sound && is_in_trash(v, name))
        return MPIJOB_OK;
    v->verified->large++;
    if (status != MPIJOB_OK)
        mpj_verify_tell(v, MPIJOB_FINDING_DAMAGED, file, 0, &entry->name.key, own.text);
    return mpj_verify_step(v, sound ? mpj_list_large_bytes(list, name) : 0);
}

/* ---- Without an entry -------------------------------------------------------------------------------------------- */

typedef struct looking {
    mpj_large_seen *seen;
    const char *below;
    int folder;
} looking;

static int take_file(const char *name, void *payload)
{
    const looking *l = payload;
    mpj_large_seen *seen = l->seen;
    char file[MPJ_LARGE_FILE_BYTES];
    if (snprintf(file, sizeof file, "%s/%s", l->below, name) >= (int)sizeof file || !mpj_large_is_name(file))
        return MPIJOB_OK;
    if (mpj_grow((void **)&seen->all, &seen->capacity, seen->count + 1, sizeof *seen->all) != 0)
        return MPIJOB_ENOMEM;
    memcpy(seen->all[seen->count++], file, sizeof file);
    return MPIJOB_OK;
}

static int take_folder(const char *name, void *payload)
{
    const looking *outer = payload;
    looking inner = {outer->seen, name, mpj_info_open_folder(outer->folder, name)};
    if (inner.folder < 0)
        return MPIJOB_OK;
    int status = mpj_below_list(inner.folder, name, take_file, &inner, NULL);
    mpj_file_close(&inner.folder);
    return status;
}

int mpj_verify_large_files(mpj_verifying *v, mpj_large_seen *seen)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    looking l = {.seen = seen};
    snprintf(below, sizeof below, "%s/" MPJ_LARGE_FOLDER, v->function);
    if (mpj_below_walk(&l.folder, mpj_store_of(v->store)->location, below, NULL, NULL) != MPIJOB_OK)
        return MPIJOB_OK;
    int status = mpj_below_list(l.folder, below, take_folder, &l, v->err);
    mpj_file_close(&l.folder);
    return status == MPIJOB_ENOMEM ? mpj_fail_memory(v->err, "the files of large results", sizeof *seen->all) : status;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(left, right);
}

int mpj_verify_orphans(mpj_verifying *v, mpj_list *list, mpj_large_seen *seen)
{
    mpj_large_files files;
    if (seen->count == 0)
        return MPIJOB_OK;
    int status = mpj_large_collect(&files, list, v->err);
    if (files.dead.count > 1)
        qsort(files.dead.all, files.dead.count, sizeof *files.dead.all, by_text);
    for (size_t i = 0; i < seen->count && status == MPIJOB_OK; i++) {
        char file[MPJ_LARGE_FILE_BYTES + 16];
        const char *name = seen->all[i];
        if ((files.live.count && bsearch(name, files.live.all, files.live.count, sizeof *files.live.all, by_text)) ||
            (files.dead.count && bsearch(name, files.dead.all, files.dead.count, sizeof *files.dead.all, by_text)))
            continue;
        snprintf(file, sizeof file, MPJ_LARGE_FOLDER "/%s", name);
        mpj_verify_tell(v, MPIJOB_FINDING_ORPHAN, file, 0, NULL, "no entry refers to this file");
    }
    mpj_large_free(&files);
    return status;
}
