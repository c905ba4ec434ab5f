#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Honest scanners under watch: they read what they are given, send nothing out of the machine, and
what they keep is told: clamscan, clamd in its three ways to be asked, and overt itself. TAP."""
import gzip
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

OVERT = w.BUILD / "overt"
DOCUMENTS, PACKED = 6, 40000
RULE = "Test.Nowhere.In.The.Documents:0:*:" + os.urandom(24).hex() + "\n"


def make_documents(folder):
    folder.mkdir()
    sizes = {}
    for number in range(DOCUMENTS):
        path = folder / f"{number}.txt"
        path.write_text(("words and words\n" * (500 + 300 * number))[:9001 * (number + 1)])
        sizes[path] = path.stat().st_size
    path = folder / "packed.gz"
    path.write_bytes(gzip.compress(os.urandom(PACKED // 2).hex().encode()))
    sizes[path] = path.stat().st_size
    os.sync()
    return sizes


def make_rules(folder):
    folder.mkdir()
    (folder / "own.ndb").write_text(RULE)
    return folder


def check_reads(name, trace, sizes):
    got = {path: w.covered(trace.of(path)) for path in sizes}
    w.check(f"{name}: every document is read whole", got == sizes, (got, sizes))


def check_quiet(name, trace):
    out = {address: count for address, count in trace.sent().items()
           if not address.startswith("unix:") and address != ""}
    w.check(f"{name}: nothing is sent out of the machine", not out, out)
    w.check(f"{name}: the trace is complete", trace.is_complete(),
            (trace.losses, trace.failed_routes(), trace.records["end"],
             [record for record in trace.records["sensor"] if record["state"] != "on"]))


# ---- ClamAV -------------------------------------------------------------------------------------

def test_clamscan(folder, documents, sizes):
    if not shutil.which("clamscan"):
        w.skip("clamscan", "clamscan is not installed")
        return
    rules = make_rules(folder / "clamscan-rules")
    scratch = folder / "clamscan-tmp"
    scratch.mkdir()
    done, trace = w.record_command(folder, "clamscan", "-r", "-d", rules, f"--tempdir={scratch}",
                                   documents)
    w.check("clamscan: it ran", b"Infected files: 0" in done.stdout, done)
    check_reads("clamscan", trace, sizes)
    check_quiet("clamscan", trace)
    kept = w.kept(trace)
    w.check("clamscan: the unpacked copy that it wrote is told, though it is gone",
            sum(kept.values()) >= PACKED and all(path.startswith(f"{scratch}/") for path in kept),
            kept)


def start_clamd(folder):
    place = folder / "clamd"
    place.mkdir()
    (place / "tmp").mkdir()
    folder.chmod(0o755)
    conf = place / "clamd.conf"
    conf.write_text(f"Foreground yes\nDatabaseDirectory {make_rules(folder / 'clamd-rules')}\n"
                    f"LocalSocket {place}/socket\nTemporaryDirectory {place}/tmp\nUser root\n"
                    "DisableCache yes\n")
    process = subprocess.Popen(["clamd", "-c", conf], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(place / "socket"))
                return process, conf
        except OSError:
            time.sleep(0.1)
    process.kill()
    process.wait()
    return None, conf


def ask_clamd(folder, process, conf, documents, way):
    path = folder / f"clamd-{way or 'path'}.trace"
    recorder = subprocess.Popen([w.RECORDER, "-o", path, "--pid", str(process.pid)],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while time.monotonic() < end and recorder.poll() is None and not (
            path.exists() and b"event found" in path.read_bytes()):
        time.sleep(0.1)
    time.sleep(0.5)
    done = w.run("clamdscan", "-c", conf, *([f"--{way}"] if way else []), documents)
    time.sleep(0.5)
    recorder.terminate()
    recorder.communicate(timeout=60)
    return done, w.Trace(path)


def test_clamd(folder, documents, sizes):
    if not shutil.which("clamd") or not shutil.which("clamdscan"):
        w.skip("clamd", "clamd or clamdscan is not installed")
        return
    process, conf = start_clamd(folder)
    if process is None:
        w.skip("clamd", "clamd did not start")
        return
    try:
        for way in ("", "fdpass", "stream"):
            check_clamd(folder, process, conf, documents, sizes, way)
    finally:
        process.terminate()
        process.wait()


def check_clamd(folder, process, conf, documents, sizes, way):
    name = f"clamd {way or 'path'}"
    done, trace = ask_clamd(folder, process, conf, documents, way)
    w.check(f"{name}: it answered", b"Infected files: 0" in done.stdout, done)
    w.check(f"{name}: nothing was lost", trace.verdict == "whole" and bool(trace.losses)
            and not any(trace.losses.values()) and not trace.failed_routes(), trace.losses)
    out = [address for address in trace.sent() if not address.startswith("unix:") and address]
    w.check(f"{name}: nothing is sent out of the machine", not out, out)
    kept = w.kept(trace)
    if way == "stream":
        got = sum(w.covered(trace.of(path)) for path in sizes)
        w.check(f"{name}: clamd opens no document", got == 0, got)
        w.check(f"{name}: its copies of all of them are told",
                sum(kept.values()) >= sum(sizes.values()) + PACKED, (kept, sizes))
    else:
        check_reads(name, trace, sizes)
        opens = sum(record["opens"] for path in sizes for record in trace.of(path))
        if way == "fdpass":
            w.check(f"{name}: it opens none itself", opens == 0, opens)
        w.check(f"{name}: the unpacked copy is told", sum(kept.values()) >= PACKED, kept)


# ---- overt --------------------------------------------------------------------------------------

def test_overt(folder, documents, sizes):
    if not OVERT.exists() or not (w.BUILD / "overt-worker").exists():
        w.skip("overt", "overt was not built")
        return
    home = folder / "home"
    home.mkdir()
    env = {**os.environ, "HOME": str(home), "OVERT_STATE": str(home / "state")}
    rules = make_rules(folder / "overt-rules")
    for name, words in (("overt", ["--no-journal"]), ("overt with its journal", [])):
        done, trace = w.record_command(folder, OVERT, "scan", *words, "--rules", rules, documents, env=env,
                                       options=("--own", home) if not words else ())
        w.check(f"{name}: it ran", done.returncode == 0 and trace.records["end"][0]["status"] == 0,
                (done, trace.records["end"]))
        check_reads(name, trace, sizes)
        check_quiet(name, trace)
        kept = w.kept(trace, [home])
        w.check(f"{name}: nothing is kept outside its own folder", not kept, kept)
        if not words:
            w.check(f"{name}: its journal is told as written", sum(w.kept(trace).values()) > 0)


def main():
    w.need_recorder()
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        documents = folder / "documents"
        sizes = make_documents(documents)
        test_clamscan(folder, documents, sizes)
        test_clamd(folder, documents, sizes)
        test_overt(folder, documents, sizes)
    w.finish()


if __name__ == "__main__":
    main()
