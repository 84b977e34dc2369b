#!/usr/bin/python3
"""array.py MPIJOB: the program's subcommands for array files, as a user types them. Exit status 1 if anything differs."""
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import zarr

PROGRAM = os.path.abspath(sys.argv[1])
failures = 0


def run(*arguments, stdout=subprocess.PIPE):
    done = subprocess.run([PROGRAM, *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def expect(good, what, said=""):
    global failures
    if not good:
        failures += 1
        print(f"FAIL {what}\n     {said}", flush=True)


def says(arguments, status, *words):
    """It ends with this status, and says each of the words on the stream for it."""
    code, out, err = run(*arguments)
    text = out if status == 0 else out + err
    missing = [w for w in words if w not in text]
    expect(code == status and not missing, " ".join(arguments), f"status {code}, missing {missing} in: {out}{err}")
    return out


def leftovers(folder="."):
    return [n for n in os.listdir(folder) if n.startswith(".")]


def usage():
    says([], 2, "a command is missing", "--help")
    says(["--help"], 0, "usage: mpijob", "array")
    says(["--version"], 0, "mpijob 0.")
    says(["fish"], 2, "'fish' is no command")
    says(["array"], 2, "a command is missing")
    says(["array", "--help"], 0, "info", "convert", "verify", "hash")
    for command in ("info", "convert", "verify", "hash"):
        says(["array", command, "--help"], 0, f"usage: mpijob array {command}", "Exit status")
        says(["array", command], 2, "--help")
        says(["array", command, "--fish"], 2, "--fish")
        says(["array", command, "missing.npy"] + ["to.npy"] * (command == "convert"), 1, "missing.npy")
    for option, value, word in (("--level", "10", "0 to 9"), ("--level", "x", "0 to 9"), ("--codec", "gzip", "zstd"),
                                ("--shuffle", "1", "byte"), ("--chunks", "0", "above 0"), ("--chunks", "3,", "above 0"),
                                ("--order", "K", "C or F"), ("--threads", "0", "1 to 1024"), ("--cache-size", "-1", "64M"),
                                ("--format", "hdf5", "npy or zarr")):
        says(["array", "convert", option, value, "a.npy", "b.zarr"], 2, word, value)
    says(["array", "convert", "a.npy", "b.txt"], 2, "--format")
    says(["array", "convert", "--level", "3", "a.npy", "b.npy"], 2, "Zarr")
    says(["array", "convert", "--chunks", "3,3", "a.npy", "b.zarr"], 2, "1 dimension")
    says(["array", "convert", "--level"], 2, "needs a value")
    with open("/dev/full", "w") as full:
        code, _, err = run("array", "info", "a.npy", stdout=full)
    expect(code == 1 and "standard output" in err, "a full standard output", err)


def info():
    says(["array", "info", "a.npy"], 0, "a.npy", "npy, version 1", "<f8", "(1000,)", "7.8 KiB")
    says(["array", "info", "grid.zarr"], 0, "zarr, version 2", "(31, 17)", "(7, 5)", "20 of 20", "Blosc zstd, level 3, shuffle bit")
    says(["array", "info", "group.zarr"], 0, "group.zarr:x", "group.zarr:inner/y")
    lines = says(["array", "info", "--json", "a.npy", "grid.zarr"], 0).splitlines()
    shown = [json.loads(line) for line in lines]
    expect(shown[0]["shape"] == [1000] and shown[0]["format"] == "npy" and shown[0]["elements_bytes"] == 8000, "json of a.npy", lines)
    expect(shown[1]["chunks"] == [7, 5] and shown[1]["codec"] == "zstd" and shown[1]["chunk_count"] == 20, "json of grid.zarr", lines)


def convert():
    says(["array", "convert", "a.npy", "a.zarr"], 0)
    says(["array", "convert", "--codec", "zstd", "--level", "9", "--chunks", "100", "a.npy", "a.zip"], 0)
    says(["array", "convert", "a.zarr", "back.npy"], 0)
    says(["array", "convert", "a.zip", "back2.npy"], 0)
    says(["array", "convert", "--level", "0", "--durable", "a.zip", "plain.zarr"], 0)
    says(["array", "convert", "--order", "F", "grid.zarr", "grid.npy"], 0)
    says(["array", "convert", "big-endian.npy", "big-endian.zarr"], 0)
    expect(np.array_equal(np.load("back.npy"), np.load("a.npy")), "npy to zarr and back")
    expect(np.array_equal(np.load("back2.npy"), np.load("a.npy")), "npy to zip and back")
    expect(zarr.open("plain.zarr", mode="r").compressor is None, "--level 0")
    grid = np.load("grid.npy")
    expect(grid.flags.f_contiguous and np.array_equal(grid, np.arange(31 * 17).reshape(31, 17)), "--order F")
    expect(np.array_equal(zarr.open("big-endian.zarr", mode="r")[...], np.arange(9)), "foreign byte order")
    says(["array", "convert", "group.zarr", "group.npy"], 2, "--name")
    says(["array", "convert", "--name", "inner/y", "group.zarr", "y.npy"], 0)
    says(["array", "convert", "--name", "z", "group.zarr", "z.npy"], 1, "z")
    says(["array", "convert", "--codec", "lz4hc", "group.zarr", "copy.zip"], 0)
    with zarr.ZipStore("copy.zip", mode="r") as store:
        group = zarr.open_group(store, mode="r")
        expect(np.array_equal(group["x"][...], np.arange(5)) and np.array_equal(group["inner/y"][...], np.arange(6.0)), "a group")
        expect(group.attrs.asdict() == {"of": "the group"} and group["x"].attrs.asdict() == {"unit": "mm"}, "attributes")
    expect(not leftovers(), "nothing is left over", str(leftovers()))


def hashes():
    digests = {line.split()[0] for name in ("a.npy", "a.zarr", "a.zip", "plain.zarr", "back.npy")
               for line in says(["array", "hash", "--threads", "2", name], 0, name).splitlines()}
    expect(len(digests) == 1 and len(digests.pop()) == 32, "one digest whatever the form")
    other = says(["array", "hash", "a.npy", "b.npy"], 0).split()
    expect(other[0] != other[2], "another array, another digest")
    says(["array", "hash", "group.zarr"], 0, "group.zarr:x", "group.zarr:inner/y")
    says(["array", "hash", "--name", "x", "group.zarr"], 0, "group.zarr:x")


def verify():
    says(["array", "verify", "a.npy", "a.zarr", "a.zip", "group.zarr"], 0, "a.npy: good", "a.zarr: good: 1 arrays", "a.zip: good")
    expect(says(["array", "verify", "--quiet", "a.npy"], 0) == "", "--quiet")
    for name in ("a.zip", "a.zarr/0"):
        with open(name, "r+b") as f:
            f.seek(os.path.getsize(name) // 2)
            byte = f.read(1)[0]
            f.seek(-1, 1)
            f.write(bytes([byte ^ 4]))
    says(["array", "verify", "a.zarr"], 1, "a.zarr", "chunk 0", "damaged")
    says(["array", "verify", "a.zip"], 1, "a.zip", "damaged")
    says(["array", "hash", "a.zarr"], 1, "a.zarr")
    with open("b.npy", "r+b") as f:
        f.truncate(500)
    says(["array", "verify", "b.npy"], 1, "b.npy")


def long_work():
    walk = np.cumsum(np.random.default_rng(1).standard_normal(6_000_000))
    np.save("long.npy", walk)
    command = [PROGRAM, "array", "convert", "--codec", "zstd", "--level", "9", "--threads", "1", "long.npy", "long.zarr"]

    master, slave = pty.openpty()
    process = subprocess.Popen(command, stderr=slave, stdout=slave)
    os.close(slave)
    shown = b""
    try:
        while part := os.read(master, 4096):
            shown += part
    except OSError:
        pass
    expect(process.wait() == 0 and b"convert [" in shown and b"%" in shown, "a bar on a terminal", repr(shown[:200]))
    expect(shown.endswith(b"\r\x1b[K"), "the bar goes away", repr(shown[-100:]))
    os.close(master)

    before = sorted(os.listdir("long.zarr"))
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        for _ in range(20):  # again, if it was done before the signal came
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            while process.poll() is None and not leftovers():
                time.sleep(0.01)
            process.send_signal(number)
            said = process.communicate()[1]
            if process.returncode != 0:
                break
        expect(process.returncode == status, f"{number.name} in the middle", f"{process.returncode} {said}")
        expect(sorted(os.listdir("long.zarr")) == before and not leftovers(), f"after {number.name} all is as it was", str(leftovers()))


def ended_between_files():
    """A signal between two files, where no progress is told, ends the work too, and the status says so."""
    np.save("nothing.npy", np.zeros(0))
    for command in ("verify", "hash"):
        process = subprocess.Popen([PROGRAM, "array", command] + ["nothing.npy"] * 20000, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        lines = 1 + len(process.communicate()[0].splitlines())
        expect(process.returncode == 130 and lines < 20000, f"{command} ended between files", f"{process.returncode} {lines}")


def main():
    folder = tempfile.mkdtemp(prefix="mpijob-cli-")
    os.chdir(folder)
    try:
        np.save("a.npy", np.cumsum(np.random.default_rng(0).standard_normal(1000)))
        np.save("b.npy", np.arange(1000.0))
        np.save("big-endian.npy", np.arange(9, dtype=">i4"))
        zarr.save_array("grid.zarr", np.arange(31 * 17).reshape(31, 17), chunks=(7, 5),
                        compressor=zarr.Blosc(cname="zstd", clevel=3, shuffle=zarr.Blosc.BITSHUFFLE))
        group = zarr.open_group("group.zarr", mode="w")
        group.attrs["of"] = "the group"
        group.array("x", np.arange(5)).attrs["unit"] = "mm"
        group.create_group("inner").array("y", np.arange(6.0))
        for part in (usage, info, convert, hashes, verify, long_work, ended_between_files):
            part()
            print(part.__name__, "done", flush=True)
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    sys.exit(1 if failures else 0)


main()
