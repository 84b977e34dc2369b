/* Damage of every kind: it is named, no look-up gives another value, and what is computed again is good again. */
#include "memory_functions.h"

#include "files.h"
#include "io/codec.h"
#include "memory/format.h"

#include <mpijob/store.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define FITS 6
#define TABLES 3

static char location[MPJ_PATH_BYTES];

static const mpijob_source source = {.file = "fit.c",
                                     .text = "#if A\nint fit(int a) { return 1; } // one\n#else\n"
                                             "int fit(int a)\n{\n    return 2;\n}\n#endif\n"};
static mpijob_source source_of_fit;
static mpijob_function sourced;

/* Small results in a sealed file and one whose writer was killed, large ones mapped and compressed, a record of use. */
static void store_all(void)
{
    const mpijob_memory_options mapped = {.large_bytes = 400};
    const mpijob_cache_options compressed = {.compress = 3};
    mpijob_memory *memory = open_memory(location, &mapped);
    mpijob_function f = cache(memory, &fit, NULL), t = cache(memory, &table, NULL), z;
    mpijob_function packed = table;
    packed.name = "packed";
    z = cache(memory, &packed, &compressed);
    mpijob_function s = cache(memory, &sourced, NULL);
    computes(&s, (fit_args){.c = 1, .fold = 1});
    for (int i = 0; i < FITS; i++)
        computes(&f, (fit_args){.c = i, .fold = 1});
    for (int i = 0; i < TABLES; i++) {
        mpijob_array array;
        ck_assert_int_eq(mpijob_function_call_array(&array, &t, &(fit_args){.c = i, .fold = 30}, NULL, NULL), 0);
        mpijob_array_free(&array);
        ck_assert_int_eq(mpijob_function_call_array(&array, &z, &(fit_args){.c = i, .fold = 30}, NULL, NULL), 0);
        mpijob_array_free(&array);
    }
    mpijob_memory_close(memory);
}

static void store_and_be_killed(void)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        mpijob_memory *memory = open_memory(location, NULL);
        mpijob_function f = cache(memory, &fit, NULL);
        for (int i = 0; i < FITS; i++)
            computes(&f, (fit_args){.c = 100 + i, .fold = 1});
        computes(&f, (fit_args){.c = 0, .fold = 1}); /* found: but no record is written */
        mpijob_memory_sync(memory, NULL);
        raise(SIGKILL);
    }
    int state;
    ck_assert_int_eq(waitpid(child, &state, 0), child);
}

static void begin(void)
{
    files_begin();
    source_of_fit = source;
    source_of_fit.function = "fit";
    sourced = fit;
    sourced.name = "sourced";
    sourced.source = &source_of_fit;
    sourced.version = UINT64_MAX;
    strcpy(location, scratch_path(&files, "location"));
    store_all();
    store_all(); /* found: leaves a record of use */
    store_and_be_killed();
}

typedef struct found {
    int damaged, other;
    char file[MPJ_PATH_BYTES];
    uint64_t offset;
    bool has_key;
} found;

static void take(const mpijob_finding *finding, void *payload)
{
    found *f = payload;
    f->damaged += finding->kind == MPIJOB_FINDING_DAMAGED;
    f->other += finding->kind != MPIJOB_FINDING_DAMAGED;
    if (finding->kind != MPIJOB_FINDING_DAMAGED)
        return;
    snprintf(f->file, sizeof f->file, "%s", finding->file);
    f->offset = finding->offset;
    f->has_key = finding->has_key;
    ck_assert(finding->reason[0]);
}

static found verify(void)
{
    found f = {.damaged = 0};
    mpijob_store *store;
    mpijob_store_verified verified;
    mpijob_error err = {.text = ""};
    ck_assert_msg(mpijob_store_open(&store, location, NULL, &err) == MPIJOB_OK, "%s", err.text);
    int status = mpijob_store_verify(&verified, store, take, &f, NULL, NULL, &err);
    ck_assert_msg(status == (f.damaged ? MPIJOB_ECORRUPT : MPIJOB_OK), "%s", err.text);
    ck_assert_uint_eq(verified.damaged, (uint64_t)f.damaged);
    mpijob_store_close(store);
    return f;
}

