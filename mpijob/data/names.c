#include "data/names.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define FEW 32

static int by_name(const void *a, const void *b)
{
    const mpijob_field *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static size_t search_pairs(const mpijob_field *fields, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(fields[i].name, fields[k].name) == 0)
                return i;
        }
    }
    return SIZE_MAX;
}

size_t mpj_names_twice(const mpijob_field *fields, size_t count)
{
    const mpijob_field **sorted = count > FEW ? mpj_alloc(count * sizeof *sorted) : NULL;
    if (!sorted)
        return search_pairs(fields, count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &fields[i];
    qsort(sorted, count, sizeof *sorted, by_name);
    size_t found = SIZE_MAX;
    for (size_t i = 1; i < count && found == SIZE_MAX; i++) {
        if (by_name(&sorted[i - 1], &sorted[i]) == 0)
            found = (size_t)(sorted[i] - fields);
    }
    mpj_free(sorted);
    return found;
}
