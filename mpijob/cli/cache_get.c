#include "cli/cache.h"

#include <stdio.h>
#include <string.h>

const char mpj_cache_get_help[] =
    "usage: mpijob cache get [OPTION ...] -o FILE DIR KEY\n"
    "\n"
    "Writes the result with this key, or of the only key that begins so, to FILE, in the form that the end of\n"
    "its name says: \".npy\" is numpy's form, \".zarr\" a Zarr folder, \".zip\" a Zarr in one file.\n"
    "\n"
    "  -o, --output FILE   where to; what is there is replaced\n"
    "  --version HEX       of the function, where several have a result; default: the one stored last\n"
    "  --json              prints what was written, for programs\n"
    "\n"
    "Exit status: 0, or 1 when it failed: then FILE is as it was.\n";

typedef struct wanted {
    uint64_t version; /* 0: any */
    bool found;
    mpijob_stored entry;
    char function[1024];
    json_t *told;
} wanted;

/* The texts go with the call. */
static int take(const mpijob_stored *entry, void *payload)
{
    wanted *w = payload;
    if ((w->version && entry->version != w->version) || (w->found && entry->age_s >= w->entry.age_s))
        return 0;
    w->found = true;
    w->entry = *entry;
    snprintf(w->function, sizeof w->function, "%s", entry->function);
    json_decref(w->told);
    w->told = mpj_json_stored(entry);
    return 0;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    while (length > 1 && text[length - 1] == '/')
        length--;
    return length > end_length && strncmp(text + length - end_length, end, end_length) == 0;
}

static int format_of(const char *path)
{
    return ends_in(path, ".npy") ? MPIJOB_NPY : ends_in(path, ".zarr") || ends_in(path, ".zip") ? MPIJOB_ZARR : 0;
}

static int get(mpijob_store *store, const char *key, wanted *w, const char *path, mpijob_error *err)
{
    mpijob_array array;
    int status = mpijob_store_show(store, key, take, w, err);
    if (status != MPIJOB_OK)
        return status;
    if (!w->found) {
        *err = (mpijob_error){.status = MPIJOB_ENOTFOUND};
        snprintf(err->text, sizeof err->text, "no such version of the function has a result of key %.40s", key);
        return MPIJOB_ENOTFOUND;
    }
    w->entry.function = w->function;
    status = mpijob_store_get(&array, store, &w->entry, err);
    if (status != MPIJOB_OK)
        return status;
    const int format = format_of(path);
    const mpijob_dump_options options = {.format = format, .compress = format == MPIJOB_ZARR ? 5 : 0};
    status = mpijob_dump(&array, path, &options, err);
    mpijob_array_free(&array);
    return status;
}

static int tell(const wanted *w, const char *path, bool json)
{
    if (!json)
        return MPJ_EXIT_OK;
    json_object_set_new(w->told, "output", mpj_json_text(path));
    return mpj_print_json(json_incref(w->told));
}

int mpj_cache_get_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"version", required_argument, NULL, 'v'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    bool json = false;
    wanted w = {.version = 0};
    mpijob_store *store;
    mpijob_error err;
    int option;
    while ((option = mpj_command_option_short(self, argc, argv, "o:", options)) != -1) {
        if (option == 'o')
            path = optarg;
        else if (option == 'j')
            json = true;
        else if (!mpj_parse_version(&w.version, optarg))
            return mpj_command_usage(self, "--version takes 16 hexadecimal digits, not '%s'", optarg);
    }
    if (argc - optind != 2)
        return mpj_command_usage(self, "DIR and KEY are needed, and nothing else");
    if (!path)
        return mpj_command_usage(self, "-o FILE is missing");
    if (!format_of(path))
        return mpj_command_usage(self, "'%s' ends in neither .npy nor .zarr nor .zip", path);
    if (mpijob_store_open(&store, argv[optind], NULL, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    int status = get(store, argv[optind + 1], &w, path, &err);
    mpijob_store_close(store);
    int exit_status = status == MPIJOB_OK ? tell(&w, path, json) : mpj_command_failed(&err);
    json_decref(w.told);
    return mpj_command_finish(exit_status);
}