static void no_log(int level, const char *text, void *payload)
{
    (void)level;
    (void)text;
    (void)payload;
}

static void check_tables(const mpijob_function *f)
{
    for (int i = 0; i < TABLES; i++) {
        mpijob_array array;
        ck_assert_int_eq(mpijob_function_call_array(&array, f, &(fit_args){.c = i, .fold = 30}, NULL, NULL), 0);
        ck_assert(array.shape[0] == 30 && array.shape[1] == 3);
        for (int k = 0; k < 90; k++)
            ck_assert_double_eq(((double *)array.data)[k], i + k);
        mpijob_array_free(&array);
    }
}

/* Every call gives its right result, whether found or computed. */
static void check_all(void)
{
    const mpijob_memory_options options = {.large_bytes = 400, .log = no_log, .durability = MPIJOB_DURABLE_NONE};
    const mpijob_cache_options compressed = {.compress = 3};
    mpijob_memory *memory = open_memory(location, &options);
    mpijob_function f = cache(memory, &fit, NULL), t = cache(memory, &table, NULL), packed = table;
    packed.name = "packed";
    mpijob_function z = cache(memory, &packed, &compressed), s = cache(memory, &sourced, NULL);
    computes(&s, (fit_args){.c = 1, .fold = 1});
    for (int i = 0; i < FITS; i++) {
        computes(&f, (fit_args){.c = i, .fold = 1});
        computes(&f, (fit_args){.c = 100 + i, .fold = 1});
    }
    check_tables(&t);
    check_tables(&z);
    mpijob_memory_close(memory);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length > tail && strcmp(name + length - tail, suffix) == 0;
}

/* ---- Each file --------------------------------------------------------------------------------------------------- */

typedef void each_file(const char *path);

static void walk(const char *folder, each_file *each)
{
    char path[MPJ_PATH_BYTES];
    struct stat info;
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        ck_assert_int_eq(mpj_path_join(path, folder, entry->d_name, NULL), 0);
        ck_assert_int_eq(lstat(path, &info), 0);
        if (S_ISDIR(info.st_mode))
            walk(path, each);
        else
            each(path);
    }
    closedir(listing);
}

/* What is all under checksums. A zip file has bytes that mean nothing, a description may be written in other ways. */
static bool is_summed(const char *path)
{
    return ends_in(path, ".seg") || ends_in(path, ".idx") || ends_in(path, ".use") || ends_in(path, ".npy");
}

static bool names(const found *f, const char *path)
{
    return f->damaged >= 1 && strcmp(f->file, path) == 0;
}

/* A description that says something else of the source beside it: either of them may be the one that is damaged. */
static bool names_its_folder(const found *f, const char *path)
{
    return strncmp(f->file, path, (size_t)(strrchr(path, '/') + 1 - path)) == 0;
}

static int changes;

/* In the long campaign every byte and every length, else each so many-th. */
static size_t step(size_t usual)
{
    return getenv("MPIJOB_EVERY_BYTE") ? 1 : usual;
}

static void compact(void)
{
    mpijob_store *store;
    mpijob_error err = {.text = ""};
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, NULL), MPIJOB_OK);
    ck_assert_msg(mpijob_store_compact(NULL, store, 1, &err) == MPIJOB_OK, "%s", err.text);
    mpijob_store_close(store);
}

static bool is_sealed(const char *path)
{
    char index[MPJ_PATH_BYTES];
    struct stat info;
    snprintf(index, sizeof index, "%.*sidx", (int)strlen(path) - 3, path);
    return stat(index, &info) == 0;
}

/* Whose writer nobody knows any more, since that is what was damaged: it stays for ten minutes. */
static bool stays_for_a_while(const char *path, size_t at)
{
    return ends_in(path, ".seg") && !is_sealed(path) && at < MPJ_SEGMENT_HEADER_BYTES;
}

