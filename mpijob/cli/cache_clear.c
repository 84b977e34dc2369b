#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_clear_help[] =
    "usage: mpijob cache clear [--now] [--json] DIR FUNCTION\n"
    "       mpijob cache clear [--now] [--json] --all DIR\n"
    "\n"
    "Removes all results of a function, of all its versions, or of all functions. Their files are freed when\n"
    "nobody can be reading them any more: those of large results after a day, others after an hour.\n"
    "\n"
    "  --all    of all functions\n"
    "  --now    free them at once: a program elsewhere that is reading one then computes it again, or, if it has a "
    "large\n"
    "           result mapped, may be killed by SIGBUS\n"
    "  --json   a JSON object, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed.\n";

int mpj_cache_clear_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"now", no_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    bool all = false, now = false, json = false;
    mpijob_store *store;
    mpijob_removed removed;
    mpijob_error err;
    int option;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1) {
        all |= option == 'a';
        now |= option == 'n';
        json |= option == 'j';
    }
    if (all && argc - optind != 1)
        return mpj_command_usage(self, "--all takes DIR, and nothing else");
    if (!all && argc - optind != 2)
        return mpj_command_usage(self, "DIR and FUNCTION are needed, or --all");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    int status = mpijob_store_clear(store, all ? NULL : argv[optind + 1], now, &removed, &err);
    mpijob_store_close(store);
    if (status != MPIJOB_OK)
        return mpj_command_failed(&err);
    if (json)
        return mpj_command_finish(mpj_print_json(mpj_json_removed(&removed)));
    mpj_print_removed(&removed);
    return mpj_command_finish(MPJ_EXIT_OK);
}
