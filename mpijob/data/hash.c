/* Hashing an array: block by block, by several threads. */
#include "data/hash.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/pool.h"

/* Larger elements are brought into canonical form by the stream, so that what a thread needs stays bounded. */
#define GATHERED_ELEMENT_MAX 65536

typedef struct blocks {
    const mpijob_array *array;
    const mpijob_hash_options *options;
    mpj_convert convert;
    int in_place;            /* the elements lie as the stream has them */
    uint64_t count;          /* of blocks */
    size_t bytes;            /* of the stream */
    unsigned char *digests;  /* behind the header */
    unsigned char **buffers; /* of each thread, made when it has a block to gather */
    mpj_hash_bytes outer;
} blocks;

static int check_options(const mpijob_hash_options *options, mpijob_error *err)
{
    int used = options->reserved_int != 0;
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        used |= options->reserved[i] != 0;
    if (used)
        return mpj_fail(err, MPIJOB_EINVAL, "a reserved member of the hash options is not zero");
    if (options->threads < 0)
        return mpj_fail(err, MPIJOB_EINVAL, "threads is %d; 0 means as many as there are cores", options->threads);
    return MPIJOB_OK;
}

static size_t block_bytes(const blocks *b, uint64_t block)
{
    size_t left = b->bytes - (size_t)block * MPJ_HASH_BLOCK;
    return left < MPJ_HASH_BLOCK ? left : MPJ_HASH_BLOCK;
}

/* The elements that a block has any byte of. */
static void block_elements(const blocks *b, uint64_t block, size_t *first, size_t *count)
{
    size_t begin = (size_t)block * MPJ_HASH_BLOCK, end = begin + block_bytes(b, block);
    size_t element = b->convert.to_bytes;
    *first = begin / element;
    *count = (end - 1) / element + 1 - *first;
}

static int make_buffer(blocks *b, int worker, mpijob_error *err)
{
    size_t elements = b->bytes < MPJ_HASH_BLOCK ? 0 : 2 * b->convert.to_bytes; /* those cut by the block's ends */
    size_t bytes = block_bytes(b, 0) + elements;
    if (b->buffers[worker] == NULL)
        b->buffers[worker] = mpj_alloc(bytes);
    return b->buffers[worker] != NULL ? MPIJOB_OK : mpj_fail_memory(err, "a block to hash", bytes);
}

static int digest_block(uint64_t block, int worker, void *payload, mpijob_error *err)
{
    blocks *b = payload;
    mpijob_digest *digest = (mpijob_digest *)(void *)(b->digests + block * sizeof *digest);
    size_t first, count;
    if (b->in_place) {
        unsigned char *data = b->array->data;
        mpj_digest_of(digest, data + block * MPJ_HASH_BLOCK, block_bytes(b, block));
        return MPIJOB_OK;
    }
    int status = make_buffer(b, worker, err);
    if (status != MPIJOB_OK)
        return status;
    block_elements(b, block, &first, &count);
    mpj_hash_gather(b->buffers[worker], b->array, first, count, &b->convert);
    size_t skip = (size_t)block * MPJ_HASH_BLOCK - first * b->convert.to_bytes;
    mpj_digest_of(digest, b->buffers[worker] + skip, block_bytes(b, block));
    return MPIJOB_OK;
}

static int tell(uint64_t done, uint64_t count, void *payload)
{
    blocks *b = payload;
    uint64_t bytes = done == count ? b->bytes : done * MPJ_HASH_BLOCK;
    return b->options->progress(bytes < b->bytes ? bytes : b->bytes, b->bytes, b->options->progress_payload);
}

