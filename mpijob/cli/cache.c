#include "cli/cache.h"

const char mpj_cache_help[] =
    "usage: mpijob cache COMMAND DIR ...\n"
    "\n"
    "Looks after DIR, a location of Memory: the folder that programs give to mpijob_memory_open. All of it is\n"
    "safe while programs use the location.\n";

static const mpj_command commands[] = {
    {"mpijob cache ls", "list results: arguments, size, age, seconds that they save", mpj_cache_ls_help,
     mpj_cache_ls_main},
    {"mpijob cache show", "all about one result", mpj_cache_show_help, mpj_cache_show_main},
    {"mpijob cache get", "write a result to an NPY or Zarr file", mpj_cache_get_help, mpj_cache_get_main},
    {"mpijob cache stats", "how many results, bytes, files; hit rate, seconds saved", mpj_cache_stats_help,
     mpj_cache_stats_main},
    {"mpijob cache verify", "read everything, check all checksums", mpj_cache_verify_help, mpj_cache_verify_main},
    {"mpijob cache why", "why a call is computed again", mpj_cache_why_help, mpj_cache_why_main},
    {"mpijob cache clear", "remove the results of a function, one, or all", mpj_cache_clear_help, mpj_cache_clear_main},
    {"mpijob cache reduce", "remove what was not used for long, until limits hold", mpj_cache_reduce_help,
     mpj_cache_reduce_main},
    {"mpijob cache compact", "merge files, without what nobody finds any more", mpj_cache_compact_help,
     mpj_cache_compact_main},
    {"mpijob cache merge", "add the results of another location", mpj_cache_merge_help, mpj_cache_merge_main},
    {NULL, NULL, NULL, NULL},
};

int mpj_cache_main(const mpj_command *self, int argc, char **argv)
{
    return mpj_command_dispatch(self, commands, argc, argv);
}
