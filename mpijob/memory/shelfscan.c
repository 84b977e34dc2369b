/* What segments hold: by their index, or else by scanning them. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "memory/shelf.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_RATHER 512   /* entries: an index so small is read into the slots at once, */
#define SLOTS_PERHAPS 4096 /* one so small as long as there are not more than ... */
#define SLOTS_FEW 131072   /* ... so many slots; and it does not replace slots that are there */
#define HOPELESS_LOOKS 8

/* ---- Scanning ---------------------------------------------------------------------------------------------------- */

typedef struct taking {
    mpj_shelf *shelf;
    mpj_known *known;
} taking;

static int take_entry(const mpj_entry_header *header, void *payload)
{
    const taking *t = payload;
    return mpj_shelf_add_slot(t->shelf, t->known, &header->name.key, header->offset, header->total_bytes) == 0
               ? MPIJOB_OK
               : MPIJOB_ENOMEM;
}

static int begin_reading(mpj_shelf *shelf, mpj_known *known, int fd, mpijob_error *err)
{
    mpj_segment_header header;
    if (known->started)
        return MPIJOB_OK;
    int status = mpj_segment_read_header(&header, fd, shelf->segments, err);
    if (status == MPIJOB_OK) {
        known->id = header.id;
        known->started = true;
    }
    return status;
}

void mpj_shelf_scan(mpj_shelf *shelf, mpj_known *known)
{
    mpijob_error err = {0};
    int fd = mpj_shelf_segment_fd(shelf, known);
    int64_t length = fd < 0 ? -1 : mpj_file_length(fd);
    if (length < 0)
        return;
    if ((uint64_t)length != known->bytes) {
        known->hopeless = 0;
        known->grown = mpj_now();
    }
    known->bytes = (uint64_t)length;
    if (known->hopeless >= HOPELESS_LOOKS)
        return;
    taking t = {shelf, known};
    int status = begin_reading(shelf, known, fd, &err);
    if (status == MPIJOB_OK)
        status = mpj_segment_scan(fd, shelf->segments, known->id, &known->good, known->bytes, take_entry, &t, &err);
    if (status == MPIJOB_EOS && err.os_errno != ESTALE)
        mpj_store_cannot_read(shelf->store, &err);
    if (known->good < known->bytes)
        known->hopeless++;
}

/* ---- Indexes ----------------------------------------------------------------------------------------------------- */

static int take_record(const mpj_index_record *record, void *payload)
{
    const taking *t = payload;
    if (record->offset >= t->known->good || record->total_bytes < MPJ_ENTRY_HEADER_BYTES)
        return MPIJOB_OK;
    return mpj_shelf_add_slot(t->shelf, t->known, &record->key, record->offset, record->total_bytes) == 0
               ? MPIJOB_OK
               : MPIJOB_ENOMEM;
}

/* All records, at once: a look-up then costs the same however many small segments there are. */
static bool load_into_slots(mpj_shelf *shelf, mpj_known *known, const mpj_index *index, int fd)
{
    taking t = {shelf, known};
    known->id = index->head.segment;
    known->started = true;
    known->good = index->head.covered_bytes;
    if (mpj_index_walk(index, fd, shelf->segments, take_record, &t, NULL) == MPIJOB_OK)
        return true;
    shelf->stale_slots += known->slots; /* what was added leads where the scan will find the same */
    known->slots = 0;
    known->started = false;
    known->good = MPJ_SEGMENT_HEADER_BYTES;
    return false;
}

static void use_index(mpj_shelf *shelf, mpj_known *known, mpj_index *index)
{
    known->id = index->head.segment;
    known->started = true;
    known->index = *index;
    *index = (mpj_index){0};
    if (known->good < known->index.head.covered_bytes)
        known->good = known->index.head.covered_bytes;
    shelf->stale_slots += known->slots;
    known->slots = 0;
    shelf->indexed[shelf->indexed_count++] = known->number;
}