static int run_blocks(blocks *b, mpijob_error *err)
{
    int threads = b->count <= 1 ? 1 : mpj_threads(b->options->threads);
    if ((uint64_t)threads > b->count)
        threads = b->count == 0 ? 1 : (int)b->count;
    if (!b->in_place)
        b->buffers = mpj_calloc((size_t)threads, sizeof *b->buffers);
    if (!b->in_place && b->buffers == NULL)
        return mpj_fail_memory(err, "the threads' buffers", (size_t)threads * sizeof *b->buffers);
    int status = mpj_pool_run(b->count, threads, digest_block, b->options->progress == NULL ? NULL : tell, b, err);
    for (int i = 0; b->buffers != NULL && i < threads; i++)
        mpj_free(b->buffers[i]);
    mpj_free(b->buffers);
    return status;
}

static int hash_blocks(mpijob_digest *digest, blocks *b, mpijob_error *err)
{
    b->count = b->bytes / MPJ_HASH_BLOCK + (b->bytes % MPJ_HASH_BLOCK > 0);
    if (b->count > MPJ_HASH_BLOCKS_MAX)
        return mpj_fail(err, MPIJOB_EINVAL, "more than 2 PiB cannot be hashed");
    b->digests = mpj_hash_extend(&b->outer, (size_t)b->count * sizeof *digest);
    if (b->digests == NULL)
        return mpj_fail_memory(err, "the digests of the blocks", b->count * sizeof *digest);
    int status = run_blocks(b, err);
    return status != MPIJOB_OK ? status : mpj_hash_outer_digest(digest, &b->outer, b->bytes, err);
}

/* Decides whether blocks can be hashed independently of each other. 1: yes; 0: no; or a status. */
static int plan_blocks(blocks *b, mpijob_error *err)
{
    const mpijob_array *array = b->array;
    size_t element;
    if (mpj_canonical_bytes(&array->type, &element) != 0 ||
        mpj_shape_bytes(&b->bytes, array->ndim, array->shape, element) != 0)
        return 0;
    int status = mpj_canonical_convert(&b->convert, &array->type, err);
    if (status != MPIJOB_OK)
        return status;
    b->in_place = b->convert.plain && mpj_array_order(array) != 0;
    return b->in_place || element <= GATHERED_ELEMENT_MAX;
}

static int hash_stream(mpijob_digest *digest, const mpijob_array *array, const mpijob_hash_options *options, int order,
                       mpijob_error *err)
{
    mpj_hash_stream stream;
    mpj_hash_stream_init(&stream, err);
    mpj_hash_header_array(&stream.outer, &array->type, array->ndim, array->shape, order);
    mpj_hash_array_values(&stream, array, options);
    int status = mpj_hash_stream_digest(digest, &stream);
    mpj_hash_stream_dispose(&stream);
    return status;
}

static int hash_array(mpijob_digest *digest, const mpijob_array *array, const mpijob_hash_options *options,
                      mpijob_error *err)
{
    blocks b = {.array = array, .options = options};
    int order = mpj_array_order(array) == 'F' ? 'F' : 'C';
    int by_blocks = plan_blocks(&b, err);
    int status = by_blocks < 0 ? by_blocks : MPIJOB_OK;
    mpj_hash_bytes_init(&b.outer);
    mpj_hash_header_array(&b.outer, &array->type, array->ndim, array->shape, order);
    if (by_blocks == 0)
        status = hash_stream(digest, array, options, order, err);
    else if (by_blocks == 1)
        status = hash_blocks(digest, &b, err);
    mpj_convert_dispose(&b.convert);
    mpj_hash_bytes_dispose(&b.outer);
    return status;
}

int mpijob_hash_array(mpijob_digest *digest, const mpijob_array *array, const mpijob_hash_options *options,
                      mpijob_error *err)
{
    static const mpijob_hash_options defaults = {0};
    const mpijob_hash_options *used = options == NULL ? &defaults : options;
    if (digest == NULL)
        return mpj_fail(err, MPIJOB_EINVAL, "digest is NULL");
    int status = check_options(used, err);
    if (status == MPIJOB_OK)
        status = mpj_array_check(array, NULL, err);
    return status == MPIJOB_OK ? hash_array(digest, array, used, err) : status;
}
