#!/usr/bin/python3
"""interop.py PATTERN: files that mpijob writes are opened by numpy and zarr, and theirs by mpijob.

PATTERN is the program of pattern.c. Every type, order, shape class and compressor, both ways. Exit status 1 if anything
differs; a missing numpy or zarr is a failure, not a reason to skip.
"""
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

import numcodecs
import numpy as np
import zarr

assert sys.byteorder == "little", "pattern.c fills integers as a little-endian machine does"

RECORD = np.dtype([("a", "<i4"), ("b", "<f8", (3,)), ("c", "S4"), ("d", "?"), ("e", "<c8")])
KINDS = {k: np.dtype(k) for k in ("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 "
                                  "complex64 complex128").split()}
KINDS["bytes"] = np.dtype("S5")
KINDS["record"] = RECORD
SHAPES = [(), (0,), (1,), (97,), (3, 0, 2), (1000,), (31, 17), (5, 7, 11), (2, 3, 4, 5, 2), (1,) * 32]
CODECS = ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]
SHUFFLES = {"none": 0, "byte": 1, "bit": 2}
# A record has an array field, which counts as a dimension of its own to numpy: 32 are one too many.
CASES = [(k, s) for k in KINDS for s in SHAPES if k != "record" or len(s) < 32]
failures = 0
checks = 0


def real(i):
    value = (i * 37 % 1000) / 8.0 - 60.0
    value[i % 83 == 82] = -0.0
    value[i % 89 == 88] = -np.inf
    value[i % 97 == 96] = np.nan
    return value


def fill(dtype, i):
    if dtype.names:
        out = np.zeros(i.shape, dtype)
        out["a"] = fill(np.dtype("i4"), i)
        for part in range(3):
            out["b"][:, part] = real(i + np.uint64(1000 * part))
        out["c"] = np.array([b"%d" % n for n in i.tolist()], "S21").astype("S4")
        out["d"] = i % 3 == 0
        out["e"] = fill(np.dtype("c8"), i)
        return out
    if dtype.kind == "b":
        return i % 3 == 0
    if dtype.kind in "iu":
        with np.errstate(over="ignore"):
            return (i * np.uint64(2654435761) + np.uint64(12345)).astype(dtype)
    if dtype.kind == "f":
        return real(i).astype(dtype)
    if dtype.kind == "c":
        out = np.zeros(i.shape, dtype)
        out.real = real(i)
        out.imag = real(i + np.uint64(1000))
        return out
    return np.array([b"%d" % n for n in i.tolist()], "S21").astype("S5")


def pattern(kind, shape):
    n = int(np.prod(shape, dtype=np.int64)) if shape else 1
    return fill(KINDS[kind], np.arange(n, dtype=np.uint64)).reshape(shape)


def same(a, b):
    if a.dtype.names:
        return a.dtype.names == b.dtype.names and all(same(a[n], b[n]) for n in a.dtype.names)
    if a.shape != b.shape or a.dtype.newbyteorder("=") != b.dtype.newbyteorder("="):
        return False
    if a.dtype.kind in "fc":
        parts = [(a.real, b.real), (a.imag, b.imag)] if a.dtype.kind == "c" else [(a, b)]
        return all(np.array_equal(x, y, equal_nan=True) and np.array_equal(np.signbit(x[~np.isnan(x)]), np.signbit(y[~np.isnan(y)]))
                   for x, y in parts)
    return np.array_equal(a, b)


class Pattern:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, *fields):
        global failures, checks
        checks += 1
        line = "\t".join(str(f) for f in fields)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if answer != "ok":
            fail(f"{line}: {answer or 'the program died'}")
            if not answer:
                sys.exit(1)
        return answer == "ok"


def fail(text):
    global failures
    failures += 1
    print("FAIL", text, flush=True)


def expect(good, text):
    global checks
    checks += 1
    if not good:
        fail(text)


def commas(numbers):
    return ",".join(str(n) for n in numbers) or "-"


def fresh(name):
    if os.path.isdir(name):
        shutil.rmtree(name)
    elif os.path.exists(name):
        os.unlink(name)
    return name


def ours_npy(run):
    for (kind, shape), order in itertools.product(CASES, ("C", "F", "S", "CF", "FC")):
        path = fresh("ours.npy")
        if run("dump", path, kind, order, commas(shape), "npy", 0, "-", "auto", "-"):
            got = np.load(path)
            expect(same(got, pattern(kind, shape)), f"numpy reads ours: {kind} {shape} {order}")
            wanted_f = order[-1] == "F" and len(shape) > 1 and min(shape) > 0 and sorted(shape)[-2] > 1
            expect(not wanted_f or got.flags.f_contiguous, f"{kind} {shape} {order} is in Fortran order")
            if got.size:
                with open(path, "rb") as f:
                    np.lib.format.read_magic(f)
                    f.seek(0)
                    version = np.lib.format.read_magic(f)
                    np.lib.format._read_array_header(f, version)
                    expect(f.tell() % 64 == 0, f"{kind} {shape}: the data begin at {f.tell()}")


