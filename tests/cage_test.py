#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every forbidden act, tried in a real worker of a real scan and in a real builder of `overt rules`
and `overt scan`, as root and as an ordinary user; and what /proc says of them. TAP."""
# timeout: 300
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/scan"))
import harness  # noqa: E402  pylint: disable=wrong-import-position
from harness import HERE, SOURCE, Skip, command_file, parse, run  # noqa: E402

OVERT = harness.install()
RULES = ["--rules", str(HERE / harness.write_rules())]
USER = harness.USER if os.geteuid() == 0 else []
NEEDED = {"seccomp", "no-new-privs"}  # without these an act is not expected to end as listed


def acts(role="worker"):
    lines = (SOURCE / "tests/cage/acts.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    ends = {row[0]: row[{"worker": 1, "builder": 2}[role]] for row in rows}
    return {act: end for act, end in ends.items() if end != "-"}


def acts_and_list_agree():
    """A new act cannot be forgotten in the list, nor a listed one in the program."""
    text = (SOURCE / "tests/scan/acts.c").read_text()
    shared = set(re.findall(r'\{"([\w-]+)", do_', text))
    text = (SOURCE / "tests/scan/double_rules.c").read_text()
    own = set(re.findall(r'"([\w-]+)"\) == 0\) \{\n        return', text))
    assert shared == set(acts()) and shared | own == set(acts("builder")) and len(own) == 3


def try_all(size, user):
    for act in acts():
        command_file(act, act, size)
    command_file("z-last", "nothing", size)
    done = run(OVERT, *RULES, "--json", ".", user=user)
    files, summary = parse(done.stdout)
    if not NEEDED <= set(summary["confinement"]):
        raise Skip(f"not available: {summary['confinement_missing']}")
    if harness.is_sanitized():
        files.pop("./memory")  # the sanitizer's own memory knows no limit
    for path, line in files.items():
        expected = acts().get(path[2:], "refused")
        assert line["verdict"] != "found", f"{path} was possible"
        assert (line["verdict"] == "error") == (expected == "killed"), (path, line)
    assert len(files) >= len(acts())
    assert files["./z-last"]["verdict"] == "clean"  # and the broker lives


def acts_of_ring_jobs():
    try_all(0, ())


def acts_of_descriptor_jobs():
    try_all(200_000, ())


def acts_of_an_ordinary_user():
    if not USER:
        raise Skip("is one already")
    try_all(200_000, USER)


def rules(*arguments, user=(), timeout=60):
    return subprocess.run([*user, OVERT, "rules", *arguments], capture_output=True, check=False,
                          timeout=timeout, stdin=subprocess.DEVNULL,
                          env={**os.environ, "OVERT_STATE": str(HERE / "state")})


def has_filter():
    """Whether a builder has what makes an act end as listed."""
    done = subprocess.run([OVERT, "status", "--json"], capture_output=True, check=False)
    roles = {role["name"]: role for role in json.loads(done.stdout)["roles"]}
    layers = roles["builder"]["layers"]
    return NEEDED <= {layer["layer"] for layer in layers if layer["enforced"]}


def rule_file(word):
    return command_file(f"{word}.ndb", word, 4096)


def acts_of_builders(has_image):
    """Who builds an image may write to it, and that is all."""
    ends = acts("builder")
    return {**ends, "write-image": "allowed"} if has_image else ends


def try_in_builder(user, *words):
    """An act that was possible would be told as a problem (exit code 1). One that killed costs an
    error that names the file and the signal; after one that was refused, the report is whole."""
    if not has_filter():
        raise Skip("no system-call filter here")
    for act, expected in acts_of_builders("build" in words).items():
        if act == "memory" and harness.is_sanitized():
            continue  # the sanitizer's own memory knows no limit
        done = rules(*words, rule_file(act), user=user)
        if expected == "killed":
            signals = b"Segmentation fault" if act == "write-source" else b"Bad system call"
            start = f"overt: {act}.ndb: the caged process that was reading it died: ".encode()
            assert done.returncode == 2 and done.stdout == b"", (act, done)
            is_told = signals in done.stderr or harness.is_sanitized()
            assert done.stderr.startswith(start) and is_told, (act, done)
        elif expected == "allowed":
            assert done.returncode == 1, (act, done)
        else:
            assert (done.returncode, done.stderr) == (0, b""), (act, done)


def acts_of_a_check():
    try_in_builder((), "check")


def acts_of_a_build():
    """With the image's descriptor, which no other word passes on."""
    try_in_builder((), "build", "--quiet", "--strict", "-o", "x.ovi")
    left = [name for name in os.listdir(".") if name.startswith("x.ovi.")]
    assert not left, left


