"""Peers of Memory: what a hit and a stored result cost elsewhere, one float64 and three arguments, a location on disk.
Each call that stores comes first; hits are found by a program that begins anew with the location.

usage: memory_peers.py joblib|diskcache [CALLS]"""
import statistics
import sys
import tempfile
import time

REPEATS = 5


def score(c, gamma, fold):
    return c + 3 * gamma


def with_joblib(location):
    import joblib
    return joblib.Memory(location, verbose=0).cache(score), joblib.__version__


def with_diskcache(location):
    import diskcache
    return diskcache.Cache(location).memoize()(score), diskcache.__version__


def seconds_a_call(function, calls):
    began = time.perf_counter()
    for i in range(calls):
        assert function(float(i), 1.0 / (i + 1), i % 5) == i + 3.0 / (i + 1)
    return (time.perf_counter() - began) / calls


def main():
    peer = sys.argv[1]
    calls = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    wrap = {"joblib": with_joblib, "diskcache": with_diskcache}[peer]
    stores, hits = [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as location:
            stores.append(seconds_a_call(wrap(location)[0], calls))
            function, version = wrap(location)
            hits.append(seconds_a_call(function, calls))
    print(f"peer={peer} hit_us={statistics.median(hits) * 1e6:.4g} store_us={statistics.median(stores) * 1e6:.4g} "
          f"calls={calls} version={version}")


if __name__ == "__main__":
    main()