/* In a copy: calls give the right results, also where damage was not named; and what they leave is sound again. */
static void use_a_copy(const char *path, size_t at, bool named)
{
    char command[600], here[100];
    ck_assert_uint_lt(strlen(location), sizeof here - 5);
    strcpy(here, location);
    snprintf(command, sizeof command, "rm -rf %s.copy && cp -a %s %s.copy", here, here, here);
    ck_assert_int_eq(system(command), 0);
    strcat(location, ".copy");
    int before = fit_calls + table_calls;
    check_all();
    ck_assert_msg(named || fit_calls + table_calls == before, "%s: byte %zu: not named, but computed again", path, at);
    check_all();
    compact();
    found f = verify();
    ck_assert_msg(f.damaged == 0 || (f.damaged == 1 && stays_for_a_while(path, at)),
                  "%s: byte %zu: %d findings after repair, the last in %s", path, at, f.damaged, f.file);
    strcpy(location, here);
}

static void flip_all(const char *path)
{
    size_t bytes;
    unsigned char *file = files_read(path, &bytes);
    for (size_t at = 0; at < bytes; at += step(bytes > 400 ? 13 : 5)) {
        file[at] ^= (unsigned char)(1u << (at % 8));
        files_write(path, file, bytes);
        found f = verify();
        if (is_summed(path))
            ck_assert_msg(names(&f, path), "%s: byte %zu: %d findings, %d others, last in %s", path, at, f.damaged,
                          f.other, f.file);
        else
            ck_assert_msg(f.damaged == 0 || names_its_folder(&f, path), "%s: byte %zu: a finding in %s", path, at,
                          f.file);
        if ((size_t)changes++ % step(25) == 0)
            use_a_copy(path, at, f.damaged > 0);
        file[at] ^= (unsigned char)(1u << (at % 8));
    }
    files_write(path, file, bytes);
    free(file);
}

START_TEST(every_flipped_byte_is_named)
{
    found f = verify();
    ck_assert(f.damaged == 0 && f.other == 0);
    changes = 0;
    walk(location, flip_all);
    ck_assert_int_gt(changes, 500);
    f = verify();
    ck_assert(f.damaged == 0 && f.other == 0);
}
END_TEST

static void truncate_all(const char *path)
{
    size_t bytes;
    unsigned char *file = files_read(path, &bytes);
    bool sealed = ends_in(path, ".seg") && is_sealed(path);
    for (size_t length = 0; length < bytes; length += step(bytes > 400 ? 37 : 11)) {
        files_write(path, file, length);
        found f = verify();
        if (is_summed(path) && (sealed || !ends_in(path, ".seg")))
            ck_assert_msg(names(&f, path), "%s: %zu of %zu bytes: %d findings, %d others", path, length, bytes,
                          f.damaged, f.other);
        else if (ends_in(path, ".seg"))
            ck_assert_msg(f.damaged == 0 && f.other <= 1 && (f.other == 1 || length % 16 == 0), "%s: %zu bytes: %d, %d",
                          path, length, f.damaged, f.other);
        if ((size_t)changes++ % step(25) == 0)
            use_a_copy(path, length, true);
    }
    files_write(path, file, bytes);
    free(file);
}

START_TEST(every_shorter_file_is_named)
{
    changes = 0;
    walk(location, truncate_all);
    ck_assert_int_gt(changes, 200);
    ck_assert_int_eq(verify().damaged, 0);
}
END_TEST

/* ---- What calls make of it --------------------------------------------------------------------------------------- */

static char target[MPJ_PATH_BYTES], wanted[16];
static void find_one(const char *path)
{
    if (ends_in(path, wanted))
        strcpy(target, path);
}

static const struct {
    const char *suffix;
    int from_end; /* byte that is flipped, from the end; 0: the file is removed */
} damages[] = {{".seg", 400}, {".seg", 20},  {".idx", 40}, {".npy", 100}, {".npy", 0},    {".zip", 300}, {".zip", 0},
               {".idx", 0},   {".json", 50}, {".use", 0},  {".json", 0},  {"code.c", 40}, {"code.c", 0}};

START_TEST(calls_are_right_and_repair_it)
{
    snprintf(wanted, sizeof wanted, "%s", damages[_i].suffix);
    walk(location, find_one);
    if (damages[_i].from_end) {
        size_t bytes;
        unsigned char *file = files_read(target, &bytes);
        file[bytes - (size_t)damages[_i].from_end] ^= 4;
        files_write(target, file, bytes);
        free(file);
    } else {
        ck_assert_int_eq(remove(target), 0);
    }
    if (damages[_i].from_end || (!ends_in(target, ".use") && !ends_in(target, ".idx")))
        ck_assert(verify().damaged > 0);
    check_all();
    check_all();
    compact();
    found f = verify();
    ck_assert_msg(f.damaged == 0, "%s: %d findings, the last in %s", target, f.damaged, f.file);
    int before = fit_calls + table_calls;
    check_all();
    ck_assert_int_eq(fit_calls + table_calls, before);
}
END_TEST

