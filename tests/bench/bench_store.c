/* The memo store behind Memory, without it: entries of one float64 with arguments as JSON, page cache warm, all
 * look-ups in random order. Each repeat measures right before what the system alone needs for the same bytes ("floor").
 *   store        an entry, batched writing included                       floor: the same bytes by pwrite, 64 KiB each
 *   store-each   the same, forced to the disk one by one                  floor: pwrite and fdatasync
 *   hit          an entry of another process that has not sealed it       floor: pread of an entry
 *   hit-sealed   an entry of another process, through the index           floor: pread of a bucket and of an entry
 *   hit-in-order the same in the order of keys, as a run asks           floor: the same
 *   miss         what nobody stored, one sealed segment                   floor: fstat
 *   many-hit     an entry of one of 100 processes                         floor: pread of an entry
 *   many-miss    what none of them stored                                 floor: fstat
 *   open         a million sealed entries: opened, and the first hit, ms  floor: pread of head, fan-out and filter
 * usage: bench_store [--quick] [ROW ...]; works in TMPDIR. */
#include "base/clock.h"
#include "data/digest.h"
#include "io/file.h"
#include "memory/format.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPEATS 9
#define ENTRIES ((size_t)100000)
#define MILLION ((size_t)1000000)
#define PROCESSES 100
#define BATCH ((size_t)64 << 10)
#define ENTRY_BYTES 192 /* 128, JSON of 17 to 32, meta of 8, a float64 */

typedef struct measured {
    double value, floor;
} measured;

static char folder[256], location[MPJ_PATH_BYTES];
static mpj_name *names;
static size_t *order;
static bool quick;
static char **rows;
static int row_count;

static void require(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench_store: %s failed\n", what);
    exit(1);
}

static mpj_name name_of(uint64_t number)
{
    mpj_name name = {.version = 7};
    uint64_t other = ~number;
    mpj_digest_of(&name.key, &number, sizeof number);
    mpj_digest_of(&name.check, &other, sizeof other);
    return name;
}

/* Names and an order to ask for them in (modulo what there is): made before anything is measured. */
static void make_names(size_t count)
{
    uint64_t state = 1;
    names = malloc(2 * count * sizeof *names);
    order = malloc(count * sizeof *order);
    require(names && order, "memory");
    for (size_t i = 0; i < 2 * count; i++)
        names[i] = name_of(i);
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t other = (size_t)((state >> 33) % (i + 1));
        order[i] = order[other];
        order[other] = i;
    }
}

/* ---- The store --------------------------------------------------------------------------------------------------- */

static void open_store(mpj_store **store, mpj_shelf **shelf, int durability)
{
    const mpj_store_options options = {.durability = durability, .umask = 022, .group = (gid_t)-1};
    require(mpj_store_open(store, location, &options, NULL) == MPIJOB_OK, "opening a store");
    require(mpj_shelf_open(shelf, *store, "bench", NULL) == MPIJOB_OK, "opening a folder");
}

static void put_range(mpj_shelf *shelf, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        double value = (double)i;
        uint64_t shape = 1;
        const mpj_put put = {.name = names[i],
                             .kind = MPJ_ENTRY_VALUE,
                             .payload = &value,
                             .bytes = sizeof value,
                             .type_bytes = sizeof value,
                             .json = "{\"C\": 1.25, \"gamma\": 0.001}",
                             .json_bytes = 27,
                             .meta = &shape,
                             .meta_bytes = sizeof shape,
                             .compute_s = 1e-5,
                             .time_ns = INT64_C(1700000000000000000)};
        require(mpj_shelf_put(shelf, &put, NULL) == MPIJOB_OK, "storing");
    }
}

/* By another process, which seals its segment or is killed. */
static void stored_by_another(size_t from, size_t to, bool sealed)
{
    int state;
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        mpj_store *store;
        mpj_shelf *shelf;
        open_store(&store, &shelf, MPIJOB_DURABLE_NONE);
        put_range(shelf, from, to);
        require(mpj_store_flush(store, false, NULL) == MPIJOB_OK, "flushing");
        if (sealed)
            mpj_store_close(store);
        _exit(0);
    }
    require(waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0, "the other process");
}

static void remove_store(void)
{
    require(mpj_folder_remove(location, NULL) == MPIJOB_OK, "removing");
}

static double look_up(mpj_shelf *shelf, size_t count, size_t base, bool there)
{
    double sum = 0, began = mpj_now();
    for (size_t i = 0; i < count; i++) {
        mpj_entry entry;
        double value;
        size_t number = base + order[i] % count;
        int found = mpj_shelf_find(shelf, &names[number], &entry);
        require(found == there, "a look-up");
        if (found) {
            memcpy(&value, entry.payload, sizeof value);
            sum += value - (double)number;
        }
    }
    double seconds = mpj_now() - began;
    require(sum == 0, "a value");
    return seconds / (double)count * 1e6;
}

