"""Peer: joblib.hash (MD5, its default) of 160 MB of float64 (a random walk). Prints the median.

usage: joblib_hash.py [COUNT] [REPEATS]"""
import statistics
import sys
import time

import joblib
import numpy


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000_000
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    walk = numpy.cumsum(numpy.random.default_rng(1).random(count) - 0.5)
    times, digests = [], set()
    for _ in range(repeats):
        began = time.perf_counter()
        digests.add(joblib.hash(walk))
        times.append(time.perf_counter() - began)
    assert len(digests) == 1
    print(f"peer=joblib-hash seconds={statistics.median(times):.4g} mb={walk.nbytes / 1e6:.4g} version={joblib.__version__}")


if __name__ == "__main__":
    main()
