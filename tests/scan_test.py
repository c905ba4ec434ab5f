#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# mostly waits
"""`overt scan` with a worker that misbehaves on command: lines, JSON, exit codes, bad trees. TAP."""
# timeout: 240
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/scan"))
import harness  # noqa: E402  pylint: disable=wrong-import-position
from harness import HERE, Skip, command_file, parse, run  # noqa: E402

OVERT = harness.install()
RULES = ["--rules", str(HERE / harness.write_rules())]
NAME = "Rule-00000.UNOFFICIAL"
PR_SET_CHILD_SUBREAPER = 36
SHRANK = "crashed" if harness.is_sanitized() else "shrank"


def scan(*arguments, **options):
    return run(OVERT, *RULES, *arguments, **options)


def lines_and_exit_codes():
    command_file("clean", "nothing")
    command_file("found", "found")
    command_file("limited", "limited")
    command_file("error", "error")
    assert scan("clean").returncode == 0
    assert scan("clean").stdout == b""
    assert scan("--verbose", "clean").stdout == b"clean: OK\n"
    done = scan("found")
    assert (done.returncode, done.stdout) == (1, f"found: {NAME} FOUND\n".encode())
    done = scan("limited", "clean")
    assert done.returncode == 3
    assert done.stdout == b"limited: not fully scanned: max-recursion LIMITED\n"
    assert scan("--incomplete=ok", "limited").returncode == 0
    done = scan("error", "limited")
    assert done.returncode == 2 and b"error: not enough memory in the scanner ERROR" in done.stdout
    assert scan("error", "found", "limited").returncode == 1  # a detection outweighs all
    done = scan("missing")
    assert done.returncode == 2
    assert done.stdout == b"missing: No such file or directory ERROR\n"


def summary_and_quiet():
    command_file("found", "found")
    summary = scan("found").stderr.decode()
    assert "Infected files: 1" in summary and "Scanned files: 1" in summary
    assert scan("--quiet", "found").stderr == b""
    assert scan("--no-summary", "found").stderr == b""
    assert b"\x1b" not in scan("found").stderr + scan("found").stdout


def json_says_it_all():
    command_file("found", "found")
    command_file("member", "member")
    pathlib.Path("empty").touch()
    done = scan("--json", ".")
    files, summary = parse(done.stdout)
    assert done.returncode == 1
    assert files["./found"] == {
        "path": "./found", "verdict": "found", "bytes": 17, "error": None,
        "detections": [{"rule": NAME, "set": files["./found"]["detections"][0]["set"],
                        "path_inside": None, "offset": 3}]}
    assert files["./found"]["detections"][0]["set"].endswith("rules.ndb")
    assert files["./member"]["detections"][0]["path_inside"] == "./member!#4!#9"
    assert files["./member"]["detections"][0]["offset"] == 77
    assert files["./empty"]["verdict"] == "clean"
    assert summary["files"] == 3 and summary["found"] == 2 and summary["errors"] == 0
    assert re.fullmatch("sha256:[0-9a-f]{64}", summary["image"])
    assert set(summary["journal"]) == {"size", "root"} and isinstance(summary["confinement"], list)
    assert len(summary["confinement"]) + len(summary["confinement_missing"]) == 14


def all_matches_are_sorted():
    command_file("all", "all")
    assert scan("all").stdout.decode() == "all: Rule-00002.UNOFFICIAL FOUND\n"
    names = re.findall(r"Rule-\d+", scan("--all-matches", "all").stdout.decode())
    assert names == ["Rule-00000", "Rule-00001", "Rule-00002"]


def standard_input():
    done = scan("-", stdin=b"OVERT-TEST found\n")
    assert (done.returncode, done.stdout) == (1, f"stdin: {NAME} FOUND\n".encode())
    assert scan("-", stdin=b"").returncode == 0
    big = b"OVERT-TEST found\n" + b"x" * 300000
    assert scan("-", stdin=big).returncode == 1
    done = scan("--max-filesize", "100K", "-", stdin=big)
    assert done.returncode == 3 and b"max-filesize LIMITED" in done.stdout