static bool use(mpj_shelf *shelf, mpj_known *known, mpj_index *index)
{
    if (known->started && known->id != index->head.segment)
        return false;
    if (known->started && known->good >= index->head.covered_bytes && known->slots <= SLOTS_PERHAPS)
        return true;
    uint64_t most = shelf->slots.used < SLOTS_FEW ? SLOTS_PERHAPS : SLOTS_RATHER;
    if (!known->started && index->head.count <= most)
        return load_into_slots(shelf, known, index, known->index_fd);
    use_index(shelf, known, index);
    return true;
}

bool mpj_shelf_adopt_index(mpj_shelf *shelf, mpj_known *known)
{
    char name[MPJ_WRITER_BYTES + 8];
    uint64_t bytes = 0;
    mpj_index index = {0};
    mpijob_error err = {0};
    mpj_descriptors_drop(&shelf->store->descriptors, &known->index_fd);
    int status = mpj_shelf_open_file(shelf, &known->index_fd, known->writer, MPJ_INDEX_SUFFIX, &bytes, &err);
    if (status == MPIJOB_OK)
        status = mpj_index_load(&index, known->index_fd, bytes, shelf->segments, &err);
    if (status == MPIJOB_EOS && err.os_errno != ESTALE)
        mpj_store_cannot_read(shelf->store, &err);
    bool used = status == MPIJOB_OK && use(shelf, known, &index);
    known->index_seen = used || status == MPIJOB_OK || status == MPIJOB_ECORRUPT || status == MPIJOB_EVERSION;
    mpj_index_free(&index);
    if (!known->index.tables)
        mpj_descriptors_drop(&shelf->store->descriptors, &known->index_fd);
    if (!used)
        return false;
    mpj_writer_file(name, known->writer, MPJ_SEGMENT_SUFFIX);
    known->sealed = mpj_below_look(shelf->folder, name, &bytes) == 1 && bytes <= known->good;
    if (!known->sealed)
        mpj_shelf_scan(shelf, known);
    return true;
}

/* ---- Listing ----------------------------------------------------------------------------------------------------- */

typedef struct listed {
    char writer[MPJ_WRITER_BYTES];
    bool index;
} listed;

typedef struct listing {
    listed *names;
    size_t count, capacity;
} listing;

static int add_name(const char *name, void *payload)
{
    listing *all = payload;
    listed one = {0};
    one.index = mpj_writer_of(one.writer, name, MPJ_INDEX_SUFFIX);
    if (!one.index && !mpj_writer_of(one.writer, name, MPJ_SEGMENT_SUFFIX))
        return MPIJOB_OK;
    if (mpj_grow((void **)&all->names, &all->capacity, all->count + 1, sizeof *all->names) != 0)
        return MPIJOB_ENOMEM;
    all->names[all->count++] = one;
    return MPIJOB_OK;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const listed *)left)->writer, ((const listed *)right)->writer);
}

static int compare_known(const void *writer, const void *known)
{
    return strcmp(writer, (*(mpj_known *const *)known)->writer);
}

static mpj_known *find_known(const mpj_shelf *shelf, const char *writer)
{
    mpj_known **found = shelf->known_count
                            ? bsearch(writer, shelf->sorted, shelf->known_count, sizeof *shelf->sorted, compare_known)
                            : NULL;
    return found ? *found : NULL;
}

static void begin_again(mpj_known *known)
{
    known->gone = known->started = known->index_seen = known->sealed = false;
    known->good = MPJ_SEGMENT_HEADER_BYTES;
    known->bytes = 0;
    known->hopeless = 0;
}

