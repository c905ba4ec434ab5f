#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every forbidden act, tried in a real worker of a real scan, as root and as an ordinary user; and
what /proc says of a caged worker. TAP."""
# timeout: 180
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


def acts():
    lines = (SOURCE / "tests/cage/acts.txt").read_text().splitlines()
    return dict(line.split() for line in lines if not line.startswith("#"))


def acts_and_list_agree():
    """A new act cannot be forgotten in the list, nor a listed one in the program."""
    text = (SOURCE / "tests/scan/acts.c").read_text()
    assert set(re.findall(r'\{"([\w-]+)", do_', text)) == set(acts())


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


def watch_worker(user):
    """Looks at the worker while it works. Gives its pid namespace's outer facts."""
    command_file("wait", "wait", 200_000)
    process = subprocess.Popen([*user, OVERT, "scan", *RULES, "--json", "wait"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    time.sleep(0.8)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    place = pathlib.Path("/proc", children.split()[0])
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


def what_proc_says():
    if os.geteuid() != 0:
        raise Skip("only root may look into a caged worker")
    facts, layers = watch_worker(())
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
    if "descriptors" in layers:
        assert set(facts["fds"]) <= {0, 1, 2, 3, 4, 5, 6}, facts["fds"]
        assert facts["fds"][3].startswith("socket:")
        assert facts["fds"][5].startswith("/memfd:overt-ring")
        assert facts["fds"][6].endswith("/wait")
    for name, layer in (("pid", "pids"), ("mnt", "mounts"), ("net", "net"), ("ipc", "ipc"),
                        ("uts", "uts"), ("cgroup", "cgroup")):
        if layer in layers:
            assert facts["ns"][name] != os.readlink(f"/proc/self/ns/{name}"), name
    if "limits" in layers:
        for name in ("Max processes", "Max file size", "Max core file size"):
            assert re.search(rf"{name}\s+0\s+0\s", facts["limits"]), name
    assert b"OVERT_STATE" not in facts["environ"] and b"HOME=" not in facts["environ"]


def workers_are_not_shown_to_others():
    """Started by root, a worker's memory is closed to every other user."""
    if not USER:
        raise Skip("needs root to become two users")
    command_file("wait", "wait", 200_000)
    process = subprocess.Popen([OVERT, "scan", *RULES, "--quiet", "wait"],
                               stdout=subprocess.DEVNULL)
    time.sleep(0.8)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    worker = int(children.split()[0])
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
        assert set(roles) == {"broker", "worker", "builder"}
        _, summary = parse(run(OVERT, *RULES, "--json", command_file("f", "nothing"),
                               user=user).stdout)
        enforced = {layer["layer"] for layer in roles["worker"]["layers"] if layer["enforced"]}
        assert enforced == set(summary["confinement"])
        if "seccomp" in enforced:
            for role in ("worker", "builder"):
                assert set(roles[role]["tried"].values()) == {"killed"}, roles[role]["tried"]
        everything = len(enforced) == len(roles["worker"]["layers"])
        assert done.returncode == (0 if everything else 1)


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
        what_proc_says, workers_are_not_shown_to_others, workers_die_with_the_broker,
        status_tells_the_same, the_table_is_documented, hostile_rules_reach_no_path])
