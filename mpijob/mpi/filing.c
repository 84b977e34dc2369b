#include "mpi/filing.h"

#include "base/alloc.h"
#include "memory/memory.h"
#include "mpi/looks.h"
#include "mpi/memo.h"

#include <string.h>

#define PATIENCE_S 1.0                      /* in which nothing is written ... */
#define BYTES_A_SECOND ((double)(64 << 20)) /* ... and more, since closing a file may write all of it */
#define MOST_WAITING ((size_t)64 << 20)     /* bytes of results that wait for their files */

/* A result with all that storing it takes, copied: whoever computed it may be gone by then. */
typedef struct filing {
    mpj_awaited awaited; /* first */
    const mpijob_cached *cached;
    mpj_name name;
    mpj_made made; /* its pointers lead into this struct */
    int status;
    char file[MPJ_LARGE_FILE_BYTES];
    unsigned char meta[MPJ_META_BYTES];
    size_t meta_bytes;
    unsigned char own_meta[MPJ_META_BYTES];
    _Alignas(16) unsigned char bytes[]; /* the result, the arguments */
} filing;

static size_t padded(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

/* ---- The file thread ---- */

static void store_it(filing *f)
{
    f->made.file = f->file;
    f->made.meta = f->meta;
    f->made.meta_bytes = f->meta_bytes;
    mpj_cached_lock(f->cached);
    mpj_cached_store(f->cached, &f->made, NULL);
    mpj_cached_unlock(f->cached);
}

static void file_it(mpj_errand *errand)
{
    filing *f = (filing *)errand;
    f->status = mpj_cached_dump(f->cached, &f->made, f->file, f->meta, &f->meta_bytes, NULL);
    if (!mpj_awaited_is_left(&f->awaited))
        return;
    if (f->status == MPIJOB_OK)
        store_it(f);
    mpj_free(f);
}

static void drop(mpj_errand *errand)
{
    mpj_free(errand);
}

/* ---- The job's thread ---- */

static filing *copy_of(const mpijob_cached *cached, const mpj_made *made)
{
    size_t args_bytes = made->args ? cached->function.args_size : 0;
    size_t bytes = sizeof(filing) + padded(made->bytes) + args_bytes;
    filing *f = made->meta_bytes <= sizeof f->own_meta ? mpj_alloc(bytes) : NULL;
    if (!f)
        return NULL;
    memset(f, 0, sizeof *f);
    f->awaited.errand = (mpj_errand){.run = file_it, .drop = drop, .bytes = bytes};
    f->cached = cached;
    f->name = *made->name;
    f->made = *made;
    f->made.name = &f->name;
    f->made.result = memcpy(f->bytes, made->result, made->bytes);
    f->made.args = args_bytes ? memcpy(f->bytes + padded(made->bytes), made->args, args_bytes) : NULL;
    f->made.meta = made->meta_bytes ? memcpy(f->own_meta, made->meta, made->meta_bytes) : NULL;
    f->made.written = &f->awaited.beats;
    return f;
}

static mpj_dumped file_here(const mpijob_cached *cached, const mpj_made *made, char file[MPJ_LARGE_FILE_BYTES],
                            unsigned char meta[MPJ_META_BYTES], size_t *meta_bytes)
{
    int status = mpj_cached_dump(cached, made, file, meta, meta_bytes, NULL);
    return status == MPIJOB_OK ? MPJ_DUMPED : MPJ_NOT_DUMPED;
}

/* Where an earlier one still waits for its file, nobody waits for this one. */
static double patience(const mpj_made *made, size_t waiting)
{
    return waiting > 0 ? 0 : PATIENCE_S + (double)made->bytes / BYTES_A_SECOND + mpj_patience_more_s;
}

mpj_dumped mpj_file_large(const mpijob_cached *cached, const mpj_made *made, char file[MPJ_LARGE_FILE_BYTES],
                          unsigned char meta[MPJ_META_BYTES], size_t *meta_bytes)
{
    uint64_t ticket;
    mpj_clerk *clerk = mpj_cached_is_local(cached) ? NULL : mpj_memo_filer(cached);
    if (!clerk)
        return file_here(cached, made, file, meta, meta_bytes);
    size_t waiting = mpj_clerk_load(clerk);
    if (waiting > 0 && waiting + made->bytes > MOST_WAITING)
        return MPJ_NOT_DUMPED;
    filing *f = copy_of(cached, made);
    int given = f ? mpj_clerk_do(clerk, &f->awaited, patience(made, waiting), &ticket) : -1;
    if (given == 0)
        return MPJ_DUMPED_LATER;
    if (given < 0) {
        mpj_free(f);
        return waiting > 0 ? MPJ_NOT_DUMPED : file_here(cached, made, file, meta, meta_bytes);
    }
    bool dumped = f->status == MPIJOB_OK;
    if (dumped) {
        memcpy(file, f->file, sizeof f->file);
        memcpy(meta, f->meta, f->meta_bytes);
        *meta_bytes = f->meta_bytes;
    }
    mpj_free(f);
    return dumped ? MPJ_DUMPED : MPJ_NOT_DUMPED;
}
