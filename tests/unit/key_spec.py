#!/usr/bin/env python3
"""key_spec.py [--print] PAGE: computes the test vectors of the page memory.md from what it and hash.md say, with nothing of
the library, and compares. Exit status 1: they differ, or one has a vector that the other has not."""
import re
import struct
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources
import hash_spec as spec
from hash_spec import FLOAT64, INT32, murmur, text, u64

MASK64 = (1 << 64) - 1
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248e"
    "e03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d"
    "8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc"
    "8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


# ---- XXH3, 128 bits, seed 0, of more than 16 bytes ----

def r64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def fold(a, b):
    product = a * b
    return (product ^ product >> 64) & MASK64


def avalanche(h):
    h = (h ^ h >> 37) * 0x165667919E3779F9 & MASK64
    return h ^ h >> 32


def mix16(data, at, secret):
    return fold(r64(data, at) ^ r64(SECRET, secret), r64(data, at + 8) ^ r64(SECRET, secret + 8))


def mix32(acc, data, one, other, secret):
    low = acc[0] + mix16(data, one, secret) & MASK64
    high = acc[1] + mix16(data, other, secret + 16) & MASK64
    return (low ^ (r64(data, other) + r64(data, other + 8) & MASK64),
            high ^ (r64(data, one) + r64(data, one + 8) & MASK64))


def finish_short(acc, n):
    low = avalanche(acc[0] + acc[1] & MASK64)
    high = avalanche(acc[0] * P64_1 + acc[1] * P64_4 + n * P64_2 & MASK64)
    return -high & MASK64, low