def theirs_npy(run):
    for (kind, shape), order, byte_order in itertools.product(CASES, "CF", "<>"):
        array = np.asarray(pattern(kind, shape), dtype=KINDS[kind].newbyteorder(byte_order), order=order)
        np.save("theirs.npy", array)
        run("check", "theirs.npy", kind, commas(shape), "-", "-", "-")
        foreign = byte_order == ">" and kind not in ("bool", "int8", "uint8", "bytes")
        if not foreign and kind != "record":
            for mode in ("r", "c", "r+"):
                run("check", "theirs.npy", kind, commas(shape), "-", "-", mode)
    for version in ((1, 0), (2, 0), (3, 0)):
        with open("version.npy", "wb") as f:
            np.lib.format.write_array(f, pattern("float64", (31, 17)), version)
        run("check", "version.npy", "float64", "31,17", "-", "-", "-")
    aligned = np.zeros(7, np.dtype([("a", "i4"), ("b", "f8", (3,)), ("c", "S4"), ("d", "?"), ("e", "c8")], align=True))
    for name in aligned.dtype.names:
        aligned[name] = pattern("record", (7,))[name]
    np.save("aligned.npy", aligned)
    run("check", "aligned.npy", "record", "7", "-", "-", "-")
    np.save("object.npy", np.array([{}, None]), allow_pickle=True)
    run("refuse", "object.npy", -11, "object")


def regions(run):
    array = pattern("int32", (31, 17, 5))
    np.save("region.npy", array)
    np.save("region-f.npy", np.asfortranarray(array))
    zarr.save_array("region.zarr", array, chunks=(4, 5, 3))
    for path in ("region.npy", "region-f.npy", "region.zarr"):
        for start, count in (((0,), (31,)), ((3,), (5,)), ((30,), (1,)), ((7,), (0,)), ((2, 3), (9, 14)), ((5, 0, 2), (20, 17, 3)),
                             ((0, 16, 4), (31, 1, 1))):
            run("check", path, "int32", "31,17,5", commas(start), commas(count), "-")


def ours_zarr(run):
    cases = [(kind, shape, order, "lz4", "auto", 5, None, end)
             for (kind, shape), order, end in itertools.product(CASES, ("C", "F", "S", "CF"), (".zarr", ".zip"))]
    cases += [(kind, (31, 17), "C", codec, shuffle, level, chunks, ".zarr")
              for kind, codec, shuffle, level, chunks in itertools.product(
                  ("uint8", "int16", "float64", "record"), CODECS, ("none", "byte", "bit"), (1, 9), (None, (31, 1), (7, 5)))]
    cases += [(kind, shape, "C", "-", "auto", 0, chunks, end)
              for kind, (shape, chunks), end in itertools.product(
                  KINDS, (((), None), ((97,), (10,)), ((5, 7, 11), (2, 3, 4))), (".zarr", ".zip"))]
    for kind, shape, order, codec, shuffle, level, chunks, end in cases:
        path = fresh("ours" + end)
        if not run("dump", path, kind, order, commas(shape), "zarr", level, codec, shuffle, commas(chunks or ())):
            continue
        store = zarr.ZipStore(path, mode="r") if end == ".zip" else zarr.DirectoryStore(path)
        array = zarr.open_array(store, mode="r")
        what = f"zarr reads ours: {kind} {shape} {order} {codec} {shuffle} {level} {chunks} {end}"
        expect(same(np.asarray(array[...]), pattern(kind, shape)), what)
        if chunks:
            expect(array.chunks == chunks, what + ": chunks")
        if level:
            expect(array.compressor.cname == codec and array.compressor.clevel == level, what + ": compressor")
        else:
            expect(array.compressor is None, what + ": no compressor")
        store.close() if end == ".zip" else None


