#include "cli/array.h"
#include "cli/bar.h"

#include <stdio.h>
#include <string.h>

const char mpj_array_convert_help[] =
    "usage: mpijob array convert [OPTION ...] FROM TO\n"
    "\n"
    "Writes the array, or group of arrays, in FROM to TO, in the form that the end of its name says: \".npy\" is "
    "numpy's\n"
    "form, \".zarr\" a Zarr folder, \".zip\" a Zarr in one file. TO appears whole or not at all, and replaces what was "
    "there.\n"
    "\n"
    "  --name NAME         of a group, this array only\n"
    "  --format npy|zarr   the form, whatever the name ends in\n"
    "  --level 0..9        Zarr: how much to compress (default: 5; 0: not)\n"
    "  --codec NAME        Zarr: blosclz, lz4 (default), lz4hc, zlib or zstd\n"
    "  --shuffle KIND      Zarr: auto (default), none, byte or bit\n"
    "  --chunks N,N,...    Zarr: shape of a chunk (default: about 2 MiB, whole rows)\n"
    "  --order C|F         order of the elements in the file (default: as it was)\n"
    "  --threads N         that read and compress at the same time (default: all cores, at most 8)\n"
    "  --cache-size BYTES  bound of the memory used on top of the array, \"64M\" (default) say\n"
    "  --durable           end only when all is on the disk\n"
    "\n"
    "The array has to fit into memory, except one in an NPY file of this machine's byte order.\n"
    "\n"
    "Exit status: 0, or 1 when it failed: then TO is as it was.\n";

typedef struct convert_job {
    const char *from, *to, *name;
    size_t chunks[MPIJOB_MAX_DIMS];
    int chunk_dims; /* 0: not given */
    bool level_given;
    mpijob_dump_options dump;
    mpj_bar bar;
} convert_job;

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    while (length > 1 && text[length - 1] == '/')
        length--;
    return length > end_length && strncmp(text + length - end_length, end, end_length) == 0;
}

static int find_name(const char *text, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    return -1;
}

static int take_format(const mpj_command *self, convert_job *job, const char *text)
{
    static const char *const names[] = {"npy", "zarr"};
    int found = find_name(text, names, 2);
    if (found < 0)
        return mpj_command_usage(self, "--format takes npy or zarr, not '%s'", text);
    job->dump.format = found == 0 ? MPIJOB_NPY : MPIJOB_ZARR;
    return 0;
}

static int take_shuffle(const mpj_command *self, convert_job *job, const char *text)
{
    static const char *const names[] = {"auto", "none", "byte", "bit"};
    job->dump.shuffle = find_name(text, names, 4); /* in the order of mpijob_shuffle */
    if (job->dump.shuffle < 0)
        return mpj_command_usage(self, "--shuffle takes auto, none, byte or bit, not '%s'", text);
    return 0;
}

static int take_codec(const mpj_command *self, convert_job *job, const char *text)
{
    static const char *const names[] = {"blosclz", "lz4", "lz4hc", "zlib", "zstd"};
    int found = find_name(text, names, 5);
    if (found < 0)
        return mpj_command_usage(self, "--codec takes blosclz, lz4, lz4hc, zlib or zstd, not '%s'", text);
    job->dump.codec = names[found];
    return 0;
}

static int take_number(const mpj_command *self, convert_job *job, int option, const char *text)
{
    uint64_t number;
    switch (option) {
    case 'l':
        if (!mpj_parse_number(&number, text, 9))
            return mpj_command_usage(self, "--level takes a number from 0 to 9, not '%s'", text);
        job->dump.compress = (int)number;
        job->level_given = true;
        return 0;
    case 't':
        if (!mpj_parse_number(&number, text, 1024) || number == 0)
            return mpj_command_usage(self, "--threads takes a number from 1 to 1024, not '%s'", text);
        job->dump.threads = (int)number;
        return 0;
    default:
        if (!mpj_parse_bytes(&number, text) || number == 0 || number > SIZE_MAX)
            return mpj_command_usage(self, "--cache-size takes a number of bytes, 64M say, not '%s'", text);
        job->dump.cache_size_bytes = (size_t)number;
        return 0;
    }
}

static int take_option(const mpj_command *self, convert_job *job, int option, const char *text)
{
    switch (option) {
    case 'n':
        job->name = text;
        return 0;
    case 'f':
        return take_format(self, job, text);
    case 'c':
        return take_codec(self, job, text);
    case 's':
        return take_shuffle(self, job, text);
    case 'o':
        if (strcmp(text, "C") != 0 && strcmp(text, "F") != 0)
            return mpj_command_usage(self, "--order takes C or F, not '%s'", text);
        job->dump.order = text[0];
        return 0;
    case 'k':
        if (!mpj_parse_shape(job->chunks, &job->chunk_dims, text))
            return mpj_command_usage(self, "--chunks takes numbers above 0, 1000,20 say, not '%s'", text);
        return 0;
    case 'd':
        job->dump.durable = 1;
        return 0;
    default:
        return take_number(self, job, option, text);
    }
}

