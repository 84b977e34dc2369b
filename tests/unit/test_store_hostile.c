/* Locations that somebody with the right to write made hostile: never a crash, a hang or a value that was not stored, and
 * nothing outside the location is read or touched. By the public calls, and with checksums that hold. */
#include "memory_functions.h"

#include <mpijob/store.h>

#include "io/codec.h"
#include "memo.h"
#include "memory/format.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <sys/inotify.h>
#include <unistd.h>

#define ROWS 5       /* of a small table */
#define LARGE_ROWS 9 /* of one with a file of its own */
#define LARGE_BYTES 200

static char location[MPJ_PATH_BYTES], outside[MPJ_PATH_BYTES];
static int warnings;

static void count_warning(int level, const char *text, void *payload)
{
    (void)text;
    (void)payload;
    warnings += level == MPIJOB_LOG_WARNING;
}

static const char *below(const char *name)
{
    static char paths[4][MPJ_PATH_BYTES];
    static int next;
    char *path = paths[next++ % 4];
    ck_assert_int_eq(mpj_path_join(path, location, name, NULL), MPIJOB_OK);
    return path;
}

/* The only file that a pattern below the location names. */
static void only(char path[MPJ_PATH_BYTES], const char *pattern)
{
    glob_t found;
    ck_assert_msg(glob(below(pattern), 0, NULL, &found) == 0, "%s", pattern);
    ck_assert_uint_eq(found.gl_pathc, 1);
    snprintf(path, MPJ_PATH_BYTES, "%s", found.gl_pathv[0]);
    globfree(&found);
}

/* ---- Using a location in every way there is ----------------------------------------------------------------------- */

static mpijob_memory *open_here(mpijob_function *small)
{
    const mpijob_memory_options options = {.large_bytes = LARGE_BYTES, .log = count_warning};
    mpijob_memory *memory = open_memory(location, &options);
    *small = cache(memory, &table, NULL);
    return memory;
}

static const int rows_of[] = {ROWS, LARGE_ROWS, 1};

/* Calls all: the values are right, computed or found. */
static void call_all(const mpijob_function *cached)
{
    for (size_t i = 0; i < sizeof rows_of / sizeof rows_of[0]; i++) {
        fit_args args = {.c = (double)i, .fold = rows_of[i]};
        mpijob_array array;
        mpijob_error err = {.text = ""};
        ck_assert_msg(mpijob_function_call_array(&array, cached, &args, NULL, &err) == MPIJOB_OK, "%s", err.text);
        ck_assert_int_eq(array.ndim, 2);
        ck_assert_uint_eq(array.shape[0], (size_t)args.fold);
        for (int k = 0; k < args.fold * 3; k++)
            ck_assert_double_eq(((double *)array.data)[k], args.c + k);
        mpijob_array_free(&array);
    }
}

static int take_shown(const mpijob_stored *entry, void *payload)
{
    ck_assert_uint_gt(strlen(entry->function), 0);
    ++*(int *)payload;
    return 0;
}

static int take_stored(const mpijob_stored *entry, void *payload)
{
    mpijob_array array;
    char key[MPIJOB_DIGEST_TEXT_BYTES];
    int shown = 0;
    mpijob_digest_text(key, &entry->key);
    if (strlen(entry->args_json) < 1000)
        mpijob_store_show(payload, key, take_shown, &shown, NULL);
    if (strlen(entry->args_json) < 1000 && mpijob_store_get(&array, payload, entry, NULL) == MPIJOB_OK)
        mpijob_array_free(&array);
    return 0;
}

static int take_function(const mpijob_store_function *function, void *payload)
{
    (void)payload;
    ck_assert_uint_gt(strlen(function->name), 0);
    return 0;
}

static void ask_why(mpijob_store *store)
{
    for (size_t i = 0; i < sizeof rows_of / sizeof rows_of[0]; i++) {
        char args[200];
        mpijob_answer answer;
        snprintf(args, sizeof args, "{\"c\": %zu.0, \"gamma\": 0.0, \"fold\": %d, \"verbose\": 0}", i, rows_of[i]);
        if (mpijob_store_why(&answer, store, "table", args, NULL, NULL) == MPIJOB_OK)
            ck_assert_uint_gt(strlen(answer.text), 0);
    }
}

