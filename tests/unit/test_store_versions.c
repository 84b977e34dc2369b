/* Stores of all released formats stay readable: those in tests/data are found as they were made, by the functions that
 * made them and by programs that do not know these; and what is made now is the same. */
#include "store_1.h"

#include <mpijob/core.h>
#include <mpijob/store.h>

#include "files.h"

#include "io/codec.h"

static char location[MPJ_PATH_BYTES];

static const struct {
    const char *name;
    void (*check)(const char *location);
    uint64_t results, large;
} released[] = {
    {"store-1", store_1_check, STORE_1_RESULTS, STORE_1_LARGE},
};

/* ---- A copy: the stores themselves are not written to ------------------------------------------------------------- */

static void copy_into(const char *from, const char *to)
{
    DIR *listing = opendir(from);
    ck_assert_msg(listing != NULL, "%s", from);
    ck_assert_int_eq(mkdir(to, 0777), 0);
    for (struct dirent *entry; (entry = readdir(listing));) {
        char source[MPJ_PATH_BYTES], target[MPJ_PATH_BYTES];
        struct stat info;
        size_t bytes;
        if (entry->d_name[0] == '.')
            continue;
        ck_assert_int_eq(mpj_path_join(source, from, entry->d_name, NULL), MPIJOB_OK);
        ck_assert_int_eq(mpj_path_join(target, to, entry->d_name, NULL), MPIJOB_OK);
        ck_assert_int_eq(stat(source, &info), 0);
        if (S_ISDIR(info.st_mode)) {
            copy_into(source, target);
            continue;
        }
        unsigned char *whole = files_read(source, &bytes);
        files_write(target, whole, bytes);
        free(whole);
    }
    closedir(listing);
}

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
}

static void copy_released(int which)
{
    char from[MPJ_PATH_BYTES];
    ck_assert_int_eq(mpj_path_join(from, TEST_DATA, released[which].name, NULL), MPIJOB_OK);
    copy_into(from, location);
}

START_TEST(are_read_by_the_functions_that_made_them)
{
    copy_released(_i);
    released[_i].check(location);
}
END_TEST

/* ---- Without the functions --------------------------------------------------------------------------------------- */

/* Of the results in a location, in any order: what there is to be known of them but times. */
typedef struct contents {
    mpijob_store *store;
    uint64_t results, large, values, sum;
} contents;

static void add(contents *c, const void *bytes, size_t count)
{
    c->sum += mpj_checksum(bytes, count); /* in any order */
}

static int take(const mpijob_stored *entry, void *payload)
{
    contents *c = payload;
    char text[2048];
    mpijob_error err = {.text = ""};
    mpijob_array array;
    c->results++;
    c->large += entry->file[0] != '\0';
    char key[MPIJOB_DIGEST_TEXT_BYTES], check[MPIJOB_DIGEST_TEXT_BYTES];
    mpijob_digest_text(key, &entry->key);
    mpijob_digest_text(check, &entry->check);
    int length = snprintf(text, sizeof text, "%s %s %s %016llx %s %d", entry->function, key, check,
                          (unsigned long long)entry->version, entry->args_json, entry->ndim);
    ck_assert_int_lt(length, (int)sizeof text);
    add(c, text, (size_t)length);
    if (strcmp(entry->function, "f") == 0)
        return 0; /* has no description: made without the layers above */
    ck_assert_msg(mpijob_store_get(&array, c->store, entry, &err) == MPIJOB_OK, "%s: %s", text, err.text);
    size_t bytes = mpijob_array_count(&array) * mpijob_type_size(&array.type);
    ck_assert_uint_eq(bytes, entry->bytes);
    add(c, array.data, bytes);
    c->values++;
    mpijob_array_free(&array);
    return 0;
}

static contents contents_of(const char *folder)
{
    mpijob_error err = {.text = ""};
    contents c = {.results = 0};
    ck_assert_msg(mpijob_store_open(&c.store, folder, NULL, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_msg(mpijob_store_list(c.store, NULL, take, &c, &err) == MPIJOB_OK, "%s", err.text);
    mpijob_store_close(c.store);
    return c;
}

START_TEST(are_read_by_their_descriptions)
{
    copy_released(_i);
    contents c = contents_of(location);
    ck_assert_uint_eq(c.values, released[_i].results);
    ck_assert_uint_eq(c.large, released[_i].large);
}
END_TEST

/* That "f" has no description is as it was made. */
static void take_finding(const mpijob_finding *finding, void *payload)
{
    (void)payload;
    ck_assert_msg(strcmp(finding->function, "f") == 0 && strstr(finding->file, "versions"), "%s: %s", finding->file,
                  finding->reason);
}

START_TEST(are_whole)
{
    mpijob_store *store;
    mpijob_store_verified verified;
    mpijob_error err = {.text = ""};
    copy_released(_i);
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, &err), MPIJOB_OK);
    ck_assert_int_eq(mpijob_store_verify(&verified, store, take_finding, NULL, NULL, NULL, &err), MPIJOB_ECORRUPT);
    ck_assert_uint_eq(verified.damaged, 1);
    ck_assert_uint_eq(verified.unfinished + verified.orphans, 0);
    ck_assert_uint_eq(verified.large, released[_i].large);
    mpijob_store_close(store);
}
END_TEST

START_TEST(are_the_same_after_compacting)
{
    mpijob_store *store;
    mpijob_store_compacted compacted;
    mpijob_error err = {.text = ""};
    copy_released(_i);
    const contents before = contents_of(location);
    ck_assert_int_eq(mpijob_store_open(&store, location, NULL, &err), MPIJOB_OK);
    ck_assert_msg(mpijob_store_compact(&compacted, store, 1, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_uint_eq(compacted.damaged, 0);
    mpijob_store_close(store);
    const contents after = contents_of(location);
    ck_assert_uint_eq(after.results, before.results);
    ck_assert_uint_eq(after.sum, before.sum);
    released[_i].check(location);
}
END_TEST

/* ---- Made now ---------------------------------------------------------------------------------------------------- */

/* Keys, versions, arguments and values are what they were: nobody's results get lost by a new version of this library. */
START_TEST(what_is_made_now_is_what_was_made_then)
{
    char then[MPJ_PATH_BYTES];
    copy_released(0);
    strcpy(then, location);
    strcpy(location, scratch_path(&files, "now"));
    store_1_make(location);
    const contents made = contents_of(location), kept = contents_of(then);
    ck_assert_uint_eq(made.results, kept.results);
    ck_assert_uint_eq(made.sum, kept.sum);
    store_1_check(location);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_versions");
    TCase *all = tcase_create("released");
    tcase_add_checked_fixture(all, begin, files_end);
    tcase_set_timeout(all, 120);
    tcase_add_loop_test(all, are_read_by_the_functions_that_made_them, 0, UNIT_COUNT(released));
    tcase_add_loop_test(all, are_read_by_their_descriptions, 0, UNIT_COUNT(released));
    tcase_add_loop_test(all, are_whole, 0, UNIT_COUNT(released));
    tcase_add_loop_test(all, are_the_same_after_compacting, 0, UNIT_COUNT(released));
    tcase_add_test(all, what_is_made_now_is_what_was_made_then);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
