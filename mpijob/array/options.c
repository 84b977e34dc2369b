#include "array/forms.h"
#include "array/jsontext.h"

#include "base/error.h"
#include "base/pool.h"

#include <string.h>

#define DEFAULT_CACHE_BYTES ((size_t)64 << 20)
#define MAX_THREADS 4096

static int all_zero(const uint64_t reserved[4])
{
    return !(reserved[0] | reserved[1] | reserved[2] | reserved[3]);
}

static int invalid(mpijob_error *err, const char *option, int value, const char *allowed)
{
    return mpj_fail(err, MPIJOB_EINVAL, "option %s is %d; it must be %s", option, value, allowed);
}

static int check_range(const char *option, int value, int low, int high, const char *allowed, mpijob_error *err)
{
    return value >= low && value <= high ? MPIJOB_OK : invalid(err, option, value, allowed);
}

/* ---- Dump ------------------------------------------------------------------------------------------------------ */

static int check_dump_numbers(const mpijob_dump_options *options, mpijob_error *err)
{
    if (!all_zero(options->reserved))
        return mpj_fail(err, MPIJOB_EINVAL, "the options' reserved members are not zero");
    int status = check_range("compress", options->compress, 0, 9, "0 to 9", err);
    if (status == MPIJOB_OK)
        status = check_range("format", options->format, 0, MPIJOB_ZARR, "0, MPIJOB_NPY or MPIJOB_ZARR", err);
    if (status == MPIJOB_OK)
        status = check_range("shuffle", options->shuffle, 0, MPIJOB_SHUFFLE_BIT, "a mpijob_shuffle", err);
    if (status == MPIJOB_OK)
        status = check_range("durable", options->durable, 0, 1, "0 or 1", err);
    if (status == MPIJOB_OK)
        status = check_range("threads", options->threads, 0, MAX_THREADS, "0 to 4096", err);
    if (status == MPIJOB_OK && options->order != 0 && options->order != 'C' && options->order != 'F')
        status = invalid(err, "order", options->order, "0, 'C' or 'F'");
    return status;
}

/* NPY has no place for these; that they are given says that something else is wanted. */
static int check_npy_has_it(const mpijob_dump_options *options, mpijob_error *err)
{
    const char *what = options->compress     ? "compress"
                       : options->chunks     ? "chunks"
                       : options->attributes ? "attributes"
                                             : NULL;
    if (!what)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_EINVAL, "option %s is for Zarr, and the format is NPY; set format to MPIJOB_ZARR",
                    what);
}

static int check_codec(const char *name, int *codec, mpijob_error *err)
{
    *codec = mpj_codec_find(name ? name : "lz4");
    if (*codec >= 0)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_EINVAL,
                    "option codec is \"%.40s\"; it must be blosclz, lz4, lz4hc, zlib or zstd (and built into Blosc)",
                    name ? name : "lz4");
}

int mpj_dump_plan_make(mpj_dump_plan *plan, const char *path, const mpijob_dump_options *options, mpijob_error *err)
{
    static const mpijob_dump_options defaults;
    if (!options)
        options = &defaults;
    *plan = (mpj_dump_plan){0};
    if (!path || !*path)
        return mpj_fail(err, MPIJOB_EINVAL, "the path to dump to is %s", path ? "empty" : "NULL");
    int status = check_dump_numbers(options, err);
    if (status != MPIJOB_OK)
        return status;
    plan->format = options->format ? options->format : options->compress ? MPIJOB_ZARR : MPIJOB_NPY;
    if (plan->format == MPIJOB_NPY)
        status = check_npy_has_it(options, err);
    if (status == MPIJOB_OK)
        status = check_codec(options->codec, &plan->codec.codec, err);
    if (status == MPIJOB_OK)
        status = mpj_json_check_attributes(options->attributes, "option attributes", err);
    if (status != MPIJOB_OK)
        return status;
    plan->codec.level = options->compress;
    plan->shuffle = options->shuffle;
    plan->order = options->order;
    plan->chunks = options->chunks;
    plan->attributes = options->attributes;
    plan->cache_bytes = options->cache_size_bytes ? options->cache_size_bytes : DEFAULT_CACHE_BYTES;
    plan->threads = mpj_threads(options->threads);
    plan->durable = options->durable;
    plan->progress = options->progress;
    plan->progress_payload = options->progress_payload;
    return MPIJOB_OK;
}

