#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_merge_help[] =
    "usage: mpijob cache merge [--json] DIR FROM\n"
    "\n"
    "Adds the results of the location FROM, a colleague's or a laptop's, to DIR where they are missing, with\n"
    "the descriptions of their functions. FROM is only read. What is damaged there is left out.\n"
    "\n"
    "  --json   a JSON object, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed: what was added until then stays.\n";

static void print_text(const mpijob_store_merged *m)
{
    char bytes[32];
    mpj_format_bytes(bytes, sizeof bytes, m->bytes);
    printf("%llu results added (%llu with a file of their own), %s; %llu were there already",
           (unsigned long long)m->entries, (unsigned long long)m->large, bytes, (unsigned long long)m->known);
    if (m->damaged)
        printf("; %llu are damaged, and were left out", (unsigned long long)m->damaged);
    putchar('\n');
}

static int print_json(const mpijob_store_merged *m)
{
    return mpj_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I}", "entries", (json_int_t)m->entries, "large",
                                    (json_int_t)m->large, "known", (json_int_t)m->known, "damaged",
                                    (json_int_t)m->damaged, "bytes", (json_int_t)m->bytes));
}

int mpj_cache_merge_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    bool json = false;
    mpijob_store *store;
    mpijob_store_merged merged;
    mpijob_error err;
    while (mpj_command_option(self, argc, argv, options) == 'j')
        json = true;
    if (argc - optind != 2)
        return mpj_command_usage(self, "DIR and FROM are needed, and nothing else");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    int status = mpijob_store_merge(&merged, store, argv[optind + 1], &err);
    mpijob_store_close(store);
    if (status != MPIJOB_OK)
        return mpj_command_failed(&err);
    if (json)
        return mpj_command_finish(print_json(&merged));
    print_text(&merged);
    return mpj_command_finish(MPJ_EXIT_OK);
}
