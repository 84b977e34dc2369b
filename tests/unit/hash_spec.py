#!/usr/bin/env python3
"""hash_spec.py [--print] PAGE: computes the test vectors of the page hash.md from what the page says, with nothing of
the library, and compares. Exit status 1: they differ, or the page has a vector that this script has not, or the other way
round."""
import re
import struct
import sys

MASK = (1 << 64) - 1
BLOCK = 16 << 20
C1, C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def rotate(x, r):
    return (x << r | x >> (64 - r)) & MASK


def mix(k):
    k = (k ^ k >> 33) * 0xFF51AFD7ED558CCD & MASK
    k = (k ^ k >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return k ^ k >> 33


def murmur(data, seed=0):
    h1 = h2 = seed
    whole = len(data) // 16 * 16
    for k1, k2 in struct.iter_unpack("<QQ", data[:whole]):
        k1 = k1 * C1 & MASK
        h1 ^= (k1 << 31 | k1 >> 33) * C2 & MASK
        h1 = ((h1 << 27 | h1 >> 37) + h2 & MASK) * 5 + 0x52DCE729 & MASK
        k2 = k2 * C2 & MASK
        h2 ^= (k2 << 33 | k2 >> 31) * C1 & MASK
        h2 = ((h2 << 31 | h2 >> 33) + h1 & MASK) * 5 + 0x38495AB5 & MASK
    k1, k2 = struct.unpack("<QQ", data[whole:].ljust(16, b"\0"))
    h2 ^= rotate(k2 * C2 & MASK, 33) * C1 & MASK
    h1 ^= rotate(k1 * C1 & MASK, 31) * C2 & MASK
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = h1 + h2 & MASK
    h2 = h2 + h1 & MASK
    h1, h2 = mix(h1), mix(h2)
    h1 = h1 + h2 & MASK
    h2 = h2 + h1 & MASK
    return struct.pack("<QQ", h1, h2)


def digest(header, stream):
    blocks = b"".join(murmur(stream[i:i + BLOCK]) for i in range(0, len(stream), BLOCK))
    return murmur(header + blocks + u64(len(stream)))


def u64(number):
    return struct.pack("<Q", number)


def text(value):
    return u64(len(value)) + value


def field(name, kind, count=None, pointer=False):
    holding = b"\2" if pointer else b"\0" if count is None else b"\1" + u64(count)
    return text(name) + holding + kind


def record(*fields):
    return b"\x0f" + u64(len(fields)) + b"".join(fields)


def array(kind, shape, stream, order=b"C"):
    return digest(b"mpjhash\1A" + order + bytes([len(shape)]) + b"".join(map(u64, shape)) + kind, stream)


def one(name, kind, stream):
    return digest(b"mpjhash\1R" + text(name) + kind, stream)


BOOL, INT8, INT16, INT32, UINT8, UINT32 = b"\1", b"\2", b"\3", b"\4", b"\6", b"\x08"
FLOAT32, FLOAT64, COMPLEX64, STRING = b"\x0a", b"\x0b", b"\x0c", b"\x10"


def fixed_bytes(count):
    return b"\x0e" + u64(count)


def opaque(count, name):
    return b"\x11" + u64(count) + text(name)


def counting(count):
    return (bytes(range(251)) * (count // 251 + 1))[:count]


POINT = record(field(b"x", FLOAT64), field(b"n", INT32), field(b"tag", fixed_bytes(2)), field(b"w", FLOAT32, 2))
ARGUMENTS = record(field(b"name", STRING), field(b"none", STRING), field(b"rates", FLOAT64, pointer=True),
                   field(b"points", POINT, pointer=True), field(b"centre", record(field(b"at", POINT, 2))),
                   field(b"empty", INT8, pointer=True))
P1 = struct.pack("<di2sff", 1.0, 7, b"ab", 0.5, 1.5)
P2 = struct.pack("<di2sff", -2.0, -1, b"cd", 2.5, 3.5)


def smhasher():
    key = bytes(range(256))
    return murmur(b"".join(murmur(key[:i], 256 - i) for i in range(256)))[:4]


VECTORS = {
    "murmur-smhasher": smhasher,
    "murmur-nothing": lambda: murmur(b""),
    "murmur-hello": lambda: murmur(b"hello"),
    "murmur-world": lambda: murmur(b"hello, world"),
    "murmur-time": lambda: murmur(b"19 Jan 2038 at 3:14:07 AM"),
    "murmur-fox": lambda: murmur(b"The quick brown fox jumps over the lazy dog"),
    "scalar": lambda: array(FLOAT64, [], struct.pack("<d", 1.5)),
    "zero": lambda: array(FLOAT64, [1], struct.pack("<d", 0.0)),
    "minus-zero": lambda: array(FLOAT64, [1], struct.pack("<d", -0.0)),
    "empty": lambda: array(FLOAT32, [0, 3], b""),
    "bools": lambda: array(BOOL, [3], b"\1\0\1"),
    "int32": lambda: array(INT32, [3], struct.pack("<3i", 1, -2, 3)),
    "uint32": lambda: array(UINT32, [3], struct.pack("<3I", 1, 4294967294, 3)),
    "matrix-c": lambda: array(INT16, [2, 3], struct.pack("<6h", *range(6))),
    "matrix-f": lambda: array(INT16, [2, 3], struct.pack("<6h", *range(6)), b"F"),
    "complex64": lambda: array(COMPLEX64, [2], struct.pack("<4f", 1, 2, 0, -0.5)),
    "tags": lambda: array(fixed_bytes(5), [2], b"abcdefg\0\0\0"),
    "half": lambda: array(opaque(2, b"<f2"), [1], b"\x00\x3c"),
    "block": lambda: array(UINT8, [BLOCK], counting(BLOCK)),
    "two-blocks": lambda: array(UINT8, [BLOCK + 3], counting(BLOCK + 3)),
    "records": lambda: array(POINT, [2], P1 + P2),
    "one-record": lambda: one(b"point", POINT, P1),
    "arguments": lambda: one(b"arguments", ARGUMENTS,
                             text(b"first") + text(b"") + u64(2) + struct.pack("<2d", 0.25, 4.0) + u64(2) + P1 + P2 +
                             P1 + P2 + u64(0)),
}


def main():
    printing = "--print" in sys.argv
    with open(sys.argv[-1], encoding="utf-8") as page:
        given = dict(re.findall(r"^\| ([a-z0-9-]+) \|.*\| ([0-9a-f]{8}|[0-9a-f]{32}) \|$", page.read(), re.MULTILINE))
    wrong = given.keys() ^ VECTORS.keys()
    for key in sorted(wrong):
        print(f"{key}: only {'the page' if key in given else 'the script'} has it")
    for key in VECTORS:
        computed = VECTORS[key]().hex()
        if printing:
            print(key, computed)
        elif key in given and given[key] != computed:
            print(f"{key}: the page has {given[key]}, computed was {computed}")
            wrong = True
    if not printing and not wrong:
        print(f"{len(VECTORS)} vectors as the page has them")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
