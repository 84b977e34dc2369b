#include "base/error.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(mpijob_error) == 1024, "the error record travels between ranks and is documented as 1024 bytes");

const char *mpijob_strerror(int status)
{
    switch (status) {
#define STATUS_CASE(name, number, text)                                                                                \
    case number:                                                                                                       \
        return text;
        MPIJOB_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    default:
        return "unknown status";
    }
}

void mpj_vformat(char *out, size_t out_bytes, const char *format, va_list arguments)
{
    if (vsnprintf(out, out_bytes, format, arguments) < 0)
        snprintf(out, out_bytes, "(a message that could not be formatted)");
}

void mpj_host_name(char out[MPIJOB_ERROR_HOST_BYTES])
{
    char full[256] = "";
    if (gethostname(full, sizeof full - 1) != 0)
        snprintf(full, sizeof full, "unknown");
    full[strcspn(full, ".")] = '\0';
    snprintf(out, MPIJOB_ERROR_HOST_BYTES, "%.*s", MPIJOB_ERROR_HOST_BYTES - 1, full);
}

static void fill(mpijob_error *err, int status, const char *format, va_list arguments)
{
    char text[MPIJOB_ERROR_TEXT_BYTES] = ""; /* zero behind the text: records are compared and sent whole */
    mpj_vformat(text, sizeof text, format, arguments);
    memset(err, 0, sizeof *err);
    err->status = status;
    err->rank = -1;
    err->job = -1;
    mpj_host_name(err->host);
    memcpy(err->text, text, sizeof text);
}

int mpj_fail(mpijob_error *err, int status, const char *format, ...)
{
    if (!err)
        return status;
    va_list arguments;
    va_start(arguments, format);
    fill(err, status, format, arguments);
    va_end(arguments);
    return status;
}

/* Of a text that is too long, a path in it, the end gives way to the reason. */
static void append_reason(mpijob_error *err, const char *reason)
{
    size_t used = strlen(err->text), need = strlen(reason) + sizeof "...: ";
    if (used > sizeof err->text - need)
        used = sizeof err->text - need;
    snprintf(err->text + used, sizeof err->text - used, "%s: %s", err->text[used] ? "..." : "", reason);
}

int mpj_fail_os(mpijob_error *err, int os_errno, const char *format, ...)
{
    if (!err)
        return MPIJOB_EOS;
    va_list arguments;
    va_start(arguments, format);
    fill(err, MPIJOB_EOS, format, arguments);
    va_end(arguments);
    err->os_errno = os_errno;
    append_reason(err, strerror(os_errno));
    return MPIJOB_EOS;
}

int mpj_fail_memory(mpijob_error *err, const char *what, unsigned long long bytes)
{
    return mpj_fail(err, MPIJOB_ENOMEM, "no memory for %s (%llu bytes)", what, bytes);
}

int mpj_told(mpijob_error *err, int status, const mpijob_error *own)
{
    if (status != MPIJOB_OK && err)
        *err = *own;
    return status;
}

void mpj_error_sanitise(mpijob_error *err)
{
    err->host[sizeof err->host - 1] = '\0';
    err->text[sizeof err->text - 1] = '\0';
}
