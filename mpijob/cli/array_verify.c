#include "cli/array.h"
#include "cli/bar.h"

#include <stdio.h>

const char mpj_array_verify_help[] =
    "usage: mpijob array verify [--quiet] FILE ...\n"
    "\n"
    "Reads everything in array files, checks all checksums and decompresses all chunks; names each damaged place.\n"
    "The values in NPY files carry no checksum: there, the header and the length are checked.\n"
    "\n"
    "  --quiet   print damage only\n"
    "\n"
    "Exit status: 0, or 1 when something is damaged or could not be read.\n";

typedef struct damage_list {
    mpj_bar *bar;
    uint64_t count;
} damage_list;

static void show_damage(const char *file, const char *chunk, const char *reason, void *payload)
{
    damage_list *list = payload;
    mpj_bar_end(list->bar);
    list->count++;
    printf("%s%s%s: damaged: %s\n", file, chunk[0] == '\0' ? "" : ", chunk ", chunk, reason);
}

static void show_result(const char *path, const mpijob_verify_result *result)
{
    char bytes[32];
    mpj_format_bytes(bytes, sizeof bytes, result->bytes);
    printf("%s: good: %llu arrays, %s in %llu chunks, %llu of them without a checksum\n", path,
           (unsigned long long)result->arrays, bytes, (unsigned long long)result->chunks,
           (unsigned long long)result->unsummed);
}

static int verify_file(const char *path, bool quiet)
{
    mpj_bar bar;
    mpijob_verify_result result;
    mpijob_error err;
    damage_list list = {&bar, 0};
    mpj_bar_begin(&bar, "verify");
    int status = mpijob_verify(&result, path, show_damage, &list, mpj_bar_step, &bar, &err);
    mpj_bar_end(&bar);
    if (status == MPIJOB_OK) {
        if (!quiet)
            show_result(path, &result);
        return MPJ_EXIT_OK;
    }
    if (status == MPIJOB_ECORRUPT && list.count > 0)
        return MPJ_EXIT_FAILED;
    return mpj_command_failed(&err);
}

int mpj_array_verify_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"quiet", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
    bool quiet = false;
    int status = MPJ_EXIT_OK;
    while (mpj_command_option(self, argc, argv, options) == 'q')
        quiet = true;
    if (optind == argc)
        return mpj_command_usage(self, "a file is missing");
    for (int i = optind; i < argc && mpj_bar_signal() == 0; i++) {
        int one = verify_file(argv[i], quiet);
        status = one != MPJ_EXIT_OK ? one : status;
    }
    return mpj_command_finish(mpj_command_ended(status));
}
