/* What a reply says about results besides their bytes (MPJ_PART_ENTRIES): which lie in files of their own, which have a
 * shape, and what cached calls inside the jobs computed. Records one behind the other, each padded to 16 bytes. */
#ifndef MPJ_MPI_ENTRIES_H
#define MPJ_MPI_ENTRIES_H

#include "memory/cached.h"

/* Zeroed: none. */
typedef struct mpj_entries {
    unsigned char *data;
    size_t bytes;
    size_t capacity;
} mpj_entries;

/* For mpj_entry_note.position: made by a call inside a job. */
#define MPJ_OF_A_CALL UINT64_MAX

/* One record; the pointers go into it. */
typedef struct mpj_entry_note {
    uint64_t position; /* of a job in its batch */
    const char *file;  /* NULL: none */
    bool left;         /* the rank that computed it stores it, later */
    const void *meta;
    size_t meta_bytes;
    /* Of a call: */
    const char *location;
    const char *function;
    mpj_name name;
    const void *args; /* NULL: none */
    size_t args_bytes;
    uint64_t index;
    const void *result; /* NULL: it has its own file */
    size_t bytes;
    double seconds;
} mpj_entry_note;

/* 0, or -1: no memory, nothing changed. */
int mpj_entries_add(mpj_entries *entries, const mpj_entry_note *note);

/* The record at *at, which moves on: 1; 0: the end; -1: this is no record. */
int mpj_entries_next(const unsigned char *data, size_t bytes, size_t *at, mpj_entry_note *note);

#endif