static int settle_form(const mpj_command *self, convert_job *job)
{
    mpijob_dump_options *dump = &job->dump;
    if (dump->format == 0)
        dump->format = ends_in(job->to, ".npy")                                ? MPIJOB_NPY
                       : ends_in(job->to, ".zarr") || ends_in(job->to, ".zip") ? MPIJOB_ZARR
                                                                               : 0;
    if (dump->format == 0)
        return mpj_command_usage(self, "'%s' ends in neither .npy nor .zarr nor .zip: say --format npy or zarr",
                                 job->to);
    bool for_zarr = job->level_given || dump->codec != NULL || dump->shuffle != 0 || job->chunk_dims > 0;
    if (dump->format == MPIJOB_NPY && for_zarr)
        return mpj_command_usage(self, "--level, --codec, --shuffle and --chunks are for Zarr, and '%s' would be NPY",
                                 job->to);
    if (dump->format == MPIJOB_ZARR && !job->level_given)
        dump->compress = 5;
    return 0;
}

/* A map saves memory where it is possible: an NPY file in this machine's byte order. */
static int load_source(mpijob_array *array, convert_job *job, mpijob_error *err)
{
    mpijob_array_info info;
    if (mpijob_array_inspect(&info, job->from, job->name, err) == MPIJOB_OK && info.format == MPIJOB_NPY &&
        mpijob_load(array, job->from, &(mpijob_load_options){.mmap_mode = "r"}, err) == MPIJOB_OK)
        return MPIJOB_OK;
    return mpijob_load(array, job->from,
                       &(mpijob_load_options){.name = job->name,
                                              .threads = job->dump.threads,
                                              .cache_size_bytes = job->dump.cache_size_bytes,
                                              .progress = mpj_bar_step,
                                              .progress_payload = &job->bar},
                       err);
}

static int convert_array(convert_job *job, const char *attributes, mpijob_error *err)
{
    mpijob_array array;
    int status = load_source(&array, job, err);
    if (status != MPIJOB_OK)
        return status;
    job->dump.chunks = job->chunk_dims > 0 ? job->chunks : NULL;
    job->dump.attributes = job->dump.format == MPIJOB_ZARR ? attributes : NULL;
    status = mpijob_dump(&array, job->to, &job->dump, err);
    mpijob_array_free(&array);
    return status;
}

static int convert_group(convert_job *job, mpijob_error *err)
{
    mpijob_group *group;
    int status = mpijob_load_group(&group, job->from,
                                   &(mpijob_load_options){.threads = job->dump.threads,
                                                          .cache_size_bytes = job->dump.cache_size_bytes,
                                                          .progress = mpj_bar_step,
                                                          .progress_payload = &job->bar},
                                   err);
    if (status != MPIJOB_OK)
        return status;
    status = mpijob_dump_group(mpijob_group_member(group, 0), mpijob_group_count(group), mpijob_group_attributes(group),
                               job->to, &job->dump, err);
    mpijob_group_free(group);
    return status;
}

/* What was wrong with the command line has been said, and *exit_status set; else MPIJOB_OK or the failed call's status. */
static int convert(const mpj_command *self, convert_job *job, int *exit_status, mpijob_error *err)
{
    mpijob_group *group;
    int status = mpijob_list_group(&group, job->from, err);
    if (status != MPIJOB_OK)
        return status;
    const mpijob_member *first = mpijob_group_member(group, 0);
    bool single = mpijob_group_count(group) == 1 && first->name[0] == '\0';
    const mpijob_member *member = single ? first : job->name != NULL ? mpijob_group_find(group, job->name) : NULL;
    if (!single && job->name == NULL && (job->dump.format == MPIJOB_NPY || job->chunk_dims > 0))
        *exit_status = mpj_command_usage(self, "'%s' is a group of %zu arrays: say which one with --name", job->from,
                                         mpijob_group_count(group));
    else if (!single && job->name == NULL)
        status = convert_group(job, err);
    else if (member != NULL && job->chunk_dims > 0 && job->chunk_dims != member->array.ndim)
        *exit_status = mpj_command_usage(self, "--chunks has %d numbers, but the array has %d dimensions",
                                         job->chunk_dims, (int)member->array.ndim);
    else
        status = convert_array(job, member != NULL ? member->attributes : NULL, err);
    mpijob_group_free(group);
    return status;
}

int mpj_array_convert_main(const mpj_command *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},          {"name", required_argument, NULL, 'n'},
        {"format", required_argument, NULL, 'f'},  {"level", required_argument, NULL, 'l'},
        {"codec", required_argument, NULL, 'c'},   {"shuffle", required_argument, NULL, 's'},
        {"chunks", required_argument, NULL, 'k'},  {"order", required_argument, NULL, 'o'},
        {"threads", required_argument, NULL, 't'}, {"cache-size", required_argument, NULL, 'm'},
        {"durable", no_argument, NULL, 'd'},       {NULL, 0, NULL, 0}};
    convert_job job = {0};
    mpijob_error err;
    int option, exit_status = MPJ_EXIT_OK;
    while ((option = mpj_command_option(self, argc, argv, options)) != -1)
        if ((exit_status = take_option(self, &job, option, optarg)) != 0)
            return exit_status;
    if (argc - optind != 2)
        return mpj_command_usage(self, "FROM and TO are needed, and nothing else");
    job.from = argv[optind];
    job.to = argv[optind + 1];
    if ((exit_status = settle_form(self, &job)) != 0)
        return exit_status;
    mpj_bar_begin(&job.bar, "convert");
    job.dump.progress = mpj_bar_step;
    job.dump.progress_payload = &job.bar;
    int status = convert(self, &job, &exit_status, &err);
    mpj_bar_end(&job.bar);
    if (exit_status != MPJ_EXIT_OK)
        return exit_status;
    return status == MPIJOB_OK ? mpj_command_finish(MPJ_EXIT_OK) : mpj_command_failed(&err);
}
