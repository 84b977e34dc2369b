/* What makes a folder a location: format.json, which says who may read it, and CACHEDIR.TAG, which backup programs
 * know. */
#include "base/error.h"
#include "io/codec.h"
#include "io/sync.h"
#include "memory/shelf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define FORMAT_NAME "format.json"
#define FORMAT_TEXT "{\"kind\": \"mpijob memo store\", \"format\": %u, \"check\": \"%016" PRIx64 "\"}\n"
#define FORMAT_SCAN "{\"kind\": \"mpijob memo store\", \"format\": %u, \"check\": \"%16" SCNx64 "\""
#define TAG_NAME "CACHEDIR.TAG"
#define TAG_TEXT                                                                                                       \
    "Signature: 8a477f597d28d172789f06886806bc55\n"                                                                    \
    "# Results that can be computed again, kept by mpijob.\n"
#define MOST_BYTES 4096

/* Of the number: a flipped bit must not look like a later version. */
static uint64_t check_of(unsigned format)
{
    char text[64];
    int length = snprintf(text, sizeof text, "mpijob memo store %u", format);
    return mpj_checksum(text, (size_t)length);
}

/* *format: 0: there is no file, or none that says one. MPIJOB_EOS: that cannot be told now. */
static int read_format(unsigned *format, int root, const char *path, mpijob_error *err)
{
    char text[MOST_BYTES + 1];
    int fd;
    uint64_t check = 0;
    *format = 0;
    int status = mpj_below_open(&fd, root, path, FORMAT_NAME, NULL, err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_EOS ? status : MPIJOB_OK;
    long got = mpj_file_read_some(fd, text, MOST_BYTES, 0);
    mpj_file_close(&fd);
    if (got < 0)
        return mpj_fail_os(err, (int)-got, "cannot read %s/" FORMAT_NAME, path);
    text[got] = '\0';
    if (sscanf(text, FORMAT_SCAN, format, &check) != 2 || check != check_of(*format))
        *format = 0;
    return MPIJOB_OK;
}

void mpj_location_is_on(mpj_store *store, int folder)
{
    store->local = mpj_file_is_local(folder) == 1;
}

int mpj_location_check(mpj_store *store, mpijob_error *err)
{
    mpijob_error own;
    int root;
    int status = mpj_below_walk(&root, store->location, "mpijob", NULL, &own);
    if (status != MPIJOB_OK) {
        if (status != MPIJOB_ENOTFOUND)
            mpj_store_cannot_read(store, &own);
        return MPIJOB_OK;
    }
    unsigned format;
    read_format(&format, root, store->root, NULL);
    mpj_location_is_on(store, root);
    mpj_file_close(&root);
    store->prepared = format != 0;
    if (format <= MPJ_STORE_FORMAT)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_EVERSION, "%s was made by a later version of mpijob (format %u; known here: %u)",
                    store->root, format, (unsigned)MPJ_STORE_FORMAT);
}

static int put_text(const mpj_store *store, int root, const char *name, const char *text, mpijob_error *err)
{
    const void *part = text;
    size_t bytes = strlen(text);
    return mpj_below_publish(root, store->root, name, &part, &bytes, 1, &store->rights, false, err);
}

int mpj_location_prepare(mpj_store *store, mpijob_error *err)
{
    char text[256];
    int root;
    if (store->prepared)
        return MPIJOB_OK;
    int status = mpj_below_walk(&root, store->location, "mpijob", &store->rights, err);
    if (status != MPIJOB_OK)
        return status;
    unsigned format;
    status = read_format(&format, root, store->root, err);
    if (format > MPJ_STORE_FORMAT)
        status = mpj_fail(err, MPIJOB_EVERSION, "%s was made by a later version of mpijob meanwhile", store->root);
    snprintf(text, sizeof text, FORMAT_TEXT, (unsigned)MPJ_STORE_FORMAT, check_of(MPJ_STORE_FORMAT));
    if (status == MPIJOB_OK && format == 0) {
        status = put_text(store, root, FORMAT_NAME, text, err);
        if (status == MPIJOB_OK)
            status = put_text(store, root, TAG_NAME, TAG_TEXT, err);
        store->counts.files_made += status == MPIJOB_OK ? 2 : 0;
    }
    store->prepared = status == MPIJOB_OK;
    mpj_location_is_on(store, root);
    mpj_file_close(&root);
    return status;
}

/* One that was removed is not made again. */
int mpj_location_mend(mpj_store *store)
{
    int root;
    if (store->prepared)
        return MPIJOB_OK;
    int status = mpj_below_walk(&root, store->location, "mpijob", NULL, NULL);
    if (status != MPIJOB_OK)
        return status;
    mpj_file_close(&root);
    return mpj_location_prepare(store, NULL);
}