def acts_of_an_ordinary_user_s_builder():
    if not USER:
        raise Skip("is one already")
    try_in_builder(USER, "list")


def acts_of_a_scan_s_builder():
    command_file("found", "found")
    for act, expected in acts_of_builders(True).items():
        done = run(OVERT, "--rules", rule_file(act), "found")
        assert done.returncode == 2 and b"FOUND" not in done.stdout, (act, done)
        if expected == "killed":
            assert f"{act}.ndb: the caged process that was".encode() in done.stderr, (act, done)


def a_bad_builder_costs_its_request():
    """Whatever it says: an error with the file that was being read, soon, and no image."""
    for word in ("crash", "leave", "say-garbage", "say-long", "say-wrong-source"):
        for request in (["check"], ["list", "--json"], ["show", "Good"],
                        ["build", "-o", "bad.ovi"]):
            pathlib.Path("a.ndb").write_text("Good:0:*:6f766572746f76657274\n")
            done = rules(*request, "a.ndb", rule_file(word))
            assert done.returncode == 2 and done.stdout == b"", (word, done)
            assert done.stderr.startswith(f"overt: {word}.ndb: the caged process that was reading it "
                                          "died: ".encode()), (word, done)
            assert not pathlib.Path("bad.ovi").exists()


def a_bad_builder_cannot_drive_the_terminal():
    done = rules("check", "--quiet", rule_file("say-escape"))
    assert done.stdout == b"\\x1b]0;owned\\x07 \\xc2\\x9b2J \\x9b2J \\x7f\\x0d\n", done.stdout


def names_of_files_cannot_drive_the_terminal():
    pathlib.Path("names").mkdir()
    pathlib.Path("names/\x1b[2J.ndb").write_text("OVERT-TEST crash\n")
    for done in (rules("check", "names"), run(OVERT, "--rules", "names", "names")):
        assert done.returncode == 2 and b"\x1b" not in done.stderr, done
        assert b"names/\\x1b[2J.ndb: the caged process that was reading it died" in done.stderr, done


