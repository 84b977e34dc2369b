#include "array/groupnames.h"
#include "array/zarrdump.h"
#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define ZGROUP_TEXT "{\n    \"zarr_format\": 2\n}"

typedef struct group_dump {
    mpj_group_nodes groups;
    mpj_zarr_writing *writings; /* a member's each */
    char **prefixes;            /* of the members */
    size_t ready;               /* writings that were begun */
    const mpijob_member *members;
    size_t count;
    mpj_meter meter;
    mpj_tree_writer *writer;
} group_dump;

/* ---- Members --------------------------------------------------------------------------------------------------- */

static char *prefix_of(const char *name)
{
    size_t length = strlen(name);
    char *prefix = mpj_alloc(length + 2);
    if (prefix) {
        memcpy(prefix, name, length);
        memcpy(prefix + length, "/", 2);
    }
    return prefix;
}

static int begin_member(group_dump *d, size_t i, const mpj_dump_plan *plan, mpijob_error *err)
{
    const mpijob_member *member = &d->members[i];
    d->prefixes[i] = prefix_of(member->name);
    if (!d->prefixes[i])
        return mpj_fail_memory(err, "a name", strlen(member->name) + 2);
    int status = mpj_zarr_writing_init(&d->writings[i], &member->array, d->prefixes[i], member->attributes, plan,
                                       &d->meter, err);
    if (status == MPIJOB_OK)
        d->ready = i + 1;
    return status;
}

/* All are checked before anything is written. */
static int begin_members(group_dump *d, const mpj_dump_plan *plan, mpijob_error *err)
{
    d->writings = mpj_calloc(d->count, sizeof *d->writings);
    d->prefixes = mpj_calloc(d->count, sizeof *d->prefixes);
    if (!d->writings || !d->prefixes)
        return mpj_fail_memory(err, "the members of a group", d->count * sizeof *d->writings);
    int status = MPIJOB_OK;
    for (size_t i = 0; i < d->count && status == MPIJOB_OK; i++)
        status = begin_member(d, i, plan, err);
    return status;
}

static void dispose(group_dump *d)
{
    for (size_t i = 0; i < d->ready; i++)
        mpj_zarr_writing_dispose(&d->writings[i]);
    for (size_t i = 0; i < d->count && d->prefixes; i++)
        mpj_free(d->prefixes[i]);
    mpj_free(d->writings);
    mpj_free(d->prefixes);
    mpj_group_nodes_free(&d->groups);
}

/* ---- Groups ---------------------------------------------------------------------------------------------------- */

static int put_groups(group_dump *d, mpijob_error *err)
{
    int zip = mpj_tree_writes_zip(d->writer);
    int status = MPIJOB_OK;
    for (size_t i = 0; i < d->groups.count && status == MPIJOB_OK; i++) {
        mpj_group_node *node = &d->groups.nodes[i];
        mpj_sums_text *sums = zip ? NULL : &node->sums;
        status = mpj_zarr_put(d->writer, node->prefix, MPJ_ZGROUP, ZGROUP_TEXT, strlen(ZGROUP_TEXT), sums, err);
        if (status == MPIJOB_OK && node->attributes)
            status = mpj_zarr_put(d->writer, node->prefix, MPJ_ZATTRS, node->attributes, strlen(node->attributes), sums,
                                  err);
    }
    return status;
}

/* Lists an array or group in the list of the group around it, by its own list. */
static void list_in_parent(const group_dump *d, const char *prefix, mpj_sum list_sum)
{
    char name[MPJ_PATH_BYTES];
    snprintf(name, sizeof name, "%s%s", prefix + mpj_group_parent_length(prefix), MPJ_SUMS_NAME);
    mpj_sums_add(&mpj_group_nodes_parent(&d->groups, prefix)->sums, name, list_sum);
}

