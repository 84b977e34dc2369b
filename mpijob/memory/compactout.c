/* The new segments of a merging (compact.h). */
#include "memory/compact.h"

#include "memory/trash.h"

#include <stdio.h>

#define BATCH_BYTES ((uint64_t)1 << 20)

void mpj_output_begin(mpj_output *out, int folder, const char *path, const mpj_rights *rights, uint64_t function)
{
    *out = (mpj_output){.folder = folder, .path = path, .rights = rights, .function = function};
}

static int seal(mpj_output *out, mpijob_error *err)
{
    mpj_appender *own = &out->own;
    char name[MPJ_WRITER_BYTES + 8];
    uint64_t index_bytes = 0;
    int status = mpj_appender_write(own, out->folder, out->path, out->rights, err);
    if (status == MPIJOB_OK)
        status = mpj_appender_sync(own, out->folder, out->path, err);
    if (status == MPIJOB_OK)
        status = mpj_appender_seal(own, out->folder, out->path, out->rights, true, err);
    if (status != MPIJOB_OK)
        return status;
    mpj_writer_file(name, own->writer, MPJ_INDEX_SUFFIX);
    mpj_below_look(out->folder, name, &index_bytes);
    out->made++;
    out->bytes += own->written + index_bytes;
    mpj_appender_free(own);
    out->begun = false;
    return MPIJOB_OK;
}

int mpj_output_add(mpj_output *out, const mpj_entry_header *header, const unsigned char *entry, mpijob_error *err)
{
    mpj_appender *own = &out->own;
    int status = MPIJOB_OK;
    if (out->begun &&
        (own->index.count >= MPJ_SEGMENT_MOST_ENTRIES || own->end + header->total_bytes > MPJ_SEGMENT_MOST_BYTES))
        status = seal(out, err);
    if (status == MPIJOB_OK && !out->begun) {
        mpj_appender_begin(own, out->function);
        out->begun = true;
    }
    if (status == MPIJOB_OK)
        status = mpj_appender_copy(own, header, entry + MPJ_ENTRY_HEADER_BYTES, err);
    if (status == MPIJOB_OK && own->end - own->written >= BATCH_BYTES)
        status = mpj_appender_write(own, out->folder, out->path, out->rights, err);
    return status;
}

int mpj_output_end(mpj_output *out, mpijob_error *err)
{
    return out->begun ? seal(out, err) : MPIJOB_OK;
}

void mpj_output_free(mpj_output *out)
{
    char name[MPJ_WRITER_BYTES + 8];
    if (!out->begun)
        return;
    if (out->own.fd >= 0) {
        mpj_writer_file(name, out->own.writer, MPJ_SEGMENT_SUFFIX);
        mpj_below_unlink(out->folder, name, NULL);
    }
    mpj_appender_free(&out->own);
    out->begun = false;
}

int mpj_compact_remove(const mpj_list *list, const char *name, bool now, mpj_compacted *done, mpijob_error *err)
{
    char item[MPJ_TRASH_ITEM_BYTES];
    int64_t since_s;
    int status = mpj_trash_put(list->store, list->function, name, item, err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
    uint64_t bytes = mpj_trash_bytes(list->store, list->function, item);
    double later_s = (double)mpj_trash_grace(item, &since_s);
    if (now) {
        done->bytes_now += bytes;
        return mpj_trash_remove(list->store, list->function, item, err);
    }
    done->bytes_later += bytes;
    if (later_s > done->later_s)
        done->later_s = later_s;
    return MPIJOB_OK;
}
