/* Records of use: two files of a function, read together; written again as one, they say the same.
 *
 * An input: flags, u16 length of the first file, the first, the second. */
#include "base/alloc.h"
#include "folder.h"
#include "fuzz.h"
#include "io/codec.h"
#include "memory/cleaner.h"

#include <string.h>

#define FLAG_RIGHT 4 /* the sums are made right */

static void make_right(unsigned char *file, size_t bytes)
{
    if (bytes < MPJ_USE_HEAD_BYTES)
        return;
    mpj_put_u64(file + 24, mpj_checksum(file + MPJ_USE_HEAD_BYTES, bytes - MPJ_USE_HEAD_BYTES));
    mpj_put_u64(file + 56, mpj_checksum(file, 56));
}

/* How many records count: of a whole file all, else none. */
static size_t count_of(const unsigned char *file, size_t bytes)
{
    mpj_use_head head;
    if (bytes < MPJ_USE_HEAD_BYTES || mpj_use_head_decode(&head, file) != MPIJOB_OK)
        return 0;
    size_t rest = bytes - MPJ_USE_HEAD_BYTES;
    bool whole = rest % MPJ_USE_RECORD_BYTES == 0 && head.count == rest / MPJ_USE_RECORD_BYTES &&
                 head.records_sum == mpj_checksum(file + MPJ_USE_HEAD_BYTES, rest);
    return whole ? (size_t)head.count : 0;
}

/* Each is in the table, with this hour or a later one; none is there that is in no file. */
static size_t check_records(const mpj_use_table *uses, const unsigned char *file, size_t bytes)
{
    size_t count = count_of(file, bytes), seen = 0;
    for (size_t i = 0; i < count; i++) {
        mpj_use_record record;
        mpj_use_record_decode(&record, file + MPJ_USE_HEAD_BYTES + i * MPJ_USE_RECORD_BYTES);
        mpj_name name = {.key = record.key, .version = record.version};
        mpj_put_u32(name.check.bytes, record.check);
        const mpj_use_record *found = mpj_use_find(uses, &name);
        FUZZ_CHECK(record.hour == 0 || (found && found->hour >= record.hour));
        seen += record.hour != 0;
    }
    return seen;
}

static void check_same(const mpj_use_table *before, const mpj_use_table *after)
{
    FUZZ_CHECK(before->used == after->used && before->hits == after->hits);
    for (size_t i = 0; i < before->capacity; i++) {
        const mpj_use_record *record = &before->records[i];
        mpj_name name = {.key = record->key, .version = record->version};
        mpj_put_u32(name.check.bytes, record->check);
        const mpj_use_record *found = mpj_use_find(after, &name);
        FUZZ_CHECK(record->hour == 0 || (found && found->hour == record->hour));
    }
}

static void try_merging(const fuzz_input *input, const mpj_store *store, const mpj_use_table *before)
{
    mpj_use_table after;
    mpijob_error err;
    if (fuzz_good(input, mpj_uses_merge(store, "mpijob/f", NULL, &err), &err)) {
        if (fuzz_good(input, mpj_uses_read(&after, store, "mpijob/f", &err), &err))
            check_same(before, &after);
        mpj_uses_free(&after);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const mpj_store_options options = {.group = (gid_t)-1};
    mpijob_error err;
    mpj_store *store;
    mpj_use_table uses;
    fuzz_input input = fuzz_begin(data, size);
    if (input.size < 3 || input.size > FUZZ_ROOM_BYTES) {
        fuzz_end(&input, 0, 0);
        return -1;
    }
    size_t rest = input.size - 3, first_bytes = mpj_get_u16(input.data + 1);
    first_bytes = first_bytes < rest ? first_bytes : rest;
    size_t second_bytes = rest - first_bytes;
    unsigned char *first = fuzz_room(0, first_bytes, 0), *second = fuzz_room(1, second_bytes, 0);
    memcpy(first, input.data + 3, first_bytes);
    memcpy(second, input.data + 3 + first_bytes, second_bytes);
    if (input.data[0] & FLAG_RIGHT) {
        make_right(first, first_bytes);
        make_right(second, second_bytes);
    }
    const char *location = folder_new();
    folder_put("mpijob/f/use/a.use", first, first_bytes);
    folder_put("mpijob/f/use/b.use", second, second_bytes);
    if (fuzz_good(&input, mpj_store_open(&store, location, &options, &err), &err)) {
        if (fuzz_good(&input, mpj_uses_read(&uses, store, "mpijob/f", &err), &err)) {
            size_t seen = check_records(&uses, first, first_bytes) + check_records(&uses, second, second_bytes);
            FUZZ_CHECK(uses.used <= seen && (uses.used > 0) == (seen > 0));
            try_merging(&input, store, &uses);
        }
        mpj_uses_free(&uses);
        mpj_store_close(store);
    }
    folder_remove();
    fuzz_end(&input, 65536, 64);
    return 0;
}
