/* Results of a location, told one after the other; and one of them read. */
#include "base/alloc.h"
#include "base/error.h"
#include "memory/liststore.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_PER_S 1e9
#define S_PER_HOUR 3600

/* ---- One entry --------------------------------------------------------------------------------------------------- */

static int copy_json(mpj_stored_texts *texts, const char *json, size_t bytes, mpijob_error *err)
{
    if (mpj_grow((void **)&texts->json, &texts->json_capacity, bytes + 1, 1) != 0)
        return mpj_fail_memory(err, "the arguments of a result", bytes + 1);
    memcpy(texts->json, json, bytes);
    texts->json[bytes] = '\0';
    return MPIJOB_OK;
}

static void fill_shape(mpijob_stored *stored, const unsigned char *meta, size_t bytes)
{
    int ndim;
    bool summed;
    uint64_t sum;
    stored->ndim = -1;
    if (mpj_meta_get(meta, bytes, &ndim, stored->shape, &summed, &sum) == 0)
        stored->ndim = ndim;
}

/* Of one with a file of its own the entry tells only how long that is. */
static uint64_t large_in_memory(const mpijob_stored *stored, mpijob_memory *memory)
{
    mpijob_reference reference = {.version = stored->version};
    mpijob_cached *c;
    size_t bytes;
    snprintf(reference.function, sizeof reference.function, "%s", stored->function);
    if (stored->ndim < 0 || mpj_cached_describe(&c, memory, &reference, NULL) != MPIJOB_OK ||
        mpj_shape_bytes(&bytes, stored->ndim, stored->shape, c->packing.bytes) != 0)
        return 0;
    return bytes;
}

/* Its file, where the entry has a name that one can have. */
static void fill_file(mpijob_stored *stored, mpj_stored_texts *texts, const mpj_list *list,
                      const mpj_entry_header *header, const unsigned char *payload)
{
    char file[MPJ_LARGE_FILE_BYTES] = "";
    texts->file[0] = '\0';
    stored->stored_bytes = header->stored_bytes;
    if (header->kind != MPJ_ENTRY_LARGE || header->stored_bytes >= sizeof file)
        return;
    memcpy(file, payload, (size_t)header->stored_bytes);
    if (!mpj_large_is_name(file))
        return;
    stored->stored_bytes = mpj_list_large_bytes(list, file);
    snprintf(texts->file, sizeof texts->file, MPJ_LARGE_FOLDER "/%s", file);
}

int mpj_stored_fill(mpijob_stored *stored, mpj_stored_texts *texts, const mpj_list *list, const mpj_listed *entry,
                    const mpj_entry_header *header, const unsigned char *bytes, mpijob_error *err)
{
    char segment[MPJ_WRITER_BYTES + 8];
    *stored = (mpijob_stored){.key = entry->name.key,
                              .check = entry->name.check,
                              .version = entry->name.version,
                              .bytes = header->raw_bytes,
                              .compute_s = header->compute_s,
                              .offset = entry->offset,
                              .file = texts->file,
                              .segment = texts->segment};
    mpj_writer_file(segment, list->segments[entry->segment].writer, MPJ_SEGMENT_SUFFIX);
    snprintf(texts->segment, sizeof texts->segment, MPJ_SEGMENTS_FOLDER "/%s", segment);
    fill_shape(stored, bytes + mpj_entry_meta_at(header), header->meta_bytes);
    fill_file(stored, texts, list, header, bytes + mpj_entry_payload_at(header));
    int status = copy_json(texts, (const char *)bytes + MPJ_ENTRY_HEADER_BYTES, header->json_bytes, err);
    stored->args_json = texts->json;
    return status;
}

/* ---- Listing ----------------------------------------------------------------------------------------------------- */

typedef struct ordered {
    int64_t time_ns;
    size_t entry;
} ordered;

typedef struct listing {
    mpijob_memory *memory;
    mpijob_stored_fn *each;
    void *payload;
    mpijob_error *err;
    int64_t now_ns;
    const char *prefix; /* of the key's text; "": all */
    mpj_stored_texts texts;
    mpj_room room;
    bool done;
} listing;

