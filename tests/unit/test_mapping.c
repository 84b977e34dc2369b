#include "io/mapping.h"

#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES 20000

static scratch here;
static mpijob_error err;
static int fd;

static char content(size_t i)
{
    return (char)(i * 7 + i / 251);
}

static void begin(void)
{
    char all[BYTES];
    memset(&err, 0, sizeof err);
    scratch_make(&here);
    for (size_t i = 0; i < BYTES; i++)
        all[i] = content(i);
    fd = open(scratch_path(&here, "a"), O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(mpj_file_write(fd, here.path, all, BYTES, 0, &err), MPIJOB_OK);
}

static void end(void)
{
    close(fd);
    scratch_remove(&here);
}

static char in_file(size_t i)
{
    char byte;
    ck_assert_int_eq(mpj_file_read(fd, here.path, &byte, 1, i, &err), MPIJOB_OK);
    return byte;
}

/* Offsets at, before and behind the edges of pages. */
static const size_t offsets[] = {0, 1, 128, 4095, 4096, 4097, 8192, BYTES - 1};
static const mpj_mapping_mode modes[] = {MPJ_MAP_READ, MPJ_MAP_WRITE, MPJ_MAP_COPY};

START_TEST(any_range_is_mapped)
{
    for (int m = 0; m < UNIT_COUNT(modes); m++) {
        mpj_mapping map;
        size_t from = offsets[_i], bytes = BYTES - from;
        ck_assert_int_eq(mpj_mapping_open(&map, fd, here.path, from, bytes, modes[m], &err), MPIJOB_OK);
        for (size_t i = 0; i < bytes; i++)
            ck_assert_int_eq(((const char *)map.data)[i], content(from + i));
        ck_assert_uint_eq((uintptr_t)map.base % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
        mpj_mapping_close(&map);
        ck_assert_ptr_null(map.base);
        mpj_mapping_close(&map);
    }
}
END_TEST

START_TEST(writing_reaches_the_file_and_a_copy_does_not)
{
    mpj_mapping map;
    size_t from = offsets[_i];
    char before = content(from), changed = (char)(before + 1);
    ck_assert_int_eq(mpj_mapping_open(&map, fd, here.path, from, 1, MPJ_MAP_COPY, &err), MPIJOB_OK);
    *(char *)map.data = changed;
    ck_assert_int_eq(in_file(from), before);
    mpj_mapping_close(&map);
    ck_assert_int_eq(in_file(from), before);
    ck_assert_int_eq(mpj_mapping_open(&map, fd, here.path, from, 1, MPJ_MAP_WRITE, &err), MPIJOB_OK);
    *(char *)map.data = changed;
    ck_assert_int_eq(mpj_mapping_sync(&map, here.path, &err), MPIJOB_OK);
    ck_assert_int_eq(in_file(from), changed);
    mpj_mapping_close(&map);
    ck_assert_int_eq(in_file(from), changed);
}
END_TEST

/* The signal that ends a process which writes there. Sanitizers would handle it. */
static int signal_of_writing(const mpj_mapping *map)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)map->data = 1;
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(writing_to_a_map_for_reading_faults)
{
    mpj_mapping map;
    ck_assert_int_eq(mpj_mapping_open(&map, fd, here.path, 100, 50, MPJ_MAP_READ, &err), MPIJOB_OK);
    ck_assert_int_eq(signal_of_writing(&map), SIGSEGV);
    ck_assert_int_eq(in_file(100), content(100));
    mpj_mapping_close(&map);
}
END_TEST

START_TEST(a_range_outside_the_file_is_an_error_not_a_fault)
{
    static const struct {
        uint64_t offset;
        size_t bytes;
    } ranges[] = {{0, BYTES + 1},         {BYTES, 1},    {1, BYTES},       {BYTES + 1, 0},
                  {UINT64_MAX, 1},        {1, SIZE_MAX}, {UINT64_MAX, 0},  {4096, SIZE_MAX},
                  {UINT64_MAX, SIZE_MAX}, {0, SIZE_MAX}, {BYTES - 1, 4096}};
    for (int i = 0; i < UNIT_COUNT(ranges); i++) {
        mpj_mapping map;
        ck_assert_int_eq(mpj_mapping_open(&map, fd, here.path, ranges[i].offset, ranges[i].bytes, modes[_i], &err),
                         MPIJOB_ECORRUPT);
        ck_assert_ptr_nonnull(strstr(err.text, "is cut short"));
        ck_assert_ptr_null(map.base);
        mpj_mapping_close(&map);
    }
}
END_TEST

/* A file that was cut since its length was looked at. */
START_TEST(a_file_cut_before_mapping_is_an_error)
{
    mpj_mapping map;
    ck_assert_int_eq(ftruncate(fd, BYTES / 2), 0);
    ck_assert_int_eq(mpj_mapping_open(&map, fd, here.path, 0, BYTES, modes[_i], &err), MPIJOB_ECORRUPT);
}
END_TEST

START_TEST(nothing_is_mapped_as_nothing)
{
    mpj_mapping map;
    ck_assert_int_eq(mpj_mapping_open(&map, fd, here.path, BYTES, 0, modes[_i], &err), MPIJOB_OK);
    ck_assert_ptr_nonnull(map.data);
    ck_assert_ptr_null(map.base);
    ck_assert_int_eq(mpj_mapping_sync(&map, here.path, &err), MPIJOB_OK);
    mpj_mapping_close(&map);
}
END_TEST

START_TEST(what_cannot_be_mapped_is_an_error)
{
    mpj_mapping map;
    int reading = open(here.path, O_RDONLY);
    ck_assert_int_eq(mpj_mapping_open(&map, reading, here.path, 0, 10, MPJ_MAP_WRITE, &err), MPIJOB_EOS);
    ck_assert_ptr_nonnull(strstr(err.text, here.path));
    ck_assert_int_eq(mpj_mapping_open(&map, reading, here.path, 0, 10, MPJ_MAP_COPY, &err), MPIJOB_OK);
    mpj_mapping_close(&map);
    close(reading);
    ck_assert_int_eq(mpj_mapping_open(&map, -1, here.path, 0, 10, MPJ_MAP_READ, &err), MPIJOB_EOS);
}
END_TEST

/* Larger than the memory: pages are not reserved, and few are touched. */
START_TEST(a_file_larger_than_the_memory_is_mapped)
{
    mpj_mapping map;
    size_t bytes = (size_t)1 << 42;
    ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
    ck_assert_int_eq(mpj_mapping_open(&map, fd, here.path, 0, bytes, modes[_i], &err), MPIJOB_OK);
    ck_assert_int_eq(((const char *)map.data)[bytes - 1], 0);
    ck_assert_int_eq(((const char *)map.data)[1], content(1));
    mpj_mapping_close(&map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping");
    TCase *maps = tcase_create("maps");
    tcase_add_checked_fixture(maps, begin, end);
    tcase_add_loop_test(maps, any_range_is_mapped, 0, UNIT_COUNT(offsets));
    tcase_add_loop_test(maps, writing_reaches_the_file_and_a_copy_does_not, 0, UNIT_COUNT(offsets));
    tcase_add_test(maps, writing_to_a_map_for_reading_faults);
    tcase_add_loop_test(maps, a_range_outside_the_file_is_an_error_not_a_fault, 0, UNIT_COUNT(modes));
    tcase_add_loop_test(maps, a_file_cut_before_mapping_is_an_error, 0, UNIT_COUNT(modes));
    tcase_add_loop_test(maps, nothing_is_mapped_as_nothing, 0, UNIT_COUNT(modes));
    tcase_add_test(maps, what_cannot_be_mapped_is_an_error);
    tcase_add_loop_test(maps, a_file_larger_than_the_memory_is_mapped, 0, UNIT_COUNT(modes));
    suite_add_tcase(suite, maps);
    return unit_run(suite);
}
