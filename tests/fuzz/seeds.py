#!/usr/bin/env python3
"""seeds.py FOLDER: makes what the fuzzers begin with, FOLDER/NAME/..., from files that numpy and zarr write."""
import io
import os
import shutil
import struct
import sys
import tempfile

import numcodecs
import numpy
import zarr

TYPES = ["?", "i1", "u1", "<i2", ">u2", "<i4", ">i4", "<u8", "<i8", ">f4", "<f8", "<f2", "<f16", "<c8", ">c16", "<c32",
         "S3", "<U2", ">U2", "V5", "<M8[ns]", "<m8[25us]"]
RECORDS = [
    [("a", "<f8"), ("b", ">i4", (2, 3)), ("c", "S3")],
    numpy.dtype([("a", "i1"), ("b", "<f8")], align=True),
    [(("title", "a"), "<u2"), ("inner", [("x", "<f4"), ("y", ">f4")])],
    [("\u00e9", "<i2"), ("\u6f22", "<i2")],
    [("f%d" % i, "u1") for i in range(40)],
]
CODECS = ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]

root = sys.argv[1]


def put(name, content):
    folder = os.path.join(root, name)
    os.makedirs(folder, exist_ok=True)
    if isinstance(content, str):
        content = content.encode("latin-1")
    with open(os.path.join(folder, "seed-%03d" % len(os.listdir(folder))), "wb") as file:
        file.write(content)


def put_failing(name, content, numbers):
    for number in numbers:
        put(name, bytes([1, number]) + content)


def npy_bytes(array, version=None):
    out = io.BytesIO()
    numpy.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def npy():
    for dtype in TYPES + RECORDS:
        for shape, order in (((), "C"), ((3,), "C"), ((2, 3), "F")):
            content = npy_bytes(numpy.zeros(shape, dtype, order))
            put("npy_header", content[:int.from_bytes(content[8:10], "little") + 10])
            put("npy_file", content)
    for version in ((1, 0), (2, 0), (3, 0)):
        content = npy_bytes(numpy.arange(4.0), version)
        put("npy_header", content)
        put("npy_file", content)
    record = npy_bytes(numpy.zeros(2, RECORDS[0]))
    put_failing("npy_header", record, range(0, 120, 3))
    put_failing("npy_file", record, range(0, 160, 8))
    for text in ("{'descr': u'|O', 'fortran_order': False, 'shape': (3L,), }",
                 "{\"descr\": '\\x3cf\\70', 'fortran_order': True, 'shape': [], }",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
                 "{'descr': [('', '|V4'), ('\\u00e9\\U0001F600\\a\\q', '<i2', ())], 'fortran_order': None, 'shape': (1,)}",
                 "{'descr': " + "[('a', " * 34 + "'<i2'" + ")]" * 34 + ", 'fortran_order': False, 'shape': (1,)}",
                 "{'descr': '|T16', 'fortran_order': False, 'shape': " + "(" * 70 + ")" * 70 + "}",
                 "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1, " * 33 + ")}"):
        dict_text = text.encode()
        put("npy_header", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(dict_text)) + dict_text)
        put("npy_header", b"\x93NUMPY\x03\x00" + struct.pack("<I", len(dict_text)) + dict_text)
    for descr in ("[('', '|V2147483647'), ('a', '|V9')]", "[('%s', '<i2')]" % ("a" * 1024), "[('a', '|S2147483647', 2)]",
                  "[%s]" % ", ".join("('\u00e9%03d', '|u1')" % i for i in range(260)),
                  "[%s]" % ", ".join("('\u6f22%03d', '|u1')" % i for i in range(260)),
                  "[('a', [('b', '<i2')]), ('a', '<i4')]"):
        dict_text = ("{'descr': %s, 'fortran_order': False, 'shape': (2,), }" % descr).encode()
        put("npy_header", b"\x93NUMPY\x03\x00" + struct.pack("<I", len(dict_text)) + dict_text)
    put("npy_header", b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 21) + b"{}")
    put("npy_header", b"\x93NUMPY\x04\x00")


