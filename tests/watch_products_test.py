#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Honest scanners under watch: they read what they are given, send nothing out of the machine, and
what they keep is told: clamscan, clamd in its three ways to be asked, and overt itself. TAP."""
import gzip
import json
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
LEAKS = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # who looks for leaks traces itself
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

def install(folder):
    """Copies for everybody to run; tests run in a folder of their own, which is nobody else's."""
    place = folder / "installed"
    place.mkdir()
    for name in ("overt", "overt-worker", "overt-watch"):
        shutil.copy(w.BUILD / name, place)
    for each in (pathlib.Path("."), folder):
        each.chmod(0o755)
    return place / "overt"


def check_claims(name, overt, path):
    """What our own report of the trace says."""
    done = w.run(overt, "watch", "report", path, "--json")
    said = json.loads(done.stdout)
    claims = {(claim["type"], claim["what"]): (claim.get("force"), claim.get("bytes")) for claim in said["claims"]}
    w.check(f"{name}: COMPLETE, SENT 0 and KEPT 0", said["complete"] and
            (said["sent_bytes"], said["kept_bytes"], said["sent"]["frames"]) == (0, 0, 0) and
            claims["KEPT", "files"] == claims["SENT", "network"] == ("exact", 0),
            (said["incomplete_because"], said["sent"], said["written"], claims))
    found = {one["rule"] for one in said["findings"]}
    w.check(f"{name}: nothing is found that was kept, sent or read again, and views agree",
            not found & {"upload", "sent-after-read", "one-way", "kept", "again", "documents", "canary", "written",
                         "calls-alone", "pages-alone", "canary-views"}, found)
    return said


def watch_overt(name, folder, overt, before, options, words, env):
    """`overt watch -- overt scan`, whole; gives what its report says."""
    documents = folder / "documents"
    path = folder / f"{name.replace(' ', '-').replace(',', '')}.trace"
    done = w.run(overt, "watch", "-o", path, "--scope", documents, *options, "--", *before, overt, "scan", *words,
                 "--rules", folder / "overt-rules", documents, env={**os.environ, **env, "ASAN_OPTIONS": LEAKS})
    w.check(f"{name}: it was recorded", done.returncode == 0 and path.exists(), done)
    trace = w.Trace(path)
    w.check(f"{name}: it ran", trace.records["end"][0]["status"] == 0, (done, trace.records["end"]))
    return trace, check_claims(name, overt, path)


def test_overt(folder, sizes):
    if not OVERT.exists() or not (w.BUILD / "overt-worker").exists():
        w.skip_all("overt was not built")
    make_rules(folder / "overt-rules")
    overt = install(folder)
    home = folder / "home"
    home.mkdir()
    home.chmod(0o777)
    state = home / ".local/share/overt"
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    cases = [("overt, without a journal", (), (), ["--no-journal"], {"OVERT_STATE": str(folder / "state")}),
             ("overt, in place", (), ("--no-envelope",), ["--no-journal"], {"OVERT_STATE": str(folder / "state")}),
             ("overt, with its journal", (), ("--own", folder / "state"), [], {"OVERT_STATE": str(folder / "state")}),
             ("overt, of a user, with the journal", user, ("--own", state), [], {"HOME": str(home)})]
    for name, before, options, words, env in cases:
        if before and not shutil.which(before[0]):
            w.skip(name, "setpriv is missing")
            continue
        trace, said = watch_overt(name, folder, overt, before, options, words, env)
        check_reads(name, trace, sizes)
        check_quiet(name, trace)
        w.check(f"{name}: its journal is told as its own, when there is one",
                (said["written"]["own"] > 0) == (not words), said["written"])
    w.check("overt, of a user: the journal is where it belongs", (state / "journal/checkpoint").exists())


def main():
    w.need_recorder()
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        documents = folder / "documents"
        sizes = make_documents(documents)
        test_clamscan(folder, documents, sizes)
        test_clamd(folder, documents, sizes)
        test_overt(folder, sizes)
    w.finish()


if __name__ == "__main__":
    main()
