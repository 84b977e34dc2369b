/* func.json from anything, and arguments as JSON for what it describes: behind the first zero byte of the input, where
 * there is one. */
#include "base/alloc.h"
#include "fuzz.h"
#include "memory/argsjson.h"
#include "memory/funcjson.h"

#include <string.h>

#define LARGEST_ARGS ((size_t)1 << 16) /* more is a fixed array for which the text alone would be long */
#define LARGEST_ELEMENT 256            /* behind pointers, where {} may be all of one whose fields are ignored */

static int is_small(const mpijob_record *record)
{
    int small = record->bytes <= LARGEST_ARGS;
    for (size_t i = 0; i < record->field_count; i++) {
        const mpijob_field *field = &record->fields[i];
        small &= field->holding == MPIJOB_INLINE || mpijob_type_size(&field->type) <= LARGEST_ELEMENT;
        small &= field->type.kind != MPIJOB_RECORD || is_small(field->type.record);
    }
    return small;
}

/* What is printed of it says the same again. */
static void check_printed(const fuzz_input *input, const mpj_signature *s)
{
    mpj_signature again;
    mpijob_error err;
    char *text = mpj_func_json_print(s, NULL);
    FUZZ_CHECK(text != NULL || input->fails);
    if (text == NULL)
        return;
    if (fuzz_good(input, mpj_signature_read(&again, text, strlen(text), "fuzz", &err), &err)) {
        FUZZ_CHECK(again.version == s->version && again.number == s->number && strcmp(again.name, s->name) == 0);
        FUZZ_CHECK(again.head_bytes == s->head_bytes && memcmp(again.head, s->head, s->head_bytes) == 0);
        FUZZ_CHECK(again.stream_bytes == s->stream_bytes && again.result_ndim == s->result_ndim);
        FUZZ_CHECK(again.result_bytes == s->result_bytes);
        mpj_signature_dispose(&again);
    }
    mpj_free(text);
}

/* What arguments may be said to be: wrong, which is no damage. */
static int is_good(const fuzz_input *input, int status, const mpijob_error *err)
{
    return status == MPIJOB_EINVAL && err->status == status && err->text[0] != '\0' ? 0 : fuzz_good(input, status, err);
}

/* Arguments that were taken are taken again from what is written of them, with the same key. */
static void check_args(const fuzz_input *input, const mpj_signature *s, const char *text, size_t bytes)
{
    mpj_name name, again;
    mpijob_error err;
    void *value;
    char *written;
    if (!is_good(input, mpj_args_from_json(&value, s->args, text, bytes, &err), &err))
        return;
    if (fuzz_good(input, mpj_key(&name, s, value, 0, NULL, 0, &err), &err) &&
        fuzz_good(input, mpijob_record_to_json(&written, value, s->args, &err), &err)) {
        if (fuzz_good(input, mpj_key_from_json(&again, s, written, strlen(written), NULL, 0, &err), &err))
            FUZZ_CHECK(memcmp(&name, &again, sizeof name) == 0);
        mpijob_text_free(written);
    }
    mpj_args_free(value, s->args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpj_signature s;
    mpijob_error err;
    fuzz_input input = fuzz_begin(data, size);
    const char *text = (const char *)input.data;
    const char *end = input.size > 0 ? memchr(text, '\0', input.size) : NULL;
    size_t bytes = end != NULL ? (size_t)(end - text) : input.size;
    fuzz_keep_json_safe(1);
    if (fuzz_good(&input, mpj_signature_read(&s, text, bytes, "fuzz", &err), &err)) {
        check_printed(&input, &s);
        if (end != NULL && s.args != NULL && is_small(s.args))
            check_args(&input, &s, end + 1, input.size - bytes - 1);
        mpj_signature_dispose(&s);
    }
    fuzz_end(&input, (size_t)1 << 20, 1024);
    return 0;
}