static int newest_first(const void *left, const void *right)
{
    const ordered *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns > b->time_ns ? -1 : 1;
    return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static bool begins(const mpijob_digest *key, const char *prefix)
{
    char text[MPIJOB_DIGEST_TEXT_BYTES];
    mpijob_digest_text(text, key);
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static double unused_s(const listing *l, const mpj_use_table *uses, const mpj_listed *e)
{
    const mpj_use_record *use = mpj_use_find(uses, &e->name);
    double stored_s = (double)e->time_ns / NS_PER_S, used_s = use ? (double)use->hour * S_PER_HOUR : 0;
    double since = (double)l->now_ns / NS_PER_S - (used_s > stored_s ? used_s : stored_s);
    return since > 0 ? since : 0;
}

/* What is damaged is for verification to tell: a look-up passes it over. */
static int tell_entry(listing *l, mpj_list *list, const char *name, const mpj_use_table *uses, const mpj_listed *e)
{
    mpj_entry_header header;
    mpijob_stored stored;
    int status = mpj_list_entry(list, e, &l->room, &header, l->err);
    if (status != 1)
        return status == MPIJOB_ENOMEM || status == MPIJOB_EOS ? status : MPIJOB_OK;
    status = mpj_stored_fill(&stored, &l->texts, list, e, &header, l->room.bytes, l->err);
    if (status != MPIJOB_OK)
        return status;
    stored.function = name;
    if (e->kind == MPJ_ENTRY_LARGE)
        stored.bytes = large_in_memory(&stored, l->memory);
    stored.age_s = mpj_age_s(l->now_ns, e->time_ns);
    stored.unused_s = unused_s(l, uses, e);
    l->done = l->each(&stored, l->payload) != 0;
    return l->done ? 1 : MPIJOB_OK;
}

static int tell_list(mpj_list *list, const char *name, void *payload)
{
    listing *l = payload;
    mpj_use_table uses = {.records = NULL};
    size_t count = 0;
    ordered *order = mpj_alloc(list->count * sizeof *order);
    if (!order)
        return mpj_fail_memory(l->err, "the results of a function", list->count * sizeof *order);
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].live && begins(&list->entries[i].name.key, l->prefix))
            order[count++] = (ordered){list->entries[i].time_ns, i};
    if (count > 1)
        qsort(order, count, sizeof *order, newest_first);
    int status = count ? mpj_uses_read(&uses, list->store, list->function, l->err) : MPIJOB_OK;
    for (size_t i = 0; i < count && status == MPIJOB_OK; i++)
        status = tell_entry(l, list, name, &uses, &list->entries[order[i].entry]);
    mpj_uses_free(&uses);
    mpj_free(order);
    return status;
}

static int list_all(mpijob_store *store, const char *function, const char *prefix, mpijob_stored_fn *each,
                    void *payload, mpijob_error *err)
{
    listing l = {.memory = store->memory,
                 .each = each,
                 .payload = payload,
                 .err = err,
                 .now_ns = mpj_store_now_ns(),
                 .prefix = prefix};
    int status = mpj_each_list(store, function, tell_list, &l, err);
    mpj_free(l.texts.json);
    mpj_free(l.room.bytes);
    return l.done ? MPIJOB_OK : status;
}

int mpijob_store_list(mpijob_store *store, const char *function, mpijob_stored_fn *each, void *payload,
                      mpijob_error *err)
{
    if (!store || !each)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_list: %s is NULL", store ? "each" : "store");
    return list_all(store, function, "", each, payload, err);
}

/* ---- One by its key ---------------------------------------------------------------------------------------------- */

typedef struct matching {
    const char *prefix;
    mpijob_digest first;
    bool any, several;
} matching;

static int match(mpj_list *list, const char *name, void *payload)
{
    matching *m = payload;
    (void)name;
    for (size_t i = 0; i < list->count; i++) {
        const mpj_listed *e = &list->entries[i];
        if (!e->live || !begins(&e->name.key, m->prefix))
            continue;
        m->several |= m->any && memcmp(&m->first, &e->name.key, sizeof m->first) != 0;
        m->first = e->name.key;
        m->any = true;
    }
    return MPIJOB_OK;
}

static int check_prefix(char prefix[MPIJOB_DIGEST_TEXT_BYTES], const char *key, mpijob_error *err)
{
    size_t length = strlen(key);
    if (length == 0 || length >= MPIJOB_DIGEST_TEXT_BYTES || strspn(key, "0123456789abcdefABCDEF") != length)
        return mpj_fail(err, MPIJOB_EINVAL, "'%.40s' is no key: that is up to 32 hexadecimal digits", key);
    for (size_t i = 0; i <= length; i++)
        prefix[i] = (char)(key[i] >= 'A' && key[i] <= 'F' ? key[i] - 'A' + 'a' : key[i]);
    return MPIJOB_OK;
}

int mpijob_store_show(mpijob_store *store, const char *key, mpijob_stored_fn *each, void *payload, mpijob_error *err)
{
    char prefix[MPIJOB_DIGEST_TEXT_BYTES];
    if (!store || !key || !each)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_show: %s is NULL", !store ? "store" : !key ? "key" : "each");
    matching m = {.prefix = prefix};
    int status = check_prefix(prefix, key, err);
    if (status == MPIJOB_OK)
        status = mpj_each_list(store, NULL, match, &m, err);
    if (status != MPIJOB_OK)
        return status;
    if (!m.any)
        return mpj_fail(err, MPIJOB_ENOTFOUND, "no key in %s begins with %s", mpj_store_of(store)->location, prefix);
    if (m.several)
        return mpj_fail(err, MPIJOB_EINVAL, "several keys in %s begin with %s", mpj_store_of(store)->location, prefix);
    return list_all(store, NULL, prefix, each, payload, err);
}

int mpijob_store_get(mpijob_array *result, mpijob_store *store, const mpijob_stored *entry, mpijob_error *err)
{
    if (!result || !store || !entry || !entry->function)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_get: %s is NULL",
                        !result  ? "result"
                        : !store ? "store"
                        : !entry ? "entry"
                                 : "entry->function");
    mpijob_reference reference = {.key = entry->key, .check = entry->check, .version = entry->version};
    if (strlen(entry->function) >= sizeof reference.function)
        return mpj_fail(err, MPIJOB_ENOTFOUND, "no function of so long a name can have results");
    strcpy(reference.function, entry->function);
    return mpijob_reference_get(result, &reference, store->memory, err);
}
