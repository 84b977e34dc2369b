/* Filling the caller's error record. Whoever first recognises an error describes it here; nobody repeats it on the way up. */
#ifndef MPJ_BASE_ERROR_H
#define MPJ_BASE_ERROR_H

#include <mpijob/error.h>
#include <stdarg.h>
#include <stddef.h>

/* Fills err (may be NULL) with status and text, host of this process, everything else "not concerned".
 * Returns status, so that failing is one line. */
int mpj_fail(mpijob_error *err, int status, const char *format, ...) MPIJOB_PRINTF(3, 4);

/* The same with errno's number and text at the end, status MPIJOB_EOS. */
int mpj_fail_os(mpijob_error *err, int os_errno, const char *format, ...) MPIJOB_PRINTF(3, 4);

int mpj_fail_memory(mpijob_error *err, const char *what, unsigned long long bytes);

/* Formats into a buffer of the given size; cut at the end, always terminated. */
void mpj_vformat(char *out, size_t out_bytes, const char *format, va_list arguments);

/* For a public call, whose record stays as it was unless the call fails: hands on what was written to one of the call's own.
 * Returns status. */
int mpj_told(mpijob_error *err, int status, const mpijob_error *own);

/* This host's name without its domain, at most MPIJOB_ERROR_HOST_BYTES with the terminator. */
void mpj_host_name(char out[MPIJOB_ERROR_HOST_BYTES]);

/* A record as it came from elsewhere (another rank, a file): makes sure that its texts end. */
void mpj_error_sanitise(mpijob_error *err);

#endif