/* What a colleague's location gives is sound, and all there is of it: right values, and nothing that verify names. */
static void take_over(void)
{
    char hostile[MPJ_PATH_BYTES];
    mpijob_store *store;
    mpijob_function cached;
    strcpy(hostile, location);
    strcpy(location, scratch_path(&files, "merged"));
    mkdir(location, 0777);
    mkdir(below("mpijob"), 0777); /* a location with nothing in it */
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, NULL), MPIJOB_OK);
    mpijob_store_merge(NULL, store, hostile, NULL);
    mpijob_store_close(store);
    mpijob_memory *memory = open_here(&cached);
    call_all(&cached);
    mpijob_memory_close(memory);
    mpijob_store_verified verified = {0};
    mpijob_error err = {.text = ""};
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, NULL), MPIJOB_OK);
    ck_assert_msg(mpijob_store_verify(&verified, store, NULL, NULL, NULL, NULL, &err) == MPIJOB_OK, "%s", err.text);
    mpijob_store_clear(store, NULL, 1, NULL, NULL);
    mpijob_store_close(store);
    strcpy(location, hostile);
}

/* Whatever these return: they end, and leave alone what is not theirs. */
static void look_after(bool change)
{
    const mpijob_memory_options options = {.log = count_warning};
    const mpijob_reduce_options reduce = {.bytes_limit = UINT64_MAX, .items_limit = 1, .age_limit_s = -1, .now = 1};
    mpijob_store *store;
    mpijob_store_stats stats;
    mpijob_store_verified verified;
    mpijob_store_compacted compacted;
    mpijob_removed removed;
    if (mpijob_store_open(&store, location, &options, NULL) != MPIJOB_OK)
        return;
    mpijob_store_functions(store, take_function, NULL, NULL);
    mpijob_store_list(store, NULL, take_stored, store, NULL);
    mpijob_store_get_stats(&stats, store, NULL, NULL);
    ask_why(store);
    mpijob_store_verify(&verified, store, NULL, NULL, NULL, NULL, NULL);
    if (change) {
        mpijob_store_compact(&compacted, store, 1, NULL);
        mpijob_store_reduce(store, &reduce, &removed, NULL);
        mpijob_store_clear(store, NULL, 1, &removed, NULL);
    }
    mpijob_store_close(store);
}

static void use_all(void)
{
    mpijob_function cached;
    mpijob_memory *memory = open_here(&cached);
    call_all(&cached);
    mpijob_memory_close(memory);
    look_after(false);
    take_over();
    memory = open_here(&cached);
    call_all(&cached);
    mpijob_memory_close(memory);
    look_after(true);
    memory = open_here(&cached);
    call_all(&cached);
    mpijob_memory_clear(memory, 1, NULL, NULL);
    mpijob_memory_close(memory);
}

static void make_store(void)
{
    mpijob_function cached;
    mpijob_memory *memory = open_here(&cached);
    call_all(&cached);
    call_all(&cached); /* records of use */
    mpijob_memory_close(memory);
}

/* ---- Outside ------------------------------------------------------------------------------------------------------ */

/* A folder with all that one could take for one's own: a store. */
static void begin(void)
{
    files_begin();
    warnings = 0;
    strcpy(location, scratch_path(&files, "outside"));
    make_store();
    strcpy(outside, location);
    strcpy(location, scratch_path(&files, "location"));
    make_store();
}

typedef struct inventory {
    uint64_t sum;
    int names;
} inventory;

