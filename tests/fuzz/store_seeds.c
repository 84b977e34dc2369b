/* store_seeds FOLDER: makes what fuzz_shelf and fuzz_use begin with, FOLDER/shelf/... and FOLDER/use/..., by writing
 * small stores. */
#include "fuzz.h"
#include "io/file.h"
#include "memory/format.h"
#include "memory/store.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#define MOST ((size_t)1 << 16)

static const char *out;

typedef struct content {
    unsigned char bytes[MOST];
    size_t count;
} content;

static void put_seed(const char *fuzzer, const char *name, const content *seed)
{
    char path[MPJ_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", out, fuzzer);
    (void)mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", out, fuzzer, name);
    FILE *file = fopen(path, "wb");
    FUZZ_CHECK(file && fwrite(seed->bytes, 1, seed->count, file) == seed->count && fclose(file) == 0);
}

/* The only file of a folder with this suffix. */
static void read_file(content *to, const char *folder, const char *suffix)
{
    DIR *listing = opendir(folder);
    FUZZ_CHECK(listing != NULL);
    to->count = 0;
    for (struct dirent *entry; (entry = readdir(listing));) {
        char path[MPJ_PATH_BYTES];
        if (!strstr(entry->d_name, suffix))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        FUZZ_CHECK(file != NULL);
        to->count = fread(to->bytes, 1, MOST, file);
        fclose(file);
    }
    closedir(listing);
}

static void put_entry(mpj_shelf *shelf, uint64_t number, int kind, size_t bytes)
{
    static unsigned char payload[4096];
    mpj_name name = {.version = number % 3};
    mpijob_error err;
    for (int i = 0; i < 16; i++)
        name.key.bytes[i] = name.check.bytes[i] = (unsigned char)(number * 37 + (uint64_t)i * 91);
    for (size_t i = 0; i < bytes; i++)
        payload[i] = (unsigned char)(i / 8 * number);
    const char file[] = "0f/0f1e2d3c4b5a69788796a5b4c3d2e1f0-01234567.npy";
    const mpj_put put = {.name = name,
                         .kind = kind,
                         .payload = kind == MPJ_ENTRY_LARGE ? (const void *)file : payload,
                         .bytes = kind == MPJ_ENTRY_LARGE ? sizeof file - 1 : bytes,
                         .type_bytes = 8,
                         .codec = 1,
                         .json = "{\"x\": 1}",
                         .json_bytes = 8,
                         .meta = &number,
                         .meta_bytes = 8,
                         .large_bytes = 1000,
                         .compute_s = 0.5,
                         .time_ns = INT64_C(1700000000000000000) + (int64_t)number};
    FUZZ_CHECK(mpj_shelf_put(shelf, &put, &err) == MPIJOB_OK);
    mpj_shelf_used(shelf, &name, put.time_ns);
}

static void make_store(const char *location, int which)
{
    const mpj_store_options options = {.durability = MPIJOB_DURABLE_NONE, .umask = 022, .group = (gid_t)-1};
    const int counts[] = {1, 3, 5, 0, 12, 2};
    mpj_store *store;
    mpj_shelf *shelf;
    mpijob_error err;
    FUZZ_CHECK(mpj_store_open(&store, location, &options, &err) == MPIJOB_OK);
    FUZZ_CHECK(mpj_shelf_open(&shelf, store, "f", &err) == MPIJOB_OK);
    for (int i = 0; i < counts[which]; i++)
        put_entry(shelf, (uint64_t)i, i % 4 == 3 ? MPJ_ENTRY_LARGE : MPJ_ENTRY_VALUE,
                  which == 2 ? 600 : 8 * (size_t)(i % 5));
    if (which == 1 || which == 3)
        put_entry(shelf, 1, MPJ_ENTRY_TOMBSTONE, 0);
    if (which == 5)
        put_entry(shelf, 1, MPJ_ENTRY_VALUE, 16); /* once more */
    mpj_store_close(store);
}

/* flags, length of the first, both. */
static void join(content *to, int flags, const content *first, const content *second)
{
    to->bytes[0] = (unsigned char)flags;
    mpj_put_u16(to->bytes + 1, (uint16_t)first->count);
    memcpy(to->bytes + 3, first->bytes, first->count);
    memcpy(to->bytes + 3 + first->count, second->bytes, second->count);
    to->count = 3 + first->count + second->count;
}

static void put_failing(const char *fuzzer, const content *seed, int step)
{
    static content failing;
    for (int number = 0; number < 60; number += step) {
        char name[32];
        failing.bytes[0] = 1;
        failing.bytes[1] = (unsigned char)number;
        memcpy(failing.bytes + 2, seed->bytes, seed->count);
        failing.count = seed->count + 2;
        snprintf(name, sizeof name, "seed-failing-%02d", number);
        put_seed(fuzzer, name, &failing);
    }
}

static void make_seeds(const char *location, int which)
{
    static content segment, index, use, joined;
    static const int flags[] = {4, 4 | 2, 2 | 8, 4 | 16, 4 | 2 | 16, 4 | 2 | 8 | 16, 0};
    char folder[MPJ_PATH_BYTES], name[32];
    make_store(location, which);
    snprintf(folder, sizeof folder, "%s/mpijob/f/segments", location);
    read_file(&segment, folder, ".seg");
    read_file(&index, folder, ".idx");
    snprintf(folder, sizeof folder, "%s/mpijob/f/use", location);
    read_file(&use, folder, ".use");
    for (int i = 0; i < (int)(sizeof flags / sizeof flags[0]); i++) {
        snprintf(name, sizeof name, "seed-%d-%d", which, i);
        join(&joined, flags[i], &segment, &index);
        if (which != 4 || i == 1)
            put_seed("shelf", name, &joined);
        if (which == 1 && i == 5)
            put_failing("shelf", &joined, 6);
    }
    snprintf(name, sizeof name, "seed-%d", which);
    join(&joined, 4, &use, &use);
    put_seed("use", name, &joined);
    if (which == 1)
        put_failing("use", &joined, 3);
    join(&joined, 0, &use, &(content){.count = 0});
    snprintf(name, sizeof name, "seed-%d-alone", which);
    put_seed("use", name, &joined);
    FUZZ_CHECK(mpj_folder_remove(location, NULL) == MPIJOB_OK);
}

int main(int argc, char **argv)
{
    char location[MPJ_PATH_BYTES];
    if (argc != 2) {
        fprintf(stderr, "usage: store_seeds FOLDER\n");
        return 2;
    }
    out = argv[1];
    snprintf(location, sizeof location, "%s/location", out);
    for (int which = 0; which < 6; which++)
        make_seeds(location, which);
    return 0;
}
