#include <mpijob/stats.h>

#include "unit.h"

#include <string.h>

#define TEXT_BYTES 4000

static const char *printed(const mpijob_stats *stats)
{
    static char text[TEXT_BYTES];
    memset(text, 0, sizeof text);
    FILE *stream = tmpfile();
    ck_assert_ptr_nonnull(stream);
    mpijob_stats_print(stream, stats);
    rewind(stream);
    ck_assert_uint_lt(fread(text, 1, sizeof text - 1, stream), sizeof text - 1);
    fclose(stream);
    return text;
}

START_TEST(prints_a_whole_run)
{
    mpijob_rank_stats ranks[2] = {
        {.jobs = 600, .batches = 30, .busy_s = 1.2, .waiting_s = 0.01, .scheduling_s = 0.04},
        {.jobs = 400, .batches = 27, .busy_s = 1.2, .waiting_s = 0.05},
    };
    mpijob_stats stats = {.jobs = 1000,
                          .failed = 3,
                          .left = 12,
                          .batches = 57,
                          .messages = 58,
                          .sent_bytes = 1023,
                          .received_bytes = 8000,
                          .wall_s = 1.25,
                          .busy_s = 2.4,
                          .waiting_s = 0.06,
                          .scheduling_s = 0.04,
                          .imbalance = 1.0204,
                          .ranks_total = 4,
                          .ranks_used = 2,
                          .ranks = ranks,
                          .ranks_capacity = 2};
    ck_assert_str_eq(printed(&stats),
                     "Jobs       1000, 3 of them failed, 12 not run; in 1.25 s on 2 of 4 ranks: 800.0 jobs/s\n"
                     "Traffic    57 batches, 58 messages; rank 0 sent 1023 B, received 7.8 KiB\n"
                     "Time       busy 2.40 s (96.0 %), waiting 60.0 ms (2.4 %), scheduling 40.0 ms (1.6 %), over all "
                     "ranks\n"
                     "Imbalance  1.020 (the busiest rank over the mean)\n"
                     "Rank 0     600 jobs in 30 batches, busy 96.0 %, waiting 0.8 %, scheduling 3.2 %\n"
                     "Rank 1     400 jobs in 27 batches, busy 96.0 %, waiting 4.0 %, scheduling 0.0 %\n");
}
END_TEST

START_TEST(prints_a_run_without_jobs)
{
    mpijob_stats stats = {.ranks_total = 1, .ranks_used = 1};
    ck_assert_str_eq(
        printed(&stats),
        "Jobs       0; in 0.00 s on 1 of 1 ranks\n"
        "Traffic    0 batches, 0 messages; rank 0 sent 0 B, received 0 B\n"
        "Time       busy 0.00 s (0.0 %), waiting 0.00 s (0.0 %), scheduling 0.00 s (0.0 %), over all ranks\n");
}
END_TEST

static const struct {
    uint64_t bytes;
    const char *text;
} sizes[] = {
    {0, " 0 B\n"},
    {1, " 1 B\n"},
    {1023, " 1023 B\n"},
    {1024, " 1.0 KiB\n"},
    {1536, " 1.5 KiB\n"},
    {1048524, " 1023.9 KiB\n"},
    {1048575, " 1.0 MiB\n"},
    {1048576, " 1.0 MiB\n"},
    {3ULL << 30, " 3.0 GiB\n"},
    {5ULL << 40, " 5.0 TiB\n"},
    {7ULL << 50, " 7.0 PiB\n"},
    {UINT64_MAX, " 16.0 EiB\n"},
};

START_TEST(sizes_have_units)
{
    mpijob_stats stats = {.received_bytes = sizes[_i].bytes};
    const char *place = strstr(printed(&stats), "received");
    ck_assert_ptr_nonnull(place);
    place += strlen("received");
    ck_assert_msg(strncmp(place, sizes[_i].text, strlen(sizes[_i].text)) == 0, "%s", place);
}
END_TEST

static const struct {
    double seconds;
    const char *text;
} durations[] = {
    {0, "in 0.00 s on"}, {12.3e-6, "in 12.3 us on"}, {0.0123, "in 12.3 ms on"},
    {1, "in 1.00 s on"}, {90.126, "in 90.13 s on"},  {86400, "in 86400.00 s on"},
};

START_TEST(durations_have_units)
{
    mpijob_stats stats = {.wall_s = durations[_i].seconds};
    ck_assert_ptr_nonnull(strstr(printed(&stats), durations[_i].text));
}
END_TEST

static int lines_with(const char *text, const char *word)
{
    int count = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        count++;
    return count;
}

/* How many ranks are named, by ranks used and room given. */
static const struct {
    uint32_t used;
    size_t capacity;
    int named;
} rooms[] = {{1, 1, 1}, {1, 20, 1}, {8, 20, 8}, {8, 3, 3}, {9, 20, 2}, {9, 8, 8}, {20, 20, 2}, {5, 0, 0}};

START_TEST(names_few_ranks)
{
    mpijob_rank_stats ranks[20] = {{0}};
    for (int i = 0; i < 20; i++)
        ranks[i].busy_s = 10 + i * 7 % 20;
    mpijob_stats stats = {.ranks_used = rooms[_i].used, .ranks = ranks, .ranks_capacity = rooms[_i].capacity};
    ck_assert_int_eq(lines_with(printed(&stats), "\nRank "), rooms[_i].named);
    stats.ranks = NULL;
    ck_assert_int_eq(lines_with(printed(&stats), "\nRank "), 0);
}
END_TEST

START_TEST(names_the_least_and_the_most_busy)
{
    mpijob_rank_stats ranks[12] = {{0}};
    for (int i = 0; i < 12; i++)
        ranks[i].busy_s = 10;
    ranks[4].busy_s = 2;
    ranks[11].busy_s = 30;
    ranks[11].waiting_s = 10;
    mpijob_stats stats = {.ranks_used = 12, .ranks = ranks, .ranks_capacity = 12};
    const char *text = printed(&stats);
    ck_assert_ptr_nonnull(strstr(text,
                                 "\nRank 4     0 jobs in 0 batches, busy 100.0 %, waiting 0.0 %, scheduling 0.0 % "
                                 "(least busy)\n"));
    ck_assert_ptr_nonnull(strstr(text,
                                 "\nRank 11    0 jobs in 0 batches, busy 75.0 %, waiting 25.0 %, scheduling 0.0 % "
                                 "(most busy)\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats");
    TCase *group = tcase_create("print");
    tcase_add_test(group, prints_a_whole_run);
    tcase_add_test(group, prints_a_run_without_jobs);
    tcase_add_loop_test(group, sizes_have_units, 0, UNIT_COUNT(sizes));
    tcase_add_loop_test(group, durations_have_units, 0, UNIT_COUNT(durations));
    tcase_add_loop_test(group, names_few_ranks, 0, UNIT_COUNT(rooms));
    tcase_add_test(group, names_the_least_and_the_most_busy);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