/* Names, content and rights of all that is in a folder; in any order. */
static void take_inventory(inventory *all, const char *folder)
{
    DIR *listing = opendir(folder);
    ck_assert_msg(listing != NULL, "%s", folder);
    for (struct dirent *entry; (entry = readdir(listing));) {
        char path[MPJ_PATH_BYTES];
        struct stat info;
        size_t bytes;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ck_assert_int_eq(mpj_path_join(path, folder, entry->d_name, NULL), MPIJOB_OK);
        ck_assert_int_eq(lstat(path, &info), 0);
        all->names++;
        all->sum += mpj_checksum(path, strlen(path)) * (info.st_mode | 1u);
        if (S_ISDIR(info.st_mode)) {
            take_inventory(all, path);
        } else {
            unsigned char *whole = files_read(path, &bytes);
            all->sum += mpj_checksum(whole, bytes) ^ (uint64_t)info.st_mtim.tv_nsec;
            free(whole);
        }
    }
    closedir(listing);
}

/* Tells of everything in a folder that is opened or changed. */
static void watch_all(int watch, const char *folder)
{
    DIR *listing = opendir(folder);
    ck_assert_msg(listing != NULL, "%s", folder);
    for (struct dirent *entry; (entry = readdir(listing));) {
        char path[MPJ_PATH_BYTES];
        ck_assert_int_eq(mpj_path_join(path, folder, entry->d_name, NULL), MPIJOB_OK);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (mpj_path_is_folder(path))
            watch_all(watch, path);
    }
    closedir(listing);
    ck_assert_int_ge(inotify_add_watch(watch, folder, IN_ALL_EVENTS), 0);
}

/* The name of something that was; NULL: nothing. */
static const char *what_happened(int watch)
{
    static char events[4096] __attribute__((aligned(8)));
    ssize_t got = read(watch, events, sizeof events);
    const struct inotify_event *first = (const void *)events;
    if (got <= 0)
        return NULL;
    return first->len ? first->name : "a folder";
}

/* ---- Links -------------------------------------------------------------------------------------------------------- */

/* What is replaced by a link to the same of the other store. */
static const char *const parts[] = {
    "mpijob",
    "mpijob/table",
    "mpijob/table/segments",
    "mpijob/table/large",
    "mpijob/table/use",
    "mpijob/table/versions",
    "mpijob/table/trash",
    "mpijob/table/cleaner",
    "mpijob/format.json",
    "mpijob/table/segments/*.seg",
    "mpijob/table/segments/*.idx",
    "mpijob/table/large/*",
    "mpijob/table/large/*/*",
    "mpijob/table/use/*.use",
    "mpijob/table/versions/*",
    "mpijob/table/versions/*/func.json",
};

static void replace_by_link(const char *part)
{
    char own[MPJ_PATH_BYTES], target[MPJ_PATH_BYTES], mine[MPJ_PATH_BYTES];
    bool there = strcmp(part, "mpijob/table/trash") != 0 && strcmp(part, "mpijob/table/cleaner") != 0;
    strcpy(mine, location);
    if (there)
        only(own, part);
    else
        strcpy(own, below(part));
    strcpy(location, outside);
    if (there)
        only(target, part);
    else
        strcpy(target, below(part));
    if (!there)
        ck_assert(mkdir(target, 0777) == 0 || errno == EEXIST);
    strcpy(location, mine);
    mpj_folder_remove(own, NULL);
    ck_assert_int_eq(symlink(target, own), 0);
}

START_TEST(links_to_another_store)
{
    inventory before = {0}, after = {0};
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    ck_assert_int_ge(watch, 0);
    replace_by_link(parts[_i]);
    take_inventory(&before, outside);
    watch_all(watch, outside);
    use_all();
    const char *happened = what_happened(watch);
    ck_assert_msg(!happened, "%s: %s was looked at", parts[_i], happened);
    close(watch);
    take_inventory(&after, outside);
    ck_assert_int_eq(after.names, before.names);
    ck_assert_uint_eq(after.sum, before.sum);
}
END_TEST

/* ---- Other things than files and folders ------------------------------------------------------------------------- */

enum {
    PIPE,
    FOLDER,
    FULL_FOLDER,
    ENDLESS, /* a device that never ends */
    DANGLING,
    LOOP,
    EMPTY,
    UNREADABLY_LONG, /* a hole of 4 TiB */
    KINDS
};