/* ---- Load ------------------------------------------------------------------------------------------------------ */

static int read_mode(const char *text, int *mode, mpijob_error *err)
{
    static const struct {
        const char *text;
        int mode;
    } modes[] = {{"r", 'r'}, {"c", 'c'}, {"r+", '+'}, {"w+", 'w'}};
    *mode = 0;
    if (!text)
        return MPIJOB_OK;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(text, modes[i].text) == 0) {
            *mode = modes[i].mode;
            return MPIJOB_OK;
        }
    }
    return mpj_fail(err, MPIJOB_EINVAL, "option mmap_mode is \"%.40s\"; it must be r, c, r+ or w+", text);
}

static int check_region(const mpijob_region *region, mpijob_error *err)
{
    if (!region)
        return MPIJOB_OK;
    if (region->reserved)
        return mpj_fail(err, MPIJOB_EINVAL, "option region: its reserved member is not zero");
    return check_range("region.ndim", region->ndim, 0, MPIJOB_MAX_DIMS, "0 to 32", err);
}

static int check_record(const mpijob_record *record, mpijob_error *err)
{
    if (!record)
        return MPIJOB_OK;
    mpijob_type type = mpijob_type_record(record);
    int status = mpijob_type_check(&type, err);
    if (status == MPIJOB_OK && !mpijob_record_is_flat(record))
        status = mpj_fail(err, MPIJOB_EINVAL,
                          "option record: %s has strings or pointers, and arrays have none; see mpijob_load_record",
                          record->name);
    return status;
}

int mpj_name_check(const char *name, mpijob_error *err)
{
    if (!name || !*name)
        return MPIJOB_OK;
    const char *part = name;
    for (;;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.'))
            return mpj_fail(err, MPIJOB_EINVAL, "name \"%.200s\": no array in a group can have it", name);
        if (!part[length])
            return MPIJOB_OK;
        part += length + 1;
    }
}

/* Options that contradict each other. */
static int check_together(const mpijob_load_options *options, int mode, mpijob_error *err)
{
    if (mode && options->into)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "option into cannot be used with mmap_mode: a map lies where the system puts it");
    if (!options->into && options->into_bytes)
        return mpj_fail(err, MPIJOB_EINVAL, "option into_bytes is given without into");
    if (mode != 'w')
        return options->like ? mpj_fail(err, MPIJOB_EINVAL, "option like is for mmap_mode \"w+\" only") : MPIJOB_OK;
    if (!options->like)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "mmap_mode \"w+\" makes a new file: option like must say its type and shape");
    const char *what = options->region ? "region" : options->record ? "record" : options->name ? "name" : NULL;
    return what ? mpj_fail(err, MPIJOB_EINVAL, "option %s cannot be used with mmap_mode \"w+\"", what) : MPIJOB_OK;
}

static int check_load_options(const mpijob_load_options *options, int mode, mpijob_error *err)
{
    if (options->reserved_int || !all_zero(options->reserved))
        return mpj_fail(err, MPIJOB_EINVAL, "the options' reserved members are not zero");
    int status = check_range("threads", options->threads, 0, MAX_THREADS, "0 to 4096", err);
    if (status == MPIJOB_OK)
        status = check_region(options->region, err);
    if (status == MPIJOB_OK)
        status = check_record(options->record, err);
    if (status == MPIJOB_OK)
        status = mpj_name_check(options->name, err);
    return status == MPIJOB_OK ? check_together(options, mode, err) : status;
}

int mpj_load_plan_make(mpj_load_plan *plan, const mpijob_load_options *options, mpijob_error *err)
{
    *plan = (mpj_load_plan){0};
    if (options)
        plan->options = *options;
    int status = read_mode(plan->options.mmap_mode, &plan->mmap_mode, err);
    if (status == MPIJOB_OK)
        status = check_load_options(&plan->options, plan->mmap_mode, err);
    if (status != MPIJOB_OK)
        return status;
    if (!plan->options.cache_size_bytes)
        plan->options.cache_size_bytes = DEFAULT_CACHE_BYTES;
    plan->options.threads = mpj_threads(plan->options.threads);
    return MPIJOB_OK;
}
