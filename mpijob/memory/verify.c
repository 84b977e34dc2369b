/* Reading everything (mpijob/store.h). */
#include "memory/verify.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/codec.h"

#include <stdio.h>

#define TRIES 5 /* of a function whose files were merged or cleared meanwhile */

/* ---- Findings ---------------------------------------------------------------------------------------------------- */

void mpj_verify_tell(mpj_verifying *v, int kind, const char *file, uint64_t offset, const mpijob_digest *key,
                     const char *reason)
{
    if (mpj_grow((void **)&v->flaws, &v->capacity, v->count + 1, sizeof *v->flaws) != 0) {
        v->status = mpj_fail_memory(v->err, "what is damaged", (v->count + 1) * sizeof *v->flaws);
        return;
    }
    mpj_found_flaw *flaw = &v->flaws[v->count++];
    *flaw = (mpj_found_flaw){.finding = {.kind = kind, .offset = offset, .has_key = key != NULL}};
    if (key)
        flaw->finding.key = *key;
    const char *function = v->function ? v->function : "mpijob";
    if (snprintf(flaw->file, sizeof flaw->file, "%s/%s/%s", mpj_store_of(v->store)->location, function, file) < 0)
        flaw->file[0] = '\0';
    snprintf(flaw->reason, sizeof flaw->reason, "%s", reason);
}

static void take_flaw(const mpj_flaw *flaw, void *payload)
{
    mpj_verify_tell(payload, flaw->kind == MPJ_FLAW_DAMAGED ? MPIJOB_FINDING_DAMAGED : MPIJOB_FINDING_UNFINISHED,
                    flaw->file, flaw->offset, flaw->has_key ? &flaw->key : NULL, flaw->reason);
}

static void hand_out(mpj_verifying *v, mpijob_finding_fn *each, void *payload)
{
    for (size_t i = 0; i < v->count; i++) {
        mpj_found_flaw *flaw = &v->flaws[i];
        flaw->finding.file = flaw->file;
        flaw->finding.reason = flaw->reason;
        flaw->finding.function = v->name ? v->name : "";
        v->verified->damaged += flaw->finding.kind == MPIJOB_FINDING_DAMAGED;
        v->verified->unfinished += flaw->finding.kind == MPIJOB_FINDING_UNFINISHED;
        v->verified->orphans += flaw->finding.kind == MPIJOB_FINDING_ORPHAN;
        if (each)
            each(&flaw->finding, payload);
    }
    v->count = 0;
}

int mpj_verify_step(mpj_verifying *v, uint64_t bytes)
{
    v->done = v->total - v->done < bytes ? v->total : v->done + bytes;
    v->verified->bytes += bytes;
    if (v->progress && v->progress(v->done, v->total, v->progress_payload) != 0)
        return mpj_fail(v->err, MPIJOB_ECANCELED, "the verification was stopped");
    return MPIJOB_OK;
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

static void tell_entry(mpj_verifying *v, const mpj_list *list, const mpj_listed *e, const char *reason)
{
    char file[MPJ_WRITER_BYTES + 8], name[sizeof file + 16];
    mpj_writer_file(file, list->segments[e->segment].writer, MPJ_SEGMENT_SUFFIX);
    snprintf(name, sizeof name, MPJ_SEGMENTS_FOLDER "/%s", file);
    mpj_verify_tell(v, MPIJOB_FINDING_DAMAGED, name, e->offset, &e->name.key, reason);
}

static int verify_entry(mpj_verifying *v, mpj_list *list, const mpj_listed *e, mpj_room *room, mpj_room *plain)
{
    mpj_entry_header header;
    mpijob_error own = {0};
    const unsigned char *raw;
    size_t raw_bytes;
    int status = mpj_list_entry(list, e, room, &header, &own);
    if (status == MPIJOB_ENOMEM)
        return mpj_told(v->err, status, &own);
    if (status != 1) {
        tell_entry(v, list, e, status == 0 ? "arguments or result of this entry are damaged" : own.text);
        return MPIJOB_OK;
    }
    status = mpj_entry_payload(&raw, &raw_bytes, plain, &header, room->bytes);
    if (status == MPIJOB_ENOMEM)
        return mpj_fail_memory(v->err, "a result", header.raw_bytes);
    if (status != 1)
        tell_entry(v, list, e, "the result of this entry cannot be decompressed");
    v->verified->entries++;
    status = mpj_verify_step(v, e->total_bytes);
    if (status == MPIJOB_OK && e->live && e->kind == MPJ_ENTRY_LARGE)
        status = mpj_verify_large(v, list, e, &header, room->bytes);
    return status;
}

static int verify_entries(mpj_verifying *v, mpj_list *list)
{
    mpj_room room = {0}, plain = {0};
    int status = MPIJOB_OK;
    for (size_t i = 0; i < list->count && status == MPIJOB_OK; i++)
        status = verify_entry(v, list, &list->entries[i], &room, &plain);
    mpj_free(room.bytes);
    mpj_free(plain.bytes);
    return status;
}

/* ---- A function -------------------------------------------------------------------------------------------------- */

static int verify_list(mpj_verifying *v, mpj_list *list, mpj_large_seen *seen)
{
    v->verified->segments += list->segment_count;
    int status = verify_entries(v, list);
    for (size_t i = 0; i < list->segment_count && status == MPIJOB_OK; i++)
        status = mpj_verify_step(v, list->segments[i].index_bytes);
    if (status == MPIJOB_OK)
        status = mpj_verify_versions(v, list);
    if (status == MPIJOB_OK)
        status = mpj_verify_uses(v);
    if (status == MPIJOB_OK)
        status = mpj_verify_orphans(v, list, seen);
    return status == MPIJOB_OK ? v->status : status;
}

/* The files of large results first: of each there has long been one when its entry is listed. */
static int verify_once(mpj_verifying *v)
{
    const mpj_list_options options = {.flaw = take_flaw, .flaw_payload = v};
    mpj_large_seen seen = {.all = NULL};
    mpj_list list;
    int status = mpj_verify_large_files(v, &seen);
    if (status == MPIJOB_OK) {
        status = mpj_list_read(&list, mpj_store_of(v->store), v->function, &options, v->err);
        if (status == MPIJOB_OK)
            status = verify_list(v, &list, &seen);
        mpj_list_free(&list);
    }
    mpj_free(seen.all);
    return status;
}

static int add_name(const char *name, void *payload)
{
    uint64_t *sum = payload;
    *sum += mpj_checksum(name, strlen(name));
    return 0;
}

/* Which files there are: 0: no such folder. */
static uint64_t names_in(const mpj_verifying *v, const char *folder)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    uint64_t sum = 1;
    int fd;
    snprintf(below, sizeof below, "%s/%s", v->function, folder);
    if (mpj_below_walk(&fd, mpj_store_of(v->store)->location, below, NULL, NULL) != MPIJOB_OK)
        return 0;
    mpj_below_list(fd, below, add_name, &sum, NULL);
    mpj_file_close(&fd);
    return sum;
}

