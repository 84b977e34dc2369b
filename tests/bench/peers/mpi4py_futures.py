"""Peer: mpi4py.futures, started by mpirun, empty jobs in chunks of 100. Prints the median rate.

usage: mpirun -n 2 python3 mpi4py_futures.py [JOBS] [REPEATS]"""
import statistics
import sys
import time

from mpi4py import MPI
from mpi4py.futures import MPICommExecutor


def job(index):
    return index


def main():
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rates = []
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is None:
            return
        list(executor.map(job, range(1000), chunksize=100))
        for _ in range(repeats):
            began = time.perf_counter()
            results = list(executor.map(job, range(jobs), chunksize=100))
            rates.append(jobs / (time.perf_counter() - began))
            assert results == list(range(jobs))
    print(f"peer=mpi4py-futures-chunk-100 jobs_per_s={statistics.median(rates):.4g} jobs={jobs} ranks={MPI.COMM_WORLD.Get_size()}")


if __name__ == "__main__":
    main()
