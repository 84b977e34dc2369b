#include "cli/cache.h"

#include <stdio.h>

const char mpj_cache_reduce_help[] =
    "usage: mpijob cache reduce [OPTION ...] DIR\n"
    "\n"
    "Removes the results that were not used for longest, of all functions together, until the limits hold.\n"
    "Files are freed when nobody can be reading them any more: those of large results after a day, others\n"
    "after an hour.\n"
    "\n"
    "  --bytes BYTES   at most so much on disk, \"10G\" say\n"
    "  --items N       at most so many results\n"
    "  --age AGE       none that was not used for so long: 30d, 12h, 5min, or so many seconds\n"
    "  --now           free them at once, and what waits to be freed: see \"mpijob cache clear --help\"\n"
    "  --json          a JSON object, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed.\n";

static int take_option(const mpj_command *self, mpijob_reduce_options *limits, bool *json, int option, const char *text)
{
    switch (option) {
    case 'b':
        if (!mpj_parse_bytes(&limits->bytes_limit, text))
            return mpj_command_usage(self, "--bytes takes a number of bytes, 10G say, not '%s'", text);
        return 0;
    case 'i':
        if (!mpj_parse_number(&limits->items_limit, text, UINT64_MAX - 1))
            return mpj_command_usage(self, "--items takes a number, not '%s'", text);
        return 0;
    case 'a':
        if (!mpj_parse_seconds(&limits->age_limit_s, text))
            return mpj_command_usage(self, "--age takes 30d, 12h, 5min or a number of seconds, not '%s'", text);
        return 0;
    case 'n':
        limits->now = 1;
        return 0;
    default:
        *json = true;
        return 0;
    }
}

static bool has_limit(const mpijob_reduce_options *limits)
{
    return limits->bytes_limit != UINT64_MAX || limits->items_limit != UINT64_MAX || limits->age_limit_s >= 0;
}

int mpj_cache_reduce_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"bytes", required_argument, NULL, 'b'},
                                            {"items", required_argument, NULL, 'i'},
                                            {"age", required_argument, NULL, 'a'},
                                            {"now", no_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    mpijob_reduce_options limits = MPIJOB_REDUCE_NOTHING;
    bool json = false;
    mpijob_store *store;
    mpijob_removed removed;
    mpijob_error err;
    int option, wrong;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1)
        if ((wrong = take_option(self, &limits, &json, option, optarg)) != 0)
            return wrong;
    if (argc - optind != 1)
        return mpj_command_usage(self, "DIR is needed, and nothing else");
    if (!has_limit(&limits) && !limits.now)
        return mpj_command_usage(self, "a limit is missing: --bytes, --items or --age");
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    int status = mpijob_store_reduce(store, &limits, &removed, &err);
    mpijob_store_close(store);
    if (status != MPIJOB_OK)
        return mpj_command_failed(&err);
    if (json)
        return mpj_command_finish(mpj_print_json(mpj_json_removed(&removed)));
    mpj_print_removed(&removed);
    return mpj_command_finish(MPJ_EXIT_OK);
}