/* From the innermost groups outwards. */
static int put_lists(group_dump *d, mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; i < d->count; i++)
        list_in_parent(d, d->prefixes[i], d->writings[i].list_sum);
    for (size_t i = d->groups.count; i-- > 0 && status == MPIJOB_OK;) {
        mpj_sum list_sum;
        mpj_group_node *node = &d->groups.nodes[i];
        status = mpj_zarr_put_sums(d->writer, node->prefix, &node->sums, &list_sum, err);
        if (status == MPIJOB_OK && i > 0)
            list_in_parent(d, node->prefix, list_sum);
    }
    return status;
}

static int write_all(group_dump *d, mpijob_error *err)
{
    int status = put_groups(d, err);
    for (size_t i = 0; i < d->count && status == MPIJOB_OK; i++)
        status = mpj_zarr_write(&d->writings[i], d->writer, err);
    if (status == MPIJOB_OK && !mpj_tree_writes_zip(d->writer))
        status = put_lists(d, err);
    return status;
}

static int write_and_commit(group_dump *d, const char *path, const mpj_dump_plan *plan, mpijob_error *err)
{
    int status = mpj_tree_create(&d->writer, path, err);
    if (status != MPIJOB_OK)
        return status;
    status = write_all(d, err);
    if (status == MPIJOB_OK)
        return mpj_tree_commit(d->writer, plan->durable, mpj_may_replace, err);
    mpj_tree_abandon(d->writer);
    return status;
}

static int check_options(const mpijob_dump_options *options, mpijob_error *err)
{
    const char *what = options->format == MPIJOB_NPY ? "format MPIJOB_NPY"
                       : options->chunks             ? "chunks"
                       : options->attributes         ? "attributes"
                                                     : NULL;
    return what ? mpj_fail(err, MPIJOB_EINVAL, "option %s is not for groups", what) : MPIJOB_OK;
}

static int dump_nodes(group_dump *d, const char *path, const mpj_dump_plan *plan, mpijob_error *err)
{
    d->meter = (mpj_meter){.progress = plan->progress, .payload = plan->progress_payload};
    int status = begin_members(d, plan, err);
    return status == MPIJOB_OK ? write_and_commit(d, path, plan, err) : status;
}

int mpj_group_dump(const mpijob_member *members, size_t count, const char *attributes, const char *path,
                   const mpijob_dump_options *options, mpijob_error *err)
{
    mpj_dump_plan plan;
    mpijob_dump_options zarr = options ? *options : (mpijob_dump_options){0};
    group_dump d = {.members = members, .count = count};
    int status = check_options(&zarr, err);
    if (zarr.format == 0)
        zarr.format = MPIJOB_ZARR;
    if (status == MPIJOB_OK)
        status = mpj_dump_plan_make(&plan, path, &zarr, err);
    if (status == MPIJOB_OK)
        status = mpj_group_nodes_make(&d.groups, members, count, attributes, err);
    if (status == MPIJOB_OK)
        status = dump_nodes(&d, path, &plan, err);
    dispose(&d);
    return status;
}

/* ---- The public call --------------------------------------------------------------------------------------------- */

static int check_members(const mpijob_member *members, size_t count, mpijob_error *err)
{
    if (!members && count > 0)
        return mpj_fail(err, MPIJOB_EINVAL, "the members of the group are NULL");
    return MPIJOB_OK;
}

static int dump_group_told(const mpijob_member *members, size_t count, const char *attributes, const char *path,
                           const mpijob_dump_options *options, mpijob_error *err)
{
    int status = check_members(members, count, err);
    return status == MPIJOB_OK ? mpj_group_dump(members, count, attributes, path, options, err) : status;
}

int mpijob_dump_group(const mpijob_member *members, size_t count, const char *attributes, const char *path,
                      const mpijob_dump_options *options, mpijob_error *err)
{
    mpijob_error own;
    return mpj_told(err, dump_group_told(members, count, attributes, path, options, &own), &own);
}