def large_and_limited_files():
    command_file("large", "found", 5_000_000)
    assert scan("large").returncode == 1
    done = scan("--max-filesize", "1M", "large")
    assert done.returncode == 3
    assert done.stdout == b"large: not fully scanned: max-filesize LIMITED\n"
    assert scan("--max-filesize", "0", "large").returncode == 1


def order_does_not_depend_on_jobs():
    for i in range(500):
        command_file(f"f{i:04}", ["nothing", "found", "limited"][i % 3], 150000 if i % 7 == 0 else 0)
    outputs = {scan("--verbose", "--jobs", str(jobs), ".").stdout for jobs in (1, 2, 5)}
    assert len(outputs) == 1
    paths = [line.partition(b":")[0] for line in outputs.pop().splitlines()]
    assert paths == sorted(paths) and len(paths) == 500


def a_crash_costs_one_file():
    for i in range(200):
        command_file(f"f{i:03}", "crash" if i % 40 == 17 else "nothing", 140000 if i % 5 == 0 else 0)
    done = scan("--json", ".")
    files, summary = parse(done.stdout)
    errors = sorted(path for path, line in files.items() if line["verdict"] == "error")
    assert done.returncode == 2 and len(files) == 200
    assert errors == ["./f017", "./f057", "./f097", "./f137", "./f177"]
    assert {files[path]["error"] for path in errors} == {"scanner process crashed"}
    assert summary["workers_lost"] >= 5


def a_crash_among_large_files_costs_one():
    """They go to a worker as a group, and are done again one by one."""
    for i in range(40):
        word = "crash" if i in (7, 31) else "found" if i % 3 == 0 else "nothing"
        command_file(f"f{i:02}", word, 140000 + i % 7 * 300000)
    for jobs in ("1", "2"):
        done = scan("--json", "--jobs", jobs, ".")
        files, summary = parse(done.stdout)
        assert list(files) == [f"./f{i:02}" for i in range(40)]
        for i, line in enumerate(files.values()):
            wanted = "error" if i in (7, 31) else "found" if i % 3 == 0 else "clean"
            assert line["verdict"] == wanted, line
        assert summary["workers_lost"] >= 2, summary


def nothing_but_crashes():
    for i in range(100):
        command_file(f"f{i:03}", "crash")
    files, _ = parse(scan("--json", ".").stdout)
    assert len(files) == 100 and {line["verdict"] for line in files.values()} == {"error"}


def a_hang_costs_one_file():
    command_file("a-hang", "hang")
    for i in range(20):
        command_file(f"f{i:03}", "nothing")
    start = time.monotonic()
    files, _ = parse(scan("--json", "--max-scantime", "300", ".").stdout)
    assert time.monotonic() - start < 30
    assert files["./a-hang"]["error"] == "scanner process hung"
    assert sum(line["verdict"] == "clean" for line in files.values()) == 20


def lies_are_found_out():
    for word in ("rule", "offset", "send-garbage", "send-large", "send-descriptor"):
        command_file(word, word)
    command_file("silent", "silent")
    command_file("z-after", "found")
    files, _ = parse(scan("--json", ".").stdout)
    for path in ("./rule", "./offset", "./send-garbage"):
        assert files[path]["error"] == "scanner process broke its protocol", files[path]
    assert {line["verdict"] for path, line in files.items() if path != "./z-after"} == {"error"}
    assert files["./z-after"]["verdict"] == "found"


