#!/usr/bin/python3
"""cache.py MPIJOB CACHESTORE: the program's subcommands for locations of Memory, as a user types them, on locations that
cachestore makes as a user's program does. Exit status 1 if anything differs."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import zarr

PROGRAM, STORE = (os.path.abspath(p) for p in sys.argv[1:3])
COMMANDS = ("ls", "show", "get", "stats", "verify", "why", "clear", "reduce", "compact", "merge")
failures = 0


def run(*arguments, stdout=subprocess.PIPE):
    done = subprocess.run([PROGRAM, "cache", *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120)
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


def shows(*arguments):
    """The JSON objects that it prints."""
    command, *rest = arguments
    return [json.loads(line) for line in says([command, "--json", *rest], 0).splitlines()]


def store(*arguments):
    """How many calls were computed."""
    done = subprocess.run([STORE, *map(str, arguments)], stdout=subprocess.PIPE, text=True, timeout=120)
    expect(done.returncode == 0, f"cachestore {arguments}", f"status {done.returncode}")
    return int(done.stdout or -1)


def files(folder, *ends):
    return [os.path.join(at, n) for at, _, names in os.walk(folder) for n in names if n.endswith(ends)]


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at, 0 if at >= 0 else 2)
        byte = f.read(1)[0]
        f.seek(-1, 1)
        f.write(bytes([byte ^ 4]))


def make():
    expect(store("fit", "loc", 1, 0, 10) == 10, "ten are computed")
    expect(store("fit", "loc", 1, 0, 12) == 2, "ten are found")
    expect(store("table", "loc", 0, 3, 0) == 3 and store("table", "loc", 3, 5, 5) == 2, "large ones")
    expect(store("index", "loc") == 1, "without arguments")


def usage():
    says([], 2, "a command is missing", "--help")
    says(["--help"], 0, "usage: mpijob cache", *COMMANDS)
    says(["fish"], 2, "'fish' is no command")
    for command in COMMANDS:
        more = {"show": ["00"], "get": ["-o", "x.npy", "00"], "why": ["f", "1"], "clear": ["f"], "reduce": ["--items", "1"],
                "merge": ["loc"]}.get(command, [])
        options = [m for m in more if m.startswith("-")] and more[:2]
        rest = more[len(options):]
        says([command, "--help"], 0, f"usage: mpijob cache {command}", "Exit status", "--json")
        says([command], 2, "--help")
        says([command, "--fish"], 2, "--fish")
        says([command, *options, "missing", *rest], 1, "missing is no location")
        says([command, *options, "empty", *rest], 1, "empty is no location")
    for arguments, word in ((["reduce", "loc"], "a limit is missing"), (["reduce", "--bytes", "-1", "loc"], "10G"),
                            (["reduce", "--items", "x", "loc"], "a number"), (["reduce", "--age", "3y", "loc"], "30d"),
                            (["get", "loc", "00"], "-o FILE"), (["get", "-o", "x.txt", "loc", "00"], ".npy"),
                            (["get", "-o", "x.npy", "--version", "12", "loc", "00"], "16 hexadecimal"),
                            (["why", "--shared", "12", "loc", "fit", "1"], "32 hexadecimal"),
                            (["why", "--expires", "soon", "loc", "fit", "1"], "30d"),
                            (["clear", "--all", "loc", "fit"], "--all"), (["clear", "loc"], "--all"),
                            (["clear", "--key", "00", "--now", "loc"], "--key"), (["clear", "--key", "00", "loc", "fit"], "--key"),
                            (["show", "loc"], "KEY"), (["merge", "loc"], "FROM"), (["stats", "loc", "a", "b"], "DIR")):
        says(arguments, 2, word)
    with open("/dev/full", "w") as full:
        code, _, err = run("ls", "loc", stdout=full)
    expect(code == 1 and "standard output" in err, "a full standard output", err)


def ls():
    says(["ls", "loc"], 0, "fit", "table", "By Index", '{"c": 3.0, "fold": 0}', '{"index": 0}', "arguments")
    entries = shows("ls", "loc")
    expect(len(entries) == 18, "all results", len(entries))
    tables = shows("ls", "loc", "table")
    expect(len(tables) == 5 and all(e["shape"] == [100, 30] and e["bytes"] == 24000 and e["file"] for e in tables), "table", tables)
    expect(tables[0]["args"] == {"c": 4.0, "fold": 0} and tables[0]["stored_bytes"] < 24000, "the last first", tables[0])
    expect(all(len(e["key"]) == 32 and e["age_s"] >= 0 and e["compute_s"] > 0 for e in entries), "keys and times")
    functions = {f["function"]: f for f in shows("ls", "--functions", "loc")}
    expect({n: f["entries"] for n, f in functions.items()} == {"fit": 12, "table": 5, "By Index": 1}, "functions", functions)
    says(["ls", "--functions", "loc", "fit"], 0, "12", "fit")
    says(["ls", "loc", "cook"], 1, "no function 'cook'")


def show_and_get():
    for entry in shows("ls", "loc"):
        shown = shows("show", "loc", entry["key"][:14].upper())
        expect([s["key"] for s in shown] == [entry["key"]], "show by the beginning of a key", shown)
    table = next(e for e in shows("ls", "loc", "table") if e["args"]["c"] == 2)
    says(["show", "loc", table["key"]], 0, table["key"], "table", "(100, 30)", "23.4 KiB", table["file"])
    says(["show", "loc", "0123456789abcdef0123456789abcdef"], 1, "no key")
    says(["show", "loc", "xyz"], 1, "is no key")
    keys = [e["key"] for e in shows("ls", "loc")]
    shared = next((d for d in "0123456789abcdef" if sum(k.startswith(d) for k in keys) > 1), None)
    if shared:
        says(["show", "loc", shared], 1, "several keys")
    for name in ("t.npy", "t.zarr", "t.zip"):
        says(["get", "loc", table["key"][:12], "-o", name], 0)
    wanted = 2 + np.arange(3000.0).reshape(100, 30)
    with zarr.ZipStore("t.zip", mode="r") as zipped:
        expect(np.array_equal(zarr.open(zipped, mode="r")[...], wanted), "get to a zip")
    expect(np.array_equal(np.load("t.npy"), wanted), "get to NPY")
    expect(np.array_equal(zarr.open("t.zarr", mode="r")[...], wanted), "get to Zarr")
    expect(np.array_equal(np.load(os.path.join("loc/mpijob/table", table["file"])), wanted), "numpy opens its own file")
    small = next(e for e in shows("ls", "loc", "fit") if e["args"]["c"] == 5)
    told = shows("get", "-o", "s.npy", "loc", small["key"])
    expect(np.load("s.npy") == 12 and told[0]["output"] == "s.npy", "a small one", told)
    says(["get", "-o", "s.npy", "--version", "0123456789abcdef", "loc", small["key"]], 1, "version")
    shutil.copytree("loc", "versions")
    store("fit", "versions", 2, 5, 6)
    both = {e["version"]: e["stored_bytes"] for e in shows("show", "versions", small["key"])}
    expect(len(both) == 2, "two versions of one key", both)
    for version in both:
        told, = shows("get", "--output", "v.npy", "--version", version, "versions", small["key"])
        expect(told["version"] == version and np.load("v.npy") == 12, "get of one version", told)
    expect(len(shows("ls", "versions", "fit", "table")) == 13 + 5, "ls of two functions")


def stats():
    says(["stats", "loc"], 0, "results", "18", "hit rate", "saved")
    all_of_it, = shows("stats", "loc")
    size = sum(os.path.getsize(f) for f in files("loc", ""))
    expect(all_of_it["entries"] == 18 and all_of_it["large"] == 5 and all_of_it["functions"] == 3, "counts", all_of_it)
    expect(all_of_it["bytes"] == size and all_of_it["files"] == len(files("loc", "")), "bytes and files", all_of_it)
    expect(all_of_it["hits"] >= 10 and 0 < all_of_it["hit_rate"] < 1 and all_of_it["saved_s"] > 0, "hits", all_of_it)
    one, = shows("stats", "loc", "fit")
    expect(one["entries"] == 12 and one["segments"] == 2, "one function", one)
    says(["stats", "loc", "cook"], 1, "cook")


def why():
    arguments = '{"c": 3, "fold": 0}'
    says(["why", "loc", "fit", arguments], 0, "stored: ")
    says(["why", "loc", "By Index", "0"], 0, "stored: ")
    says(["why", "loc", "fit", '{"c": 3, "fold": 1}'], 0, "never: ")
    says(["why", "loc", "fit", '{"c": 3}'], 1, "fold")
    says(["why", "loc", "fit", "[3]"], 1, "arguments")
    says(["why", "loc", "cook", "1"], 1, "no function 'cook'")
    says(["why", "--expires", "0.001", "loc", "fit", arguments], 0, "expired: ")
    says(["why", "--expires", "1h", "loc", "fit", arguments], 0, "stored: ")
    says(["why", "--shared", "0" * 32, "loc", "fit", arguments], 0, "never: ")
    shutil.copytree("loc", "changed")
    store("fit", "changed", 2, 0, 1)
    answer, = shows("why", "changed", "fit", arguments)
    expect(answer["why"] == "version" and "version number (1 there, 2 here)" in answer["text"], "another version", answer)
    says(["why", "--version", answer["other_version"], "changed", "fit", arguments], 0, "stored: ")
    says(["why", "--version", "0123456789abcdef", "changed", "fit", arguments], 1, "0123456789abcdef")
    shutil.copytree("loc", "forgotten")
    store("forget", "forgotten", 3)
    says(["why", "forgotten", "fit", arguments], 0, "cleared: ")
    says(["reduce", "--items", "1", "forgotten"], 0, "removed")
    says(["why", "forgotten", "fit", '{"c": 4, "fold": 1}'], 0, "trimmed: ")
    says(["clear", "changed", "table"], 0, "5 results removed")
    says(["why", "changed", "table", '{"c": 1, "fold": 0}'], 0, "trimmed: ")
    shutil.copytree("loc", "broken")
    for path in files("broken/mpijob/fit", ".seg"):
        flip(path, -5)
    for path in files("broken/mpijob/table", ".npy"):
        flip(path, -5)
    says(["why", "broken", "table", '{"c": 1, "fold": 0}'], 0, "damaged: ")
    last = max((json.loads(l) for l in says(["ls", "--json", "loc", "fit"], 0).splitlines()), key=lambda e: e["offset"])
    expect(run("why", "broken", "fit", json.dumps(last["args"]))[1].startswith("damaged: "), "a damaged entry", last)


def verify():
    says(["verify", "loc"], 0, "loc: good: 18 entries", "5 large")
    expect(says(["verify", "--quiet", "loc"], 0) == "", "--quiet")
    expect(shows("verify", "loc")[-1]["good"], "json")
    code, out, _ = run("verify", "--json", "broken")
    found = [json.loads(line) for line in out.splitlines()]
    damaged = {f["file"] for f in found[:-1] if f["kind"] == "damaged"}
    expect(code == 1 and not found[-1]["good"] and len(damaged) == 5, "what is damaged", found)
    expect(all(f["key"] and os.path.exists(f["file"]) for f in found[:-1]), "its keys", found)
    says(["verify", "broken"], 1, "damaged", ".npy", ".seg at")
    says(["compact", "--now", "broken"], 0, "damaged ones left out")
    expect(store("fit", "broken", 1, 0, 12) == 2 and store("table", "broken", 0, 3, 0) == 3, "only what was lost is computed")
    says(["compact", "--now", "broken"], 0)
    says(["verify", "broken"], 0, "good")
    open("loc/mpijob/table/large/stray", "w").close()
    says(["verify", "loc"], 0, "good")


def compact():
    shutil.copytree("loc", "small")
    for i in range(10):
        store("fit", "small", 1, 100 + i, 101 + i)
    expect(len(files("small/mpijob/fit/segments", ".seg")) == 12, "a file each")
    done, = shows("compact", "small")
    expect(len(files("small/mpijob/fit/segments", ".seg")) == 1 and done["segments_before"] == 14, "merged", done)
    expect(done["removed"]["bytes_now"] == 0 and done["removed"]["later_s"] == 3600, "not freed yet", done)
    expect(len(files("small/mpijob/fit/trash", ".seg")) == 12, "in the trash")
    says(["verify", "small"], 0, "good")
    expect(store("fit", "small", 1, 0, 12) == 0, "all are there")
    says(["reduce", "--now", "--items", "1000", "small"], 0, "0 results removed", "freed")
    expect(not files("small/mpijob/fit/trash", ""), "the trash is empty")
    says(["compact", "small"], 0, "0 segments merged")


def reduce_and_clear():
    shutil.copytree("loc", "less")
    time.sleep(0.01)
    store("fit", "less", 1, 50, 53)
    done, = shows("reduce", "--items", "5", "less")
    left = shows("ls", "less")
    expect(done["items"] == 16 and len(left) == 5, "items", (done, left))
    expect({e["args"].get("c") for e in left} <= {*range(10), 50, 51, 52}, "the last used stay", left)
    says(["reduce", "--age", "30d", "--bytes", "1G", "less"], 0, "0 results removed")
    for age in ("5min", "12h", "2w"):
        says(["reduce", "--age", age, "less"], 0, "0 results removed")
    shutil.copytree("loc", "half")
    done, = shows("reduce", "--bytes", "60000", "half")
    left, = shows("stats", "half")
    expect(0 < done["items"] < 18 and 0 < left["entries"] < 18 and left["bytes"] - left["trash_bytes"] < 70000, "bytes", (done, left))
    done, = shows("reduce", "--age", "0s", "half")
    expect(1 <= done["items"] <= left["entries"], "age, but for those used in this hour", done)
    says(["verify", "less"], 0, "good")
    says(["reduce", "--bytes", "0", "--now", "less"], 0, "5 results removed")
    expect(not shows("ls", "less") and not files("less", ".seg", ".npy", ".zip"), "nothing is left", files("less", ""))
    shutil.copytree("loc", "bare")
    says(["clear", "bare", "cook"], 1, "cook")
    says(["clear", "--key", "00ff00ff00", "bare"], 1, "00ff00ff00")
    gone = shows("ls", "bare", "table")[0]
    shutil.copytree("bare", "spotted")
    done, = shows("clear", "--key", gone["key"], "spotted")
    left = shows("ls", "spotted")
    expect(done["items"] == 1 and len(left) == 17 and gone["key"] not in [e["key"] for e in left], "one result", (done, left))
    says(["verify", "spotted"], 0, "good")
    says(["clear", "bare", "fit"], 0, "12 results removed", "in 60 min")
    expect(len(shows("ls", "bare")) == 6 and store("fit", "bare", 1, 0, 12) == 12, "one function")
    done, = shows("clear", "--all", "--now", "bare")
    expect(done["items"] == 18 and done["bytes_later"] == 0 and done["bytes_now"] > 80000, "all", done)
    expect(not files("bare", ".seg", ".npy", ".zip"), "freed at once", files("bare", ""))
    expect(store("limited", "bounded", 100, 2000) == 2000, "automatic limits")
    expect(80 <= len(shows("ls", "bounded")) <= 250, "they hold, more or less", len(shows("ls", "bounded")))


def merge():
    store("fit", "laptop", 1, 6, 20)
    store("fit", "laptop", 3, 0, 2)
    store("table", "laptop", 4, 8, 0)
    shutil.copytree("loc", "both")
    done, = shows("merge", "both", "laptop")
    expect(done["entries"] == 8 + 2 + 3 and done["known"] == 6 + 1 and done["large"] == 3, "what was added", done)
    says(["verify", "both"], 0, "good")
    expect(store("fit", "both", 1, 0, 20) == 0 and store("fit", "both", 3, 0, 2) == 0 and store("table", "both", 0, 8, 0) == 0, "found")
    again, = shows("merge", "both", "laptop")
    expect(again["entries"] == 0 and again["known"] == 20, "nothing is added twice", again)
    says(["merge", "both", "./both"], 1, "the same location")
    says(["merge", "both", "nowhere"], 1, "nowhere is no location")
    for path in files("laptop/mpijob/table", ".npy")[:1] + files("laptop/mpijob/fit", ".seg")[:1]:
        flip(path, -5)
    shutil.copytree("loc", "careful")
    done, = shows("merge", "careful", "laptop")
    expect(done["damaged"] in (1, 2) and done["entries"] + done["known"] + done["damaged"] == 20, "damage stays there", done)
    says(["verify", "careful"], 0, "good")


def main():
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.mkdir("empty")
    try:
        for part in (make, usage, ls, show_and_get, stats, why, verify, compact, reduce_and_clear, merge):
            part()
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    if failures:
        print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
