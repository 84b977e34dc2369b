/* Signatures: made of a function, or of what was written about one. */
#include "memory/signature.h"
#include "base/alloc.h"
#include "base/error.h"
#include "data/arena.h"
#include "data/hash.h"
#include "memory/funcjson.h"

#include <string.h>

#define MAGIC "mpjcall\1"

/* ---- What all keys begin with ---------------------------------------------------------------------------------- */

static void put_head(mpj_hash_bytes *head, const mpj_signature *s)
{
    mpj_hash_put(head, MAGIC, sizeof MAGIC - 1);
    mpj_hash_put_u64(head, strlen(s->name));
    mpj_hash_put(head, s->name, strlen(s->name));
    mpj_hash_put_u8(head, s->args != NULL);
    if (s->args != NULL)
        mpj_hash_header_record(head, s->args);
}

static int keep_head(mpj_signature *s, mpijob_error *err)
{
    mpj_hash_bytes head;
    mpj_hash_bytes_init(&head);
    put_head(&head, s);
    unsigned char *kept = head.no_memory ? NULL : mpj_arena_alloc(&s->own, head.used, 1);
    if (kept != NULL)
        memcpy(kept, head.bytes, head.used);
    s->head = kept;
    s->head_bytes = head.used;
    mpj_hash_bytes_dispose(&head);
    return kept != NULL ? MPIJOB_OK : mpj_fail_memory(err, "the beginning of keys", s->head_bytes);
}

static int plan_stream(mpj_signature *s, mpijob_error *err)
{
    if (s->args == NULL) {
        s->stream_bytes = sizeof(uint64_t);
        return MPIJOB_OK;
    }
    if (mpj_canonical_bytes(&s->args_own.type, &s->stream_bytes) != 0) {
        s->stream_bytes = SIZE_MAX;
        return MPIJOB_OK;
    }
    return mpj_canonical_convert(&s->convert, &s->args_own.type, err);
}

static int prepare_keys(mpj_signature *s, mpijob_error *err)
{
    int status = keep_head(s, err);
    return status == MPIJOB_OK ? plan_stream(s, err) : status;
}

/* ---- Of a function --------------------------------------------------------------------------------------------- */

static int take_args(mpj_signature *s, const mpijob_function *f, const char *const *ignore, mpijob_error *err)
{
    if (f->args == NULL && f->args_size > 0)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: Memory needs a description of the arguments (`args`)", s->name);
    if (f->args != NULL && f->args->bytes != f->args_size)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: args_size is %zu, and the struct that `args` describes has %zu bytes",
                        s->name, f->args_size, f->args->bytes);
    if (f->args == NULL)
        return ignore != NULL && ignore[0] != NULL
                   ? mpj_fail(err, MPIJOB_EINVAL, "%s has no arguments to ignore", s->name)
                   : MPIJOB_OK;
    mpijob_type type = mpijob_type_record(f->args);
    int status = mpj_dtype_copy(&s->args_own, &type, 0, err);
    if (status != MPIJOB_OK)
        return status;
    s->args = s->args_own.type.record;
    return ignore != NULL ? mpj_ignore_fields(s->args, ignore, err) : MPIJOB_OK;
}

static int check_source(const char *name, const mpijob_source *source, mpijob_error *err)
{
    int used = 0;
    for (size_t i = 0; source != NULL && i < sizeof source->reserved / sizeof source->reserved[0]; i++)
        used |= source->reserved[i] != 0;
    return used ? mpj_fail(err, MPIJOB_EINVAL, "%s: a reserved member of its source is not zero", name) : MPIJOB_OK;
}

static int take_name(mpj_signature *s, const char *name, mpijob_error *err)
{
    s->name = mpj_arena_text(&s->own, name != NULL ? name : "function");
    return s->name != NULL ? MPIJOB_OK : mpj_fail_memory(err, "a function's name", strlen(name != NULL ? name : ""));
}

static int describe(mpj_signature *s, const mpijob_source *source, mpijob_error *err)
{
    s->json = mpj_func_json_print(s, source);
    if (s->json == NULL)
        return mpj_fail_memory(err, "the description of a function", 0);
    s->json_bytes = strlen(s->json);
    return MPIJOB_OK;
}

static int take_function(mpj_signature *s, const mpijob_function *f, const char *const *ignore, mpijob_error *err)
{
    int status = take_name(s, f->name, err);
    if (status == MPIJOB_OK)
        status = take_args(s, f, ignore, err);
    if (status == MPIJOB_OK)
        status = mpj_signature_result(s, f, err);
    if (status == MPIJOB_OK)
        status = check_source(s->name, f->source, err);
    if (status == MPIJOB_OK)
        status = mpj_signature_version(s, f->source, err);
    if (status == MPIJOB_OK)
        status = describe(s, f->source, err);
    return status == MPIJOB_OK ? prepare_keys(s, err) : status;
}

int mpj_signature_init(mpj_signature *signature, const mpijob_function *function, const char *const *ignore,
                       mpijob_error *err)
{
    *signature = (mpj_signature){.number = function->version};
    int status = take_function(signature, function, ignore, err);
    if (status != MPIJOB_OK)
        mpj_signature_dispose(signature);
    return status;
}

/* ---- Of a func.json -------------------------------------------------------------------------------------------- */

static int keep_text(mpj_signature *s, const char *text, size_t bytes, mpijob_error *err)
{
    s->json = mpj_alloc(bytes + 1);
    if (s->json == NULL)
        return mpj_fail_memory(err, "the description of a function", bytes);
    memcpy(s->json, text, bytes);
    s->json[bytes] = '\0';
    s->json_bytes = bytes;
    return MPIJOB_OK;
}

int mpj_signature_read(mpj_signature *signature, const char *text, size_t bytes, const char *what, mpijob_error *err)
{
    *signature = (mpj_signature){0};
    int status = mpj_func_json_parse(signature, text, bytes, what, err);
    if (status == MPIJOB_OK)
        status = keep_text(signature, text, bytes, err);
    if (status == MPIJOB_OK)
        status = prepare_keys(signature, err);
    if (status != MPIJOB_OK)
        mpj_signature_dispose(signature);
    return status;
}

void mpj_signature_dispose(mpj_signature *signature)
{
    mpj_free(signature->json);
    mpj_free(signature->code);
    mpj_convert_dispose(&signature->convert);
    mpj_dtype_free(&signature->args_own);
    mpj_dtype_free(&signature->result_own);
    mpj_arena_free(&signature->own);
    *signature = (mpj_signature){0};
}
