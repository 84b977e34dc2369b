/* Arrays to files and back: 160 MB of float64, a random walk; files in the page cache. Rates are relative to what the
 * machine does without the library, measured right before: 1 is as fast.
 *   array-raw-dump, array-raw-load     NPY, against write(2) and read(2) of the same bytes
 *   array-map                          microseconds until the first element of a mapped file
 *   array-dump, array-load             lz4 level 5 in a folder, one thread, against bare Blosc calls on the same chunks
 *                                      and one write(2) or read(2) of what they give
 *   array-dump-threads, ...-load-...   two threads against one
 *   array-memory                       peak memory on top of the array, in MiB, for dump and load, folder and zip
 * The seconds are printed too, for the peer joblib (peers/joblib_dump.py), which has no bare calls to compare with. */
#include "bench.h"

#include <blosc.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPEATS 7
#define COUNT ((size_t)20 * 1000 * 1000)
#define MIB 1048576.0

typedef struct files {
    char folder[256];
    char npy[300], zarr[300], zip[300], bare[300];
} files;

typedef struct data {
    double *elements;
    size_t count, bytes;
    mpijob_array array;
    files at;
    size_t chunk_bytes;
    size_t packed_bytes;
} data;

static void require(int good, const char *what)
{
    bench_require(good ? 0 : MPIJOB_EINTERNAL, NULL, what);
}

/* ---- Data and places --------------------------------------------------------------------------------------------- */

static double next_step(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0 - 0.5;
}

static void make_files(files *f)
{
    const char *parent = getenv("TMPDIR");
    snprintf(f->folder, sizeof f->folder, "%s/mpijob-bench-XXXXXX", parent && *parent ? parent : "/tmp");
    require(mkdtemp(f->folder) != NULL, "a folder for the files");
    snprintf(f->npy, sizeof f->npy, "%s/x.npy", f->folder);
    snprintf(f->zarr, sizeof f->zarr, "%s/x.zarr", f->folder);
    snprintf(f->zip, sizeof f->zip, "%s/x.zarr.zip", f->folder);
    snprintf(f->bare, sizeof f->bare, "%s/bare", f->folder);
}

static void make_data(data *d, bool quick)
{
    uint64_t state = 1;
    double walk = 0;
    *d = (data){.count = quick ? COUNT / 10 : COUNT};
    d->bytes = d->count * sizeof *d->elements;
    d->elements = bench_memory(d->bytes);
    for (size_t i = 0; i < d->count; i++) {
        walk += next_step(&state);
        d->elements[i] = walk;
    }
    d->array = mpijob_array_of(d->elements, mpijob_type_of(MPIJOB_FLOAT64), 1, &d->count);
    make_files(&d->at);
}

static void remove_files(const data *d)
{
    char command[320];
    snprintf(command, sizeof command, "rm -rf '%s'", d->at.folder);
    require(system(command) == 0, "removing the files");
}

/* ---- The library's calls ----------------------------------------------------------------------------------------- */

static double dump_s(const data *d, const char *path, int compress, int threads)
{
    mpijob_error err;
    mpijob_dump_options options = {.compress = compress, .threads = threads};
    double began = MPI_Wtime();
    bench_require(mpijob_dump(&d->array, path, &options, &err), &err, "dump");
    return MPI_Wtime() - began;
}

static double load_s(const data *d, const char *path, int threads)
{
    mpijob_error err;
    mpijob_array loaded;
    mpijob_load_options options = {.threads = threads};
    double began = MPI_Wtime();
    bench_require(mpijob_load(&loaded, path, &options, &err), &err, "load");
    double seconds = MPI_Wtime() - began;
    require(memcmp(loaded.data, d->elements, d->bytes) == 0, "what was loaded is wrong");
    mpijob_array_free(&loaded);
    return seconds;
}

static double map_us(const data *d)
{
    mpijob_error err;
    mpijob_array mapped;
    mpijob_load_options options = {.mmap_mode = "r"};
    double began = MPI_Wtime();
    bench_require(mpijob_load(&mapped, d->at.npy, &options, &err), &err, "map");
    require(*(const double *)mapped.data == d->elements[0], "the first element is wrong");
    double seconds = MPI_Wtime() - began;
    mpijob_array_free(&mapped);
    return seconds * 1e6;
}

/* ---- The bare calls ---------------------------------------------------------------------------------------------- */

static void write_all(int fd, const char *from, size_t bytes)
{
    while (bytes > 0) {
        ssize_t done = write(fd, from, bytes);
        require(done > 0, "write");
        from += done;
        bytes -= (size_t)done;
    }
}