def damaged_zip(run):
    """A flipped bit is an error to zarr-python too, by the zip's own checksum."""
    if not run("dump", fresh("ours.zip"), "float64", "C", "1000", "zarr", 0, "-", "auto", "-"):
        return
    with zipfile.ZipFile("ours.zip") as z:
        expect(all(i.compress_type == zipfile.ZIP_STORED for i in z.infolist()), "chunks are stored as they are")
    with open("ours.zip", "r+b") as f:
        f.seek(os.path.getsize("ours.zip") // 2)
        byte = f.read(1)[0]
        f.seek(-1, 1)
        f.write(bytes([byte ^ 1]))
    with zarr.ZipStore("ours.zip", mode="r") as store:
        try:
            zarr.open_array(store, mode="r")[...]
            fail("zarr reads a damaged zip")
        except zipfile.BadZipFile:
            expect(True, "zarr sees a flipped bit")


def theirs_zarr(run):
    cases = [(kind, shape, order, byte_order, "lz4", 1, None)
             for (kind, shape), order, byte_order in itertools.product(CASES, "CF", "<>")]
    cases += [(kind, (31, 17), "C", "<", codec, shuffle, chunks)
              for kind, codec, shuffle, chunks in itertools.product(KINDS, CODECS, (0, 1, 2, -1), ((31, 17), (7, 5), (100, 1)))]
    cases += [(kind, (31, 17), "F", "<", None, 0, (7, 5)) for kind in KINDS]
    for kind, shape, order, byte_order, codec, shuffle, chunks in cases:
        fresh("theirs.zarr")
        compressor = codec and numcodecs.Blosc(cname=codec, clevel=5, shuffle=shuffle)
        array = zarr.open_array("theirs.zarr", mode="w", shape=shape, dtype=KINDS[kind].newbyteorder(byte_order), order=order,
                                chunks=chunks or True, compressor=compressor,
                                fill_value=None if kind == "record" else 0)
        array[...] = pattern(kind, shape)
        run("check", "theirs.zarr", kind, commas(shape), "-", "-", "-")
    with zarr.ZipStore("theirs.zip", mode="w") as store:
        zarr.save_array(store, pattern("float64", (31, 17)), chunks=(7, 5))
    run("check", "theirs.zip", "float64", "31,17", "-", "-", "-")
    zarr.open_array(zarr.NestedDirectoryStore("nested.zarr"), mode="w", shape=(31, 17), dtype="f8", chunks=(7, 5))[...] = \
        pattern("float64", (31, 17))
    run("check", "nested.zarr", "float64", "31,17", "-", "-", "-")
    sparse = zarr.open_array("sparse.zarr", mode="w", shape=(1000,), dtype="i4", chunks=(10,), fill_value=12345)
    sparse[1:] = pattern("int32", (1000,))[1:]
    run("check", "sparse.zarr", "int32", "1000", "-", "-", "-")  # the pattern begins with 12345
    zarr.save_array("filtered.zarr", np.arange(10), filters=[numcodecs.Delta(dtype="i8")])
    run("refuse", "filtered.zarr", -11, "filter")
    zarr.save_array("gzip.zarr", np.arange(10), compressor=numcodecs.GZip())
    run("refuse", "gzip.zarr", -11, "gzip")
    zarr.save_array("object.zarr", np.array(["a", "b"], dtype=object), object_codec=numcodecs.JSON())
    run("refuse", "object.zarr", -11, "object")
    zarr.open_group("group.zarr", mode="w").array("a", np.arange(3))
    zarr.open_group("group.zarr", mode="a").array("b", np.arange(3))
    run("refuse", "group.zarr", -11, "group")


def opaque(run):
    """Types that C has not are bytes to it, and what they were to numpy afterwards."""
    for dtype in ("f2", ">f2", "U3", "M8[ns]", "m8[s]", "g", "V7"):
        array = np.frombuffer(bytes(range(160))[: 5 * np.dtype(dtype).itemsize], dtype)
        if dtype == "U3":
            array = np.array(["", "a", "bc", "def", "\u00e9"], "U3")
        np.save("opaque.npy", array)
        fresh("opaque.zarr")
        zarr.save_array("opaque.zarr", array)
        for source, target in itertools.product(("opaque.npy", "opaque.zarr"), ("copy.npy", "copy.zarr")):
            if run("copy", source, fresh(target), "opaque"):
                got = np.load(target) if target == "copy.npy" else zarr.open_array(target, mode="r")[...]
                expect(got.dtype == array.dtype and got.tobytes() == array.tobytes(), f"{dtype} {source} {target}")


def main():
    program = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="mpijob-interop-")
    os.chdir(folder)
    try:
        run = Pattern(program)
        for part in (ours_npy, theirs_npy, regions, ours_zarr, damaged_zip, theirs_zarr, opaque):
            before = checks
            part(run)
            print(f"{part.__name__}: {checks - before} checks", flush=True)
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    print(f"{checks} checks, {failures} failed")
    sys.exit(1 if failures or not checks else 0)


main()