/* ---- Floors ------------------------------------------------------------------------------------------------------ */

/* A file among the segments. */
static int open_segment(const char *suffix)
{
    char path[MPJ_PATH_BYTES], file[MPJ_PATH_BYTES] = "";
    require(mpj_path_join(path, location, "mpijob/bench/segments", NULL) == MPIJOB_OK, "a path");
    DIR *listing = opendir(path);
    require(listing != NULL, "listing");
    for (struct dirent *entry; (entry = readdir(listing));)
        if (strstr(entry->d_name, suffix))
            require(mpj_path_join(file, path, entry->d_name, NULL) == MPIJOB_OK, "a path");
    closedir(listing);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    require(fd >= 0, "opening a segment");
    return fd;
}

/* Preads of an entry, and of so many bytes of the index before each. */
static double bare_reads(size_t count, size_t index_bytes)
{
    char bytes[4096];
    int segment = open_segment(".seg"), index = index_bytes ? open_segment(".idx") : -1;
    off_t length = lseek(segment, 0, SEEK_END) - ENTRY_BYTES,
          index_length = index_bytes ? lseek(index, 0, SEEK_END) : 0;
    double began = mpj_now();
    for (size_t i = 0; i < count; i++) {
        off_t at = (off_t)(order[i] * ENTRY_BYTES) % length;
        if (index_bytes)
            require(pread(index, bytes, index_bytes, (off_t)(order[i] * 32) % (index_length - (off_t)index_bytes)) > 0,
                    "pread");
        require(pread(segment, bytes, ENTRY_BYTES, at) == ENTRY_BYTES, "pread");
    }
    double seconds = mpj_now() - began;
    close(segment);
    if (index_bytes)
        close(index);
    return seconds / (double)count * 1e6;
}

static double bare_fstat(size_t count)
{
    struct stat info;
    int fd = open_segment(".seg");
    double began = mpj_now();
    for (size_t i = 0; i < count; i++)
        require(fstat(fd, &info) == 0, "fstat");
    double seconds = mpj_now() - began;
    close(fd);
    return seconds / (double)count * 1e6;
}

