#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 600
"""A log's folder: what our writer makes, beside the same files computed here from tlog-tiles and
RFC 6962 alone, byte for byte; what our audit says of folders that were made here, good and bad; and
a writer that is killed at each of its steps. TAP."""
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "ledger")]
from tap import check, end  # noqa: E402
from tree import growth, leaf_hash, path_of, root_of, sha256, tree_files  # noqa: E402

BUILD = pathlib.Path(os.environ.get("OVERT_BUILD") or "build-check").resolve()
PROGRAM = BUILD / "tests/log-files"
OK, DAMAGED, UNSUPPORTED, SYSTEM = 0, 2, 3, 6  # src/base/status.h
SIZES = [1, 2, 255, 256, 257, 511, 512, 513, 5000, 65535, 65536, 65537, 70000]
STEPS_MAX = 400


def make_entries(number, seed):
    """Entries of all lengths, the shortest and the longest among them, mostly small."""
    chance = random.Random(seed)
    entries = [chance.randbytes(chance.choice((0, 1, 7, 32, 100))) for _ in range(number)]
    for place, size in ((0, 0), (3, 255), (4, 256), (200, 65535), (256, 8075)):
        if place < number:
            entries[place] = chance.randbytes(size)
    return entries


# ---- ours ---------------------------------------------------------------------------------------

def run(*words, data=b"", step=0):
    """Exit status, standard output and error of log-files."""
    env = {**os.environ, "OVERT_FAULT": str(step)}
    done = subprocess.run([PROGRAM, *map(str, words)], input=data, capture_output=True, check=False,
                          timeout=300, env=env)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write(folder, size, entries, batch=1 << 40, step=0):
    folder.mkdir(exist_ok=True)
    data = b"".join(struct.pack(">H", len(e)) + e for e in entries)
    return run("write", folder, size, batch, data=data, step=step)


def audit(folder, entries):
    return run("audit", folder, len(entries), root_of(list(map(leaf_hash, entries))).hex())


def files_below(folder):
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob("*") if not file.is_dir()}


def differences(found, expected):
    names = sorted(set(found) ^ set(expected))
    return names + [name for name in expected if name in found and found[name] != expected[name]]


def put_files(folder, files):
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


# ---- the cases ----------------------------------------------------------------------------------

def check_sizes():
    for size in SIZES:
        entries = make_entries(size, size)
        folder = pathlib.Path(f"log-{size}")
        status, told, why = write(folder, 0, entries)
        head = f"{size} {root_of(list(map(leaf_hash, entries))).hex()}\n"
        wrong = differences(files_below(folder), tree_files(entries))
        check(f"a log of {size}: every file, and the root", status == OK and told == head and
              not wrong, (status, told, why, wrong[:5]))
        status, told, why = audit(folder, entries)
        total = f"{size} entries, {sum(map(len, entries))} bytes\n"
        check(f"a log of {size} passes our audit", status == OK and told == total,
              (status, told, why))
        shutil.rmtree(folder)


def check_growth():
    """Entries come in runs of many lengths; each size that was flushed leaves its partial files."""
    entries = make_entries(1400, "growth")
    for batch, runs in ((1 << 40, (1, 254, 1, 1, 255, 3, 600, 285)), (97, (700, 700)),
                        (256, (256, 1, 1143))):
        folder, size, expected, wrong = pathlib.Path("grown"), 0, {}, []
        for number in runs:
            end = size + number
            status, _, why = write(folder, size, entries[size:end], batch)
            wrong += [(status, why)] if status else []
            for flushed in [*range(size + batch, end, batch), end]:
                expected.update(tree_files(entries[:flushed]))
            size = end
        wrong += differences(files_below(folder), expected)
        check(f"a log that grows by {runs}: new files beside the old", not wrong, wrong[:8])
        shutil.rmtree(folder)


