#include "memory_suite.h"

#include "mpi/looks.h"

#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

char memory_folder[256];
mpijob_memory *memory;
mpijob_memory_options memory_options;
int computed;
bool memory_on_network;

/* The linker leads calls of fstatfs here. */
int __real_fstatfs(int fd, struct statfs *info);
int __wrap_fstatfs(int fd, struct statfs *info);

int __wrap_fstatfs(int fd, struct statfs *info)
{
    int result = __real_fstatfs(fd, info);
    if (memory_on_network)
        info->f_type = NFS_SUPER_MAGIC;
    return result;
}

int memory_main(int argc, char **argv, Suite *suite)
{
    memory_on_network = argc > 1 && strcmp(argv[1], "network") == 0;
    return suite_main(argc, argv, suite);
}

static void open_memory(void)
{
    mpijob_error err = {.text = ""};
    int status = mpijob_memory_open(&memory, memory_folder, &memory_options, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
}

void memory_set_up(void)
{
    char name[] = "mpijob-memory-XXXXXX"; /* in the current folder, which all hosts see */
    if (suite_rank == 0 && !mkdtemp(name))
        abort();
    suite_spread(name, sizeof name, 0);
    snprintf(memory_folder, sizeof memory_folder, "%s", name);
    memory_options = (mpijob_memory_options){0};
    computed = 0;
    mpj_patience_more_s = 60;
    open_memory();
}

void memory_tear_down(void)
{
    char command[300];
    mpj_patience_more_s = 0;
    mpijob_memory_close(memory);
    memory = NULL;
    suite_least(0);
    snprintf(command, sizeof command, "rm -rf '%s'", memory_folder);
    if (suite_rank == 0 && system(command) != 0)
        abort();
}

void memory_reopen(void)
{
    mpijob_memory_close(memory);
    suite_least(0);
    open_memory();
    suite_least(0);
}

void memory_cache(mpijob_function *cached, const mpijob_function *function)
{
    mpijob_error err = {.text = ""};
    int status = mpijob_memory_cache(cached, memory, function, NULL, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
}

int computed_by_all(void)
{
    int all = 0;
    int own = computed;
    computed = 0;
    MPI_Allreduce(&own, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

/* What a command prints for the files in the location with names that end so; -1: nothing. */
static long about_files(const char *suffix, const char *command)
{
    char line[500];
    long number = -1;
    suite_least(0);
    snprintf(line, sizeof line, "find '%s' -name '*%s' -printf '%%s\\n' | %s", memory_folder, suffix, command);
    FILE *list = suite_rank == 0 ? popen(line, "r") : NULL;
    if (list && fscanf(list, "%ld", &number) != 1)
        number = -1;
    if (list)
        pclose(list);
    suite_spread(&number, sizeof number, 0);
    return number;
}

int memory_files(const char *suffix)
{
    return (int)about_files(suffix, "wc -l");
}

long memory_bytes(const char *suffix)
{
    return about_files(suffix, "awk '{sum += $1} END {print sum + 0}'");
}
