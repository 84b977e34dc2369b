#include "cli/bar.h"
#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_verify_help[] =
    "usage: mpijob cache verify [--quiet] [--json] DIR\n"
    "\n"
    "Reads everything in DIR and checks all checksums, those of large results included; names each damaged\n"
    "place and the key that is lost by it. What is damaged is computed again by whoever needs it; \"mpijob\n"
    "cache compact\" removes it. A file that ends in half an entry, as a killed program leaves it, is no\n"
    "damage, and is only told.\n"
    "\n"
    "  --quiet   print damage only\n"
    "  --json    one JSON object for each finding, and one at the end\n"
    "\n"
    "Exit status: 0, or 1 when something is damaged or it failed.\n";

typedef struct verification {
    bool quiet, json;
    mpj_bar bar;
} verification;

static const char *kind_name(int kind)
{
    return kind == MPIJOB_FINDING_DAMAGED ? "damaged" : kind == MPIJOB_FINDING_ORPHAN ? "orphan" : "unfinished";
}

static void show_json(const mpijob_finding *f, const char *key)
{
    mpj_print_json(json_pack("{s:s, s:o, s:o, s:I, s:o, s:o}", "kind", kind_name(f->kind), "function",
                             mpj_json_text(f->function), "file", mpj_json_text(f->file), "offset",
                             (json_int_t)f->offset, "key", f->has_key ? json_string(key) : json_null(), "reason",
                             mpj_json_text(f->reason)));
}

static void show(const mpijob_finding *f, void *payload)
{
    verification *v = payload;
    char key[MPIJOB_DIGEST_TEXT_BYTES];
    mpj_bar_end(&v->bar);
    mpijob_digest_text(key, &f->key);
    if (v->json) {
        show_json(f, key);
        return;
    }
    if (v->quiet && f->kind != MPIJOB_FINDING_DAMAGED)
        return;
    printf("%s", f->file);
    if (f->offset)
        printf(" at %llu", (unsigned long long)f->offset);
    if (f->has_key)
        printf(", key %s", key);
    printf(": %s: %s\n", kind_name(f->kind), f->reason);
}

static int show_result(const char *path, const mpijob_store_verified *r, const verification *v)
{
    char bytes[32];
    if (v->json)
        return mpj_print_json(json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "good", r->damaged == 0,
                                        "functions", (json_int_t)r->functions, "segments", (json_int_t)r->segments,
                                        "entries", (json_int_t)r->entries, "large", (json_int_t)r->large, "bytes",
                                        (json_int_t)r->bytes, "damaged", (json_int_t)r->damaged, "unfinished",
                                        (json_int_t)r->unfinished, "orphans", (json_int_t)r->orphans));
    if (v->quiet)
        return MPJ_EXIT_OK;
    mpj_format_bytes(bytes, sizeof bytes, r->bytes);
    printf("%s: %s: %llu entries in %llu segments, %llu large results, %s", path, r->damaged ? "damaged" : "good",
           (unsigned long long)r->entries, (unsigned long long)r->segments, (unsigned long long)r->large, bytes);
    if (r->damaged)
        printf("; %llu places are damaged", (unsigned long long)r->damaged);
    putchar('\n');
    return MPJ_EXIT_OK;
}

static int verify(const char *path, verification *v)
{
    mpijob_store *store;
    mpijob_store_verified result;
    mpijob_error err;
    if (mpijob_store_open(&store, path, NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    mpj_bar_begin(&v->bar, "verify");
    int status = mpijob_store_verify(&result, store, show, v, mpj_bar_step, &v->bar, &err);
    mpj_bar_end(&v->bar);
    mpijob_store_close(store);
    if (status != MPIJOB_OK && status != MPIJOB_ECORRUPT)
        return mpj_command_failed(&err);
    int shown = show_result(path, &result, v);
    return status == MPIJOB_ECORRUPT ? MPJ_EXIT_FAILED : shown;
}

int mpj_cache_verify_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    verification v = {.quiet = false};
    int option;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1) {
        v.quiet |= option == 'q';
        v.json |= option == 'j';
    }
    if (argc - optind != 1)
        return mpj_command_usage(self, "DIR is needed, and nothing else");
    return mpj_command_finish(mpj_command_ended(verify(argv[optind], &v)));
}