static void replace_by(const char *path, int kind)
{
    char inner[MPJ_PATH_BYTES];
    mpj_folder_remove(path, NULL);
    if (kind == PIPE)
        ck_assert_int_eq(mkfifo(path, 0666), 0);
    if (kind == FOLDER || kind == FULL_FOLDER)
        ck_assert_int_eq(mkdir(path, 0777), 0);
    if (kind == FULL_FOLDER) {
        ck_assert_int_eq(mpj_path_join(inner, path, "a.seg", NULL), MPIJOB_OK);
        files_write(inner, "x", 1);
    }
    if (kind == ENDLESS)
        ck_assert_int_eq(symlink("/dev/zero", path), 0);
    if (kind == DANGLING)
        ck_assert_int_eq(symlink("nowhere", path), 0);
    if (kind == LOOP)
        ck_assert_int_eq(symlink(strrchr(path, '/') + 1, path), 0);
    if (kind == EMPTY || kind == UNREADABLY_LONG)
        files_write(path, "", 0);
    if (kind == UNREADABLY_LONG)
        ck_assert_int_eq(truncate(path, (off_t)1 << 42), 0);
}

START_TEST(other_things_in_the_place_of_files)
{
    char path[MPJ_PATH_BYTES];
    const char *part = parts[_i / KINDS];
    if (strcmp(part, "mpijob/table/trash") == 0 || strcmp(part, "mpijob/table/cleaner") == 0)
        strcpy(path, below(part));
    else
        only(path, part);
    replace_by(path, _i % KINDS);
    use_all();
}
END_TEST

/* ---- Descriptions ------------------------------------------------------------------------------------------------ */

#define ARGS                                                                                                           \
    "\"args\": {\"struct\": \"fit_args\", \"fields\": [{\"name\": \"c\", \"type\": \"float64\"}, {\"name\": "          \
    "\"gamma\", \"type\": \"float64\"}, {\"name\": \"fold\", \"type\": \"int32\"}, {\"name\": \"verbose\", \"type\": " \
    "\"int32\"}]}"
#define SOURCE "\"source\": {\"file\": \"a.c\"}"

/* %s: the version. With a source, of which a version cannot be computed again. */
static const char *const descriptions[] = {
    "",
    "[",
    "{}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\"}",
    "{\"format\": 99, \"name\": \"table\", \"number\": 1, \"version\": \"%s\"}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": null, \"type\": \"int64\"}, \"source\": null}",
    "{\"format\": 1, \"name\": \"../../outside/mpijob/table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": null, \"type\": \"float64\"}, " SOURCE "}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": null, \"type\": \"bytes\"}, " SOURCE "}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": null, \"type\": \"bytes0\"}, " SOURCE "}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": null, \"type\": {\"struct\": \"a\", \"fields\": []}}, " SOURCE "}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": null, \"type\": {\"struct\": \"a\", \"fields\": [{\"name\": \"b\", \"type\": \"int8\", "
    "\"count\": 9223372036854775807}]}}, " SOURCE "}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": null, \"type\": \"string\"}, " SOURCE "}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": [4294967296, 4294967296], \"type\": \"float64\"}, " SOURCE "}",
    "{\"format\": 1, \"name\": \"table\", \"number\": 1, \"version\": \"%s\", " ARGS
    ", \"result\": {\"shape\": [1152921504606846975], \"type\": \"float64\"}, " SOURCE "}",
};

START_TEST(descriptions_that_lie)
{
    char path[MPJ_PATH_BYTES], text[2000], version[17] = "";
    only(path, "mpijob/table/versions/*/func.json");
    snprintf(version, sizeof version, "%.16s", strstr(path, "versions/") + 9);
    int length = snprintf(text, sizeof text, descriptions[_i], version);
    files_write(path, text, (size_t)length);
    use_all();
}
END_TEST

START_TEST(a_description_nested_without_end)
{
    enum {
        DEPTH = 1 << 20
    };
    char path[MPJ_PATH_BYTES];
    char *text = malloc(DEPTH);
    ck_assert_ptr_nonnull(text);
    memset(text, _i ? '{' : '[', DEPTH);
    only(path, "mpijob/table/versions/*/func.json");
    files_write(path, text, DEPTH);
    free(text);
    use_all();
}
END_TEST

