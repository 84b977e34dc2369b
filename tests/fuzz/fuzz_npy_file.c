/* NPY files: loaded and mapped. */
#include "array/forms.h"
#include "fuzz.h"

static volatile unsigned char seen;

static void touch(const mpijob_array *array)
{
    size_t bytes;
    FUZZ_CHECK(mpj_array_check(array, &bytes, NULL) == MPIJOB_OK);
    for (size_t i = 0; i < bytes; i++)
        seen = ((const unsigned char *)array->data)[i];
}

static void load(const fuzz_input *input, const char *path, const mpijob_load_options *options)
{
    mpijob_array array;
    mpijob_error err;
    mpj_load_plan plan;
    FUZZ_CHECK(mpj_load_plan_make(&plan, options, &err) == MPIJOB_OK);
    if (fuzz_good(input, mpj_npy_load(&array, path, &plan, &err), &err)) {
        touch(&array);
        mpijob_array_free(&array);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = fuzz_begin(data, size);
    const char *path = fuzz_file(input.data, input.size);
    load(&input, path, &(mpijob_load_options){.threads = 1});
    load(&input, path, &(mpijob_load_options){.mmap_mode = "r"});
    load(&input, path, &(mpijob_load_options){.mmap_mode = "c"});
    fuzz_end(&input, (size_t)2 << 20, 192); /* with a buffer of 1 MiB for elements that are converted */
    return 0;
}
