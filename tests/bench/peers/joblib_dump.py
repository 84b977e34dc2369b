"""Peer: joblib.dump and joblib.load of 160 MB of float64 (a random walk), raw and with compress=('lz4', 1). Prints medians.

usage: joblib_dump.py [COUNT] [REPEATS]"""
import os
import statistics
import sys
import tempfile
import time

import joblib
import numpy


def seconds(function, repeats):
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000_000
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    walk = numpy.cumsum(numpy.random.default_rng(1).random(count) - 0.5)
    with tempfile.TemporaryDirectory() as folder:
        for name, compress in (("raw", 0), ("lz4-1", ("lz4", 1))):
            path = os.path.join(folder, name)
            dump_s = seconds(lambda: joblib.dump(walk, path, compress=compress), repeats)
            load_s = seconds(lambda: joblib.load(path), repeats)
            assert (joblib.load(path) == walk).all()
            print(f"peer=joblib-dump compress={name} dump_s={dump_s:.4g} load_s={load_s:.4g} mb={walk.nbytes / 1e6:.4g} "
                  f"file_mb={os.path.getsize(path) / 1e6:.4g} version={joblib.__version__}")


if __name__ == "__main__":
    main()