/* ---- Entries whose sums hold -------------------------------------------------------------------------------------- */

/* The name of the first of the calls, as a writer that knows it. */
static mpj_name name_of_call(void)
{
    fit_args args = {.c = 0, .fold = rows_of[0]};
    mpijob_function cached;
    mpijob_reference reference;
    mpijob_memory *memory = open_here(&cached);
    ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, &cached, &args, NULL, NULL), MPIJOB_OK);
    const mpj_name name = {reference.key, reference.check, reference.version};
    mpijob_reference_free(&reference);
    mpijob_memory_close(memory);
    return name;
}

#define LATER INT64_C(4000000000000000000) /* in 2096 */
#define KEY_FILE "/0123456789abcdef0123456789abcdef-01234567.npy"

static const uint64_t right_meta[] = {2, ROWS, 3}, other_shape[] = {2, 3, ROWS}, long_meta[64] = {1, 1},
                      huge[] = {2, UINT64_C(1) << 40, UINT64_C(1) << 40}, overflowing[] = {2, UINT64_C(1) << 61, 8},
                      many[] = {33}, most[] = {UINT64_MAX}, few[] = {1, ROWS * 3 - 1},
                      summed[] = {2, ROWS, 3, 0x1234, 500}, longer[] = {2, ROWS + 1, 3};

/* The value is the right one, where its length is. */
static const struct {
    int kind;
    const uint64_t *meta;
    size_t meta_bytes;
    size_t bytes; /* of the value; 0: `file` */
    const char *file;
    const char *json;
    int64_t time_ns;
    double compute_s;
    uint64_t large_bytes;
} entries[] = {
    {MPJ_ENTRY_VALUE, right_meta, sizeof right_meta, ROWS * 24, NULL, "0123456789abcdef", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, right_meta, sizeof right_meta, ROWS * 24, NULL, "not JSON \xff\xfe\x01", LATER, -INFINITY, 0},
    {MPJ_ENTRY_VALUE, right_meta, sizeof right_meta, ROWS * 24, NULL, "", INT64_MAX, NAN, 0},
    {MPJ_ENTRY_VALUE, right_meta, sizeof right_meta, ROWS * 24, NULL, "{}", INT64_MIN, INFINITY, 0},
    {MPJ_ENTRY_VALUE, right_meta, sizeof right_meta, ROWS * 24, NULL, "{}", 0, 1e308, 0},
    {MPJ_ENTRY_VALUE, right_meta, sizeof right_meta, ROWS * 24 - 1, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, right_meta, sizeof right_meta, 8, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, right_meta, sizeof right_meta, 0, "", "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, right_meta, 8, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, right_meta, 7, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, right_meta, 0, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, right_meta, 23, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, long_meta, sizeof long_meta, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, huge, sizeof huge, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, overflowing, sizeof overflowing, 0, "", "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, many, sizeof many, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, most, sizeof most, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, few, sizeof few, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, summed, sizeof summed, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_VALUE, longer, sizeof longer, ROWS * 24, NULL, "{}", LATER, 1, 0},
    {MPJ_ENTRY_TOMBSTONE, right_meta, sizeof right_meta, ROWS * 24, NULL, "{}", INT64_MAX, 1, 0},
    {MPJ_ENTRY_LARGE, summed, sizeof summed, 0, "../../../../../../etc/passwd", "{}", LATER, 1, 500},
    {MPJ_ENTRY_LARGE, summed, sizeof summed, 0, "/etc/passwd", "{}", LATER, 1, 500},
    {MPJ_ENTRY_LARGE, summed, sizeof summed, 0, "", "{}", LATER, 1, 500},
    {MPJ_ENTRY_LARGE, summed, sizeof summed, 0, "..", "{}", LATER, 1, UINT64_MAX},
    {MPJ_ENTRY_LARGE, summed, sizeof summed, 0, "01" KEY_FILE, "{}", LATER, 1, UINT64_MAX},
    {MPJ_ENTRY_LARGE, summed, sizeof summed, 0, "02" KEY_FILE, "{}", LATER, 1, 500},
    {MPJ_ENTRY_LARGE, right_meta, sizeof right_meta, ROWS * 24, NULL, "{}", LATER, 1, 500},
    {MPJ_ENTRY_LARGE, most, sizeof most, 0, "01" KEY_FILE, "{}", LATER, 1, 500},
    {MPJ_ENTRY_LARGE, other_shape, sizeof other_shape, 0, "01" KEY_FILE, "{}", INT64_MIN, 1, 0},
};