def refused_images_say_why():
    build = subprocess.run([OVERT, "rules", "build", "-o", "i.ovi", RULES[1]], check=False,
                           capture_output=True)
    assert build.returncode == 0, build.stderr
    image = pathlib.Path("i.ovi")
    command_file("found", "found")
    assert run(OVERT, "--rules", "i.ovi", "found").returncode == 1
    sound = image.read_bytes()
    pathlib.Path("refused.ndb").write_text("REFUSE-ME:0:*:6f766572746f76657274\n")
    done = run(OVERT, "--rules", "refused.ndb", "found")  # by the worker
    assert done.returncode == 2 and b"refused?at byte 0" in done.stderr, done.stderr
    for damage in (b"", sound[:50], b"x" * 500, sound[:80] + b"x" + sound[81:]):
        image.write_bytes(damage)
        done = run(OVERT, "--rules", "i.ovi", "found")
        assert done.returncode == 2 and done.stderr, damage[:20]
    image.write_bytes(sound)
    image.chmod(0o666)  # anybody could change it: used as a copy
    assert run(OVERT, "--rules", "i.ovi", "found").returncode == 1
    done = run(OVERT, "--rules", "i.ovi", "--rules", RULES[1], "found")
    assert done.returncode == 2 and b"cannot be joined" in done.stderr


def bad_rules_are_counted():
    pathlib.Path("r.ndb").write_text("bad\n" * 10 + "Good:0:*:6f766572746f76657274\n")
    command_file("found", "found")
    done = run(OVERT, "--rules", "r.ndb", "found")
    assert done.returncode == 1 and b"r.ndb:1" in done.stderr and b"10 rules" in done.stderr
    pathlib.Path("only-bad.ndb").write_text("bad\n")
    assert run(OVERT, "--rules", "only-bad.ndb", "found").returncode == 2
    assert run(OVERT, "--rules", "nowhere", "found").returncode == 2
    pathlib.Path("unknown.txt").write_text("x")
    assert run(OVERT, "--rules", "unknown.txt", "found").returncode == 2


