/* What the subcommands of the program share. */
#ifndef MPJ_CLI_CLI_H
#define MPJ_CLI_CLI_H

#include <getopt.h>
#include <mpijob/core.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses. */
enum {
    MPJ_EXIT_OK = 0,
    MPJ_EXIT_FAILED = 1, /* it did not work, or something is damaged */
    MPJ_EXIT_USAGE = 2   /* the command line was not understood */
};

typedef struct mpj_command {
    const char *name;
    const char *summary; /* one line */
    const char *help;    /* all of it */
    int (*main)(const struct mpj_command *self, int argc, char **argv);
} mpj_command;

/* argv[0] names the command, of `commands` (ended by one without a name); argv[1..] are its own. `self` is what they are
 * subcommands of. */
int mpj_command_dispatch(const mpj_command *self, const mpj_command *commands, int argc, char **argv);

/* The next option as getopt_long returns it, -1 at the end. "--help" prints the help and ends; what is no option of this
 * command is told and ends, with MPJ_EXIT_USAGE. */
int mpj_command_option(const mpj_command *self, int argc, char **argv, const struct option *options);
/* The same with short ones too, as getopt has them: "o:". */
int mpj_command_option_short(const mpj_command *self, int argc, char **argv, const char *letters,
                             const struct option *options);

/* "mpijob array info: TEXT", and where the help is. Returns MPJ_EXIT_USAGE. */
int mpj_command_usage(const mpj_command *self, const char *format, ...) MPIJOB_PRINTF(2, 3);

/* The record of a failed call on standard error. Returns MPJ_EXIT_FAILED; ended by a signal: that signal's status. */
int mpj_command_failed(const mpijob_error *err);

/* `status`, or after a signal that asked for an end, before all was done, the status that says so. */
int mpj_command_ended(int status);

/* All that was printed has reached standard output? Returns `status`, or MPJ_EXIT_FAILED with a message. */
int mpj_command_finish(int status);

/* A number of bytes, "64M", "1.5G", "4096" (units of 1024); false: not one, or too large. */
bool mpj_parse_bytes(uint64_t *bytes, const char *text);
/* A decimal number from 0 to `max`. */
bool mpj_parse_number(uint64_t *number, const char *text, uint64_t max);
/* "1000,20": at most MPIJOB_MAX_DIMS numbers above 0. */
bool mpj_parse_shape(size_t *shape, int *ndim, const char *text);

/* 1536 as "1.5 KiB". */
void mpj_format_bytes(char *out, size_t out_bytes, uint64_t bytes);

/* An array's name in messages and lists: "FILE" or "FILE:NAME". */
void mpj_format_place(char *out, size_t out_bytes, const char *path, const char *name);

#endif
