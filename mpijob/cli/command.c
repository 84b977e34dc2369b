#include "cli/bar.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int show_help(const mpj_command *self, const mpj_command *commands)
{
    fputs(self->help, stdout);
    if (commands != NULL) {
        puts("\nCommands:");
        for (const mpj_command *c = commands; c->name != NULL; c++)
            printf("  %-10s %s\n", strrchr(c->name, ' ') + 1, c->summary);
        printf("\n\"%s COMMAND --help\" tells more of each.\n", self->name);
    }
    return mpj_command_finish(MPJ_EXIT_OK);
}

static bool is_help(const char *text)
{
    return strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0 || strcmp(text, "help") == 0;
}

int mpj_command_dispatch(const mpj_command *self, const mpj_command *commands, int argc, char **argv)
{
    if (argc < 2) {
        mpj_command_usage(self, "a command is missing");
        return MPJ_EXIT_USAGE;
    }
    if (is_help(argv[1]))
        return show_help(self, commands);
    for (const mpj_command *c = commands; c->name != NULL; c++)
        if (strcmp(strrchr(c->name, ' ') + 1, argv[1]) == 0)
            return c->main(c, argc - 1, argv + 1);
    return mpj_command_usage(self, "'%s' is no command", argv[1]);
}

int mpj_command_option(const mpj_command *self, int argc, char **argv, const struct option *options)
{
    return mpj_command_option_short(self, argc, argv, "", options);
}

int mpj_command_option_short(const mpj_command *self, int argc, char **argv, const char *letters,
                             const struct option *options)
{
    char all[32];
    snprintf(all, sizeof all, ":h%s", letters);
    opterr = 0;
    int option = getopt_long(argc, argv, all, options, NULL);
    if (option == 'h')
        exit(show_help(self, NULL));
    if (option == ':')
        exit(mpj_command_usage(self, "'%s' needs a value", argv[optind - 1]));
    if (option == '?')
        exit(mpj_command_usage(self, "'%s' is no option, or takes no value", argv[optind - 1]));
    return option;
}

int mpj_command_usage(const mpj_command *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", self->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; \"%s --help\" tells how it is used\n", self->name);
    va_end(arguments);
    return MPJ_EXIT_USAGE;
}

int mpj_command_failed(const mpijob_error *err)
{
    if (mpj_bar_signal() != 0 && err->status == MPIJOB_ECANCELED)
        fprintf(stderr, "mpijob: ended by a signal: %s\n", strsignal(mpj_bar_signal()));
    else
        fprintf(stderr, "mpijob: %s\n", err->text);
    return mpj_command_ended(MPJ_EXIT_FAILED);
}

int mpj_command_ended(int status)
{
    return mpj_bar_signal() != 0 ? 128 + mpj_bar_signal() : status;
}

int mpj_command_finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "mpijob: standard output cannot be written: %s\n", strerror(errno));
    return MPJ_EXIT_FAILED;
}
