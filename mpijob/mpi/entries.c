#include "mpi/entries.h"

#include "base/alloc.h"

#include <string.h>

typedef struct record_head {
    uint64_t bytes; /* of the record */
    uint64_t position;
    mpj_name name;
    uint64_t index;
    uint64_t result_bytes;
    double seconds;
    uint64_t here;                                       /* of the result's bytes */
    uint32_t file_bytes, location_bytes, function_bytes; /* with their zeros; 0: NULL */
    uint32_t meta_bytes;
    uint64_t args_bytes;
    uint64_t left;
} record_head;

static size_t padded(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static uint32_t text_bytes(const char *text)
{
    return text ? (uint32_t)strlen(text) + 1 : 0;
}

static size_t bytes_of(const record_head *head)
{
    return padded(sizeof *head) + padded(head->file_bytes) + padded(head->location_bytes) +
           padded(head->function_bytes) + padded(head->meta_bytes) + padded(head->args_bytes) + padded(head->here);
}

static unsigned char *put(unsigned char *to, const void *bytes, size_t count)
{
    if (count > 0)
        memcpy(to, bytes, count);
    return to + padded(count);
}

int mpj_entries_add(mpj_entries *entries, const mpj_entry_note *note)
{
    record_head head = {.position = note->position,
                        .name = note->name,
                        .index = note->index,
                        .result_bytes = note->bytes,
                        .seconds = note->seconds,
                        .here = note->result ? note->bytes : 0,
                        .file_bytes = text_bytes(note->file),
                        .location_bytes = text_bytes(note->location),
                        .function_bytes = text_bytes(note->function),
                        .meta_bytes = (uint32_t)note->meta_bytes,
                        .args_bytes = note->args ? note->args_bytes : 0,
                        .left = note->left};
    head.bytes = bytes_of(&head);
    if (mpj_grow((void **)&entries->data, &entries->capacity, entries->bytes + head.bytes, 1) != 0)
        return -1;
    unsigned char *at = entries->data + entries->bytes;
    memset(at, 0, head.bytes - padded(head.here));
    at = put(at, &head, sizeof head);
    at = put(at, note->file, head.file_bytes);
    at = put(at, note->location, head.location_bytes);
    at = put(at, note->function, head.function_bytes);
    at = put(at, note->meta, head.meta_bytes);
    at = put(at, note->args, head.args_bytes);
    put(at, note->result, head.here);
    entries->bytes += head.bytes;
    return 0;
}

static const void *next_part(const unsigned char **at, size_t bytes)
{
    const unsigned char *part = *at;
    *at += padded(bytes);
    return bytes ? part : NULL;
}

int mpj_entries_next(const unsigned char *data, size_t bytes, size_t *at, mpj_entry_note *note)
{
    record_head head;
    if (*at >= bytes)
        return 0;
    if (bytes - *at < sizeof head)
        return -1;
    memcpy(&head, data + *at, sizeof head);
    if (head.bytes != bytes_of(&head) || head.bytes > bytes - *at)
        return -1;
    const unsigned char *part = data + *at + padded(sizeof head);
    *note = (mpj_entry_note){.position = head.position,
                             .left = head.left != 0,
                             .name = head.name,
                             .index = head.index,
                             .bytes = head.result_bytes,
                             .seconds = head.seconds,
                             .meta_bytes = head.meta_bytes,
                             .args_bytes = head.args_bytes};
    note->file = next_part(&part, head.file_bytes);
    note->location = next_part(&part, head.location_bytes);
    note->function = next_part(&part, head.function_bytes);
    note->meta = next_part(&part, head.meta_bytes);
    note->args = next_part(&part, head.args_bytes);
    note->result = next_part(&part, head.here);
    *at += head.bytes;
    return 1;
}
