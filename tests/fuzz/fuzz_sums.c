/* Lists of checksums: read from anything, and written again. An input that begins with byte 2 is given the last line that
 * makes it whole: no fuzzer finds a checksum. */
#include "array/sums.h"
#include "base/alloc.h"
#include "fuzz.h"
#include "io/codec.h"

#include <string.h>

static size_t count_lines(const uint8_t *text, size_t bytes)
{
    size_t lines = 0;
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n';
    return lines;
}

/* To be taken over by the parser. NULL: no memory. */
static char *make_text(const fuzz_input *input, size_t *bytes)
{
    int whole = input->size > 0 && input->data[0] == 2;
    const uint8_t *from = input->data + whole;
    *bytes = input->size - (size_t)whole;
    char *text = mpj_alloc(*bytes + (whole ? 64 : 0));
    if (!text)
        return NULL;
    if (*bytes > 0)
        memcpy(text, from, *bytes);
    if (whole)
        *bytes += (size_t)snprintf(text + *bytes, 64, "%016llx %zu end\n",
                                   (unsigned long long)mpj_checksum(from, *bytes), count_lines(from, *bytes) - 1);
    return text;
}

static void check_list(const fuzz_input *input, const mpj_sums *sums)
{
    mpijob_error err;
    for (size_t i = 0; i < sums->count; i++) {
        const mpj_sums_entry *entry = &sums->entries[i];
        const mpj_sums_entry *found = mpj_sums_find(sums, entry->name);
        FUZZ_CHECK(found && strcmp(found->name, entry->name) == 0);
        FUZZ_CHECK(mpj_sums_check_missing(sums, entry->name, "fuzz", &err) == MPIJOB_ECORRUPT);
        (void)fuzz_good(input, mpj_sums_check(sums, entry->name, "content", 7, "fuzz", &err), &err);
    }
    FUZZ_CHECK(mpj_sums_check(sums, "no\nname", "", 0, "fuzz", &err) == MPIJOB_ECORRUPT);
    FUZZ_CHECK(mpj_sums_check_missing(sums, "no\nname", "fuzz", &err) == MPIJOB_OK);
}

/* Written from what was read, the list says the same. */
static void check_rewritten(const fuzz_input *input, const mpj_sums *sums)
{
    mpj_sums_text list = {0};
    mpj_sums again;
    mpijob_error err;
    for (size_t i = 0; i < sums->count; i++)
        mpj_sums_add(&list, sums->entries[i].name, sums->entries[i].sum);
    if (sums->count == 0 || !fuzz_good(input, mpj_sums_finish(&list, &err), &err)) {
        mpj_sums_text_free(&list);
        return;
    }
    if (!fuzz_good(input, mpj_sums_parse(&again, list.text, list.used, "fuzz", &err), &err))
        return;
    FUZZ_CHECK(again.count == sums->count);
    for (size_t i = 0; i < sums->count; i++)
        FUZZ_CHECK(strcmp(again.entries[i].name, sums->entries[i].name) == 0);
    mpj_sums_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpj_sums sums;
    mpijob_error err;
    size_t bytes;
    fuzz_input input = fuzz_begin(data, size);
    char *text = make_text(&input, &bytes);
    if (text && fuzz_good(&input, mpj_sums_parse(&sums, text, bytes, "fuzz", &err), &err)) {
        check_list(&input, &sums);
        check_rewritten(&input, &sums);
        mpj_sums_free(&sums);
    }
    fuzz_end(&input, 4096, 16);
    return 0;
}
