/** @file
 * The version of mpijob that this header belongs to.
 */
#ifndef MPIJOB_VERSION_H
#define MPIJOB_VERSION_H

#include <mpijob/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Read by CMakeLists.txt too: these three lines are the only place that states the version. */
#define MPIJOB_VERSION_MAJOR 0
#define MPIJOB_VERSION_MINOR 1
#define MPIJOB_VERSION_PATCH 0

/**
 * The version of the library that is running, "major.minor.patch": it differs from the macros above when
 * a program runs with another shared library than it was compiled for.
 *
 * @return a static text; never NULL.
 */
MPIJOB_API const char *mpijob_version(void);

#ifdef __cplusplus
}
#endif

#endif
