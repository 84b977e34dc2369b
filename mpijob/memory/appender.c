#include "memory/appender.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "io/checksum.h"
#include "io/codec.h"
#include "io/identity.h"

#include <time.h>

#define PARTS 7

static const unsigned char zeros[MPJ_ALIGN];

double mpj_boot_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void mpj_appender_begin(mpj_appender *appender, uint64_t function)
{
    *appender = (mpj_appender){.fd = -1, .function = function, .pid = mpj_process_id(), .id = mpj_random_token()};
    mpj_writer_name(appender->writer);
    appender->last_sync = mpj_now();
}

void mpj_appender_free(mpj_appender *appender)
{
    mpj_file_close(&appender->fd);
    mpj_free(appender->kept);
    mpj_free(appender->index.records);
    *appender = (mpj_appender){.fd = -1};
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* Entries before what is to be kept; from an entry's begin to another's. */
static void forget(mpj_appender *appender)
{
    uint64_t target = appender->written > MPJ_KEPT_BYTES ? appender->written - MPJ_KEPT_BYTES : 0;
    uint64_t at = appender->kept_at;
    if (target < appender->synced)
        target = appender->synced;
    if (at == 0 && target >= MPJ_SEGMENT_HEADER_BYTES)
        at = MPJ_SEGMENT_HEADER_BYTES;
    while (at != 0 && at < target)
        at += mpj_get_u64(appender->kept + (at - appender->kept_at) + 8); /* total_bytes: our own, whole */
    memmove(appender->kept, appender->kept + (at - appender->kept_at), (size_t)(appender->end - at));
    appender->kept_at = at;
}

static int make_room(mpj_appender *appender, uint64_t bytes, mpijob_error *err)
{
    uint64_t used = appender->end - appender->kept_at;
    if (used + bytes > appender->capacity && used > 2 * MPJ_KEPT_BYTES) {
        forget(appender);
        used = appender->end - appender->kept_at;
    }
    if (mpj_grow((void **)&appender->kept, &appender->capacity, (size_t)(used + bytes), 1) != 0)
        return mpj_fail_memory(err, "entries to be written", used + bytes);
    return mpj_index_reserve(&appender->index, err);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The segment's header is the first of the bytes to be written. */
static int begin_segment(mpj_appender *appender, mpijob_error *err)
{
    mpj_segment_header header = {.id = appender->id,
                                 .created_ns = now_ns(),
                                 .pid = (uint64_t)appender->pid,
                                 .start = mpj_process_start("self"),
                                 .place = mpj_place(),
                                 .function = appender->function};
    char host[MPIJOB_ERROR_HOST_BYTES];
    int status = make_room(appender, MPJ_SEGMENT_HEADER_BYTES, err);
    if (status != MPIJOB_OK)
        return status;
    mpj_host_name(host);
    memcpy(header.host, host, sizeof header.host - 1);
    mpj_segment_header_encode(appender->kept, &header);
    appender->end = MPJ_SEGMENT_HEADER_BYTES;
    return MPIJOB_OK;
}

static void note(mpj_appender *appender, const mpj_entry_header *header)
{
    mpj_index_add(&appender->index, header);
    appender->end += header->total_bytes;
}

static void begin_batch(mpj_appender *appender)
{
    if (appender->written == appender->end || appender->end == MPJ_SEGMENT_HEADER_BYTES)
        appender->pending_since = mpj_now();
}

/* ---- Adding ------------------------------------------------------------------------------------------------------ */

bool mpj_appender_keeps(const mpj_entry_header *header)
{
    return mpj_entry_total(header) <= MPJ_KEPT_BYTES;
}

static unsigned char *put_part(unsigned char *to, const void *from, size_t bytes)
{
    size_t padded = (size_t)mpj_aligned(bytes);
    if (padded)
        memset(to + padded - MPJ_ALIGN, 0, MPJ_ALIGN);
    if (bytes)
        memcpy(to, from, bytes);
    return to + padded;
}

static int add_kept(mpj_appender *appender, mpj_entry_header *header, const mpj_parts *parts, mpijob_error *err)
{
    int status = make_room(appender, header->total_bytes, err);
    if (status != MPIJOB_OK)
        return status;
    unsigned char *entry = appender->kept + (appender->end - appender->kept_at);
    unsigned char *at = put_part(entry + MPJ_ENTRY_HEADER_BYTES, parts->json, header->json_bytes);
    at = put_part(at, parts->meta, header->meta_bytes);
    put_part(at, parts->payload, (size_t)header->stored_bytes);
    header->rest_sum =
        mpj_checksum(entry + MPJ_ENTRY_HEADER_BYTES, (size_t)(header->total_bytes - MPJ_ENTRY_HEADER_BYTES));
    mpj_entry_header_encode(entry, header, appender->id);
    begin_batch(appender);
    note(appender, header);
    return MPIJOB_OK;
}

static int make_file(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights, mpijob_error *err)
{
    char name[MPJ_WRITER_BYTES + 8];
    if (appender->fd >= 0)
        return MPIJOB_OK;
    mpj_writer_file(name, appender->writer, MPJ_SEGMENT_SUFFIX);
    return mpj_below_create(&appender->fd, folder, path, name, rights, err);
}

static int write_pending(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights,
                         mpijob_error *err)
{
    int status = make_file(appender, folder, path, rights, err);
    if (status == MPIJOB_OK)
        status = mpj_file_write(appender->fd, path, appender->kept + (appender->written - appender->kept_at),
                                (size_t)(appender->end - appender->written), appender->written, err);
    if (status != MPIJOB_OK)
        return status;
    appender->written = appender->end;
    appender->last_write = mpj_boot_time();
    return MPIJOB_OK;
}

/* Straight from the caller's memory; nothing of the segment is kept then. */
static int add_written(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights,
                       mpj_entry_header *header, const mpj_parts *parts, mpijob_error *err)
{
    unsigned char encoded[MPJ_ENTRY_HEADER_BYTES];
    const void *bytes[PARTS] = {encoded, parts->json, zeros, parts->meta, zeros, parts->payload, zeros};
    size_t counts[PARTS] = {
        sizeof encoded, header->json_bytes, 0, header->meta_bytes, 0, (size_t)header->stored_bytes, 0};
    for (int i = 2; i < PARTS; i += 2)
        counts[i] = (size_t)mpj_aligned(counts[i - 1]) - counts[i - 1];
    int status = make_room(appender, 0, err);
    if (status == MPIJOB_OK)
        status = write_pending(appender, folder, path, rights, err);
    if (status != MPIJOB_OK)
        return status;
    header->rest_sum = mpj_checksum_parts(bytes + 1, counts + 1, PARTS - 1);
    mpj_entry_header_encode(encoded, header, appender->id);
    status = mpj_file_writev(appender->fd, path, bytes, counts, PARTS, appender->end, err);
    if (status != MPIJOB_OK)
        return status;
    note(appender, header);
    appender->written = appender->kept_at = appender->end;
    appender->last_write = mpj_boot_time();
    return MPIJOB_OK;
}

int mpj_appender_add(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights,
                     mpj_entry_header *header, const mpj_parts *parts, mpijob_error *err)
{
    int status = appender->end == 0 ? begin_segment(appender, err) : MPIJOB_OK;
    if (status != MPIJOB_OK)
        return status;
    header->total_bytes = mpj_entry_total(header);
    header->offset = appender->end;
    return mpj_appender_keeps(header) ? add_kept(appender, header, parts, err)
                                      : add_written(appender, folder, path, rights, header, parts, err);
}

int mpj_appender_copy(mpj_appender *appender, const mpj_entry_header *header, const unsigned char *rest,
                      mpijob_error *err)
{
    mpj_entry_header copy = *header;
    int status = appender->end == 0 ? begin_segment(appender, err) : MPIJOB_OK;
    if (status == MPIJOB_OK)
        status = make_room(appender, header->total_bytes, err);
    if (status != MPIJOB_OK)
        return status;
    unsigned char *entry = appender->kept + (appender->end - appender->kept_at);
    copy.offset = appender->end;
    memcpy(entry + MPJ_ENTRY_HEADER_BYTES, rest, (size_t)(header->total_bytes - MPJ_ENTRY_HEADER_BYTES));
    mpj_entry_header_encode(entry, &copy, appender->id);
    begin_batch(appender);
    note(appender, &copy);
    return MPIJOB_OK;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* A segment without an entry is not made. */
int mpj_appender_write(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights,
                       mpijob_error *err)
{
    if (appender->index.count == 0 || appender->written == appender->end)
        return MPIJOB_OK;
    return write_pending(appender, folder, path, rights, err);
}

int mpj_appender_sync(mpj_appender *appender, int folder, const char *path, mpijob_error *err)
{
    if (appender->synced == appender->written)
        return MPIJOB_OK;
    double began = mpj_now();
    int status = mpj_file_sync(appender->fd, path, err);
    if (status == MPIJOB_OK && !appender->named_durably)
        appender->named_durably = mpj_below_sync(folder) == MPIJOB_OK;
    appender->last_sync = mpj_now();
    appender->sync_cost = appender->last_sync - began;
    if (status == MPIJOB_OK)
        appender->synced = appender->written;
    return status;
}

bool mpj_appender_is_there(const mpj_appender *appender, int folder)
{
    char name[MPJ_WRITER_BYTES + 8];
    mpj_writer_file(name, appender->writer, MPJ_SEGMENT_SUFFIX);
    return folder >= 0 && mpj_below_same(folder, name, appender->fd) != 0;
}

bool mpj_appender_may_go_on(const mpj_appender *appender, int folder)
{
    char name[MPJ_WRITER_BYTES + 8];
    if (appender->fd < 0 || mpj_boot_time() - appender->last_write < MPJ_SUSPENDED_S)
        return true;
    mpj_writer_file(name, appender->writer, MPJ_INDEX_SUFFIX);
    return mpj_appender_is_there(appender, folder) && mpj_below_look(folder, name, NULL) == 0;
}

int mpj_appender_seal(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights, bool durable,
                      mpijob_error *err)
{
    int status = durable ? mpj_appender_sync(appender, folder, path, err) : MPIJOB_OK;
    if (status != MPIJOB_OK)
        return status;
    appender->index.segment = appender->id;
    appender->index.covered_bytes = appender->written;
    return mpj_index_write(folder, path, appender->writer, &appender->index, rights, durable, err);
}
