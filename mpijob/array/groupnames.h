/* The groups that a group dump consists of. */
#ifndef MPJ_ARRAY_GROUPNAMES_H
#define MPJ_ARRAY_GROUPNAMES_H

#include "array/forms.h"
#include "array/sums.h"

typedef struct mpj_group_node {
    char *prefix;           /* "" or "inner/b/" */
    const char *attributes; /* or NULL; the caller's */
    mpj_sums_text sums;
} mpj_group_node;

typedef struct mpj_group_nodes {
    mpj_group_node *nodes; /* sorted by prefix: a group comes before those inside it */
    size_t count, capacity;
} mpj_group_nodes;

/* Checks all names ("inner/b" is one too), and finds the groups; attributes: of the outermost one. MPIJOB_EINVAL: a name,
 * equal names, a group and an array of one name, attributes that are no JSON object. On failure there is nothing to free. */
int mpj_group_nodes_make(mpj_group_nodes *nodes, const mpijob_member *members, size_t count, const char *attributes,
                         mpijob_error *err);
void mpj_group_nodes_free(mpj_group_nodes *nodes);

/* Of "inner/b/" or "inner/b": the length of the enclosing group's prefix, and that group. */
size_t mpj_group_parent_length(const char *name);
mpj_group_node *mpj_group_nodes_parent(const mpj_group_nodes *nodes, const char *name);

#endif