def builders_die_with_the_broker():
    process = subprocess.Popen([OVERT, "rules", "check", rule_file("hang")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.8)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    process.kill()
    process.wait()
    time.sleep(0.5)
    state = pathlib.Path(f"/proc/{children[0]}/stat")
    assert not state.exists() or " Z " in state.read_text()


def watch_builder(*words):
    """Looks at a builder while it reads."""
    process = subprocess.Popen([OVERT, "rules", *words, rule_file("hang")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.8)
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        place = pathlib.Path("/proc", children.split()[0])
        return {
            "status": dict(line.split(":\t", 1) for line in
                           (place / "status").read_text().splitlines() if ":\t" in line),
            "fds": {int(fd): os.readlink(place / "fd" / fd) for fd in os.listdir(place / "fd")},
            "root": os.listdir(place / "root"),
            "ns": {name: os.readlink(place / "ns" / name) for name in os.listdir(place / "ns")},
            "environ": (place / "environ").read_bytes(),
            "exe": (place / "cmdline").read_bytes(),
            "limits": (place / "limits").read_text(),
        }
    finally:
        process.kill()
        process.wait()


def what_proc_says_of_a_builder():
    if os.geteuid() != 0:
        raise Skip("only root may look into a caged builder")
    done = subprocess.run([OVERT, "status", "--json"], capture_output=True, check=False)
    roles = {role["name"]: role for role in json.loads(done.stdout)["roles"]}
    layers = {layer["layer"] for layer in roles["builder"]["layers"] if layer["enforced"]}
    for words, image in ((["check"], False), (["build", "-o", "x.ovi"], True)):
        facts = watch_builder(*words)
        assert facts["exe"] == b"overt-worker\0builder\0"
        check_facts(facts, layers)
        if "descriptors" in layers:
            expected = {0, 1, 2, 3, 4} if image else {0, 1, 2, 3}
            assert set(facts["fds"]) == expected, facts["fds"]
            assert all(facts["fds"][fd].endswith("/null") for fd in (0, 1, 2)), facts["fds"]
            assert facts["fds"][3].startswith("socket:")
            assert not image or facts["fds"][4].startswith("/memfd:overt-image")


def watch_worker(user):
    """Looks at the worker while it works. Gives its pid namespace's outer facts."""
    command_file("wait", "wait", 200_000)
    process = subprocess.Popen([*user, OVERT, "scan", *RULES, "--json", "wait"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(0.8)
    place = pathlib.Path("/proc", str(harness.workers_of(process.pid)[0]))
    facts = {"status": dict(line.split(":\t", 1) for line in
                            (place / "status").read_text().splitlines() if ":\t" in line)}
    try:
        facts["fds"] = {int(fd): os.readlink(place / "fd" / fd) for fd in os.listdir(place / "fd")}
        facts["root"] = os.listdir(place / "root")
        facts["ns"] = {name: os.readlink(place / "ns" / name) for name in os.listdir(place / "ns")}
        facts["environ"] = (place / "environ").read_bytes()
        facts["limits"] = (place / "limits").read_text()
    except PermissionError:
        pass  # nobody but root may look
    _, summary = parse(process.communicate(timeout=30)[0])
    return facts, set(summary["confinement"])


def check_facts(facts, layers):
    """What holds of every caged process."""
    status = facts["status"]
    if "user" in layers:
        assert 0 not in map(int, status["Uid"].split() + status["Gid"].split())
        assert status["Groups"].strip() == ""
    if "capabilities" in layers:
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[kind], 16) == 0, kind
    if "no-new-privs" in layers:
        assert status["NoNewPrivs"] == "1"
    if "seccomp" in layers:
        assert status["Seccomp"] == "2"
    if "mounts" in layers:
        assert facts["root"] == []
    for name, layer in (("pid", "pids"), ("mnt", "mounts"), ("net", "net"), ("ipc", "ipc"),
                        ("uts", "uts"), ("cgroup", "cgroup")):
        if layer in layers:
            assert facts["ns"][name] != os.readlink(f"/proc/self/ns/{name}"), name
    if "limits" in layers:
        for name in ("Max processes", "Max core file size"):
            assert re.search(rf"{name}\s+0\s+0\s", facts["limits"]), name
    assert b"OVERT_STATE" not in facts["environ"] and b"HOME=" not in facts["environ"]


def what_proc_says_of_a_worker():
    if os.geteuid() != 0:
        raise Skip("only root may look into a caged worker")
    facts, layers = watch_worker(())
    check_facts(facts, layers)
    if "descriptors" in layers:
        assert set(facts["fds"]) <= {0, 1, 2, 3, 4, 5, 6}, facts["fds"]
        assert facts["fds"][3].startswith("socket:")
        assert facts["fds"][5].startswith("/memfd:overt-ring")
        assert facts["fds"][6].endswith("/wait")
    if "limits" in layers:
        assert re.search(r"Max file size\s+0\s+0\s", facts["limits"])


def workers_are_not_shown_to_others():
    """Started by root, a worker's memory is closed to every other user."""
    if not USER:
        raise Skip("needs root to become two users")
    command_file("wait", "wait", 200_000)
    process = subprocess.Popen([OVERT, "scan", *RULES, "--quiet", "wait"],
                               stdout=subprocess.DEVNULL)
    time.sleep(0.8)
    worker = harness.workers_of(process.pid)[0]
    owner = os.stat(f"/proc/{worker}/mem").st_uid
    uid = int(re.search(r"Uid:\s(\d+)", pathlib.Path(f"/proc/{worker}/status").read_text())[1])
    for user in (1000, uid):
        look = subprocess.run(["setpriv", "--reuid", str(user), "--regid", str(user),
                               "--clear-groups", "head", "-c1", f"/proc/{worker}/environ",
                               f"/proc/{worker}/maps"], capture_output=True, check=False)
        assert look.stdout == b"" and b"Permission denied" in look.stderr, user
    process.wait(timeout=30)
    assert owner == 0 and uid != 0


def workers_die_with_the_broker():
    command_file("hang", "hang")
    process = subprocess.Popen([OVERT, "scan", *RULES, "hang"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(0.8)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    process.kill()
    process.wait()
    time.sleep(0.5)
    for child in children:
        state = pathlib.Path(f"/proc/{child}/stat")
        assert not state.exists() or " Z " in state.read_text()


def status_tells_the_same():
    for user in ((), USER) if USER else ((),):
        done = subprocess.run([*user, OVERT, "status", "--json"], capture_output=True, check=False,
                              env={**os.environ, "OVERT_STATE": str(HERE / "no-state")})
        told = json.loads(done.stdout)
        roles = {role["name"]: role for role in told["roles"]}
        assert set(roles) == {"broker", "worker", "builder", "server", "witness", "fetcher",
                              "verifier", "auditor", "keeper"}
        _, summary = parse(run(OVERT, *RULES, "--json", command_file("f", "nothing"),
                               user=user).stdout)
        enforced = {layer["layer"] for layer in roles["worker"]["layers"] if layer["enforced"]}
        assert enforced == set(summary["confinement"])
        if "seccomp" in enforced:
            for role in ("worker", "builder", "verifier", "auditor"):
                assert set(roles[role]["tried"].values()) == {"killed"}, roles[role]["tried"]
            for role in ("server", "witness"):
                served = dict(roles[role]["tried"])
                assert served.pop("open a file") == "refused", roles[role]
                assert set(served.values()) == {"killed"}, served
            tried = dict(roles["fetcher"]["tried"])
            assert tried.pop("make a socket") == "its work"
            assert tried.pop("open a file") == "refused"
            assert set(tried.values()) == {"killed"}, tried
        # In a chroot, say, a worker has all of its layers and a role with paths has not.
        differences = [line for role in roles.values() for line in role["manifest"]["differences"]]
        assert done.returncode == (1 if differences else 0), differences


def the_table_is_documented():
    """docs/threats.md names every role and layer."""
    text = (SOURCE / "docs/threats.md").read_text()
    for word in re.findall(r'\.name = "(\w+)"', (SOURCE / "src/role/roles.c").read_text()):
        assert f"`{word}`" in text, word
    for word in re.findall(r'\[OV_LAYER_\w+\] = \{"([\w-]+)"',
                           (SOURCE / "src/cage/cage.c").read_text()):
        assert f"`{word}`" in text, word


def hostile_rules_reach_no_path():
    """The builder is caged too: a rule file cannot be a way to anything, and a link in its folder is
    read as what it is, a file of rules."""
    pathlib.Path("rules").mkdir()
    pathlib.Path("rules/passwd.ndb").symlink_to("/etc/passwd")
    pathlib.Path("rules/good.ndb").write_text("Good:0:*:6f766572746f76657274\n")
    command_file("found", "found")
    done = run(OVERT, "--rules", "rules", "found")
    assert done.returncode == 1 and b"root:x:0" not in done.stderr + done.stdout


if __name__ == "__main__":
    harness.main([
        acts_and_list_agree, acts_of_ring_jobs, acts_of_descriptor_jobs, acts_of_an_ordinary_user,
        acts_of_a_check, acts_of_a_build, acts_of_an_ordinary_user_s_builder,
        acts_of_a_scan_s_builder, a_bad_builder_costs_its_request,
        a_bad_builder_cannot_drive_the_terminal, names_of_files_cannot_drive_the_terminal,
        builders_die_with_the_broker, what_proc_says_of_a_builder, what_proc_says_of_a_worker,
        workers_are_not_shown_to_others, workers_die_with_the_broker,
        status_tells_the_same, the_table_is_documented, hostile_rules_reach_no_path])