static void read_all(int fd, char *to, size_t bytes)
{
    while (bytes > 0) {
        ssize_t done = read(fd, to, bytes);
        require(done > 0, "read");
        to += done;
        bytes -= (size_t)done;
    }
}

/* A new file beside, then renamed: what replacing a file costs is part of writing one. */
static int begin_bare(const data *d, char part[320])
{
    snprintf(part, 320, "%s.part", d->at.bare);
    int fd = open(part, O_CREAT | O_TRUNC | O_WRONLY, 0666);
    require(fd >= 0, "open");
    return fd;
}

static void end_bare(const data *d, int fd, const char *part)
{
    close(fd);
    require(rename(part, d->at.bare) == 0, "rename");
}

static double bare_write_s(const data *d)
{
    char part[320];
    double began = MPI_Wtime();
    int fd = begin_bare(d, part);
    write_all(fd, (const char *)d->elements, d->bytes);
    end_bare(d, fd, part);
    return MPI_Wtime() - began;
}

static double bare_read_s(const data *d)
{
    double began = MPI_Wtime();
    int fd = open(d->at.bare, O_RDONLY);
    char *to = malloc(d->bytes);
    read_all(fd, to, d->bytes);
    double seconds = MPI_Wtime() - began;
    close(fd);
    require(memcmp(to, d->elements, d->bytes) == 0, "what was read is wrong");
    free(to);
    return seconds;
}

static size_t bytes_of_chunk(const data *d, size_t offset)
{
    return d->bytes - offset < d->chunk_bytes ? d->bytes - offset : d->chunk_bytes;
}

static double bare_compress_s(data *d, size_t *lengths)
{
    char part[320];
    char *packed = bench_memory(d->chunk_bytes + BLOSC_MAX_OVERHEAD);
    double began = MPI_Wtime();
    int fd = begin_bare(d, part);
    d->packed_bytes = 0;
    for (size_t offset = 0, i = 0; offset < d->bytes; offset += d->chunk_bytes, i++) {
        size_t bytes = bytes_of_chunk(d, offset);
        int used = blosc_compress_ctx(5, BLOSC_SHUFFLE, sizeof(double), bytes, (const char *)d->elements + offset,
                                      packed, bytes + BLOSC_MAX_OVERHEAD, "lz4", 0, 1);
        require(used > 0, "Blosc");
        write_all(fd, packed, (size_t)used);
        lengths[i] = (size_t)used;
        d->packed_bytes += (size_t)used;
    }
    end_bare(d, fd, part);
    double seconds = MPI_Wtime() - began;
    free(packed);
    return seconds;
}

