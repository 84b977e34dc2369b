/* One zip file that is being written: the files to be in it are noted, and written at the end. */
#ifndef MPJ_IO_ZIPWRITER_H
#define MPJ_IO_ZIPWRITER_H

#include "io/tree.h"
#include "io/zipsink.h"

typedef struct mpj_zip_writer {
    zip_t *zip;
    mpj_zip_sink sink;
    int finishing;
    int status;        /* of the first `give` that failed */
    mpijob_error *err; /* what it fills; may be NULL */
} mpj_zip_writer;

/* The writer stays at its place until finish or abandon. path: for messages, kept. */
int mpj_zip_writer_open(mpj_zip_writer *writer, int fd, const char *path, mpijob_error *err);

/* What tree.h's put and put_later are for a zip. */
int mpj_zip_writer_put(mpj_zip_writer *writer, const char *name, const void *content, size_t bytes, mpijob_error *err);
int mpj_zip_writer_put_later(mpj_zip_writer *writer, const char *name, uint64_t item, mpj_tree_give_fn *give,
                             mpj_tree_done_fn *done, void *payload, mpijob_error *err);

/* Writes it all; closes, also on failure. */
int mpj_zip_writer_finish(mpj_zip_writer *writer, mpijob_error *err);
void mpj_zip_writer_abandon(mpj_zip_writer *writer);

#endif