static double bare_writes(size_t count, size_t at_once, bool synced)
{
    char path[MPJ_PATH_BYTES];
    char *bytes = calloc(1, at_once);
    require(bytes && mpj_path_join(path, folder, "floor", NULL) == MPIJOB_OK, "memory");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    size_t total = count * ENTRY_BYTES;
    double began = mpj_now();
    for (size_t at = 0; at < total; at += at_once) {
        require(pwrite(fd, bytes, at_once, (off_t)at) == (ssize_t)at_once, "pwrite");
        require(!synced || fdatasync(fd) == 0, "fdatasync");
    }
    double seconds = mpj_now() - began;
    close(fd);
    unlink(path);
    free(bytes);
    return seconds / (double)count * 1e6;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static measured store_row(size_t count, int durability)
{
    bool each = durability == MPIJOB_DURABLE_EACH;
    mpj_store *store;
    mpj_shelf *shelf;
    measured m = {.floor = bare_writes(count, each ? ENTRY_BYTES : BATCH, each)};
    open_store(&store, &shelf, durability);
    double began = mpj_now();
    put_range(shelf, 0, count);
    require(mpj_store_flush(store, false, NULL) == MPIJOB_OK, "flushing");
    m.value = (mpj_now() - began) / (double)count * 1e6;
    mpj_store_close(store);
    remove_store();
    return m;
}

static measured measure_store(size_t count)
{
    return store_row(count, MPIJOB_DURABLE_PUBLISH);
}

static measured measure_store_each(size_t count)
{
    return store_row(count / 100, MPIJOB_DURABLE_EACH);
}

static measured look_up_row(size_t count, bool there, double floor)
{
    mpj_store *store;
    mpj_shelf *shelf;
    measured m = {.floor = floor};
    open_store(&store, &shelf, MPIJOB_DURABLE_PUBLISH);
    look_up(shelf, count / 10, there ? 0 : count, there);
    m.value = look_up(shelf, count, there ? 0 : count, there);
    mpj_store_close(store);
    remove_store();
    return m;
}

static measured measure_hit(size_t count)
{
    stored_by_another(0, count, false);
    return look_up_row(count, true, bare_reads(count, 0));
}

static measured measure_hit_sealed(size_t count)
{
    stored_by_another(0, count, true);
    return look_up_row(count, true, bare_reads(count, 48 * MPJ_INDEX_RECORD_BYTES));
}

static int compare_keys(const void *left, const void *right)
{
    return memcmp(names[*(const size_t *)left].key.bytes, names[*(const size_t *)right].key.bytes, 16);
}

static measured measure_hit_in_order(size_t count)
{
    size_t *shuffled = order, *sorted = malloc(count * sizeof *sorted);
    require(sorted != NULL, "memory");
    for (size_t i = 0; i < count; i++)
        sorted[i] = i;
    qsort(sorted, count, sizeof *sorted, compare_keys);
    order = sorted;
    measured m = measure_hit_sealed(count);
    order = shuffled;
    free(sorted);
    return m;
}

static measured measure_miss(size_t count)
{
    stored_by_another(0, count, true);
    return look_up_row(count, false, bare_fstat(count));
}

static void stored_by_many(size_t count)
{
    for (size_t i = 0; i < PROCESSES; i++)
        stored_by_another(i * (count / PROCESSES), (i + 1) * (count / PROCESSES), true);
}

static measured measure_many_hit(size_t count)
{
    stored_by_many(count);
    return look_up_row(count, true, bare_reads(count, 0));
}

static measured measure_many_miss(size_t count)
{
    stored_by_many(count);
    return look_up_row(count, false, bare_fstat(count));
}

static double bare_open(void)
{
    int fd = open_segment(".idx");
    unsigned char head_bytes[MPJ_INDEX_HEAD_BYTES];
    mpj_index_head head;
    double began = mpj_now();
    require(pread(fd, head_bytes, sizeof head_bytes, 0) == (ssize_t)sizeof head_bytes, "pread");
    require(mpj_index_head_decode(&head, head_bytes) == MPIJOB_OK, "an index");
    size_t bytes = (size_t)mpj_index_records_at(&head);
    char *tables = malloc(bytes);
    require(tables && pread(fd, tables, bytes, 0) == (ssize_t)bytes, "pread");
    double seconds = mpj_now() - began;
    free(tables);
    close(fd);
    return seconds * 1e3;
}

/* The store is made once. */
static measured measure_open(size_t count)
{
    static bool made;
    mpj_store *store;
    mpj_shelf *shelf;
    mpj_entry entry;
    if (!made)
        stored_by_another(0, count, true);
    made = true;
    measured m = {.floor = bare_open()};
    double began = mpj_now();
    open_store(&store, &shelf, MPIJOB_DURABLE_PUBLISH);
    require(mpj_shelf_find(shelf, &names[count / 2], &entry) == 1, "the first look-up");
    m.value = (mpj_now() - began) * 1e3;
    mpj_store_close(store);
    return m;
}

static const struct {
    const char *name, *unit;
    measured (*measure)(size_t count);
    size_t count;
    double target;
} table[] = {
    {"store", "us", measure_store, ENTRIES, 4},
    {"store-each", "us", measure_store_each, ENTRIES, INFINITY},
    {"hit", "us", measure_hit, ENTRIES, 2},
    {"hit-sealed", "us", measure_hit_sealed, ENTRIES, 2},
    {"hit-in-order", "us", measure_hit_in_order, ENTRIES, 2},
    {"miss", "us", measure_miss, ENTRIES, 2},
    {"many-hit", "us", measure_many_hit, ENTRIES, 5},
    {"many-miss", "us", measure_many_miss, ENTRIES, 5},
    {"open", "ms", measure_open, MILLION, 10},
};

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static void run_row(size_t row)
{
    int repeats = quick ? 3 : REPEATS;
    size_t count = table[row].count / (quick ? 10 : 1);
    double values[REPEATS], floors[REPEATS];
    for (int i = 0; i < repeats; i++) {
        measured m = table[row].measure(count);
        values[i] = m.value;
        floors[i] = m.floor;
    }
    qsort(values, (size_t)repeats, sizeof *values, compare);
    qsort(floors, (size_t)repeats, sizeof *floors, compare);
    printf("row=%s %s=%.3f low=%.3f high=%.3f floor=%.3f repeats=%d entries=%zu", table[row].name, table[row].unit,
           values[repeats / 2], values[0], values[repeats - 1], floors[repeats / 2], repeats, count);
    if (isfinite(table[row].target))
        printf(" target=%g met=%s", table[row].target, values[repeats / 2] <= table[row].target ? "yes" : "no");
    printf("\n");
    fflush(stdout);
}

static bool wanted(const char *name)
{
    for (int i = 0; i < row_count; i++)
        if (strcmp(rows[i], name) == 0)
            return true;
    return row_count == 0;
}

int main(int argc, char **argv)
{
    const char *parent = getenv("TMPDIR");
    rows = argv + 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            quick = true;
        else
            rows[row_count++] = argv[i];
    }
    snprintf(folder, sizeof folder, "%s/mpijob-bench-XXXXXX", parent && *parent ? parent : "/tmp");
    require(mkdtemp(folder) != NULL, "making a folder");
    require(mpj_path_join(location, folder, "location", NULL) == MPIJOB_OK, "a path");
    make_names(MILLION / (quick ? 10 : 1));
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++)
        if (wanted(table[row].name))
            run_row(row);
    require(mpj_folder_remove(folder, NULL) == MPIJOB_OK, "removing");
    free(names);
    free(order);
    return 0;
}