def check_proofs():
    entries = make_entries(5000, "proofs")
    hashes = list(map(leaf_hash, entries))
    folder, chance, wrong = pathlib.Path("proofs"), random.Random(1), []
    put_files(folder, tree_files(entries))
    for size in [1, 2, 255, 256, 257, 4096, 4999, 5000]:
        put_files(folder, tree_files(entries[:size]))
        old = chance.randint(1, size)
        index = old - 1
        for words, expected in ((("include", folder, index, size), path_of(index, hashes[:size])),
                                (("extend", folder, old, size), growth(old, hashes[:size]))):
            status, told, why = run(*words)
            if status or told.split() != [part.hex() for part in expected]:
                wrong.append((words, status, why))
    check("proofs from tiles are those of the RFC", not wrong, wrong)

    # With those tiles alone that it wished for, the same proof can be made.
    status, told, _ = run("wish", 257, 5000)
    few, files = pathlib.Path("few"), tree_files(entries)
    put_files(few, {name: files[name] for name in told.split() if name in files})
    proof = run("extend", few, 257, 5000)
    check("the tiles a proof needs are known beforehand", status == OK and
          proof == run("extend", folder, 257, 5000) and proof[0] == OK and
          2 <= len(told.split()) <= 6, (told, proof))
    for name in told.split():
        (few / name).rename("aside")
        status, _, why = run("extend", few, 257, 5000)
        wrong += [] if status == SYSTEM and why == f"{name}: is not there\n" else [(name, why)]
        pathlib.Path("aside").rename(few / name)
    check("and none of them is for nothing", not wrong, wrong)


def check_fallback():
    """A log may take a partial file away when the full one is there."""
    entries = make_entries(600, "fallback")
    folder = pathlib.Path("fallback")
    files = tree_files(entries)
    files.update({name: content for name, content in tree_files(entries[:300]).items()
                  if ".p/" not in name or name.startswith("tile/1")})
    put_files(folder, files)
    result = audit(folder, entries[:300])
    check("an audit takes what a partial file had from the full one", result[0] == OK, result)
    result = write(folder, 300, entries[300:])
    check("so does the writer", result[0] == OK and not differences(files_below(folder), files),
          result)


