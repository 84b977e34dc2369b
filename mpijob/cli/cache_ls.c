#include "cli/cache.h"

#include <stdio.h>
#include <string.h>

const char mpj_cache_ls_help[] =
    "usage: mpijob cache ls [--functions] [--json] DIR [FUNCTION ...]\n"
    "\n"
    "Lists the results in DIR, of each function those stored last first: key, age, size as stored, seconds\n"
    "that computing took (which each hit saves), arguments. \"mpijob cache show DIR KEY\" takes keys as they\n"
    "are printed here.\n"
    "\n"
    "  --functions   a line for each function only\n"
    "  --json        one JSON object a line, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed.\n";

typedef struct listing {
    const char *only; /* the function asked for; NULL: all */
    bool functions, json;
    char last[256]; /* the function whose heading was printed */
    int status;
} listing;

#define KEY_SHOWN 12

static void print_heading(listing *l, const char *function)
{
    if (l->last[0] && strcmp(l->last, function) == 0)
        return;
    printf("%s%s\n", l->last[0] ? "\n" : "", function);
    snprintf(l->last, sizeof l->last, "%s", function);
    printf("  %-*s  %9s  %10s  %9s  %s\n", KEY_SHOWN, "key", "age", "size", "seconds", "arguments");
}

static int list_entry(const mpijob_stored *entry, void *payload)
{
    listing *l = payload;
    char key[MPIJOB_DIGEST_TEXT_BYTES], age[32], size[32];
    if (l->json) {
        l->status = mpj_print_json(mpj_json_stored(entry));
        return l->status != MPJ_EXIT_OK;
    }
    print_heading(l, entry->function);
    mpijob_digest_text(key, &entry->key);
    mpj_format_seconds(age, sizeof age, entry->age_s);
    mpj_format_bytes(size, sizeof size, entry->stored_bytes);
    printf("  %.*s  %9s  %10s  %9.3g  %s\n", KEY_SHOWN, key, age, size, entry->compute_s, entry->args_json);
    return 0;
}

static json_t *function_json(const mpijob_store_function *f)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:f, s:f}", "function", mpj_json_text(f->name), "folder",
                     mpj_json_text(f->folder), "entries", (json_int_t)f->entries, "versions", (json_int_t)f->versions,
                     "stored_bytes", (json_int_t)f->stored_bytes, "compute_s", f->compute_s, "newest_age_s",
                     f->newest_age_s);
}

static int list_function(const mpijob_store_function *f, void *payload)
{
    listing *l = payload;
    char age[32] = "-", size[32];
    if (l->only && strcmp(l->only, f->name) != 0)
        return 0;
    if (l->json) {
        l->status = mpj_print_json(function_json(f));
        return l->status != MPJ_EXIT_OK;
    }
    if (f->newest_age_s >= 0)
        mpj_format_seconds(age, sizeof age, f->newest_age_s);
    mpj_format_bytes(size, sizeof size, f->stored_bytes);
    if (!l->last[0])
        printf("%9s  %8s  %10s  %9s  %9s  %s\n", "results", "versions", "size", "seconds", "newest", "function");
    snprintf(l->last, sizeof l->last, "-");
    printf("%9llu  %8llu  %10s  %9.3g  %9s  %s\n", (unsigned long long)f->entries, (unsigned long long)f->versions,
           size, f->compute_s, age, f->name);
    return 0;
}

static int list(mpijob_store *store, listing *l)
{
    mpijob_error err;
    int status = l->functions ? mpijob_store_functions(store, list_function, l, &err)
                              : mpijob_store_list(store, l->only, list_entry, l, &err);
    return status == MPIJOB_OK ? l->status : mpj_command_failed(&err);
}

int mpj_cache_ls_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"functions", no_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    listing l = {.status = MPJ_EXIT_OK};
    mpijob_store *store;
    mpijob_error err;
    int option, status = MPJ_EXIT_OK;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1) {
        l.functions |= option == 'f';
        l.json |= option == 'j';
    }
    if (optind == argc)
        return mpj_command_usage(self, "DIR is missing");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    if (optind + 1 == argc)
        status = list(store, &l);
    for (int i = optind + 1; i < argc; i++) {
        l.only = argv[i];
        int one = list(store, &l);
        status = one != MPJ_EXIT_OK ? one : status;
    }
    mpijob_store_close(store);
    return mpj_command_finish(status);
}
