#include "array/groupnames.h"

#include "array/jsontext.h"
#include "base/alloc.h"
#include "base/error.h"
#include "data/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_MAX_BYTES 200

size_t mpj_group_parent_length(const char *name)
{
    size_t length = strlen(name);
    if (length > 0 && name[length - 1] == '/')
        length--;
    while (length > 0 && name[length - 1] != '/')
        length--;
    return length;
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static int check_name(const char *name, mpijob_error *err)
{
    if (!name)
        return mpj_fail(err, MPIJOB_EINVAL, "an array of the group has no name");
    int groups = 0;
    for (const char *part = name;; part++, groups++) {
        size_t length = strcspn(part, "/");
        if (length == 0 || part[0] == '.' || length > PART_MAX_BYTES)
            return mpj_fail(err, MPIJOB_EINVAL,
                            "the name \"%.250s\" is empty, begins with '.', or is longer than %d bytes", name,
                            PART_MAX_BYTES);
        if (groups > MPJ_MAX_GROUP_DEPTH)
            return mpj_fail(err, MPIJOB_EINVAL, "the name \"%.250s\" lies in more than %d groups", name,
                            MPJ_MAX_GROUP_DEPTH);
        part += length;
        if (!*part)
            return strlen(name) < MPJ_PATH_BYTES - 256 ? MPIJOB_OK : mpj_fail(err, MPIJOB_EINVAL, "a name is too long");
    }
}

static int check_attributes(const mpijob_member *member, mpijob_error *err)
{
    char what[256];
    snprintf(what, sizeof what, "the attributes of %.200s", member->name);
    return mpj_json_check_attributes(member->attributes, what, err);
}

static int check_all(const mpijob_member *members, size_t count, mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; i < count && status == MPIJOB_OK; i++) {
        status = check_name(members[i].name, err);
        if (status == MPIJOB_OK)
            status = check_attributes(&members[i], err);
    }
    return status;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_unique(const mpijob_member *members, size_t count, mpijob_error *err)
{
    const char **names = mpj_calloc(count, sizeof *names);
    if (!names)
        return mpj_fail_memory(err, "names", count * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = members[i].name;
    if (count > 1)
        qsort(names, count, sizeof *names, by_text);
    int status = MPIJOB_OK;
    for (size_t i = 1; i < count && status == MPIJOB_OK; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            status = mpj_fail(err, MPIJOB_EINVAL, "two arrays are named \"%.200s\"", names[i]);
    }
    mpj_free(names);
    return status;
}

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

static int by_prefix(const void *a, const void *b)
{
    return strcmp(((const mpj_group_node *)a)->prefix, ((const mpj_group_node *)b)->prefix);
}

static int add_node(mpj_group_nodes *list, const char *name, size_t length, const char *attributes, mpijob_error *err)
{
    void *nodes = list->nodes;
    if (mpj_grow(&nodes, &list->capacity, list->count + 1, sizeof *list->nodes) != 0)
        return mpj_fail_memory(err, "groups", (list->count + 1) * sizeof *list->nodes);
    list->nodes = nodes;
    char *prefix = mpj_alloc(length + 1);
    if (!prefix)
        return mpj_fail_memory(err, "a name", length + 1);
    memcpy(prefix, name, length);
    prefix[length] = '\0';
    list->nodes[list->count++] = (mpj_group_node){.prefix = prefix, .attributes = attributes};
    return MPIJOB_OK;
}

/* All groups around a name, the outermost last. */
static int add_parents(mpj_group_nodes *list, const char *name, mpijob_error *err)
{
    size_t length = strlen(name);
    int status = MPIJOB_OK;
    while (length > 0 && status == MPIJOB_OK) {
        length--;
        while (length > 0 && name[length - 1] != '/')
            length--;
        status = add_node(list, name, length, NULL, err);
    }
    return status;
}

static int add_all(mpj_group_nodes *list, const mpijob_member *members, size_t count, const char *attributes,
                   mpijob_error *err)
{
    int status = add_node(list, "", 0, attributes, err);
    for (size_t i = 0; i < count && status == MPIJOB_OK; i++)
        status = add_parents(list, members[i].name, err);
    return status;
}

static void make_unique(mpj_group_nodes *list)
{
    size_t kept = 0;
    qsort(list->nodes, list->count, sizeof *list->nodes, by_prefix);
    for (size_t i = 1; i < list->count; i++) {
        mpj_group_node *last = &list->nodes[kept];
        if (strcmp(last->prefix, list->nodes[i].prefix) != 0) {
            list->nodes[++kept] = list->nodes[i];
            continue;
        }
        if (!last->attributes)
            last->attributes = list->nodes[i].attributes;
        mpj_free(list->nodes[i].prefix);
    }
    list->count = kept + 1;
}

static mpj_group_node *find_node(const mpj_group_nodes *list, const char *prefix)
{
    mpj_group_node key = {.prefix = (char *)(uintptr_t)prefix};
    return bsearch(&key, list->nodes, list->count, sizeof key, by_prefix);
}

/* check_name() has seen that names fit. */
mpj_group_node *mpj_group_nodes_parent(const mpj_group_nodes *list, const char *name)
{
    char prefix[MPJ_PATH_BYTES];
    size_t length = mpj_group_parent_length(name);
    memcpy(prefix, name, length);
    prefix[length] = '\0';
    return find_node(list, prefix);
}

static int check_no_clash(const mpj_group_nodes *list, const mpijob_member *members, size_t count, mpijob_error *err)
{
    for (size_t i = 0; i < count; i++) {
        char prefix[MPJ_PATH_BYTES];
        snprintf(prefix, sizeof prefix, "%s/", members[i].name);
        if (find_node(list, prefix))
            return mpj_fail(err, MPIJOB_EINVAL, "\"%.200s\" is the name of an array and of a group", members[i].name);
    }
    return MPIJOB_OK;
}

int mpj_group_nodes_make(mpj_group_nodes *list, const mpijob_member *members, size_t count, const char *attributes,
                         mpijob_error *err)
{
    *list = (mpj_group_nodes){0};
    int status = mpj_json_check_attributes(attributes, "the attributes of the group", err);
    if (status == MPIJOB_OK)
        status = check_all(members, count, err);
    if (status == MPIJOB_OK)
        status = check_unique(members, count, err);
    if (status == MPIJOB_OK)
        status = add_all(list, members, count, attributes, err);
    if (status == MPIJOB_OK) {
        make_unique(list);
        status = check_no_clash(list, members, count, err);
    }
    if (status != MPIJOB_OK)
        mpj_group_nodes_free(list);
    return status;
}

void mpj_group_nodes_free(mpj_group_nodes *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mpj_free(list->nodes[i].prefix);
        mpj_sums_text_free(&list->nodes[i].sums);
    }
    mpj_free(list->nodes);
    *list = (mpj_group_nodes){0};
}
