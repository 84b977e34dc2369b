/* Adding entries. */
#include "base/alloc.h"
#include "base/error.h"
#include "io/codec.h"
#include "memory/shelf.h"

#include <math.h>

#define COMPRESS_FROM 512 /* bytes: below, an entry as a whole never shrinks by an eighth */
#define FAST_BELOW 4096   /* zstd and its kin need 9 to 17 us to begin with */
#define DEFAULT_LEVEL 5
#define AT_ONCE_S 0.2 /* what took so long is written at once */

static int check(const mpj_put *put, mpijob_error *err)
{
    if (put->bytes > UINT32_MAX)
        return mpj_fail(err, MPIJOB_EINVAL, "a result of %zu bytes in a segment: the most is 4 GiB", put->bytes);
    if (put->meta_bytes > MPJ_META_MOST || put->json_bytes > UINT32_MAX)
        return mpj_fail(err, MPIJOB_EINVAL, "an entry with %zu bytes of shape and %zu of arguments", put->meta_bytes,
                        put->json_bytes);
    if (put->kind < MPJ_ENTRY_VALUE || put->kind > MPJ_ENTRY_TOMBSTONE)
        return mpj_fail(err, MPIJOB_EINVAL, "an entry of kind %d", put->kind);
    return MPIJOB_OK;
}

/* ---- Compression ------------------------------------------------------------------------------------------------- */

static bool try_compressing(const mpj_put *put)
{
    return put->kind == MPJ_ENTRY_VALUE && put->compress >= 0 && put->bytes >= COMPRESS_FROM &&
           put->bytes <= MPJ_CODEC_MAX_BYTES;
}

/* Kept only where at least an eighth is gained; whatever fails, the result is stored as it is. */
static void compress(mpj_shelf *shelf, const mpj_put *put, mpj_entry_header *header, mpj_parts *parts)
{
    const mpj_codec_options options = {
        .codec = put->bytes < FAST_BELOW && put->codec != MPJ_BLOSCLZ ? MPJ_LZ4 : put->codec,
        .level = put->compress > 0 ? put->compress : DEFAULT_LEVEL,
        .shuffle = put->type_bytes > 1,
        .type_bytes = put->type_bytes,
    };
    size_t used = mpj_codec_bound(put->bytes);
    if (mpj_room_reserve(&shelf->packed, used) != 0 ||
        mpj_codec_compress(shelf->packed.bytes, &used, put->payload, put->bytes, &options, NULL) != MPIJOB_OK ||
        used > put->bytes - put->bytes / 8)
        return;
    header->coded = MPJ_CODED_BLOSC;
    header->stored_bytes = used;
    parts->payload = shelf->packed.bytes;
}

/* ---- Storing ----------------------------------------------------------------------------------------------------- */

/* By a clock that is wrong, it is an entry all the same. */
static int64_t time_of(const mpj_put *put)
{
    return put->time_ns < 0 ? 0 : put->time_ns > MPJ_TIME_MOST ? MPJ_TIME_MOST : put->time_ns;
}

static double compute_of(const mpj_put *put)
{
    return put->compute_s >= 0 && isfinite(put->compute_s) ? put->compute_s : 0;
}

static mpj_entry_header header_of(const mpj_put *put)
{
    return (mpj_entry_header){
        .name = put->name,
        .stored_bytes = put->bytes,
        .raw_bytes = put->kind == MPJ_ENTRY_LARGE ? put->large_bytes : put->bytes,
        .time_ns = time_of(put),
        .compute_s = compute_of(put),
        .json_bytes = (uint32_t)put->json_bytes,
        .meta_bytes = (uint32_t)put->meta_bytes,
        .kind = (uint8_t)put->kind,
        .coded = MPJ_CODED_RAW,
        .type_bytes = (uint16_t)(put->type_bytes > UINT16_MAX ? 1 : put->type_bytes),
    };
}

static int add(mpj_shelf *shelf, mpj_entry_header *header, const mpj_parts *parts, mpijob_error *err)
{
    return mpj_appender_add(&shelf->own, shelf->folder, shelf->segments, &shelf->store->rights, header, parts, err);
}

