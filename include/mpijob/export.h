/** @file
 * Which names leave the shared library. Nothing here is for direct use.
 */
#ifndef MPIJOB_EXPORT_H
#define MPIJOB_EXPORT_H

#if defined(__GNUC__)
#define MPIJOB_API __attribute__((visibility("default")))
#define MPIJOB_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define MPIJOB_API
#define MPIJOB_PRINTF(text, first)
#endif

#endif
