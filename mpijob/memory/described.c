#include "memory/described.h"

#include "base/alloc.h"
#include "base/error.h"
#include "memory/signature.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

typedef struct texts {
    char *json, *code; /* code: NULL: there is none */
    size_t json_bytes, code_bytes;
} texts;

/* Does what was read give the version again? */
static int prove(const texts *t, const char *function, uint64_t version, const char **file, mpijob_error *err)
{
    mpj_signature signature;
    char own[MPJ_FUNCTION_BYTES];
    int status = mpj_signature_read(&signature, t->json, t->json_bytes, *file, err);
    if (status != MPIJOB_OK)
        return status;
    mpj_list_function_of(own, signature.name);
    status = strcmp(own, function) == 0 ? mpj_signature_prove(&signature, t->json, NULL, 0, version) : MPIJOB_ECORRUPT;
    if (status == MPIJOB_ECORRUPT)
        mpj_fail(err, status, "it is of another function or version");
    if (status == MPIJOB_OK && mpj_signature_is_tracked(t->json)) {
        *file = "func_code.c";
        status = t->code ? mpj_signature_prove(&signature, t->json, t->code, t->code_bytes, version) : MPIJOB_ECORRUPT;
        if (status == MPIJOB_ECORRUPT)
            mpj_fail(err, status, t->code ? "it is not the source of this version" : "it is missing");
    }
    if (status == MPIJOB_ENOMEM)
        mpj_fail_memory(err, "a version of a function", t->json_bytes + t->code_bytes);
    mpj_signature_dispose(&signature);
    return status;
}

/* Whether nothing is there; else *status is what reading says. */
static bool is_missing(int *status, const mpijob_error *err)
{
    bool missing = *status == MPIJOB_ENOTFOUND || (*status == MPIJOB_EOS && err->os_errno == ENOENT);
    if (missing)
        *status = MPIJOB_OK;
    return missing;
}

int mpj_described_check(const mpj_store *store, const char *function, uint64_t version, const char **file,
                        uint64_t *bytes, mpijob_error *err)
{
    texts t = {NULL, NULL, 0, 0};
    char below[MPJ_FUNCTION_BYTES + 64];
    mpijob_error own = {0};
    int folder;
    *file = "func.json";
    *bytes = 0;
    snprintf(below, sizeof below, "%s/" MPJ_VERSIONS_FOLDER "/%016" PRIx64, function, version);
    int status = mpj_below_walk(&folder, store->location, below, NULL, err);
    if (status != MPIJOB_OK)
        return status;
    mpj_file_close(&folder);
    status = mpj_list_description(&t.json, &t.json_bytes, store, function, version, &own);
    if (is_missing(&status, &own))
        status = mpj_fail(&own, MPIJOB_ECORRUPT, "it is missing");
    if (status == MPIJOB_OK) {
        status = mpj_list_code(&t.code, &t.code_bytes, store, function, version, &own);
        *bytes = t.json_bytes + t.code_bytes;
        if (status == MPIJOB_OK || is_missing(&status, &own))
            status = prove(&t, function, version, file, &own);
        else
            *file = "func_code.c";
    }
    mpj_free(t.json);
    mpj_free(t.code);
    return mpj_told(err, status, &own);
}
