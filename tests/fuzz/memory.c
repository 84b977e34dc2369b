/* The linker leads the library's malloc, calloc, realloc and free to here. */
#include "base/alloc.h"
#include "fuzz.h"

#include <jansson.h>
#include <malloc.h>
#include <string.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void __wrap_free(void *block);

/* The fuzzers have one thread. */
static size_t live, most;

static void *count(void *block)
{
    if (block)
        live += malloc_usable_size(block);
    if (live > most)
        most = live;
    return block;
}

static void discount(void *block)
{
    if (block)
        live -= malloc_usable_size(block);
}

void *__wrap_malloc(size_t bytes)
{
    return count(__real_malloc(bytes));
}

void *__wrap_calloc(size_t number, size_t bytes)
{
    return count(__real_calloc(number, bytes));
}

void *__wrap_realloc(void *block, size_t bytes)
{
    size_t before = block ? malloc_usable_size(block) : 0;
    void *moved = __real_realloc(block, bytes);
    if (!moved)
        return NULL;
    count(moved);
    live -= before;
    return moved;
}

void __wrap_free(void *block)
{
    discount(block);
    __real_free(block);
}

/* jansson's parser does not notice that memory for a token is missing: it goes on without some of its bytes, or aborts. */
static int parser_is_safe;

static void *json_alloc(size_t bytes)
{
    return parser_is_safe ? malloc(bytes) : mpj_alloc(bytes);
}

void fuzz_keep_json_safe(int safe)
{
    parser_is_safe = safe;
}

/* ---- Around a run ------------------------------------------------------------------------------------------------ */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_set_alloc_funcs(json_alloc, mpj_free);
    json_object_seed(1); /* the same run for the same input */
    return 0;
}

fuzz_input fuzz_begin(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size, 0};
    if (size >= 2 && data[0] == 1) {
        input = (fuzz_input){data + 2, size - 2, 1};
        mpj_alloc_fail_after(data[1]);
    }
    live = most = 0;
    return input;
}

void fuzz_end(const fuzz_input *input, size_t base, size_t per_byte)
{
    mpj_alloc_fail_after(UINT64_MAX);
    FUZZ_CHECK(live == 0);
    if (most > base + per_byte * input->size) {
        fprintf(stderr, "%zu bytes were allocated for an input of %zu\n", most, input->size);
        abort();
    }
}

int fuzz_good(const fuzz_input *input, int status, const mpijob_error *err)
{
    if (status == MPIJOB_OK)
        return 1;
    FUZZ_CHECK(err->status == status && err->text[0] != '\0' && memchr(err->text, '\0', sizeof err->text));
    FUZZ_CHECK(status == MPIJOB_ECORRUPT || status == MPIJOB_EUNSUPPORTED || status == MPIJOB_EVERSION ||
               (status == MPIJOB_ENOMEM && input->fails));
    return 0;
}