/* A long entry is written by adding it: after the batch before it; and once more, after an error, in a new segment. */
static int add_long(mpj_shelf *shelf, mpj_entry_header *header, const mpj_parts *parts, mpijob_error *err)
{
    mpijob_error own = {0};
    int status = mpj_shelf_write(shelf);
    mpj_shelf_leave_sealed(shelf);
    if (status == MPIJOB_OK)
        status = add(shelf, header, parts, &own);
    if (status == MPIJOB_EOS && mpj_store_writes(shelf->store)) {
        status = mpj_shelf_elsewhere(shelf, &own);
        if (status == MPIJOB_OK)
            status = add(shelf, header, parts, &own);
        if (status == MPIJOB_EOS)
            mpj_store_give_up(shelf->store, &own);
    }
    return mpj_told(err, status, &own);
}

static int store(mpj_shelf *shelf, const mpj_put *put, mpijob_error *err)
{
    mpj_entry_header header = header_of(put);
    mpj_parts parts = {put->json, put->meta, put->payload};
    if (try_compressing(put))
        compress(shelf, put, &header, &parts);
    if (mpj_shelf_reserve_slot(shelf) != 0)
        return mpj_fail_memory(err, "the entries of a function", sizeof(mpj_slot));
    int status = mpj_appender_keeps(&header) ? add(shelf, &header, &parts, err) : add_long(shelf, &header, &parts, err);
    if (status != MPIJOB_OK)
        return status;
    if (put->kind == MPJ_ENTRY_LARGE) {
        mpj_large_give_rights(shelf, put->payload, put->bytes);
        shelf->store->counts.files_made++;
    }
    mpj_shelf_add_slot(shelf, shelf->writing, &header.name.key, header.offset, header.total_bytes);
    shelf->store->counts.stored += put->kind != MPJ_ENTRY_TOMBSTONE;
    shelf->store->counts.disk_bytes += header.total_bytes + MPJ_INDEX_RECORD_BYTES + put->large_bytes;
    shelf->store->counts.stored_bytes += put->kind == MPJ_ENTRY_LARGE ? put->large_bytes : header.stored_bytes;
    return MPIJOB_OK;
}

static int write_if_due(mpj_shelf *shelf, const mpj_put *put)
{
    if (shelf->store->options.durability == MPIJOB_DURABLE_EACH)
        return mpj_shelf_sync(shelf);
    if (put->compute_s >= AT_ONCE_S || shelf->own.end - shelf->own.written >= MPJ_BATCH_BYTES)
        return mpj_shelf_write(shelf);
    mpj_shelf_set_due(shelf);
    return MPIJOB_OK;
}

static int not_stored(mpj_shelf *shelf, int status, mpijob_error *err)
{
    shelf->store->counts.not_stored++;
    return status == MPIJOB_EOS ? mpj_fail(err, status, "no results are stored in %s", shelf->store->location) : status;
}

static int prepare(mpj_shelf *shelf, const mpj_put *put, mpijob_error *err)
{
    int status = mpj_shelf_ready(shelf, err);
    return status == MPIJOB_OK ? mpj_versions_publish(shelf, put->name.version, err) : status;
}

/* For the first entry of a segment or a version, or after trouble. */
static int prepare_well(mpj_shelf *shelf, const mpj_put *put, mpijob_error *err)
{
    mpijob_error own = {0};
    int status = prepare(shelf, put, &own);
    if (status != MPIJOB_OK && mpj_shelf_make_room(shelf, &own))
        status = prepare(shelf, put, &own);
    if (status != MPIJOB_OK && status != MPIJOB_ENOMEM)
        status = mpj_store_cannot_write(shelf->store, &own);
    return mpj_told(err, status, &own);
}

int mpj_shelf_put(mpj_shelf *shelf, const mpj_put *put, mpijob_error *err)
{
    int status = check(put, err);
    if (status != MPIJOB_OK)
        return status;
    if (!mpj_store_writes(shelf->store))
        return not_stored(shelf, MPIJOB_EOS, err);
    if (!mpj_shelf_is_ready(shelf) || !mpj_versions_is_published(shelf, put->name.version))
        status = prepare_well(shelf, put, err);
    if (status == MPIJOB_OK)
        status = store(shelf, put, err);
    if (status != MPIJOB_OK)
        return not_stored(shelf, status, err);
    return write_if_due(shelf, put) == MPIJOB_OK
               ? MPIJOB_OK
               : mpj_fail(err, MPIJOB_EOS, "no results are stored in %s", shelf->store->location);
}