def check_damage():
    entries = make_entries(700, "damage")
    files, folder = tree_files(entries), pathlib.Path("damage")
    zipped = b"\x1f\x8b\x08\0\0\0\0\0"

    def spoil(name, content, expected, why):
        if folder.exists():
            shutil.rmtree(folder)
        put_files(folder, files)
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)
        status, _, told = audit(folder, entries)
        return [] if (status, told) == (expected, f"{name}: {why}\n") else [(name, why, status, told)]

    def flip(name, at):
        return files[name][:at] + bytes([files[name][at] ^ 1]) + files[name][at + 1:]

    wrong = []
    size_text, hash_text = "has another size than its name says", "has not the hashes of the entries"
    entry_text = "is no bundle of that many entries"
    for name in files:
        last = len(files[name]) - 1
        wrong += spoil(name, None, SYSTEM, "is not there")
        if "entries" in name:
            for bad in (files[name][:-1], files[name] + b"\0", b"", flip(name, 0)):
                wrong += spoil(name, bad, DAMAGED, entry_text)
            wrong += spoil(name, zipped, UNSUPPORTED, "is compressed")
        else:
            for bad in (files[name][:-1], files[name] + b"\0", files[name][:-32], b""):
                wrong += spoil(name, bad, DAMAGED, size_text)
            for at in (0, 31, last // 2, last):
                wrong += spoil(name, flip(name, at), DAMAGED, hash_text)
    check("an audit names the file that is wrong, and why", not wrong, wrong[:4])

    name = "tile/entries/001"
    spoil(name, flip(name, len(files[name]) - 1), DAMAGED, "")
    result = audit(folder, entries)
    check("entries that are others than the tiles say", result[0] == DAMAGED and
          result[2] == f"tile/0/001: {hash_text}\n", result)
    result = run("audit", folder, 0, sha256().hex())
    check("the empty log has the root of nothing", result[0] == OK, result)
    shutil.rmtree(folder)
    put_files(folder, files)
    result = run("audit", folder, 700, "00" * 32)
    check("a root that is another", result[0] == DAMAGED and "another root" in result[2], result)

    put_files(pathlib.Path("single"), {**tree_files([b"x"]), "tile/0/000.p/1": bytes(32)})
    result = audit(pathlib.Path("single"), [b"x"])
    check("the tile of a single entry is looked at, too", result[0] == DAMAGED, result)

    for link, text in (("tile/0/002.p/188", "cannot be read"), ("tile/entries/001", "cannot be read")):
        place = folder / link
        place.rename("aside")
        place.symlink_to(pathlib.Path("aside").resolve())
        result = audit(folder, entries)
        check(f"a symbolic link is no file of a log: {link}", result[0] == SYSTEM and
              result[2] == f"{link}: {text}\n", result)
        place.unlink()
        pathlib.Path("aside").rename(place)

    # The writer looks at what it goes on from.
    for name, content, expected in (
            ("tile/0/002.p/188", flip("tile/0/002.p/188", 5), DAMAGED),
            ("tile/0/002.p/188", None, SYSTEM), ("tile/1/000.p/2", b"", DAMAGED),
            ("tile/entries/002.p/188", b"x", DAMAGED), ("tile/entries/002.p/188", None, SYSTEM),
            ("tile/entries/002.p/188", flip("tile/entries/002.p/188", 4000), DAMAGED),
            ("tile/entries/002.p/188", zipped, UNSUPPORTED)):
        spoil(name, content, 0, "")
        before = files_below(folder)
        result = write(folder, 700, [b"new"])
        check(f"the writer does not go on from what is damaged: {name}", result[0] == expected and
              files_below(folder) == before, result)


def check_left_alone():
    """Files that are there already stay the same files."""
    entries = make_entries(600, "again")
    folder = pathlib.Path("again")
    write(folder, 0, entries[:300])
    write(folder, 300, entries[300:])
    before = {name: (folder / name).stat().st_ino for name in files_below(folder)}
    result = write(folder, 300, entries[300:])
    after = {name: (folder / name).stat().st_ino for name in files_below(folder)}
    check("the same entries once more leave every file alone", result[0] == OK and before == after,
          result)
    result = write(folder, 300, make_entries(301, "other"))
    wrong = differences(files_below(folder),
                        {**tree_files(entries), **tree_files(entries[:300]),
                         **tree_files(entries[:300] + make_entries(301, "other"))})
    check("others replace what was never signed, and nothing of the old size", result[0] == OK and
          not wrong, (result, wrong))


def check_crashes():
    """Killed at each step: the old size still passes, and the same entries again make it whole."""
    entries = make_entries(530, "crash")
    old, new = entries[:250], entries
    start, folder = pathlib.Path("start"), pathlib.Path("crash")
    write(start, 0, old)
    whole = {**tree_files(old), **tree_files(new)}
    wrong, step, kills = [], 0, 0
    while step < STEPS_MAX:
        step += 1
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(start, folder)
        status = write(folder, len(old), entries[len(old):], step=step)[0]
        if status == OK:
            break
        kills += status == -signal.SIGKILL
        left = {name: content for name, content in files_below(folder).items()
                if not name.endswith(".new")}
        torn = [name for name in left if left[name] != whole.get(name)]
        results = [audit(folder, old)[0], write(folder, len(old), entries[len(old):])[0],
                   audit(folder, new)[0], audit(folder, old)[0]]
        rest = differences(files_below(folder), whole)
        if status != -signal.SIGKILL or torn or any(results) or rest:
            wrong.append((step, status, torn, results, rest))
    check(f"killed at each of {kills} steps", 40 < kills == step - 1 < STEPS_MAX - 1 and not wrong,
          wrong[:4] or (kills, step))


def main():
    check_sizes()
    check_growth()
    check_proofs()
    check_fallback()
    check_damage()
    check_left_alone()
    check_crashes()
    return end()


if __name__ == "__main__":
    sys.exit(main())
