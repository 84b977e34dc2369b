/* standalone [--changed] PATH...: gives a fuzzer's function every file that is named or lies in a folder that is named.
 * --changed: also every beginning of it, and it with one bit of every byte flipped. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LONGEST_TO_CHANGE 1024

static int changes;
static size_t files, inputs;

/* In memory that ends where the input does, so that a sanitizer sees one byte too many. */
static void try(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    FUZZ_CHECK(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    inputs++;
}

static void try_changed(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && size <= LONGEST_TO_CHANGE; i++) {
        try(data, i);
        data[i] ^= (uint8_t)(1u << i % 8);
        try(data, size);
        data[i] ^= (uint8_t)(1u << i % 8);
    }
}

static void try_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    FUZZ_CHECK(file && fseek(file, 0, SEEK_END) == 0);
    size_t size = (size_t)ftell(file);
    uint8_t *data = malloc(size ? size : 1);
    rewind(file);
    FUZZ_CHECK(data && fread(data, 1, size, file) == size);
    fclose(file);
    try(data, size);
    if (changes)
        try_changed(data, size);
    free(data);
    files++;
}

static void try_path(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        try_file(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        char name[4096];
        struct stat about;
        FUZZ_CHECK((size_t)snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < sizeof name);
        if (stat(name, &about) == 0 && S_ISREG(about.st_mode))
            try_file(name);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--changed") == 0)
            changes = 1;
        else
            try_path(argv[i]);
    }
    printf("%zu files, %zu inputs\n", files, inputs);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
