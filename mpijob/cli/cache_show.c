#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_show_help[] =
    "usage: mpijob cache show [--json] DIR KEY\n"
    "\n"
    "All about the result with this key, or of the only key that begins so. Several versions of a function may\n"
    "have one: each gives a paragraph.\n"
    "\n"
    "  --json   one JSON object a line, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed, also: when there is none.\n";

static void line(const char *name, const char *text)
{
    printf("  %-10s%s\n", name, text);
}

static void print_shape(const mpijob_stored *entry)
{
    if (entry->ndim < 0)
        return;
    printf("  %-10s(", "shape");
    for (int i = 0; i < entry->ndim; i++)
        printf("%s%zu", i == 0 ? "" : ", ", entry->shape[i]);
    puts(entry->ndim == 1 ? ",)" : ")");
}

static void print_sizes(const mpijob_stored *entry)
{
    char bytes[32], stored[32];
    mpj_format_bytes(bytes, sizeof bytes, entry->bytes);
    mpj_format_bytes(stored, sizeof stored, entry->stored_bytes);
    printf("  %-10s%s, stored as %s\n", "size", bytes, stored);
}

static void print_times(const mpijob_stored *entry)
{
    char age[32], unused[32];
    mpj_format_seconds(age, sizeof age, entry->age_s);
    mpj_format_seconds(unused, sizeof unused, entry->unused_s);
    printf("  %-10s%s ago, last used %s ago\n", "stored", age, unused);
    printf("  %-10s%.6g s\n", "computed", entry->compute_s);
}

static int show(const mpijob_stored *entry, void *payload)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES], version[17];
    const bool *json = payload;
    if (*json)
        return mpj_print_json(mpj_json_stored(entry)) != MPJ_EXIT_OK;
    mpijob_digest_text(key, &entry->key);
    mpj_format_version(version, entry->version);
    puts(key);
    line("function", entry->function);
    line("version", version);
    line("arguments", entry->args_json);
    print_shape(entry);
    print_sizes(entry);
    print_times(entry);
    if (entry->file[0])
        line("file", entry->file);
    printf("  %-10s%s at %llu\n", "entry", entry->segment, (unsigned long long)entry->offset);
    return 0;
}

int mpj_cache_show_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    bool json = false;
    mpijob_store *store;
    mpijob_error err;
    while (mpj_command_option(self, argc, argv, options) == 'j')
        json = true;
    if (argc - optind != 2)
        return mpj_command_usage(self, "DIR and KEY are needed, and nothing else");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    int status = mpijob_store_show(store, argv[optind + 1], show, &json, &err);
    mpijob_store_close(store);
    return status == MPIJOB_OK ? mpj_command_finish(MPJ_EXIT_OK) : mpj_command_failed(&err);
}
