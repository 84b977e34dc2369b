/* The program mpijob. */
#include "cli/array.h"
#include "cli/cache.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const mpj_command commands[] = {
    {"mpijob array", "look into array files, convert, verify and hash them", mpj_array_help, mpj_array_main},
    {"mpijob cache", "look after a location of Memory: list, verify, trim, merge", mpj_cache_help, mpj_cache_main},
    {NULL, NULL, NULL, NULL},
};

static const mpj_command program = {"mpijob", NULL,
                                    "usage: mpijob COMMAND ...\n"
                                    "       mpijob --version\n"
                                    "\n"
                                    "mpijob on the command line.\n",
                                    NULL};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("mpijob %s\n", mpijob_version());
        return mpj_command_finish(MPJ_EXIT_OK);
    }
    return mpj_command_dispatch(&program, commands, argc, argv);
}
