/* The functions of a location, by their folders. */
#include "base/alloc.h"
#include "base/error.h"
#include "io/info.h"
#include "memory/key.h"
#include "memory/list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DESCRIPTION_MOST_BYTES ((size_t)1 << 24)
#define HEX_BYTES 16

void mpj_list_function_of(char function[MPJ_FUNCTION_BYTES], const char *name)
{
    char folder[MPJ_ESCAPED_BYTES];
    mpj_escape(folder, name);
    snprintf(function, MPJ_FUNCTION_BYTES, "mpijob/%s", folder);
}

bool mpj_list_has(const mpj_store *store, const char *function)
{
    int fd;
    if (mpj_below_walk(&fd, store->location, function, NULL, NULL) != MPIJOB_OK)
        return false;
    mpj_file_close(&fd);
    return true;
}

static int read_text(char **text, size_t *bytes, int folder, const char *path, const char *name, mpijob_error *err)
{
    int fd;
    uint64_t length;
    int status = mpj_below_open(&fd, folder, path, name, &length, err);
    if (status != MPIJOB_OK)
        return status;
    char *made = length <= DESCRIPTION_MOST_BYTES ? mpj_alloc((size_t)length + 1) : NULL;
    long got = made ? mpj_file_read_some(fd, made, (size_t)length, 0) : 0;
    mpj_file_close(&fd);
    if (!made)
        return length <= DESCRIPTION_MOST_BYTES
                   ? mpj_fail_memory(err, "a description", length)
                   : mpj_fail(err, MPIJOB_ECORRUPT, "%s/%s is too long to be a description", path, name);
    if (got < 0) {
        mpj_free(made);
        return mpj_fail_os(err, (int)-got, "cannot read %s/%s", path, name);
    }
    made[got] = '\0';
    *text = made;
    *bytes = (size_t)got;
    return MPIJOB_OK;
}

static int read_of_version(char **text, size_t *bytes, const mpj_store *store, const char *function, uint64_t version,
                           const char *name, mpijob_error *err)
{
    char below[MPJ_FUNCTION_BYTES + 64];
    int folder;
    snprintf(below, sizeof below, "%s/" MPJ_VERSIONS_FOLDER "/%016" PRIx64, function, version);
    int status = mpj_below_walk(&folder, store->location, below, NULL, err);
    if (status != MPIJOB_OK)
        return status;
    status = read_text(text, bytes, folder, below, name, err);
    mpj_file_close(&folder);
    return status;
}

int mpj_list_description(char **text, size_t *bytes, const mpj_store *store, const char *function, uint64_t version,
                         mpijob_error *err)
{
    return read_of_version(text, bytes, store, function, version, "func.json", err);
}

int mpj_list_code(char **text, size_t *bytes, const mpj_store *store, const char *function, uint64_t version,
                  mpijob_error *err)
{
    return read_of_version(text, bytes, store, function, version, "func_code.c", err);
}

/* ---- Versions ---------------------------------------------------------------------------------------------------- */

typedef struct versions {
    mpj_list_version_fn *each;
    void *payload;
} versions;

static int take_version(const char *name, void *payload)
{
    const versions *v = payload;
    if (strlen(name) != HEX_BYTES || strspn(name, "0123456789abcdef") != HEX_BYTES)
        return 0;
    return v->each(strtoull(name, NULL, 16), v->payload);
}

int mpj_list_versions(const mpj_store *store, const char *function, mpj_list_version_fn *each, void *payload,
                      mpijob_error *err)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    versions v = {each, payload};
    int folder;
    snprintf(below, sizeof below, "%s/" MPJ_VERSIONS_FOLDER, function);
    int status = mpj_below_walk(&folder, store->location, below, NULL, err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
    status = mpj_below_list(folder, below, take_version, &v, err);
    mpj_file_close(&folder);
    return status;
}

/* ---- Names that the folder does not hold ------------------------------------------------------------------------- */

typedef struct naming {
    const mpj_store *store;
    const char *function;
    char *name;
} naming;

/* The name that a description has, if its folder is really this one. */
static int take_name(uint64_t version, void *payload)
{
    naming *n = payload;
    char *text = NULL, function[MPJ_FUNCTION_BYTES];
    size_t bytes = 0;
    mpj_signature signature;
    if (mpj_list_description(&text, &bytes, n->store, n->function, version, NULL) != MPIJOB_OK)
        return 0;
    int status = mpj_signature_read(&signature, text, bytes, "func.json", NULL);
    mpj_free(text);
    if (status != MPIJOB_OK)
        return 0;
    mpj_list_function_of(function, signature.name);
    size_t length = strlen(signature.name);
    if (strcmp(function, n->function) == 0)
        n->name = mpj_alloc(length + 1);
    if (n->name)
        memcpy(n->name, signature.name, length + 1);
    mpj_signature_dispose(&signature);
    return n->name != NULL;
}

/* To be freed with mpj_free; NULL: it cannot be told. */
static char *described_name(const mpj_store *store, const char *function)
{
    naming n = {store, function, NULL};
    mpj_list_versions(store, function, take_name, &n, NULL);
    return n.name;
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

typedef struct folders {
    char (*all)[MPJ_FUNCTION_BYTES];
    size_t count, capacity;
    int root;
} folders;

static int take_folder(const char *name, void *payload)
{
    folders *f = payload;
    mpj_info info;
    if (strchr(name, '.') || strcmp(name, MPJ_TRASH_FOLDER) == 0 || strcmp(name, MPJ_CLEANER_FOLDER) == 0 ||
        strlen(name) >= MPJ_ESCAPED_BYTES || mpj_info_look(&info, f->root, name) != 1 || !info.is_folder)
        return MPIJOB_OK;
    if (mpj_grow((void **)&f->all, &f->capacity, f->count + 1, sizeof *f->all) != 0)
        return MPIJOB_ENOMEM;
    snprintf(f->all[f->count++], MPJ_FUNCTION_BYTES, "mpijob/%s", name);
    return MPIJOB_OK;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(left, right);
}

static int tell(const mpj_store *store, const char *function, mpj_list_function_fn *each, void *payload)
{
    char plain[MPJ_ESCAPED_BYTES];
    const char *folder = strchr(function, '/') + 1;
    if (mpj_unescape(plain, folder) == 0)
        return each(function, plain, payload);
    char *name = described_name(store, function);
    int result = each(function, name ? name : folder, payload);
    mpj_free(name);
    return result;
}

int mpj_list_functions(mpj_store *store, mpj_list_function_fn *each, void *payload, mpijob_error *err)
{
    folders f = {.all = NULL};
    int status = mpj_below_walk(&f.root, store->location, "mpijob", NULL, err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
    status = mpj_below_list(f.root, store->root, take_folder, &f, err);
    mpj_file_close(&f.root);
    if (status == MPIJOB_ENOMEM)
        mpj_fail_memory(err, "the functions of a location", sizeof *f.all);
    if (f.count > 1)
        qsort(f.all, f.count, sizeof *f.all, by_text);
    for (size_t i = 0; i < f.count && status == MPIJOB_OK; i++)
        status = tell(store, f.all[i], each, payload);
    mpj_free(f.all);
    return status;
}