def make_bad_tree(top):
    """Every kind of trouble; returns what must be told of each path."""
    expected = {}
    top = pathlib.Path(top)
    top.mkdir()
    def put(name, verdict):
        expected[f"{top}/{name}"] = verdict
        return top / name
    put("plain", "clean").write_text("x")
    put("empty", "clean").touch()
    put("found", "found").write_text("OVERT-TEST found\n")
    put("unreadable", "error").write_text("x")
    (top / "unreadable").chmod(0)
    put("locked", "error").mkdir()
    (top / "locked/inside").write_text("x")
    (top / "locked").chmod(0)
    os.mkfifo(put("fifo", "skipped"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(put("socket", "skipped")))
    put("loop", "skipped").symlink_to(".")
    put("dangling", "skipped").symlink_to("nowhere")
    put("new\nline", "clean").write_text("x")
    raw = os.fsencode(top) + b"/n\xff\xfeme"
    expected[os.fsdecode(raw)] = "clean"
    with open(raw, "wb") as file:
        file.write(b"x")
    with open(put("sparse", "limited"), "wb") as file:
        file.truncate(200 << 20)
    deep = top / "deep"
    deep.mkdir()
    here = os.getcwd()
    os.chdir(deep)
    path = f"{deep}"
    for level in range(300):
        name = f"level-{level:03}-with-a-long-name"
        os.mkdir(name)
        os.chdir(name)
        path += "/" + name
    pathlib.Path("bottom").write_text("OVERT-TEST found\n")
    expected[f"{path}/bottom"] = "found"
    os.chdir(here)
    return expected


def bad_trees_lose_nothing():
    user = harness.USER if os.geteuid() == 0 else ()
    old = os.umask(0)
    expected = make_bad_tree("tree")
    os.umask(old)
    if os.geteuid() == 0:
        os.mknod("tree/device", stat.S_IFCHR | 0o666, os.makedev(1, 5))  # zero: endless
        expected["tree/device"] = "skipped"
    done = scan("--json", "tree", user=user)
    files, summary = parse(done.stdout)
    told = {path: line["verdict"] for path, line in files.items()}
    assert told == expected, {p: (told.get(p), expected.get(p)) for p in {*told, *expected}
                              if told.get(p) != expected.get(p)}
    assert done.returncode == 1
    assert summary["errors"] == 2 and summary["found"] == 2 and summary["limited"] == 1
    text = scan("--verbose", "tree", user=user).stdout
    assert text.count(b"\n") == len(expected)
    assert b"new\\x0aline: OK" in text and b"n\xff\xfeme: OK" in text
    for name, kind in (("fifo", b"FIFO"), ("socket", b"socket")):  # by name they are errors
        done = scan(f"tree/{name}", user=user)
        assert done.returncode == 2 and kind in done.stdout and b"ERROR" in done.stdout


def shrinking_and_growing_files():
    command_file("shrinks", "wait", 3_000_000)
    command_file("grows", "wait", 3_000_000)
    pathlib.Path("steady").write_text("x")
    for i in range(10):  # in one group with the two
        command_file(f"large{i}", "found" if i % 2 else "nothing", 400_000 * (1 + i))
    process = subprocess.Popen([OVERT, "scan", *RULES, "--json", "."], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    time.sleep(0.6)
    os.truncate("shrinks", 10)
    with open("grows", "ab") as file:
        file.write(b"y" * 3_000_000)
    files, _ = parse(process.communicate(timeout=60)[0])
    assert files["./shrinks"]["verdict"] == "error" and SHRANK in files["./shrinks"]["error"]
    assert files["./grows"]["verdict"] == "clean" and files["./steady"]["verdict"] == "clean"
    for i in range(10):
        assert files[f"./large{i}"]["verdict"] == ("found" if i % 2 else "clean"), files


def files_that_never_rest():
    """Small ones, rewritten as fast as can be while they are scanned again and again."""
    names = [f"f{i}" for i in range(20)]
    writer = subprocess.Popen([sys.executable, "-c", (
        "import os,sys,itertools\n"
        "for i in itertools.count():\n"
        "  with open(sys.argv[1 + i % 20], 'wb') as f: f.write(b'z' * (i * 7919 % 300000))\n"),
        *names])
    try:
        time.sleep(0.3)
        for _ in range(20):
            files, _ = parse(scan("--json", ".").stdout)
            assert len(files) == 20
            for line in files.values():
                assert line["verdict"] == "clean" or SHRANK in line["error"] or \
                    "grew" in line["error"], line
    finally:
        writer.kill()
        writer.wait()


def interrupt_ends_in_order():
    command_file("b-hang", "hang")
    command_file("a-found", "found", 2_000_000)
    process = subprocess.Popen([OVERT, "scan", *RULES, "--jobs", "2", "a-found", "b-hang"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert b"a-found: Rule" in out and b"b-hang: scan was stopped ERROR" in out
    assert b"SCAN SUMMARY" in err and b"stopped" in err
    assert process.returncode == 1  # something was found; without it, 2
    process = subprocess.Popen([OVERT, "scan", *RULES, "b-hang"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 2


def no_process_is_left():
    """Children that overt leaves behind would become ours; the times of those it waits for count."""
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    for i in range(200):
        command_file(f"{i:03}", "clean")
    command_file("crash", "crash")
    process = subprocess.Popen([OVERT, "scan", *RULES, "--quiet", "--jobs", "4", "."],
                               stdout=subprocess.DEVNULL)
    assert os.waitstatus_to_exitcode(os.wait4(process.pid, 0)[1]) == 2
    process.returncode = 2
    command_file("hang", "hang")
    process = subprocess.Popen([OVERT, "scan", *RULES, "--quiet", "--jobs", "1", "hang"],
                               stdout=subprocess.DEVNULL)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 2
    try:
        left = os.waitpid(-1, os.WNOHANG)
        assert False, f"a worker outlived its scan: {left}"
    except ChildProcessError:
        pass  # as it should be: nobody is left
    finally:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def changed_files_alone():
    command_file("clean", "nothing")
    command_file("found", "found")
    command_file("other", "nothing")
    def unchanged(*more):
        files, _ = parse(scan("--json", "--changed", *more, ".").stdout)
        return sorted(path for path, line in files.items() if line.get("unchanged"))
    assert unchanged() == []
    assert unchanged() == []  # too fresh to be trusted
    time.sleep(3.1)
    assert unchanged() == []
    assert unchanged() == ["./clean", "./other"]  # what was found is looked at again
    assert unchanged("--max-filesize", "1M") == []  # other limits: all again
    assert unchanged() == []
    pathlib.Path("other").write_text("OVERT-TEST found\n")
    os.utime("other", (1, 1))
    assert unchanged() == ["./clean"]
    state = HERE / "state/scan.state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    state.write_bytes(state.read_bytes()[:-1])
    assert unchanged() == []  # damaged: as if there were none
    assert unchanged() == ["./clean"]
    state.chmod(0o666)
    assert unchanged() == []  # others could have written it


def includes_and_excludes():
    os.makedirs("a/b")
    for name in ("a/x.js", "a/b/y.js", "a/b/z.py"):
        command_file(name, "found")
    def found(*more):
        return re.findall(r"(?m)^(\S+): Rule", scan(*more, "a").stdout.decode())
    assert found() == ["a/b/y.js", "a/b/z.py", "a/x.js"]
    assert found("--include", "*.js") == ["a/b/y.js", "a/x.js"]
    assert found("--exclude", "b") == ["a/x.js"]
    assert found("--exclude", "a/b/*") == ["a/x.js"]


def options_are_checked():
    for arguments in (["--jobs", "0", "x"], ["--jobs", "many", "x"], ["--nonsense", "x"],
                      ["--max-filesize", "1X", "x"], ["--max-filesize", "-1", "x"],
                      ["--incomplete=maybe", "x"], [], ["--rules"]):
        done = run(OVERT, *arguments)
        assert done.returncode == 2 and done.stderr.startswith(b"overt: "), arguments
    done = run(OVERT, "--help")
    assert done.returncode == 0 and b"Example:" in done.stdout and done.stderr == b""


def confinement_can_be_required():
    command_file("found", "found")
    _, summary = parse(scan("--json", "found").stdout)
    done = scan("--require-confinement", "found")
    if summary["confinement_missing"]:
        assert done.returncode == 2 and b"is not available" in done.stderr
        assert b"FOUND" not in done.stdout
    else:
        assert done.returncode == 1


def workers_are_killed_from_outside():
    """As by the out-of-memory killer: the file in hand is an error, the rest goes on."""
    command_file("a-wait", "wait", 200_000)
    command_file("b-large", "nothing", 200_000)  # goes with it, and is done again
    for i in range(30):
        command_file(f"f{i:02}", "nothing")
    build = subprocess.run([OVERT, "rules", "build", "-o", "i.ovi", RULES[1]], check=False,
                           capture_output=True)  # so that there is no builder among the children
    assert build.returncode == 0
    process = subprocess.Popen([OVERT, "scan", "--rules", "i.ovi", "--json", "--jobs", "1", "."],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    killed = set()
    while len(killed) < 2:
        for child in set(harness.workers_of(process.pid)) - killed:
            time.sleep(0.7)  # it has the file in hand by now
            os.kill(child, signal.SIGKILL)
            killed.add(child)
    files, summary = parse(process.communicate(timeout=60)[0])
    assert len(files) == 33 and summary["workers_lost"] == 2, summary
    errors = [path for path, line in files.items() if line["verdict"] == "error"]
    assert errors == ["./a-wait"], errors


if __name__ == "__main__":
    harness.main([
        lines_and_exit_codes, summary_and_quiet, json_says_it_all, all_matches_are_sorted,
        standard_input, large_and_limited_files, order_does_not_depend_on_jobs,
        a_crash_costs_one_file, a_crash_among_large_files_costs_one, nothing_but_crashes,
        a_hang_costs_one_file, lies_are_found_out,
        refused_images_say_why, bad_rules_are_counted, bad_trees_lose_nothing,
        shrinking_and_growing_files, files_that_never_rest, interrupt_ends_in_order,
        no_process_is_left,
        changed_files_alone,
        includes_and_excludes, options_are_checked, confinement_can_be_required,
        workers_are_killed_from_outside])