static double bare_decompress_s(const data *d, const size_t *lengths)
{
    char *packed = bench_memory(d->chunk_bytes + BLOSC_MAX_OVERHEAD);
    double began = MPI_Wtime();
    int fd = open(d->at.bare, O_RDONLY);
    char *to = malloc(d->bytes);
    for (size_t offset = 0, i = 0; offset < d->bytes; offset += d->chunk_bytes, i++) {
        read_all(fd, packed, lengths[i]);
        require(blosc_decompress_ctx(packed, to + offset, bytes_of_chunk(d, offset), 1) > 0, "Blosc");
    }
    double seconds = MPI_Wtime() - began;
    close(fd);
    require(memcmp(to, d->elements, d->bytes) == 0, "what was read is wrong");
    free(to);
    free(packed);
    return seconds;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static void print(const bench *b, const char *row, const double *values, int repeats, bench_sense sense, double target,
                  const double *seconds, const data *d)
{
    double median = bench_median(seconds, repeats);
    bench_print(b, &(bench_result){row, "ratio", values, repeats, sense, target}, "seconds=%.4g mb_per_s=%.4g", median,
                (double)d->bytes / 1e6 / median);
}

static void row_raw(const bench *b, const data *d)
{
    double dumped[REPEATS], loaded[REPEATS], dump_ratio[REPEATS], load_ratio[REPEATS];
    int repeats = bench_repeats(b, REPEATS);
    dump_s(d, d->at.npy, 0, 0);
    bare_write_s(d);
    bare_read_s(d);
    load_s(d, d->at.npy, 0);
    for (int i = 0; i < repeats; i++) {
        double floor_s = bare_write_s(d);
        dumped[i] = dump_s(d, d->at.npy, 0, 0);
        dump_ratio[i] = floor_s / dumped[i];
        floor_s = bare_read_s(d);
        loaded[i] = load_s(d, d->at.npy, 0);
        load_ratio[i] = floor_s / loaded[i];
    }
    print(b, "array-raw-dump", dump_ratio, repeats, BENCH_AT_LEAST, 0.9, dumped, d);
    print(b, "array-raw-load", load_ratio, repeats, BENCH_AT_LEAST, 0.9, loaded, d);
}

static void row_map(const bench *b, const data *d)
{
    double us[REPEATS];
    int repeats = bench_repeats(b, REPEATS);
    dump_s(d, d->at.npy, 0, 0);
    map_us(d);
    for (int i = 0; i < repeats; i++)
        us[i] = map_us(d);
    bench_print(b, &(bench_result){"array-map", "us", us, repeats, BENCH_AT_MOST, 100}, "mb=%.4g",
                (double)d->bytes / 1e6);
}

static void row_compressed(const bench *b, data *d)
{
    mpijob_error err;
    mpijob_array_info info;
    double dump1[REPEATS], load1[REPEATS], dump2[REPEATS], load2[REPEATS];
    double dump_ratio[REPEATS], load_ratio[REPEATS], dump_gain[REPEATS], load_gain[REPEATS];
    int repeats = bench_repeats(b, REPEATS);
    dump_s(d, d->at.zarr, 5, 1);
    bench_require(mpijob_array_inspect(&info, d->at.zarr, NULL, &err), &err, "inspect");
    d->chunk_bytes = info.chunks[0] * sizeof(double);
    size_t *lengths = bench_memory(info.chunk_count * sizeof *lengths);
    bare_compress_s(d, lengths);
    bare_decompress_s(d, lengths);
    load_s(d, d->at.zarr, 1);
    for (int i = 0; i < repeats; i++) {
        double floor_s = bare_compress_s(d, lengths);
        dump1[i] = dump_s(d, d->at.zarr, 5, 1);
        dump2[i] = dump_s(d, d->at.zarr, 5, 2);
        dump_ratio[i] = floor_s / dump1[i];
        dump_gain[i] = dump1[i] / dump2[i];
        floor_s = bare_decompress_s(d, lengths);
        load1[i] = load_s(d, d->at.zarr, 1);
        load2[i] = load_s(d, d->at.zarr, 2);
        load_ratio[i] = floor_s / load1[i];
        load_gain[i] = load1[i] / load2[i];
    }
    free(lengths);
    print(b, "array-dump", dump_ratio, repeats, BENCH_AT_LEAST, 0.9, dump1, d);
    print(b, "array-load", load_ratio, repeats, BENCH_AT_LEAST, 0.9, load1, d);
    print(b, "array-dump-threads", dump_gain, repeats, BENCH_AT_LEAST, 1.7, dump2, d);
    print(b, "array-load-threads", load_gain, repeats, BENCH_AT_LEAST, 1.7, load2, d);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static double status_mib(const char *which)
{
    double kilobytes = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, which, strlen(which)) == 0)
            kilobytes = strtod(line + strlen(which), NULL);
    }
    if (status)
        fclose(status);
    return kilobytes / 1024;
}

static double begin_peak(void)
{
    malloc_trim(0);
    int file = open("/proc/self/clear_refs", O_WRONLY);
    if (file >= 0) {
        if (write(file, "5", 1) != 1)
            fprintf(stderr, "the peak of memory could not be reset\n");
        close(file);
    }
    return status_mib("VmRSS:");
}

static void memory_of(const bench *b, const data *d, const char *path, const char *form)
{
    double before = begin_peak();
    dump_s(d, path, 5, 0);
    double dumped = status_mib("VmHWM:") - before;
    before = begin_peak();
    load_s(d, path, 0);
    double loaded = status_mib("VmHWM:") - before - (double)d->bytes / MIB;
    bench_print(b, &(bench_result){"array-memory", "mib", &dumped, 1, BENCH_AT_MOST, 64}, "call=dump form=%s mb=%.4g",
                form, (double)d->bytes / 1e6);
    bench_print(b, &(bench_result){"array-memory", "mib", &loaded, 1, BENCH_AT_MOST, 64}, "call=load form=%s mb=%.4g",
                form, (double)d->bytes / 1e6);
}

int main(int argc, char **argv)
{
    bench b;
    data d;
    bench_start_alone(&b, argc, argv);
    make_data(&d, b.quick);
    if (bench_wants(&b, "array-memory")) {
        memory_of(&b, &d, d.at.zarr, "folder");
        memory_of(&b, &d, d.at.zip, "zip");
    }
    if (bench_wants(&b, "array-raw"))
        row_raw(&b, &d);
    if (bench_wants(&b, "array-map"))
        row_map(&b, &d);
    if (bench_wants(&b, "array-compressed"))
        row_compressed(&b, &d);
    remove_files(&d);
    free(d.elements);
    return bench_end();
}
