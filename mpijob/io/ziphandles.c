#include "io/ziphandles.h"

#include "base/alloc.h"
#include "base/error.h"

/* Names that occur twice are allowed (Python's zipfile replaces a file so); libzip complains of them only after it
 * found all else to be in order. */
static zip_t *open_zip(const mpj_zip_handles *handles, mpj_zip_input *input, int flags, zip_error_t *why)
{
    zip_t *zip = mpj_zip_open(input, handles->fd, handles->bytes, flags, why);
    if (!zip && zip_error_code_zip(why) == ZIP_ER_EXISTS)
        zip = mpj_zip_open(input, handles->fd, handles->bytes, flags & ~ZIP_CHECKCONS, why);
    return zip;
}

static int open_one(const mpj_zip_handles *handles, mpj_zip_handle **out, int flags, mpijob_error *err)
{
    mpj_zip_handle *opened = mpj_alloc(sizeof *opened);
    if (!opened)
        return mpj_fail_memory(err, "an open zip file", sizeof *opened);
    zip_error_t why;
    zip_error_init(&why);
    opened->next = NULL;
    opened->zip = open_zip(handles, &opened->input, flags, &why);
    int status = opened->zip ? MPIJOB_OK : mpj_zip_fail(err, &why, handles->path, NULL);
    zip_error_fini(&why);
    if (status != MPIJOB_OK)
        mpj_free(opened);
    else
        *out = opened;
    return status;
}

int mpj_zip_handles_open(mpj_zip_handles *handles, int fd, uint64_t bytes, const char *path, mpijob_error *err)
{
    *handles = (mpj_zip_handles){.path = path, .fd = fd, .bytes = bytes};
    if (bytes == 0) /* for libzip: a zip with nothing in it */
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: no zip file: it is empty", path);
    int status = open_one(handles, &handles->idle, ZIP_CHECKCONS, err);
    if (status == MPIJOB_OK && pthread_mutex_init(&handles->lock, NULL) != 0) {
        zip_discard(handles->idle->zip);
        mpj_free(handles->idle);
        status = mpj_fail_memory(err, "a lock", sizeof handles->lock);
    }
    return status;
}

void mpj_zip_handles_close(mpj_zip_handles *handles)
{
    for (mpj_zip_handle *idle = handles->idle, *next; idle; idle = next) {
        next = idle->next;
        zip_discard(idle->zip);
        mpj_free(idle);
    }
    pthread_mutex_destroy(&handles->lock);
}

int mpj_zip_handles_borrow(mpj_zip_handles *handles, mpj_zip_handle **out, mpijob_error *err)
{
    pthread_mutex_lock(&handles->lock);
    mpj_zip_handle *idle = handles->idle;
    if (idle)
        handles->idle = idle->next;
    pthread_mutex_unlock(&handles->lock);
    *out = idle;
    return idle ? MPIJOB_OK : open_one(handles, out, 0, err);
}

void mpj_zip_handles_give_back(mpj_zip_handles *handles, mpj_zip_handle *borrowed)
{
    pthread_mutex_lock(&handles->lock);
    borrowed->next = handles->idle;
    handles->idle = borrowed;
    pthread_mutex_unlock(&handles->lock);
}
