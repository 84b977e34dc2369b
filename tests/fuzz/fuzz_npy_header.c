/* NPY headers: read from anything, and written again. */
#include "array/forms.h"
#include "base/alloc.h"
#include "fuzz.h"

#include <string.h>

#define SHORTEST 12
#define LONGEST 65536 /* of a header that has to fit into 1 MiB when it is written with padding */

/* All that is known after a first read says the same as all of the file, or asks for more. */
static void check_beginning(const fuzz_input *input, int status)
{
    mpj_npy_header header;
    mpijob_error err;
    int complete;
    size_t need, bytes = input->size < SHORTEST ? input->size : SHORTEST;
    int first = mpj_npy_header_parse(&header, input->data, bytes, &complete, &need, "fuzz", &err);
    if (first != MPIJOB_OK)
        FUZZ_CHECK(input->fails || first == status);
    else
        FUZZ_CHECK(!complete && need > bytes);
}

static void check_same(const mpj_npy_header *a, const mpj_npy_header *b)
{
    FUZZ_CHECK(a->ndim == b->ndim && a->order == b->order && a->data_bytes == b->data_bytes);
    FUZZ_CHECK(memcmp(a->shape, b->shape, sizeof a->shape) == 0);
    FUZZ_CHECK(a->dtype.swap_count == b->dtype.swap_count);
    FUZZ_CHECK(mpijob_type_size(&a->dtype.type) == mpijob_type_size(&b->dtype.type));
}

static void check_rewritten(const fuzz_input *input, const mpj_npy_header *header)
{
    mpj_npy_header again;
    mpijob_error err;
    void *text;
    size_t bytes, need;
    int complete;
    int status =
        mpj_npy_header_make(&text, &bytes, &header->dtype.type, header->ndim, header->shape, header->order, &err);
    if (status != MPIJOB_OK) {
        FUZZ_CHECK(status == MPIJOB_ENOMEM ? input->fails : status == MPIJOB_EINVAL && input->size > LONGEST / 16);
        return;
    }
    FUZZ_CHECK(bytes % 64 == 0);
    if (fuzz_good(input, mpj_npy_header_parse(&again, text, bytes, &complete, &need, "fuzz", &err), &err)) {
        FUZZ_CHECK(complete && need == bytes && again.data_offset == bytes);
        check_same(header, &again);
        mpj_npy_header_free(&again);
    }
    mpj_free(text);
}

static void check_header(const fuzz_input *input, const mpj_npy_header *header, size_t need)
{
    mpijob_error err;
    FUZZ_CHECK(need <= input->size && header->data_offset == need);
    FUZZ_CHECK(header->ndim >= 0 && header->ndim <= MPIJOB_MAX_DIMS && header->data_bytes <= PTRDIFF_MAX);
    FUZZ_CHECK(header->order == 'C' || header->order == 'F');
    FUZZ_CHECK(mpijob_type_check(&header->dtype.type, &err) == MPIJOB_OK);
    check_rewritten(input, header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpj_npy_header header;
    mpijob_error err;
    int complete;
    size_t need = 0;
    fuzz_input input = fuzz_begin(data, size);
    int status = mpj_npy_header_parse(&header, input.data, input.size, &complete, &need, "fuzz", &err);
    FUZZ_CHECK(complete == 0 || status == MPIJOB_OK);
    if (fuzz_good(&input, status, &err) && complete)
        check_header(&input, &header, need);
    else if (status == MPIJOB_OK)
        FUZZ_CHECK(need > input.size);
    check_beginning(&input, status);
    mpj_npy_header_free(&header);
    fuzz_end(&input, 32768, 192);
    return 0;
}