def short(data):
    n = len(data)
    acc = n * P64_1 & MASK64, 0
    for i in reversed(range((n - 1) // 32 + 1)):
        acc = mix32(acc, data, 16 * i, n - 16 * (i + 1), 32 * i)
    return finish_short(acc, n)


def middle(data):
    n = len(data)
    acc = n * P64_1 & MASK64, 0
    for i in range(4):
        acc = mix32(acc, data, 32 * i, 32 * i + 16, 32 * i)
    acc = avalanche(acc[0]), avalanche(acc[1])
    for i in range(4, n // 32):
        acc = mix32(acc, data, 32 * i, 32 * i + 16, 3 + 32 * (i - 4))
    acc = mix32(acc, data, n - 16, n - 32, 136 - 17 - 16)
    return finish_short(acc, n)


def accumulate(acc, data, at, secret):
    for i in range(8):
        value = r64(data, at + 8 * i)
        key = value ^ r64(SECRET, secret + 8 * i)
        acc[i ^ 1] = acc[i ^ 1] + value & MASK64
        acc[i] = acc[i] + (key & 0xFFFFFFFF) * (key >> 32) & MASK64


def merge(acc, secret, start):
    for i in range(4):
        start += fold(acc[2 * i] ^ r64(SECRET, secret + 16 * i), acc[2 * i + 1] ^ r64(SECRET, secret + 16 * i + 8))
    return avalanche(start & MASK64)


def long(data):
    n = len(data)
    acc = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]
    stripes = (n - 1) // 64
    for stripe in range(stripes):
        accumulate(acc, data, 64 * stripe, 8 * (stripe % 16))
        if stripe % 16 == 15 and 1024 * (stripe // 16 + 1) <= n - 1:
            for i in range(8):
                acc[i] = (acc[i] ^ acc[i] >> 47 ^ r64(SECRET, 192 - 64 + 8 * i)) * P32_1 & MASK64
    accumulate(acc, data, n - 64, 192 - 64 - 7)
    return (merge(acc, 192 - 64 - 11, ~(n * P64_2) & MASK64), merge(acc, 11, n * P64_1 & MASK64))


def xxh3(data):
    high, low = (short if len(data) <= 128 else middle if len(data) <= 240 else long)(data)
    return struct.pack(">QQ", high, low)


# ---- The page ----

class Call:
    def __init__(self, name, form, stream, shared=()):
        self.head = b"mpjcall\1" + text(name) + form + u64(len(shared)) + b"".join(shared)
        self.stream = stream

    def key(self):
        return spec.digest(self.head, self.stream)

    def check(self):
        return xxh3(self.head + self.stream)


def args(name, kind):
    return b"\1mpjhash\1R" + text(name) + kind


def field(name, kind, ignored=False, count=None, pointer=False):
    holding = b"\2" if pointer else b"\0" if count is None else b"\1" + u64(count)
    return text(name) + bytes([ignored]) + holding + kind


def version(described, result, shape, number, tokens=None):
    head = b"mpjfunc\1" + described + result
    head += b"\xff" if shape is None else bytes([len(shape)]) + b"".join(map(u64, shape))
    head += u64(number) + bytes([tokens is not None])
    return spec.digest(head, tokens or b"")[:8][::-1]


FIT = Call(b"fit", args(b"fit_args", spec.record(spec.field(b"c", FLOAT64), spec.field(b"gamma", FLOAT64),
                                                 spec.field(b"fold", INT32))), struct.pack("<ddi", 10, 0.1, 3))
IGNORED = Call(b"fit", args(b"fit_args", spec.record(spec.field(b"c", FLOAT64), spec.field(b"fold", INT32))),
               struct.pack("<di", 10, 3))
SHARED = Call(b"fit", FIT.head[len(b"mpjcall\1") + 8 + 3:-8], FIT.stream, [bytes(range(16))])
INDEX = Call(b"roots", b"\0", u64(41))
VALUE = (text(b"first") + text(b"") + u64(2) + struct.pack("<2d", 0.25, 4.0) + u64(2) + spec.P1 + spec.P2 + spec.P1 +
         spec.P2 + u64(0))
ARGUMENTS = Call(b"Work::er", args(b"arguments", spec.ARGUMENTS), VALUE)


def fit_fields(ignored):
    return b"\1" + text(b"fit_args") + spec.record(field(b"c", FLOAT64), field(b"gamma", FLOAT64, ignored),
                                                   field(b"fold", INT32))


POINT = spec.record(field(b"x", FLOAT64), field(b"n", INT32), field(b"counter", b"\5", True),
                    field(b"tag", spec.fixed_bytes(2)), field(b"w", spec.FLOAT32, count=2))
ARGUMENTS_FIELDS = b"\1" + text(b"arguments") + spec.record(
    field(b"name", spec.STRING), field(b"none", spec.STRING), field(b"comment", spec.STRING, True),
    field(b"rates", FLOAT64, pointer=True), field(b"points", POINT, pointer=True),
    field(b"centre", spec.record(field(b"at", POINT, count=2))), field(b"empty", spec.INT8, pointer=True))
TOKENS = b"int fit ( int a ) { return K ( a ) + 1 ; }".replace(b" ", b"\n") + b"\n\0"

VECTORS = {
    "fit-key": FIT.key,
    "fit-check": FIT.check,
    "fit-version": lambda: version(fit_fields(False), FLOAT64, [], 1),
    "ignored-key": IGNORED.key,
    "ignored-check": IGNORED.check,
    "ignored-version": lambda: version(fit_fields(True), FLOAT64, [], 1),
    "shared-key": SHARED.key,
    "shared-check": SHARED.check,
    "index-key": INDEX.key,
    "index-check": INDEX.check,
    "index-version": lambda: version(b"\0", spec.UINT8, None, 0),
    "arguments-key": ARGUMENTS.key,
    "arguments-check": ARGUMENTS.check,
    "arguments-version": lambda: version(ARGUMENTS_FIELDS, spec.INT16, [2, 3], MASK64, TOKENS),
    "xxh3-hello": lambda: xxh3(b"hello, world, hello, world"),
}


def main():
    printing = "--print" in sys.argv
    with open(sys.argv[-1], encoding="utf-8") as page:
        given = dict(re.findall(r"^\| ([a-z0-9-]+) \|.*\| ([0-9a-f]{16}|[0-9a-f]{32}) \|$", page.read(), re.MULTILINE))
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
