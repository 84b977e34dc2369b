/* Adding what another location has (mpijob/store.h). Nothing is changed but by adding: nobody has to be waited for. */
#include "memory/merge.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/copy.h"
#include "memory/described.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- What is there already --------------------------------------------------------------------------------------- */

static int by_name(const void *left, const void *right)
{
    const mpj_name *a = left;
    const mpj_name *b = &((const mpj_listed *)right)->name;
    int order = memcmp(a->key.bytes, b->key.bytes, 16);
    if (!order)
        order = memcmp(a->check.bytes, b->check.bytes, 16);
    return order ? order : a->version < b->version ? -1 : a->version > b->version;
}

/* What was cleared here later than it was stored there stays cleared. */
static bool is_known(const mpj_list *list, const mpj_listed *e)
{
    const mpj_listed *found =
        list->count ? bsearch(&e->name, list->entries, list->count, sizeof *list->entries, by_name) : NULL;
    while (found && found > list->entries && mpj_name_equal(&found[-1].name, &e->name))
        found--;
    return found && (found->live || found->time_ns >= e->time_ns);
}

/* ---- Descriptions ------------------------------------------------------------------------------------------------ */

static int describe(merging *m, uint64_t version)
{
    char *json, *code = NULL;
    size_t json_bytes, code_bytes = 0;
    if (m->described && m->version == version)
        return MPIJOB_OK;
    m->described = true;
    m->version = version;
    /* A damaged one is left out: a program that has the function makes it good. */
    const char *file;
    uint64_t read;
    int status = mpj_described_check(m->from->store, m->from->function, version, &file, &read, m->err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOMEM ? status : MPIJOB_OK;
    status = mpj_list_description(&json, &json_bytes, m->from->store, m->from->function, version, m->err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
    status = mpj_list_code(&code, &code_bytes, m->from->store, m->from->function, version, NULL);
    if (status == MPIJOB_OK || status == MPIJOB_ENOTFOUND)
        status = mpj_shelf_describe(m->shelf, version, json, code, code_bytes, m->err);
    if (status == MPIJOB_OK)
        status = mpj_versions_publish(m->shelf, version, m->err);
    mpj_free(json);
    mpj_free(code);
    return status;
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

/* 1: copied, or there already; 0: it is damaged there. */
static int copy_large(merging *m, const mpj_listed *e, const mpj_entry_header *header)
{
    char file[MPJ_LARGE_FILE_BYTES];
    if (!mpj_merge_is_whole(m, e, header))
        return 0;
    memcpy(file, m->room.bytes + mpj_entry_payload_at(header), (size_t)header->stored_bytes);
    file[header->stored_bytes] = '\0';
    m->merged->bytes += mpj_list_large_bytes(m->from, file);
    int status = mpj_merge_copy_file(m, file);
    m->merged->large += status == MPIJOB_OK;
    return status == MPIJOB_OK ? 1 : status;
}

static int add(merging *m, const mpj_listed *e)
{
    mpj_entry_header header;
    int status = mpj_list_entry(m->from, e, &m->room, &header, m->err);
    if (status == 1 && header.kind == MPJ_ENTRY_LARGE)
        status = copy_large(m, e, &header);
    if (status == 0 || status == MPIJOB_ENOTFOUND) {
        m->merged->damaged++;
        return MPIJOB_OK;
    }
    if (status != 1)
        return status;
    status = describe(m, e->name.version);
    if (status == MPIJOB_OK)
        status = mpj_output_add(&m->out, &header, m->room.bytes, m->err);
    m->merged->entries += status == MPIJOB_OK;
    m->merged->bytes += header.total_bytes;
    return status;
}

static int add_all(merging *m)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; i < m->from->count && status == MPIJOB_OK; i++) {
        const mpj_listed *e = &m->from->entries[i];
        if (!e->live)
            continue;
        if (is_known(m->to, e))
            m->merged->known++;
        else
            status = add(m, e);
    }
    return status == MPIJOB_OK ? mpj_output_end(&m->out, m->err) : status;
}

/* ---- Functions --------------------------------------------------------------------------------------------------- */

static int begin(merging *m, const char *name)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    mpj_store *store = m->to->store;
    snprintf(below, sizeof below, "%s/" MPJ_SEGMENTS_FOLDER, m->to->function);
    int status = mpj_shelf_open(&m->shelf, store, name, m->err);
    if (status == MPIJOB_OK)
        status = mpj_location_prepare(store, m->err);
    if (status == MPIJOB_OK)
        status = mpj_below_walk(&m->folder, store->location, below, &store->rights, m->err);
    if (status == MPIJOB_OK)
        mpj_output_begin(&m->out, m->folder, m->to->path, &store->rights, m->shelf->checksum);
    return status;
}

static bool has_any(const mpj_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].live)
            return true;
    return false;
}

typedef struct locations {
    mpijob_store *to, *from;
    mpijob_store_merged *merged;
    mpijob_error *err;
} locations;

static int merge_function(mpj_list *from, const char *name, void *payload)
{
    const locations *all = payload;
    mpj_list to;
    merging m = {all->from, name, from, &to, .merged = all->merged, .err = all->err, .folder = -1};
    if (!has_any(from))
        return MPIJOB_OK;
    int status = mpj_list_read(&to, mpj_store_of(all->to), from->function, NULL, all->err);
    if (status == MPIJOB_OK)
        status = begin(&m, name);
    if (status == MPIJOB_OK)
        status = add_all(&m);
    mpj_output_free(&m.out);
    mpj_file_close(&m.folder);
    mpj_free(m.room.bytes);
    mpj_list_free(&to);
    return status;
}

static int is_same(const mpj_store *a, const mpj_store *b)
{
    int root;
    if (mpj_below_walk(&root, a->location, "mpijob", NULL, NULL) != MPIJOB_OK)
        return 0;
    int same = mpj_folder_same(root, b->root);
    mpj_file_close(&root);
    return same;
}

int mpijob_store_merge(mpijob_store_merged *merged, mpijob_store *store, const char *from, mpijob_error *err)
{
    mpijob_store_merged own;
    mpijob_store *other;
    if (!store || !from)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_merge: %s is NULL", store ? "from" : "store");
    if (!merged)
        merged = &own;
    *merged = (mpijob_store_merged){0};
    int status = mpijob_store_open(&other, from, NULL, err);
    if (status != MPIJOB_OK)
        return status;
    locations all = {store, other, merged, err};
    if (is_same(mpj_store_of(store), mpj_store_of(other)))
        status = mpj_fail(err, MPIJOB_EINVAL, "%s is the same location", from);
    else
        status = mpj_each_list(other, NULL, merge_function, &all, err);
    mpijob_store_close(other);
    return status;
}