/* A segment with it alone: encoding refuses nothing. */
static void put_entry(const mpj_name *name, int which)
{
    const size_t json_bytes = strlen(entries[which].json);
    const char *file = entries[which].file;
    const size_t bytes = file ? strlen(file) : entries[which].bytes;
    double values[ROWS * 3];
    unsigned char segment[4096] = {0}, *at = segment + MPJ_SEGMENT_HEADER_BYTES;
    for (int i = 0; i < ROWS * 3; i++)
        values[i] = i;
    mpj_entry_header header = {.name = *name,
                               .kind = (uint8_t)entries[which].kind,
                               .stored_bytes = bytes,
                               .raw_bytes = entries[which].kind == MPJ_ENTRY_VALUE ? bytes : entries[which].large_bytes,
                               .type_bytes = 8,
                               .json_bytes = (uint32_t)json_bytes,
                               .meta_bytes = (uint32_t)entries[which].meta_bytes,
                               .compute_s = entries[which].compute_s,
                               .time_ns = entries[which].time_ns,
                               .offset = MPJ_SEGMENT_HEADER_BYTES};
    header.total_bytes = mpj_entry_total(&header);
    ck_assert_uint_le(header.total_bytes, sizeof segment - MPJ_SEGMENT_HEADER_BYTES);
    memcpy(at + MPJ_ENTRY_HEADER_BYTES, entries[which].json, json_bytes);
    memcpy(at + mpj_entry_meta_at(&header), entries[which].meta, entries[which].meta_bytes);
    memcpy(at + mpj_entry_payload_at(&header), file ? (const void *)file : values, bytes);
    header.rest_sum = mpj_checksum(at + MPJ_ENTRY_HEADER_BYTES, (size_t)header.total_bytes - MPJ_ENTRY_HEADER_BYTES);
    mpj_segment_header_encode(segment, &(mpj_segment_header){.id = 7});
    mpj_entry_header_encode(at, &header, 7);
    ck_assert(mkdir(below("mpijob/table/segments"), 0777) == 0 || errno == EEXIST);
    files_write(below("mpijob/table/segments/hostile.seg"), segment,
                MPJ_SEGMENT_HEADER_BYTES + (size_t)header.total_bytes);
}

/* What a validity callback is given can be read as text. */
static int read_arguments(const mpijob_entry *entry, void *payload)
{
    const char *wanted = payload;
    if (*wanted)
        ck_assert_str_eq(entry->args_json, wanted);
    ck_assert_uint_lt(strlen(entry->args_json), 1000);
    return 1;
}

