#include "cli/array.h"
#include "cli/bar.h"

#include <stdio.h>

const char mpj_array_hash_help[] =
    "usage: mpijob array hash [--name NAME] [--threads N] FILE ...\n"
    "\n"
    "Prints the digest of each array: of its type, shape, order and values, whatever form, compressor or chunks the "
    "file\n"
    "has. The same as mpijob_hash_array gives. A group gives a line for each of its arrays.\n"
    "\n"
    "  --name NAME    of a group, this array only\n"
    "  --threads N    that read and hash at the same time (default: all cores, at most 8)\n"
    "\n"
    "Exit status: 0, or 1 when a file could not be read.\n";

static int hash_array(const char *path, const char *name, int threads)
{
    char text[MPIJOB_DIGEST_TEXT_BYTES], place[512];
    mpijob_array array;
    mpijob_digest digest;
    mpijob_error err;
    mpj_bar bar;
    mpj_bar_begin(&bar, "hash");
    int status = mpijob_load(
        &array, path,
        &(mpijob_load_options){.name = name, .threads = threads, .progress = mpj_bar_step, .progress_payload = &bar},
        &err);
    if (status == MPIJOB_OK) {
        status = mpijob_hash_array(
            &digest, &array,
            &(mpijob_hash_options){.threads = threads, .progress = mpj_bar_step, .progress_payload = &bar}, &err);
        mpijob_array_free(&array);
    }
    mpj_bar_end(&bar);
    if (status != MPIJOB_OK)
        return mpj_command_failed(&err);
    mpijob_digest_text(text, &digest);
    mpj_format_place(place, sizeof place, path, name);
    printf("%s  %s\n", text, place);
    return MPJ_EXIT_OK;
}

static int hash_file(const char *path, int threads)
{
    mpijob_group *group;
    mpijob_error err;
    int status = MPJ_EXIT_OK;
    if (mpijob_list_group(&group, path, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    for (size_t i = 0; i < mpijob_group_count(group) && mpj_bar_signal() == 0; i++) {
        const char *name = mpijob_group_member(group, i)->name;
        int one = hash_array(path, name[0] == '\0' ? NULL : name, threads);
        status = one != MPJ_EXIT_OK ? one : status;
    }
    mpijob_group_free(group);
    return status;
}

int mpj_array_hash_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    const char *name = NULL;
    uint64_t threads = 0;
    int status = MPJ_EXIT_OK, option;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1) {
        if (option == 'n')
            name = optarg;
        else if (!mpj_parse_number(&threads, optarg, 1024) || threads == 0)
            return mpj_command_usage(self, "--threads takes a number from 1 to 1024, not '%s'", optarg);
    }
    if (optind == argc)
        return mpj_command_usage(self, "a file is missing");
    for (int i = optind; i < argc && mpj_bar_signal() == 0; i++) {
        int one = name != NULL ? hash_array(argv[i], name, (int)threads) : hash_file(argv[i], (int)threads);
        status = one != MPJ_EXIT_OK ? one : status;
    }
    return mpj_command_finish(mpj_command_ended(status));
}
