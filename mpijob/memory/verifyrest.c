/* Descriptions of versions, and records of use (verify.h). */
#include "base/alloc.h"
#include "base/error.h"
#include "memory/described.h"
#include "memory/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Descriptions ------------------------------------------------------------------------------------------------ */

static int verify_version(mpj_verifying *v, uint64_t version)
{
    char file[64];
    const char *name = NULL;
    uint64_t bytes = 0;
    mpijob_error own = {0};
    int status = mpj_described_check(mpj_store_of(v->store), v->function, version, &name, &bytes, &own);
    if (status == MPIJOB_ENOMEM)
        return mpj_told(v->err, status, &own);
    snprintf(file, sizeof file, MPJ_VERSIONS_FOLDER "/%016" PRIx64 "/%s", version, name);
    if (status != MPIJOB_OK)
        mpj_verify_tell(v, MPIJOB_FINDING_DAMAGED, file, 0, NULL, own.text);
    return mpj_verify_step(v, bytes);
}

static int by_number(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* Those that live entries have. */
int mpj_verify_versions(mpj_verifying *v, const mpj_list *list)
{
    size_t count = 0;
    int status = MPIJOB_OK;
    uint64_t *versions = mpj_alloc(list->count * sizeof *versions);
    if (!versions)
        return mpj_fail_memory(v->err, "the versions of a function", list->count * sizeof *versions);
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].live)
            versions[count++] = list->entries[i].name.version;
    if (count > 1)
        qsort(versions, count, sizeof *versions, by_number);
    for (size_t i = 0; i < count && status == MPIJOB_OK; i++)
        if (i == 0 || versions[i] != versions[i - 1])
            status = verify_version(v, versions[i]);
    mpj_free(versions);
    return status;
}

/* ---- Records of use ---------------------------------------------------------------------------------------------- */

typedef struct uses {
    mpj_verifying *v;
    int folder, status;
} uses;

static int verify_use(const char *name, void *payload)
{
    uses *u = payload;
    char writer[MPJ_WRITER_BYTES], file[MPJ_WRITER_BYTES + 32];
    uint64_t bytes;
    int fd;
    mpijob_error own;
    if (!mpj_writer_of(writer, name, MPJ_USE_SUFFIX))
        return 0;
    snprintf(file, sizeof file, MPJ_USE_FOLDER "/%s%s", writer, MPJ_USE_SUFFIX);
    int status = mpj_below_open(&fd, u->folder, u->v->function, name, &bytes, &own);
    if (status == MPIJOB_EOS)
        mpj_verify_tell(u->v, MPIJOB_FINDING_DAMAGED, file, 0, NULL, own.text);
    if (status != MPIJOB_OK)
        return 0;
    int whole = mpj_uses_are_whole(fd, bytes);
    mpj_file_close(&fd);
    if (whole == 0)
        mpj_verify_tell(u->v, MPIJOB_FINDING_DAMAGED, file, 0, NULL, "these records of use are damaged");
    u->status = mpj_verify_step(u->v, bytes);
    return u->status;
}

int mpj_verify_uses(mpj_verifying *v)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    uses u = {v, -1, MPIJOB_OK};
    snprintf(below, sizeof below, "%s/" MPJ_USE_FOLDER, v->function);
    if (mpj_below_walk(&u.folder, mpj_store_of(v->store)->location, below, NULL, NULL) != MPIJOB_OK)
        return MPIJOB_OK;
    int status = mpj_below_list(u.folder, below, verify_use, &u, v->err);
    mpj_file_close(&u.folder);
    return status;
}
