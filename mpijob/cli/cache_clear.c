#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_clear_help[] =
    "usage: mpijob cache clear [--now] [--json] DIR FUNCTION\n"
    "       mpijob cache clear [--now] [--json] --all DIR\n"
    "       mpijob cache clear [--json] --key KEY DIR\n"
    "\n"
    "Removes all results of a function, of all its versions, or of all functions, or one. Their files are freed when\n"
    "nobody can be reading them any more: those of large results after a day, others after an hour.\n"
    "\n"
    "  --all    of all functions\n"
    "  --key    the result with this key, or of the only key that begins so, in all versions of its function\n"
    "  --now    free them at once: a program elsewhere that is reading one then computes it again, or, if it has a "
    "large\n"
    "           result mapped, may be killed by SIGBUS\n"
    "  --json   a JSON object, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed.\n";

typedef struct clearing {
    mpijob_store *store;
    mpijob_removed removed; /* in all */
    int status;
    mpijob_error *err;
} clearing;

static int clear_entry(const mpijob_stored *entry, void *payload)
{
    clearing *c = payload;
    mpijob_removed removed;
    c->status = mpijob_store_clear_entry(c->store, entry, &removed, c->err);
    if (c->status != MPIJOB_OK)
        return 1;
    c->removed.items += removed.items;
    c->removed.bytes_later += removed.bytes_later;
    c->removed.later_s = removed.later_s > c->removed.later_s ? removed.later_s : c->removed.later_s;
    return 0;
}

static int clear_key(mpijob_store *store, const char *key, mpijob_removed *removed, mpijob_error *err)
{
    clearing c = {store, {0}, MPIJOB_OK, err};
    int status = mpijob_store_show(store, key, clear_entry, &c, err);
    *removed = c.removed;
    return status == MPIJOB_OK ? c.status : status;
}

int mpj_cache_clear_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},      {"all", no_argument, NULL, 'a'},
                                            {"key", required_argument, NULL, 'k'}, {"now", no_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},      {NULL, 0, NULL, 0}};
    bool all = false, now = false, json = false;
    const char *key = NULL;
    mpijob_store *store;
    mpijob_removed removed;
    mpijob_error err;
    int option;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1) {
        all |= option == 'a';
        now |= option == 'n';
        json |= option == 'j';
        key = option == 'k' ? optarg : key;
    }
    if (key && (all || now))
        return mpj_command_usage(self, "--key goes with neither --all nor --now: the result's file waits in the trash");
    if (key && argc - optind != 1)
        return mpj_command_usage(self, "--key takes DIR, and nothing else");
    if (all && argc - optind != 1)
        return mpj_command_usage(self, "--all takes DIR, and nothing else");
    if (!all && !key && argc - optind != 2)
        return mpj_command_usage(self, "DIR and FUNCTION are needed, or --all or --key");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    int status = key ? clear_key(store, key, &removed, &err)
                     : mpijob_store_clear(store, all ? NULL : argv[optind + 1], now, &removed, &err);
    mpijob_store_close(store);
    if (status != MPIJOB_OK)
        return mpj_command_failed(&err);
    if (json)
        return mpj_command_finish(mpj_print_json(mpj_json_removed(&removed)));
    mpj_print_removed(&removed);
    return mpj_command_finish(MPJ_EXIT_OK);
}