static void use_with_callback(const char *json, bool clear)
{
    const mpijob_memory_options options = {.log = count_warning};
    const mpijob_cache_options how = {
        .cache_validation_callback = read_arguments, .validation_payload = (void *)json, .expires_after_s = 1e9};
    fit_args args = {.c = 0, .fold = rows_of[0]};
    mpijob_memory *memory = open_memory(location, &options);
    mpijob_function cached = cache(memory, &table, &how);
    mpijob_array array;
    ck_assert_int_eq(mpijob_function_call_array(&array, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_uint_eq(array.shape[0], ROWS);
    ck_assert_double_eq(((double *)array.data)[ROWS * 3 - 1], ROWS * 3 - 1);
    mpijob_array_free(&array);
    if (clear) {
        ck_assert_int_eq(mpijob_function_clear_call(&cached, &args, NULL, NULL, NULL), MPIJOB_OK);
        ck_assert_int_eq(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL), 0);
    }
    mpijob_memory_close(memory);
}

/* Alone, or newer or older than the right one. */
START_TEST(entries_that_lie)
{
    const mpj_name name = name_of_call();
    char path[MPJ_PATH_BYTES];
    if (_i % 2) {
        only(path, "mpijob/table/segments");
        ck_assert_int_eq(mpj_folder_remove(path, NULL), 0);
    }
    put_entry(&name, _i / 2);
    use_with_callback(_i == 1 ? entries[0].json : "", false);
    look_after(false);
    use_with_callback("", true);
    use_all();
}
END_TEST

/* ---- Records of use ------------------------------------------------------------------------------------------------ */

static const struct {
    uint64_t count, hits;
    uint32_t hour;
    double saved_s;
} uses[] = {
    {1, UINT64_MAX, UINT32_MAX, NAN},
    {1, 1, 2562047, INFINITY},
    {1, 1, 2562048, -1},
    {0, UINT64_MAX, 1, -INFINITY},
    {UINT64_MAX, 1, 1, 1},
    {UINT64_MAX / 32, 1, 1, 1},
    {2, 1, 1, 1},
};

START_TEST(records_of_use_that_lie)
{
    const mpj_name name = name_of_call();
    unsigned char file[MPJ_USE_HEAD_BYTES + MPJ_USE_RECORD_BYTES];
    char folder[MPJ_PATH_BYTES], path[MPJ_PATH_BYTES];
    const mpj_use_record record = {name.key, name.version, mpj_use_check_of(&name), uses[_i].hour};
    mpj_use_record_encode(file + MPJ_USE_HEAD_BYTES, &record);
    const size_t records = uses[_i].count == 0 ? 0 : MPJ_USE_RECORD_BYTES;
    mpj_use_head_encode(file, &(mpj_use_head){uses[_i].count, 0, mpj_checksum(file + MPJ_USE_HEAD_BYTES, records),
                                              uses[_i].hits, uses[_i].saved_s});
    strcpy(folder, below("mpijob/table/use"));
    for (int i = 0; i < 70; i++) { /* so many that they are merged */
        char writer[40];
        snprintf(writer, sizeof writer, "somebody-%d.use", i);
        ck_assert_int_eq(mpj_path_join(path, folder, writer, NULL), MPIJOB_OK);
        files_write(path, file, MPJ_USE_HEAD_BYTES + records);
    }
    use_all();
}
END_TEST

/* ---- What is looked after ------------------------------------------------------------------------------------------ */

START_TEST(trash_that_leads_outside)
{
    static const char *const items[] = {"0000000001-0123456789abcdef.large", "0000000001-0123456789abcdee.segments",
                                        "0000000001-0123456789abcded.use", "0000000001-0123456789abcdec.npy"};
    char path[MPJ_PATH_BYTES], inner[MPJ_PATH_BYTES];
    inventory before = {0}, after = {0};
    take_inventory(&before, outside);
    ck_assert(mkdir(below("mpijob/table/trash"), 0777) == 0 || errno == EEXIST);
    for (int i = 0; i < UNIT_COUNT(items); i++) {
        ck_assert_int_eq(mpj_path_join(path, below("mpijob/table/trash"), items[i], NULL), MPIJOB_OK);
        if (i == 0)
            ck_assert_int_eq(mkdir(path, 0777), 0);
        ck_assert_int_eq(mpj_path_join(inner, path, "ab", NULL), MPIJOB_OK);
        ck_assert_int_eq(symlink(outside, i == 0 ? inner : path), 0);
    }
    use_all();
    take_inventory(&after, outside);
    ck_assert_int_eq(after.names, before.names);
    ck_assert_uint_eq(after.sum, before.sum);
}
END_TEST

/* Deeper than anything that is removed goes. */
START_TEST(folders_without_end)
{
    enum {
        DEPTH = 1000
    };
    static const char *const places[] = {"mpijob/table/trash/0000000001-0123456789abcdef.large",
                                         "mpijob/table/large/ab", "mpijob/table/segments/ab", "mpijob/deep"};
    char here[MPJ_PATH_BYTES];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert(mkdir(below("mpijob/table/trash"), 0777) == 0 || errno == EEXIST);
    ck_assert_int_eq(mkdir(below(places[_i]), 0777), 0);
    ck_assert_int_eq(chdir(below(places[_i])), 0);
    for (int i = 0; i < DEPTH; i++) {
        ck_assert_int_eq(mkdir("a", 0777), 0);
        ck_assert_int_eq(chdir("a"), 0);
    }
    use_all();
    for (int i = 0; i < DEPTH; i++) {
        ck_assert_int_eq(chdir(".."), 0);
        ck_assert_int_eq(rmdir("a"), 0);
    }
    ck_assert_int_eq(chdir(here), 0);
}
END_TEST

/* Somebody else seems to clean, for ever: the rest goes on. */
START_TEST(locks_that_lie)
{
    static const char *const names[] = {"lock.999999999999999999", "lock.1",  "lock.18446744073709551616",
                                        "free.999999999999999999", "lock.-1", "seen"};
    char path[MPJ_PATH_BYTES];
    ck_assert(mkdir(below("mpijob/table/cleaner"), 0777) == 0 || errno == EEXIST);
    ck_assert_int_eq(mpj_path_join(path, below("mpijob/table/cleaner"), names[_i % UNIT_COUNT(names)], NULL),
                     MPIJOB_OK);
    const char *text = _i < UNIT_COUNT(names) ? "" : "ffffffffffffffff ffffffffffffffff 0 ffffffffffffffff -1\n";
    files_write(path, text, strlen(text));
    use_all();
}
END_TEST

/* ---- Very many segments -------------------------------------------------------------------------------------------- */

/* Empty, of a byte, with a header alone, with garbage behind it. */
START_TEST(very_many_segments)
{
    const char *wanted = getenv("MPIJOB_SEGMENTS");
    const uint64_t segments = wanted ? strtoull(wanted, NULL, 10) : 2000;
    unsigned char bytes[MPJ_SEGMENT_HEADER_BYTES + 200];
    char folder[MPJ_PATH_BYTES], path[MPJ_PATH_BYTES];
    memset(bytes, 0x4d, sizeof bytes);
    strcpy(folder, below("mpijob/table/segments"));
    for (uint64_t i = 0; i < segments; i++) {
        const mpj_segment_header header = {.id = i, .place = i % 7, .pid = i};
        const size_t sizes[] = {0, 1, MPJ_SEGMENT_HEADER_BYTES, sizeof bytes};
        char name[40];
        mpj_segment_header_encode(bytes, &header);
        snprintf(name, sizeof name, "%08llx-%llu.seg", (unsigned long long)(i * 2654435761u % (1u << 31)),
                 (unsigned long long)i);
        ck_assert_int_eq(mpj_path_join(path, folder, name, NULL), MPIJOB_OK);
        files_write(path, bytes, sizes[i % 4]);
    }
    use_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_hostile");
    TCase *all = tcase_create("hostile");
    tcase_add_checked_fixture(all, begin, files_end);
    tcase_add_loop_test(all, links_to_another_store, 0, UNIT_COUNT(parts));
    tcase_add_loop_test(all, other_things_in_the_place_of_files, 0, UNIT_COUNT(parts) * KINDS);
    tcase_add_loop_test(all, descriptions_that_lie, 0, UNIT_COUNT(descriptions));
    tcase_add_loop_test(all, a_description_nested_without_end, 0, 2);
    tcase_add_loop_test(all, entries_that_lie, 0, UNIT_COUNT(entries) * 2);
    tcase_add_loop_test(all, records_of_use_that_lie, 0, UNIT_COUNT(uses));
    tcase_add_test(all, trash_that_leads_outside);
    tcase_add_loop_test(all, folders_without_end, 0, 4);
    tcase_add_loop_test(all, locks_that_lie, 0, 12);
    tcase_add_test(all, very_many_segments);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
