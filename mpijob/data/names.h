/* Is a name given twice? */
#ifndef MPJ_DATA_NAMES_H
#define MPJ_DATA_NAMES_H

#include <mpijob/type.h>

/* A field whose name another one has too; SIZE_MAX: none. Slower, but right, without memory. */
size_t mpj_names_twice(const mpijob_field *fields, size_t count);

#endif
