/* The hidden names that publishing uses beside a target, and who owns them. Page: publishing.md. */
#ifndef MPJ_IO_HIDDEN_H
#define MPJ_IO_HIDDEN_H

#include "io/file.h"

#define MPJ_HIDDEN_NAME_BYTES 144
#define MPJ_HIDDEN_TAG_BYTES 56

typedef enum mpj_hidden_kind {
    MPJ_HIDDEN_TMP, /* being made */
    MPJ_HIDDEN_NEW, /* complete, about to take the target's place */
    MPJ_HIDDEN_OLD, /* put aside for it */
    MPJ_HIDDEN_DEL, /* being removed */
    MPJ_HIDDEN_NONE /* no such name, or of another target */
} mpj_hidden_kind;

typedef enum mpj_hidden_owner {
    MPJ_OWNER_LIVES,
    MPJ_OWNER_GONE,
    MPJ_OWNER_ELSEWHERE
} mpj_hidden_owner;

/* Splits at the last '/': the folder ("." for none) and the name in it. */
int mpj_path_split(char folder[MPJ_PATH_BYTES], const char **name, const char *path, mpijob_error *err);

/* What tells the hidden names of one target from those of others. */
void mpj_hidden_tag(char tag[MPJ_HIDDEN_TAG_BYTES], const char *target_name);

/* A path beside the target that nobody else makes. */
int mpj_hidden_path(char path[MPJ_PATH_BYTES], const char *target, mpj_hidden_kind kind, mpijob_error *err);

/* The same name with another kind. */
void mpj_hidden_change(char *path, mpj_hidden_kind kind);

mpj_hidden_kind mpj_hidden_kind_of(const char *name, const char *tag);

/* Does the process that made this name live? ELSEWHERE: another host, another container, or nobody can tell. */
mpj_hidden_owner mpj_hidden_owner_of(const char *name);

#endif