static uint64_t state_of(const mpj_verifying *v)
{
    return names_in(v, MPJ_SEGMENTS_FOLDER) + 3 * names_in(v, MPJ_TRASH_FOLDER) + 5 * names_in(v, MPJ_USE_FOLDER);
}

static bool is_damaged(const mpj_verifying *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->flaws[i].finding.kind == MPIJOB_FINDING_DAMAGED)
            return true;
    return false;
}

/* What was merged or cleared meanwhile looks damaged, or gone. */
static int verify_function(mpj_verifying *v)
{
    const mpijob_store_verified before = *v->verified;
    for (int i = 0;; i++) {
        uint64_t state = state_of(v);
        int status = verify_once(v);
        if (status != MPIJOB_OK || i == TRIES || !is_damaged(v) || state_of(v) == state)
            return status;
        *v->verified = before;
        v->count = 0;
    }
}

typedef struct verification {
    mpj_verifying *v;
    mpijob_finding_fn *each;
    void *payload;
} verification;

static int verify_one(const char *function, const char *name, void *payload)
{
    const verification *all = payload;
    mpj_verifying *v = all->v;
    v->function = function;
    v->name = name;
    v->verified->functions++;
    int status = verify_function(v);
    if (status == MPIJOB_OK)
        hand_out(v, all->each, all->payload);
    return status;
}

static void verify_location(mpj_verifying *v, mpijob_finding_fn *each, void *payload)
{
    if (!mpj_store_of(v->store)->prepared)
        mpj_verify_tell(v, MPIJOB_FINDING_DAMAGED, "format.json", 0, NULL, "it is missing, or damaged");
    hand_out(v, each, payload);
}

int mpijob_store_verify(mpijob_store_verified *verified, mpijob_store *store, mpijob_finding_fn *each, void *payload,
                        mpijob_bytes_fn *progress, void *progress_payload, mpijob_error *err)
{
    mpijob_store_verified own;
    if (!store)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_verify: store is NULL");
    if (!verified)
        verified = &own;
    *verified = (mpijob_store_verified){0};
    mpj_verifying v = {
        store, verified, progress, progress_payload, .total = mpj_location_bytes(mpj_store_of(store)), .err = err};
    verification all = {&v, each, payload};
    verify_location(&v, each, payload);
    int status = mpj_list_functions(mpj_store_of(store), verify_one, &all, err);
    if (status == MPIJOB_OK && progress)
        progress(v.total, v.total, progress_payload);
    mpj_free(v.flaws);
    if (status == MPIJOB_OK && verified->damaged > 0)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%llu places in %s are damaged", (unsigned long long)verified->damaged,
                        mpj_store_of(store)->location);
    return status;
}
