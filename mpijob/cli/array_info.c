#include "cli/array.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char mpj_array_info_help[] =
    "usage: mpijob array info [--json] FILE ...\n"
    "\n"
    "Says what is in array files, without reading the elements: of each array its type, shape, order, chunks,\n"
    "compressor, bytes in memory and on disk. A group gives a paragraph for each of its arrays.\n"
    "\n"
    "  --json   one JSON object a line, for programs\n"
    "\n"
    "Exit status: 0, or 1 when a file could not be read.\n";

static const char *format_name(const mpijob_array_info *info)
{
    return info->format == MPIJOB_NPY ? "npy" : info->zip ? "zarr in a zip file" : "zarr";
}

static const char *shuffle_name(int shuffle)
{
    return shuffle == MPIJOB_SHUFFLE_BYTE ? "byte" : shuffle == MPIJOB_SHUFFLE_BIT ? "bit" : "none";
}

static void print_shape(const char *what, const size_t *shape, int ndim)
{
    printf("  %-12s(", what);
    for (int i = 0; i < ndim; i++)
        printf("%s%zu", i == 0 ? "" : ", ", shape[i]);
    puts(ndim == 1 ? ",)" : ")");
}

static void print_storage(const mpijob_array_info *info)
{
    char bytes[32];
    mpj_format_bytes(bytes, sizeof bytes, info->stored_bytes);
    printf("  %-12s%s", "stored", bytes);
    if (info->stored_bytes > 0 && info->stored_bytes < info->elements_bytes)
        printf(" (1/%.1f)", (double)info->elements_bytes / (double)info->stored_bytes);
    putchar('\n');
    if (info->format == MPIJOB_NPY)
        return;
    print_shape("chunks", info->chunks, info->ndim);
    printf("  %-12s%llu of %llu, %llu with a checksum\n", "stored", (unsigned long long)info->chunks_stored,
           (unsigned long long)info->chunk_count, (unsigned long long)info->checksums);
    if (info->codec[0] == '\0')
        printf("  %-12snone\n", "compressor");
    else
        printf("  %-12sBlosc %s, level %d, shuffle %s\n", "compressor", info->codec, info->compress,
               shuffle_name(info->shuffle));
}

static void print_text(const char *place, const mpijob_array_info *info)
{
    char bytes[32];
    mpj_format_bytes(bytes, sizeof bytes, info->elements_bytes);
    printf("%s\n", place);
    printf("  %-12s%s, version %d\n", "form", format_name(info), info->version);
    printf("  %-12s%s\n", "type", info->dtype);
    print_shape("shape", info->shape, info->ndim);
    printf("  %-12s%s\n", "order", info->order == 'F' ? "Fortran" : "C");
    printf("  %-12s%s\n", "in memory", bytes);
    print_storage(info);
}

static json_t *shape_json(const size_t *shape, int ndim)
{
    json_t *list = json_array();
    for (int i = 0; i < ndim; i++)
        json_array_append_new(list, json_integer((json_int_t)shape[i]));
    return list;
}

static bool print_json(const char *path, const char *name, const mpijob_array_info *info)
{
    char order[2] = {(char)info->order, '\0'};
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:i, s:b, s:s, s:o, s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:s, s:i, s:s}", "file", path, "name",
        name, "format", info->format == MPIJOB_NPY ? "npy" : "zarr", "version", (int)info->version, "zip",
        (int)info->zip, "dtype", info->dtype, "shape", shape_json(info->shape, info->ndim), "order", order,
        "elements_bytes", (json_int_t)info->elements_bytes, "stored_bytes", (json_int_t)info->stored_bytes, "chunks",
        shape_json(info->chunks, info->ndim), "chunk_count", (json_int_t)info->chunk_count, "chunks_stored",
        (json_int_t)info->chunks_stored, "checksums", (json_int_t)info->checksums, "codec", info->codec, "compress",
        (int)info->compress, "shuffle", shuffle_name(info->shuffle));
    bool good = object != NULL && json_dumpf(object, stdout, JSON_COMPACT) == 0;
    json_decref(object);
    putchar('\n');
    return good;
}

static int show_array(const char *path, const char *name, bool json)
{
    char place[512];
    mpijob_array_info info;
    mpijob_error err;
    if (mpijob_array_inspect(&info, path, name[0] == '\0' ? NULL : name, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    mpj_format_place(place, sizeof place, path, name);
    if (!json)
        print_text(place, &info);
    else if (!print_json(path, name, &info)) {
        fprintf(stderr, "mpijob: %s cannot be shown as JSON: its name or type is no UTF-8 text\n", place);
        return MPJ_EXIT_FAILED;
    }
    return MPJ_EXIT_OK;
}

static int show_file(const char *path, bool json)
{
    mpijob_group *group;
    mpijob_error err;
    int status = MPJ_EXIT_OK;
    if (mpijob_list_group(&group, path, &err) != MPIJOB_OK)
        return mpj_command_failed(&err);
    if (mpijob_group_count(group) == 0 && !json)
        printf("%s\n  an empty group\n", path);
    for (size_t i = 0; i < mpijob_group_count(group); i++) {
        int one = show_array(path, mpijob_group_member(group, i)->name, json);
        status = one != MPJ_EXIT_OK ? one : status;
    }
    mpijob_group_free(group);
    return status;
}

int mpj_array_info_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    bool json = false;
    int status = MPJ_EXIT_OK;
    while (mpj_command_option(self, argc, argv, options) == 'j')
        json = true;
    if (optind == argc)
        return mpj_command_usage(self, "a file is missing");
    for (int i = optind; i < argc; i++) {
        int one = show_file(argv[i], json);
        status = one != MPJ_EXIT_OK ? one : status;
    }
    return mpj_command_finish(status);
}
