/* What is said of a function's versions: versions/<16 hex>/func.json and func_code.c, published by one rename. */
#include "base/alloc.h"
#include "base/error.h"
#include "io/identity.h"
#include "memory/shelf.h"
#include "memory/trash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define HEX_BYTES 17

static mpj_version *find(const mpj_shelf *shelf, uint64_t version)
{
    for (size_t i = shelf->version_count; i-- > 0;)
        if (shelf->versions[i].version == version)
            return &shelf->versions[i];
    return NULL;
}

static void forget_texts(mpj_version *version)
{
    mpj_free(version->json);
    mpj_free(version->code);
    version->json = version->code = NULL;
}

void mpj_versions_free(mpj_shelf *shelf)
{
    for (size_t i = 0; i < shelf->version_count; i++)
        forget_texts(&shelf->versions[i]);
    mpj_free(shelf->versions);
}

static char *copy(const char *text, size_t bytes)
{
    char *made = mpj_alloc(bytes + 1);
    if (made) {
        memcpy(made, text, bytes);
        made[bytes] = '\0';
    }
    return made;
}

int mpj_shelf_describe(mpj_shelf *shelf, uint64_t version, const char *func_json, const char *func_code,
                       size_t func_code_bytes, mpijob_error *err)
{
    if (find(shelf, version))
        return MPIJOB_OK;
    if (mpj_grow((void **)&shelf->versions, &shelf->version_capacity, shelf->version_count + 1,
                 sizeof *shelf->versions) != 0)
        return mpj_fail_memory(err, "a version of a function", sizeof *shelf->versions);
    mpj_version made = {.version = version, .code_bytes = func_code_bytes};
    made.json = copy(func_json, strlen(func_json));
    made.code = func_code ? copy(func_code, func_code_bytes) : NULL;
    if (!made.json || (func_code && !made.code)) {
        forget_texts(&made);
        return mpj_fail_memory(err, "a version of a function", func_code_bytes);
    }
    shelf->versions[shelf->version_count++] = made;
    return MPIJOB_OK;
}

/* ---- Publishing -------------------------------------------------------------------------------------------------- */

static int put_file(mpj_shelf *shelf, int folder, const char *name, const char *text, size_t bytes, mpijob_error *err)
{
    const void *part = text;
    int status = mpj_below_publish(folder, shelf->path, name, &part, &bytes, 1, &shelf->store->rights, false, err);
    if (status == MPIJOB_OK)
        shelf->store->counts.files_made++;
    return status;
}

static int fill(mpj_shelf *shelf, const mpj_version *version, const char *below, mpijob_error *err)
{
    int folder;
    int status = mpj_below_walk(&folder, shelf->store->location, below, &shelf->store->rights, err);
    if (status != MPIJOB_OK)
        return status;
    status = put_file(shelf, folder, "func.json", version->json, strlen(version->json), err);
    if (status == MPIJOB_OK && version->code)
        status = put_file(shelf, folder, "func_code.c", version->code, version->code_bytes, err);
    mpj_file_close(&folder);
    return status;
}

/* Any failure of the rename while the name is there: somebody else was first, with the same. Some of them say that it
 * is there, even where it cannot be looked at. */
static int publish(mpj_shelf *shelf, const mpj_version *version, int folder, const char *versions, mpijob_error *err)
{
    char hex[HEX_BYTES], temporary[HEX_BYTES + 16], below[sizeof shelf->below + 64], path[MPJ_PATH_BYTES];
    snprintf(hex, sizeof hex, "%016" PRIx64, version->version);
    if (mpj_below_look(folder, hex, NULL) == 1)
        return MPIJOB_OK;
    snprintf(temporary, sizeof temporary, "%s.%08" PRIx32 MPJ_TEMPORARY_SUFFIX, hex, (uint32_t)mpj_random_token());
    snprintf(below, sizeof below, "%s/%s", versions, temporary);
    mpijob_error own = {0};
    int status = fill(shelf, version, below, &own);
    if (status == MPIJOB_OK)
        status = mpj_below_rename(folder, temporary, folder, hex, &own);
    if (status == MPIJOB_OK)
        return status;
    bool is_there = own.os_errno == ENOTEMPTY || own.os_errno == EEXIST || mpj_below_look(folder, hex, NULL) == 1;
    if (mpj_path_join(path, shelf->store->location, below, NULL) == MPIJOB_OK)
        mpj_folder_remove(path, NULL);
    return is_there ? MPIJOB_OK : mpj_told(err, status, &own);
}

static int publish_in_its_folder(mpj_shelf *shelf, const mpj_version *version, mpijob_error *err)
{
    char versions[sizeof shelf->below];
    int folder;
    snprintf(versions, sizeof versions, "%.*s/%s", (int)shelf->below_function, shelf->below, MPJ_VERSIONS_FOLDER);
    int status = mpj_below_walk(&folder, shelf->store->location, versions, &shelf->store->rights, err);
    if (status != MPIJOB_OK)
        return status;
    status = publish(shelf, version, folder, versions, err);
    mpj_file_close(&folder);
    return status;
}

int mpj_versions_replace(mpj_shelf *shelf, uint64_t version, const char *func_json, const char *func_code,
                         size_t func_code_bytes, mpijob_error *err)
{
    char function[sizeof shelf->below], damaged[sizeof MPJ_VERSIONS_FOLDER + HEX_BYTES], item[MPJ_TRASH_ITEM_BYTES];
    const mpj_version made = {
        .version = version, .json = (char *)func_json, .code = (char *)func_code, .code_bytes = func_code_bytes};
    snprintf(function, sizeof function, "%.*s", (int)shelf->below_function, shelf->below);
    snprintf(damaged, sizeof damaged, MPJ_VERSIONS_FOLDER "/%016" PRIx64, version);
    int status = mpj_trash_put(shelf->store, function, damaged, item, err);
    return status == MPIJOB_OK || status == MPIJOB_ENOTFOUND ? publish_in_its_folder(shelf, &made, err) : status;
}

bool mpj_versions_is_published(const mpj_shelf *shelf, uint64_t version)
{
    const mpj_version *known = find(shelf, version);
    return !known || known->published;
}

int mpj_versions_publish(mpj_shelf *shelf, uint64_t version, mpijob_error *err)
{
    mpj_version *known = find(shelf, version);
    if (!known || known->published)
        return MPIJOB_OK;
    int status = publish_in_its_folder(shelf, known, err);
    if (status == MPIJOB_OK) {
        known->published = true;
        forget_texts(known);
    }
    return status;
}
