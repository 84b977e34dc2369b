"""Large results in a location, opened by numpy and zarr-python: memory.py RESULTS, the program that stores them."""
import glob
import os
import subprocess
import sys
import tempfile

import numpy
import zarr

GRID = numpy.arange(2100).reshape(300, 7) / 4
PAIRS = numpy.zeros(300, dtype=[("grade", "i1"), ("value", "<f8")])
PAIRS["grade"] = numpy.arange(300) % 100
PAIRS["value"] = numpy.arange(300) / 2


def only_file(location, function):
    files = glob.glob(os.path.join(location, "mpijob", function, "large", "*", "*"))
    assert len(files) == 1, files
    return files[0]


def read(path):
    if path.endswith(".npy"):
        return numpy.load(path, mmap_mode="r")
    assert path.endswith(".zarr.zip"), path
    with zarr.ZipStore(path, mode="r") as store:
        return zarr.open_array(store, mode="r")[...]


def main():
    with tempfile.TemporaryDirectory() as location:
        subprocess.run([sys.argv[1], location], check=True)
        for function, expected in (("raw_grid", GRID), ("packed_grid", GRID), ("raw_pairs", PAIRS),
                                   ("packed_pairs", PAIRS)):
            path = only_file(location, function)
            assert path.endswith(".npy") == function.startswith("raw"), path
            array = read(path)
            assert array.shape == expected.shape, (function, array.shape)
            if expected.dtype.names:
                for name in expected.dtype.names:
                    assert (array[name] == expected[name]).all(), (function, name)
            else:
                assert array.dtype == expected.dtype and (array == expected).all(), function


main()
