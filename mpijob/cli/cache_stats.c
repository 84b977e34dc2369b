#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_stats_help[] =
    "usage: mpijob cache stats [--json] DIR [FUNCTION]\n"
    "\n"
    "How much there is in DIR, or of one function: results, bytes on disk, files; how often results were\n"
    "found, and the seconds that this saved, as far as programs recorded it when they closed the location.\n"
    "\n"
    "  --json   a JSON object, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed.\n";

static void count_line(const char *name, uint64_t count, const char *more)
{
    printf("%-12s%llu%s\n", name, (unsigned long long)count, more);
}

static void print_text(const mpijob_store_stats *s)
{
    char bytes[32], trash[32], text[96];
    mpj_format_bytes(bytes, sizeof bytes, s->bytes);
    mpj_format_bytes(trash, sizeof trash, s->trash_bytes);
    count_line("functions", s->functions, "");
    snprintf(text, sizeof text, ", %llu of them with a file of their own", (unsigned long long)s->large);
    count_line("results", s->entries, text);
    count_line("dead", s->dead, s->dead ? " (compact removes them)" : "");
    printf("%-12s%s, %s of them waiting to be freed\n", "bytes", bytes, trash);
    snprintf(text, sizeof text, " in %llu folders, %llu of them segments", (unsigned long long)s->folders,
             (unsigned long long)s->segments);
    count_line("files", s->files, text);
    count_line("hits", s->hits, "");
    if (s->hit_rate >= 0)
        printf("%-12s%.1f %% (of hits and results together)\n", "hit rate", 100 * s->hit_rate);
    printf("%-12s%.6g s computed, %.6g s saved\n", "time", s->compute_s, s->saved_s);
}

static int print_json(const mpijob_store_stats *s)
{
    json_t *object = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:f}", "functions", (json_int_t)s->functions,
        "entries", (json_int_t)s->entries, "large", (json_int_t)s->large, "dead", (json_int_t)s->dead, "bytes",
        (json_int_t)s->bytes, "trash_bytes", (json_int_t)s->trash_bytes, "files", (json_int_t)s->files, "folders",
        (json_int_t)s->folders, "segments", (json_int_t)s->segments, "hits", (json_int_t)s->hits, "hit_rate",
        s->hit_rate >= 0 ? json_real(s->hit_rate) : json_null(), "compute_s", s->compute_s, "saved_s", s->saved_s);
    return mpj_print_json(object);
}

int mpj_cache_stats_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    bool json = false;
    mpijob_store *store;
    mpijob_store_stats stats;
    mpijob_error err;
    while (mpj_command_option(self, argc, argv, options) == 'j')
        json = true;
    if (argc - optind < 1 || argc - optind > 2)
        return mpj_command_usage(self, "DIR is needed, and perhaps one FUNCTION");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    int status = mpijob_store_get_stats(&stats, store, argc - optind == 2 ? argv[optind + 1] : NULL, &err);
    mpijob_store_close(store);
    if (status != MPIJOB_OK)
        return mpj_command_failed(&err);
    if (json)
        return mpj_command_finish(print_json(&stats));
    print_text(&stats);
    return mpj_command_finish(MPJ_EXIT_OK);
}
