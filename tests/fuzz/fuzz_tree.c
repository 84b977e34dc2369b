/* Zip files: looked into, loaded, verified. */
#include "fuzz.h"
#include "io/tree.h"

#include <mpijob/array.h>

#define MEMORY_BYTES ((size_t)4 << 20)

static void check_status(int status)
{
    FUZZ_CHECK(status == MPIJOB_OK || status == MPIJOB_ECORRUPT || status == MPIJOB_EUNSUPPORTED ||
               status == MPIJOB_EVERSION || status == MPIJOB_ENOTFOUND || status == MPIJOB_EINVAL ||
               status == MPIJOB_ENOMEM);
}

/* A shape may claim anything, and missing chunks are no damage: so the memory is given. */
static void load(const char *path)
{
    static char memory[MEMORY_BYTES];
    mpijob_array array;
    mpijob_error err;
    const mpijob_load_options options = {.into = memory, .into_bytes = sizeof memory, .threads = 1};
    int status = mpijob_load(&array, path, &options, &err);
    check_status(status);
    if (status == MPIJOB_OK)
        mpijob_array_free(&array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpijob_error err;
    mpijob_array_info info;
    mpijob_group *group = NULL;
    mpijob_verify_result result;
    const char *path = fuzz_file(data, size);
    check_status(mpijob_array_inspect(&info, path, NULL, &err));
    check_status(mpijob_list_group(&group, path, &err));
    mpijob_group_free(group);
    check_status(mpijob_verify(&result, path, NULL, NULL, NULL, NULL, &err));
    load(path);
    return 0;
}
