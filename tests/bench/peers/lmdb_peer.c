/* Peer of Memory: what a hit and a stored result cost in LMDB, where the program makes keys and values itself: one float64,
 * three arguments, a transaction for each, not forced to the disk. Hits are found by an environment that is opened anew.
 * usage: peer_lmdb [CALLS] */
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEATS 9
#define MAP_BYTES ((size_t)1 << 30)

typedef struct point {
    double c, gamma;
    int64_t fold;
} point;

static void require(int status, const char *what)
{
    if (status == 0)
        return;
    fprintf(stderr, "peer_lmdb: %s: %s\n", what, mdb_strerror(status));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static point point_of(long i)
{
    return (point){(double)i, 1.0 / (double)(i + 1), i % 5};
}

static MDB_env *open_env(const char *folder, MDB_dbi *dbi)
{
    MDB_env *env;
    MDB_txn *txn;
    require(mdb_env_create(&env), "creating");
    require(mdb_env_set_mapsize(env, MAP_BYTES), "size");
    require(mdb_env_open(env, folder, MDB_NOSYNC, 0644), "opening");
    require(mdb_txn_begin(env, NULL, 0, &txn), "beginning");
    require(mdb_dbi_open(txn, NULL, 0, dbi), "opening");
    require(mdb_txn_commit(txn), "committing");
    return env;
}

static double store(MDB_env *env, MDB_dbi dbi, long calls)
{
    double began = now();
    for (long i = 0; i < calls; i++) {
        MDB_txn *txn;
        point p = point_of(i);
        double value = p.c + 3 * p.gamma;
        MDB_val key = {sizeof p, &p}, data = {sizeof value, &value};
        require(mdb_txn_begin(env, NULL, 0, &txn), "beginning");
        require(mdb_put(txn, dbi, &key, &data, 0), "storing");
        require(mdb_txn_commit(txn), "committing");
    }
    return (now() - began) / (double)calls;
}

static double find(MDB_env *env, MDB_dbi dbi, long calls)
{
    MDB_txn *txn;
    require(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "beginning");
    double began = now();
    for (long i = 0; i < calls; i++) {
        point p = point_of(i);
        double value;
        MDB_val key = {sizeof p, &p}, data;
        mdb_txn_reset(txn);
        require(mdb_txn_renew(txn), "beginning");
        require(mdb_get(txn, dbi, &key, &data), "finding");
        memcpy(&value, data.mv_data, sizeof value);
        require(value != p.c + 3 * p.gamma, "a value");
    }
    double seconds = now() - began;
    mdb_txn_abort(txn);
    return seconds / (double)calls;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
    long calls = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
    double stores[REPEATS], hits[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        char folder[] = "/tmp/peer-lmdb-XXXXXX", command[60];
        MDB_dbi dbi;
        if (!mkdtemp(folder))
            return 1;
        MDB_env *env = open_env(folder, &dbi);
        stores[i] = store(env, dbi, calls);
        mdb_env_close(env);
        env = open_env(folder, &dbi);
        hits[i] = find(env, dbi, calls);
        mdb_env_close(env);
        snprintf(command, sizeof command, "rm -rf %s", folder);
        if (system(command) != 0)
            return 1;
    }
    qsort(stores, REPEATS, sizeof *stores, ascending);
    qsort(hits, REPEATS, sizeof *hits, ascending);
    printf("peer=lmdb hit_us=%.4g store_us=%.4g calls=%ld version=%d.%d.%d\n", 1e6 * hits[REPEATS / 2],
           1e6 * stores[REPEATS / 2], calls, MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
    return 0;
}
