/* mpijob cache ... */
#ifndef MPJ_CLI_CACHE_H
#define MPJ_CLI_CACHE_H

#include "cli/cli.h"

#include <jansson.h>

extern const char mpj_cache_help[];
int mpj_cache_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_ls_help[];
int mpj_cache_ls_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_show_help[];
int mpj_cache_show_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_get_help[];
int mpj_cache_get_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_stats_help[];
int mpj_cache_stats_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_verify_help[];
int mpj_cache_verify_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_why_help[];
int mpj_cache_why_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_clear_help[];
int mpj_cache_clear_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_reduce_help[];
int mpj_cache_reduce_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_compact_help[];
int mpj_cache_compact_main(const mpj_command *self, int argc, char **argv);

extern const char mpj_cache_merge_help[];
int mpj_cache_merge_main(const mpj_command *self, int argc, char **argv);

/* ---- cachetext.c: what they share -------------------------------------------------------------------------------- */

/* "30d", "1.5h", "90": seconds without a unit; units s, min, h, d, w. */
bool mpj_parse_seconds(double *seconds, const char *text);

/* "3 s", "5 min", "2.1 h", "3.4 d". */
void mpj_format_seconds(char *out, size_t out_bytes, double seconds);

/* A version's text: 16 hexadecimal digits. */
void mpj_format_version(char out[17], uint64_t version);
bool mpj_parse_version(uint64_t *version, const char *text);

/* A text that need not be UTF-8. */
json_t *mpj_json_text(const char *text);
/* A result, for programs. */
json_t *mpj_json_stored(const mpijob_stored *entry);
json_t *mpj_json_removed(const mpijob_removed *removed);

/* On a line of its own, and gone. What cannot be printed is told, and fails. */
int mpj_print_json(json_t *object);

/* "12 results, 3.4 MiB" of what was removed, and what is freed now and later. */
void mpj_print_removed(const mpijob_removed *removed);

#endif