static int note_segments(mpj_shelf *shelf, const listing *all)
{
    for (size_t i = 0; i < shelf->known_count; i++)
        shelf->known[i]->seen = false;
    for (size_t i = 0; i < all->count; i++) {
        if (all->names[i].index)
            continue;
        mpj_known *known = find_known(shelf, all->names[i].writer);
        if (!known)
            known = mpj_shelf_add_known(shelf, all->names[i].writer);
        if (!known)
            return MPIJOB_ENOMEM;
        if (known->gone)
            begin_again(known);
        known->seen = true;
    }
    return MPIJOB_OK;
}

typedef struct telling {
    mpj_shelf *shelf;
    uint64_t from; /* what lies before has been told */
} telling;

static int tell_record(const mpj_index_record *record, void *payload)
{
    const telling *t = payload;
    if (record->offset >= t->from)
        mpj_shelf_tell(t->shelf, &record->key);
    return MPIJOB_OK;
}

/* What is looked up in an index leaves no slots, by which it would have been told. */
static void tell_index(mpj_shelf *shelf, mpj_known *known, uint64_t from)
{
    telling t = {shelf, from};
    int fd = shelf->news && known->index.tables && from < known->index.head.covered_bytes
                 ? mpj_shelf_index_fd(shelf, known)
                 : -1;
    if (fd >= 0)
        mpj_index_walk(&known->index, fd, shelf->segments, tell_record, &t, NULL);
}

static void read_what_is_new(mpj_shelf *shelf, const listing *all)
{
    for (size_t i = 0; i < all->count; i++) {
        mpj_known *known = all->names[i].index ? find_known(shelf, all->names[i].writer) : NULL;
        uint64_t scanned = known && known->started ? known->good : 0;
        if (known && known->seen && !known->own && !known->index_seen && mpj_shelf_adopt_index(shelf, known))
            tell_index(shelf, known, scanned);
    }
    for (size_t i = 0; i < shelf->known_count; i++) {
        mpj_known *known = shelf->known[i];
        if (!known->seen && !known->own)
            mpj_shelf_lose(shelf, known);
        else if (!known->started && !known->own)
            mpj_shelf_scan(shelf, known);
    }
}

/* The folder is opened anew: it may have been removed, and made again. */
static int open_folder(mpj_shelf *shelf, mpijob_error *err)
{
    int fd;
    int status = mpj_below_walk(&fd, shelf->store->location, shelf->below, NULL, err);
    if (status == MPIJOB_EOS && err->os_errno == EMFILE && mpj_descriptors_drop_all(&shelf->store->descriptors) > 0)
        status = mpj_below_walk(&fd, shelf->store->location, shelf->below, NULL, err);
    if (status == MPIJOB_OK || status == MPIJOB_ENOTFOUND) {
        mpj_file_close(&shelf->folder);
        shelf->folder = status == MPIJOB_OK ? fd : -1;
    }
    return status;
}

static void look_after_own(mpj_shelf *shelf)
{
    if (!shelf->writing || shelf->own.fd < 0 || mpj_appender_is_there(&shelf->own, shelf->folder))
        return;
    mpj_known *known = shelf->writing;
    mpj_shelf_restart(shelf, shelf->own.written, NULL);
    mpj_shelf_lose(shelf, known);
}

int mpj_shelf_list(mpj_shelf *shelf, mpijob_error *err)
{
    listing all = {0};
    mpijob_error own = {0};
    int status = open_folder(shelf, &own);
    if (status == MPIJOB_OK)
        status = mpj_below_list(shelf->folder, shelf->segments, add_name, &all, &own);
    if (status == MPIJOB_ENOTFOUND)
        status = MPIJOB_OK;
    if (status == MPIJOB_OK && all.count > 1)
        qsort(all.names, all.count, sizeof *all.names, compare_names);
    if (status == MPIJOB_OK)
        status = note_segments(shelf, &all);
    if (status == MPIJOB_OK) {
        read_what_is_new(shelf, &all);
        look_after_own(shelf);
    }
    mpj_free(all.names);
    if (status == MPIJOB_EOS)
        mpj_store_cannot_read(shelf->store, &own);
    return mpj_told(err, status, &own);
}
