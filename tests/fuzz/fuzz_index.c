/* Indexes: loaded, searched and walked. The sums of head and tables are made right first, since no flipped bit gets
 * past them. */
#include "fuzz.h"
#include "io/codec.h"
#include "memory/index.h"

#include <string.h>

static void make_right(unsigned char *bytes, size_t size)
{
    mpj_index_head head;
    if (size < MPJ_INDEX_HEAD_BYTES)
        return;
    mpj_put_u64(bytes + 120, mpj_checksum(bytes, 120));
    if (mpj_index_head_decode(&head, bytes) != MPIJOB_OK || mpj_index_bytes(&head) > size)
        return;
    size_t tables = (size_t)(mpj_index_records_at(&head) - MPJ_INDEX_HEAD_BYTES);
    mpj_put_u64(bytes + 64, mpj_checksum(bytes + MPJ_INDEX_HEAD_BYTES, tables));
    mpj_put_u64(bytes + 120, mpj_checksum(bytes, 120));
}

static int count(const mpj_index_record *record, void *payload)
{
    FUZZ_CHECK(record->total_bytes % MPJ_ALIGN == 0);
    ++*(uint64_t *)payload;
    return MPIJOB_OK;
}

static int count_equal(const mpj_index_record *record, void *payload)
{
    const mpj_index_record *wanted = payload;
    FUZZ_CHECK(memcmp(record->key.bytes, wanted->key.bytes, sizeof wanted->key.bytes) == 0);
    return MPIJOB_OK;
}

/* The keys that stand in the records, and others. */
static void search(const fuzz_input *input, mpj_index *index, int fd, const unsigned char *bytes, size_t size)
{
    uint64_t records = mpj_index_records_at(&index->head);
    for (uint64_t at = 0; at + 16 <= size && at < records + 16 * MPJ_INDEX_RECORD_BYTES; at += 16) {
        mpj_index_record wanted = {0};
        mpijob_error err;
        memcpy(wanted.key.bytes, bytes + at, sizeof wanted.key.bytes);
        (void)mpj_index_lacks(index, &wanted.key);
        (void)fuzz_good(input, mpj_index_find(index, fd, "fuzz", &wanted.key, count_equal, &wanted, &err), &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpijob_error err;
    mpj_index index;
    int fd;
    fuzz_input input = fuzz_begin(data, size);
    unsigned char *bytes = fuzz_room(0, input.size, 0);
    if (!bytes)
        return -1;
    if (input.size > 0)
        memcpy(bytes, input.data, input.size);
    make_right(bytes, input.size);
    FUZZ_CHECK(mpj_file_open(&fd, fuzz_file(bytes, input.size), NULL, NULL) == MPIJOB_OK);
    if (fuzz_good(&input, mpj_index_load(&index, fd, input.size, "fuzz", &err), &err)) {
        uint64_t counted = 0;
        search(&input, &index, fd, bytes, input.size);
        if (fuzz_good(&input, mpj_index_walk(&index, fd, "fuzz", count, &counted, &err), &err))
            FUZZ_CHECK(counted == index.head.count);
        int whole = mpj_index_records_are_whole(&index, fd, "fuzz", &err);
        FUZZ_CHECK(whole == 0 || whole == 1 || !fuzz_good(&input, whole, &err));
    }
    mpj_index_free(&index);
    mpj_file_close(&fd);
    fuzz_end(&input, FUZZ_ROOM_BYTES, 4);
    return 0;
}
