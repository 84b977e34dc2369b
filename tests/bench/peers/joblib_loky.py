"""Peer: joblib.Parallel with its default processes, batch_size 'auto', empty jobs. Prints the median rate.

usage: joblib_loky.py [JOBS] [REPEATS]"""
import statistics
import sys
import time

import joblib


def job(index):
    return index


def main():
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 200000
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rates = []
    with joblib.Parallel(n_jobs=2) as parallel:
        parallel(joblib.delayed(job)(i) for i in range(1000))  # the processes start here
        for _ in range(repeats):
            began = time.perf_counter()
            results = parallel(joblib.delayed(job)(i) for i in range(jobs))
            rates.append(jobs / (time.perf_counter() - began))
            assert results == list(range(jobs))
    print(f"peer=joblib-loky jobs_per_s={statistics.median(rates):.4g} jobs={jobs} version={joblib.__version__}")


if __name__ == "__main__":
    main()
