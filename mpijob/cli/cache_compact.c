#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_compact_help[] =
    "usage: mpijob cache compact [--now] [--json] DIR\n"
    "\n"
    "Merges the files in DIR into few, without entries that nobody finds any more; completes what killed\n"
    "programs left; removes files of no use, and what has waited long enough to be freed. Files that a living\n"
    "program writes to are left alone.\n"
    "\n"
    "  --now    free the merged files at once, not in an hour: see \"mpijob cache clear --help\"\n"
    "  --json   a JSON object, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed, also: when another process is at it.\n";

static void print_text(const mpijob_store_compacted *c)
{
    printf("%llu segments merged into %llu, %llu entries copied", (unsigned long long)c->segments_before,
           (unsigned long long)c->segments_after, (unsigned long long)c->entries);
    if (c->damaged)
        printf(", %llu damaged ones left out", (unsigned long long)c->damaged);
    char now[32], later[32], wait[32];
    mpj_format_bytes(now, sizeof now, c->removed.bytes_now);
    mpj_format_bytes(later, sizeof later, c->removed.bytes_later);
    mpj_format_seconds(wait, sizeof wait, c->removed.later_s);
    printf("; %s freed", now);
    if (c->removed.bytes_later > 0)
        printf(", %s to be freed in %s", later, wait);
    putchar('\n');
}

static int print_json(const mpijob_store_compacted *c)
{
    return mpj_print_json(json_pack("{s:I, s:I, s:I, s:I, s:o}", "segments_before", (json_int_t)c->segments_before,
                                    "segments_after", (json_int_t)c->segments_after, "entries", (json_int_t)c->entries,
                                    "damaged", (json_int_t)c->damaged, "removed", mpj_json_removed(&c->removed)));
}

int mpj_cache_compact_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"now", no_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    bool now = false, json = false;
    mpijob_store *store;
    mpijob_store_compacted compacted;
    mpijob_error err;
    int option;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1) {
        now |= option == 'n';
        json |= option == 'j';
    }
    if (argc - optind != 1)
        return mpj_command_usage(self, "DIR is needed, and nothing else");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    int status = mpijob_store_compact(&compacted, store, now, &err);
    mpijob_store_close(store);
    if (status != MPIJOB_OK)
        return mpj_command_failed(&err);
    if (json)
        return mpj_command_finish(print_json(&compacted));
    print_text(&compacted);
    return mpj_command_finish(MPJ_EXIT_OK);
}
