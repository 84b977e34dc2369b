#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "mpi/rows.h"
#include "mpi/transfer.h"

#include <string.h>

#define ROWS_TAG 1
#define GATHER_TAG 2

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The first row, from `row` on, that begins a chunk; at most `end`. */
static size_t chunk_from(size_t row, size_t chunk_rows, size_t end)
{
    size_t into = row % chunk_rows;
    return into == 0 ? row : chunk_rows - into < end - row ? row + (chunk_rows - into) : end;
}

void mpj_rows_shares(mpj_rows_share *share, const size_t *starts, int size, int rank, size_t chunk_rows)
{
    size_t first = starts[rank], end = starts[rank + 1], total = starts[size];
    size_t begin = chunk_from(first, chunk_rows, end);
    *share = (mpj_rows_share){first, end, begin, end, end, end};
    if (begin == end)
        return;
    size_t last = (end - 1) / chunk_rows * chunk_rows;
    if (end == total || end - last == chunk_rows)
        return;
    share->own_end = last;
    share->mixed_first = last;
    share->mixed_end = least(total - last, chunk_rows) + last;
}

/* The rank that has this row. */
static int rank_of(const size_t *starts, size_t row)
{
    int rank = 0;
    while (starts[rank + 1] <= row)
        rank++;
    return rank;
}

static void pack(void *to, const mpijob_array *rows, size_t from_row, size_t count)
{
    mpj_block block = {.ndim = rows->ndim};
    size_t bytes = mpijob_type_size(&rows->type);
    memcpy(block.count, rows->shape, sizeof block.count);
    memcpy(block.from_strides, rows->strides, sizeof block.from_strides);
    block.count[0] = count;
    mpj_strides(block.to_strides, rows->ndim, block.count, bytes, 'C');
    mpj_block_copy(&block, to, (const char *)rows->data + (ptrdiff_t)from_row * rows->strides[0], bytes, NULL);
}

static size_t row_bytes(const mpijob_array *rows)
{
    size_t bytes = mpijob_type_size(&rows->type);
    for (int i = 1; i < rows->ndim; i++)
        bytes *= rows->shape[i];
    return bytes;
}

/* What goes to another rank, and what comes. */
typedef struct exchange {
    mpj_transfer *transfers; /* the one that is sent, then those that come */
    int count;
    void *head;
    size_t head_bytes;
} exchange;

static int make_room(exchange *e, const mpj_rows_share *share, const size_t *starts, int rank, size_t each,
                     mpijob_error *err)
{
    size_t begin = share->own_first;
    int sources = 0;
    for (int q = rank + 1; share->mixed_end > share->end && starts[q] < share->mixed_end; q++)
        sources++;
    e->head_bytes = (begin - share->first) * each;
    e->count = sources + 1;
    e->transfers = mpj_calloc((size_t)e->count, sizeof *e->transfers);
    e->head = mpj_alloc(e->head_bytes);
    if (!e->transfers || !e->head)
        return mpj_fail_memory(err, "the rows of a chunk that begins on another rank", e->head_bytes);
    int status = mpj_transfer_prepare(&e->transfers[0], e->head_bytes, err);
    for (int i = 1; i <= sources && status == MPIJOB_OK; i++) {
        size_t from = starts[rank + i], to = least(starts[rank + i + 1], share->mixed_end);
        status = mpj_transfer_prepare(&e->transfers[i], (to - from) * each, err);
    }
    return status;
}

/* Nothing can be agreed on any more when a message fails. */
static void must(mpj_rows_call *call, int status, mpijob_error *err)
{
    if (status != MPIJOB_OK)
        mpj_abort(call->link->comm, err);
}

static void wait_for(mpj_rows_call *call, mpj_transfer *transfers, int count)
{
    mpijob_error err;
    for (int i = 0; i < count; i++) {
        mpj_backoff backoff = {0};
        bool done = false;
        for (;;) {
            must(call, mpj_transfer_test(&transfers[i], &done, &err), &err);
            if (done)
                break;
            mpj_backoff_wait_briskly(&backoff);
        }
    }
}

static void move(exchange *e, mpj_rows_call *call, char *mixed, const mpj_rows_share *share, const size_t *starts,
                 size_t each, size_t chunk_rows)
{
    mpijob_error err;
    mpj_link *link = call->link;
    for (int i = 1; i < e->count; i++) {
        size_t from = starts[link->rank + i], to = least(starts[link->rank + i + 1], share->mixed_end);
        must(call,
             mpj_transfer_receive(&e->transfers[i], mixed + (from - share->mixed_first) * each, (to - from) * each,
                                  link->rank + i, ROWS_TAG, link->comm, &err),
             &err);
    }
    if (e->head_bytes > 0) {
        int to = rank_of(starts, share->first / chunk_rows * chunk_rows);
        must(call, mpj_transfer_send(&e->transfers[0], e->head, e->head_bytes, to, ROWS_TAG, link->comm, &err), &err);
    }
    wait_for(call, e->transfers, e->count);
}

int mpj_rows_exchange(mpj_rows_call *call, void *mixed, const mpj_rows_share *share, const size_t *starts,
                      const mpijob_array *rows, size_t chunk_rows, mpijob_error *err)
{
    exchange e = {0};
    size_t each = row_bytes(rows);
    int status = make_room(&e, share, starts, call->link->rank, each, err);
    status = mpj_rows_agree(call, status, err);
    if (status == MPIJOB_OK) {
        if (e.head_bytes > 0)
            pack(e.head, rows, 0, share->own_first - share->first);
        if (share->mixed_end > share->mixed_first)
            pack(mixed, rows, share->mixed_first - share->first, share->end - share->mixed_first);
        move(&e, call, mixed, share, starts, each, chunk_rows);
    }
    for (int i = 0; e.transfers && i < e.count; i++)
        mpj_free(e.transfers[i].many);
    mpj_free(e.transfers);
    mpj_free(e.head);
    return status;
}

static void gather_from(mpj_rows_call *call, char *to, size_t bytes, int from)
{
    mpj_transfer transfer = {0};
    mpijob_error err;
    must(call, mpj_transfer_receive(&transfer, to, bytes, from, GATHER_TAG, call->link->comm, &err), &err);
    wait_for(call, &transfer, 1);
    mpj_free(transfer.many);
}

void mpj_rows_gather(mpj_rows_call *call, void *all, const void *mine, const size_t *counts, size_t bytes)
{
    mpj_link *link = call->link;
    mpj_transfer transfer = {0};
    mpijob_error err;
    if (link->rank != 0) {
        if (counts[link->rank] == 0)
            return;
        must(call, mpj_transfer_send(&transfer, mine, counts[link->rank] * bytes, 0, GATHER_TAG, link->comm, &err),
             &err);
        wait_for(call, &transfer, 1);
        mpj_free(transfer.many);
        return;
    }
    char *to = all;
    if (counts[0] > 0)
        memcpy(to, mine, counts[0] * bytes);
    for (int q = 1; q < link->size; q++) {
        to += counts[q - 1] * bytes;
        if (counts[q] > 0)
            gather_from(call, to, counts[q] * bytes, q);
    }
}