def zarr_files():
    zarrays, chunks = [], []
    for i, dtype in enumerate(TYPES + RECORDS):
        for fill in (None, 0, 1 if i < 9 else 0):
            store = {}
            try:
                array = zarr.open(zarr.storage.KVStore(store), mode="w", shape=(7, 5), chunks=(4, 3), dtype=dtype,
                                  fill_value=fill, order="CF"[i % 2], compressor=numcodecs.Blosc(CODECS[i % 5], i % 10, i % 3))
                array[:] = numpy.arange(35, dtype="u1").reshape(7, 5).astype(dtype) if i < 9 else numpy.zeros((), dtype)
            except Exception:
                pass
            zarrays += [store[".zarray"]] if ".zarray" in store else []
            chunks += [store[key] for key in ("0.0",) if key in store]
    return zarrays, chunks


def zarray(texts):
    for text in texts:
        put("zarray", text)
    pattern = ('{"zarr_format": 2, "shape": [5], "chunks": [2], "dtype": "%s", "compressor": null, "fill_value": %s, '
               '"order": "C", "filters": null}')
    for dtype, fill in (("<f8", "NaN"), ("<f4", "-Infinity"), (">f2", "6e-5"), ("<f2", "1e-7"), ("<f2", "65520"),
                        ("<f2", "NaN"), ("<f16", "1.5"), ("<f12", "0"), ("<c8", "[1, \\\"NaN\\\"]".replace("\\", "")),
                        ("<u8", "18446744073709551615"), ("<i8", "-9223372036854775808"), ("<i1", "-128"), ("|b1", "true"),
                        ("|b1", "0.5"), ("<u2", "3.0"), ("<u2", "-1"), ("<U3", '"h\u00c3\u00a9"'), (">U1", '"ab"'),
                        ("|S3", '"YWI="'), ("|V3", '"YWJj"'), ("|S3", "0"), ("<U3", "0"), ("<M8[s]", "5"), ("<u8", "1e19"),
                        ("<m8[s]", "null"), ("|V2147483647", "null"), ("|V2147483647", '"AA=="'), ("<i4", "true"),
                        ("<f8", "99999999999999999999"), ("<f8", "true"), ("<u8", '"+1"'), ("|S3", "[]")):
        put("zarray", pattern % (dtype, fill))
    put("zarray", pattern.replace("[5]", "[]").replace("[2]", "[]") % ("<f8", '"Infinity"'))
    put("zarray", pattern % ("<U2", '"\u00f0\u009f\u0098\u0080"'))
    put("zarray", pattern % ("<U1", '"\u00ef\u00bf\u00bd"'))
    put("zarray", pattern.replace("null,", '{"id": "blosc", "cname": 5},', 1) % ("<f8", "1e300"))
    for change in (('"zarr_format": 2', '"zarr_format": 3'), ('"zarr_format": 2', '"zarr_format": 1'),
                   ('"filters": null', '"filters": [{"id": "delta"}]'), ('"filters": null', '"filters": []'),
                   ('"compressor": null', '"compressor": {"id": "gzip", "level": 1}'),
                   ('"compressor": null', '"compressor": {"id": "blosc", "cname": "snappy"}'),
                   ('"compressor": null', '"compressor": {"id": "blosc", "clevel": 10}'),
                   ('"compressor": null', '"compressor": {"id": "blosc", "shuffle": -1, "blocksize": 4096}'),
                   ('"shape": [5], "chunks": [2]', '"shape": [4611686018427387904, 4], "chunks": [2, 2]'),
                   ('"shape": [5], "chunks": [2]', '"shape": [0, 4611686018427387904, 4], "chunks": [1, 1, 1]'),
                   ('"shape": [5], "chunks": [2]', '"shape": [0], "chunks": [0]'),
                   ('"shape": [5], "chunks": [2]', '"shape": [5], "chunks": [0]'),
                   ('"shape": [5], "chunks": [2]', '"shape": [5], "chunks": [4611686018427387904]'),
                   ('"order": "C"', '"order": "F", "dimension_separator": "/"'), ('"order": "C"', '"order": "A"')):
        put("zarray", pattern.replace(*change) % ("<i4", "0"))
    put("zarray", pattern % ("<i4", "[" * 3000))
    put("zarray", (pattern % ("?", "null")).replace('"?"', '[["a", ' * 34 + '"<i2"' + "]]" * 34))
    put("zarray", (pattern % ("?", "null")).replace('"?"', '[["a", "<i2"], ["b", ">f4", [2, 2]]]'))
    put_failing("zarray", texts[0], range(0, 130, 4))
    put_failing("zarray", texts[-1], range(0, 250, 6))