static void find_sealed_fit(const char *path)
{
    if (strstr(path, "/fit/segments/") && ends_in(path, ".seg") && is_sealed(path))
        strcpy(target, path);
}

/* A record of the index, and the header of an entry in the middle: what lies behind that one is reached by the rest of the
 * index alone. */
START_TEST(two_damages_cost_two_results)
{
    size_t bytes;
    walk(location, find_sealed_fit);
    unsigned char *file = files_read(target, &bytes);
    uint64_t first = mpj_get_u64(file + MPJ_SEGMENT_HEADER_BYTES + 8); /* its length */
    file[MPJ_SEGMENT_HEADER_BYTES + first + 40] ^= 4;
    files_write(target, file, bytes);
    free(file);
    strcpy(target + strlen(target) - 3, "idx");
    file = files_read(target, &bytes);
    file[bytes - 1] ^= 4;
    files_write(target, file, bytes);
    free(file);
    ck_assert_int_eq(verify().damaged, 2);
    compact();
    int before = fit_calls;
    check_all();
    ck_assert_int_le(fit_calls - before, 2);
    compact();
    ck_assert_int_eq(verify().damaged, 0);
}
END_TEST

START_TEST(files_without_an_entry_are_told)
{
    char path[MPJ_PATH_BYTES];
    snprintf(wanted, sizeof wanted, ".npy");
    walk(location, find_one);
    size_t bytes;
    unsigned char *file = files_read(target, &bytes);
    strcpy(path, target);
    path[strlen(path) - 5] = path[strlen(path) - 5] == '0' ? '1' : '0'; /* another random part */
    files_write(path, file, bytes);
    free(file);
    found f = verify();
    ck_assert(f.damaged == 0 && f.other == 1);
}
END_TEST

/* A call of an edited function: why tells that it is the source. */
START_TEST(an_edited_source_is_told)
{
    mpijob_source edited = source_of_fit;
    mpijob_function f = sourced;
    mpijob_store *store;
    mpijob_answer answer;
    edited.text = "int fit(int a)\n{\n    return 3;\n}\n";
    f.source = &edited;
    mpijob_memory *memory = open_memory(location, NULL);
    mpijob_function s = cache(memory, &f, NULL);
    ck_assert(computes(&s, (fit_args){.c = 2, .fold = 1}));
    mpijob_memory_close(memory);
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_store_why(&answer, store, "sourced",
                                      "{\"c\": 1, \"gamma\": 0, \"fold\": 1, \"verbose\": 0}", NULL, NULL),
                     MPIJOB_OK);
    ck_assert_int_eq(answer.why, MPIJOB_WHY_VERSION);
    ck_assert_uint_ne(answer.other_version, answer.version);
    ck_assert_msg(strstr(answer.text, "its source (func_code.c)") != NULL, "%s", answer.text);
    mpijob_store_close(store);
}
END_TEST

static int stop(uint64_t done, uint64_t total, void *payload)
{
    ck_assert_uint_le(done, total);
    return ++*(int *)payload == 3;
}

START_TEST(it_can_be_stopped)
{
    int steps = 0;
    mpijob_store *store;
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_store_verify(NULL, store, NULL, NULL, stop, &steps, NULL), MPIJOB_ECANCELED);
    ck_assert_int_eq(steps, 3);
    mpijob_store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 6000);
    tcase_add_checked_fixture(all, begin, files_end);
    tcase_add_test(all, every_flipped_byte_is_named);
    tcase_add_test(all, every_shorter_file_is_named);
    tcase_add_loop_test(all, calls_are_right_and_repair_it, 0, UNIT_COUNT(damages));
    tcase_add_test(all, two_damages_cost_two_results);
    tcase_add_test(all, files_without_an_entry_are_told);
    tcase_add_test(all, an_edited_source_is_told);
    tcase_add_test(all, it_can_be_stopped);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