def chunk(found):
    noise = bytes((i * i * 167 >> 4) & 255 for i in range(1500))
    walk = (numpy.cumsum(numpy.arange(200) % 7) - 300).astype("<i8").tobytes()
    for content in found:
        put("chunk", content)
    for i, name in enumerate(CODECS):
        for shuffle in (0, 1, 2):
            for data, size in ((walk, 8), (b"\0" * 3000, 4), (noise, 1), (b"abc" * 300, 3), (walk[:1000], 255), (b"", 1)):
                codec = numcodecs.Blosc(name, 1 + i, shuffle, (0, 128, 512)[shuffle])
                put("chunk", codec.encode(numpy.frombuffer(data, "S%d" % size) if data and len(data) % size == 0 else data))
    codec = numcodecs.Blosc("lz4", 5, 1)
    put_failing("chunk", codec.encode(walk), range(3))
    for name in CODECS:
        put("chunk_run", bytes([8, 0, 40]) + numcodecs.Blosc(name, 5, 1).encode(walk))
    # One block that says its stream has 8 million bytes and 9; one that has fewer than the block.
    for stream, block in ((8000009, 8000009), (8000009, 8000100), (8000009, 100), (9, 8000100)):
        head = struct.pack("<BBBBIII", 2, 1, 0x10, 1, block, block, 0)
        put("chunk_run", bytes([8, 9, 24]) + head + struct.pack("<II", 20, stream) + b"1234567890")
        put("chunk_run", bytes([9, 9, 28]) + head + struct.pack("<II", 20, stream) + b"1234567890")
    for i in range(60):
        put("compress", bytes([i % 8, i % 12, i % 5, (0, 1, 4, 8, 255, 16)[i % 6], (0, 8, 12, 255)[i % 4]]) +
            (walk, noise, b"")[i % 3])
    put_failing("compress", bytes([2, 5, 2, 8, 0]) + walk, range(3))


def sums():
    first = b"mpijob-sums 1 xxh3-64\n"
    line = b"0123456789abcdef %d %s\n"
    for count in (0, 1, 3, 40):
        lines = b"".join(line % (i * 977, b"a/%d.%d" % (i % 7, i)) for i in range(count))
        put("sums", b"\x02" + first + lines)
        put("sums", first + lines + line % (count, b"end"))
    put("sums", b"\x02" + first + line % (7, b".zarray") + line % (99999999999999999999, b"x"))
    put("sums", b"\x02" + first + b"0123456789ABCDEF 1 x\n")
    put("sums", b"mpijob-sums 2 xxh3-64\n")
    put_failing("sums", b"\x02" + first + line % (1, b"a") + line % (1, b"b"), range(8))
    put("sums", b"\x02" + first + line % (7, b"a"))


def tree():
    folder = tempfile.mkdtemp()
    for i in range(4):
        path = os.path.join(folder, "%d.zip" % i)
        store = zarr.ZipStore(path, mode="w", compression=(0, 8)[i % 2])
        if i < 2:
            zarr.open(store, mode="w", shape=(3, 2), chunks=(2, 2), dtype="<i4")[:] = 7
        else:
            group = zarr.open_group(store, mode="w")
            group.attrs["a"] = 1
            group.create_dataset("x", data=numpy.arange(4.0), chunks=(2,))
        store.close()
        with open(path, "rb") as file:
            put("tree", file.read())
    shutil.rmtree(folder)


npy()
texts, found = zarr_files()
zarray(texts)
chunk(found)
sums()
tree()
