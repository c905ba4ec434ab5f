#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The capability manifest of `overt status --json`: the kernel says what the table says; and whatever
Overt's own processes do, seen by strace, is a part of it. TAP."""
# timeout: 600
import copy
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import zipfile

SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(SOURCE / "tests" / part) for part in ("scan", "manifest")]
import harness  # noqa: E402  pylint: disable=wrong-import-position
import watched  # noqa: E402  pylint: disable=wrong-import-position
from harness import BUILD, HERE, Skip, main  # noqa: E402  pylint: disable=C0413

OVERT = BUILD / "overt"
USER = harness.USER if os.geteuid() == 0 else []
SEEN = {}  # role: the processes that were watched and found to do as declared
HERE.chmod(0o755)  # an ordinary user looks for his state in it
ENV = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "OVERT_STATE": str(HERE / "state")}
for proxy in [name for name in ENV if name.lower().endswith("_proxy")]:
    del ENV[proxy]


def status(user=()):
    done = subprocess.run([*user, OVERT, "status", "--json"], capture_output=True, check=False,
                          env={**ENV, "OVERT_STATE": str(HERE / f"no-state-{len(user)}")}, timeout=120)
    assert done.returncode in (0, 1) and done.stderr == b"", done
    return done.returncode, {role["name"]: role for role in json.loads(done.stdout)["roles"]}


def manifest():
    if not hasattr(manifest, "found"):
        manifest.found = status()[1]
    return manifest.found


# ---- what the kernel says -------------------------------------------------------------------------

def check_table(user):
    code, roles = status(user)
    for name, role in roles.items():
        told = role["manifest"]
        assert set(told) == {"declared", "kernel", "differences"}, told
        missing = [layer["layer"] for layer in role["layers"] if not layer["enforced"]]
        for layer in missing:
            assert any(line.startswith(f"layer {layer}: ") for line in told["differences"]), told
        assert bool(told["differences"]) == bool(missing), (name, told["differences"])
        if name == "broker" or missing:
            continue
        kernel = told["kernel"]
        assert set(kernel["layers"]) == set(told["declared"]["layers"])
        assert kernel["cap_effective"] == "0" * 16 and kernel["no_new_privs"] == 1
        assert kernel["seccomp"] == 2 and kernel["threads"] == 1
        assert "refused" in kernel["landlock"].values() and "POSSIBLE" not in kernel["landlock"].values()
        assert kernel["looked_inside"] == (not user and os.geteuid() == 0)
        if kernel["looked_inside"]:
            assert 0 not in kernel["uid"] + kernel["gid"] and kernel["cap_bounding"] == "0" * 16
            check_inside(told["declared"], kernel)
    assert code == (1 if any(role["manifest"]["differences"] for role in roles.values()) else 0)
    return roles


def check_inside(declared, kernel):
    assert kernel["own_root"] and set(kernel["root"]) <= {row["path"] for row in declared["paths"]}
    assert len(kernel["root"]) == len([row for row in declared["paths"] if "descriptor" in row
                                       or os.path.exists(row["path"])]), kernel["root"]
    ours = {name for name, whose in kernel["namespaces"].items() if whose == "ours"}
    assert ours == {"user"} | ({"net"} if "connect" in declared["sockets"] else set()), ours
    kinds = {row["number"]: row["kinds"] for row in declared["descriptors"]}
    for row in kernel["descriptors"]:
        assert set(row["kinds"]) <= set(kinds[row["number"]]), row
    needed = {row["number"] for row in declared["descriptors"] if not row["optional"]}
    assert needed <= {row["number"] for row in kernel["descriptors"]}


def what_the_kernel_says_is_what_is_declared():
    check_table(())


def what_it_says_to_an_ordinary_user():
    harness.need_another_user()
    check_table(USER)


def what_is_missing_is_a_difference():
    """In a user namespace where nobody is anybody no other can be made."""
    alone = [*USER, "unshare", "-U"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode != 0:
        raise Skip("no user namespaces here")
    code, roles = status(alone)
    told = roles["worker"]["manifest"]["differences"]
    assert code == 1 and any(line.startswith("layer mounts: missing: ") for line in told), told
    assert roles["broker"]["manifest"]["differences"] == []


def the_text_says_it_too():
    done = subprocess.run([OVERT, "status"], capture_output=True, check=False, env=ENV, text=True)
    roles = manifest()
    assert done.stdout.count("\n  manifest  ") == len(roles) - 1, done.stdout
    for role in roles.values():
        for rule in role["manifest"]["declared"]["calls"] or ():
            assert "declined" in rule or f" {rule['call']}" in done.stdout
        for line in role["manifest"]["differences"]:
            assert line in done.stdout


def the_lists_are_short():
    """No role may do what none should."""
    never = {"execve", "execveat", "fork", "vfork", "clone", "clone3", "ptrace", "process_vm_readv",
             "mount", "unshare", "setns", "bpf", "io_uring_setup", "bind", "listen", "kill", "tgkill",
             "symlinkat", "linkat", "open", "mprotect_key", "userfaultfd", "keyctl"}
    for name, role in manifest().items():
        calls = {rule["call"] for rule in role["manifest"]["declared"]["calls"] or ()}
        assert not calls & never, (name, calls & never)
        if name in ("worker", "builder", "verifier"):
            assert not calls & {"open", "openat", "socket", "connect", "accept4"}, name


# ---- what strace sees ------------------------------------------------------------------------------

def strace(folder, *words):
    """The words before a command that is watched."""
    if shutil.which("strace") is None:
        raise Skip("strace is not there")
    os.mkdir(f"watched-{folder}")
    command = ["strace", "-ff", "-X", "raw", "-y", "-s", "4096", "-o", f"watched-{folder}/p", *map(str, words)]
    if not hasattr(strace, "works"):
        strace.works = subprocess.run(["strace", "-f", "-X", "raw", "-o", "/dev/null", "true"], check=False,
                                      capture_output=True).returncode == 0
    if not strace.works:
        raise Skip("strace may not watch here")
    if os.geteuid() != 0:
        raise Skip("what a caged process passes to the kernel is shown to root alone")
    if any("seccomp" not in role["manifest"]["kernel"]["layers"] for name, role in manifest().items()
           if name != "broker"):
        raise Skip("no system-call filter here")
    return command


def run(folder, *words, codes=(0,), overt=OVERT):
    done = subprocess.run(strace(folder, overt, *words), capture_output=True, check=False, env=ENV,
                          stdin=subprocess.DEVNULL, timeout=200)
    assert done.returncode in codes, (words, done)
    return done.stdout.decode(errors="replace")


def expect_declared(folder, roles, peers=()):
    """Every process did a part of what is declared; `roles` are those that must have been there."""
    found = set()
    for process in watched.read(f"watched-{folder}"):
        name, complaints = watched.judge(process, manifest(), peers)
        assert not complaints, (process.words, complaints[:5])
        assert process.is_caged == (name != "broker")
        assert not process.is_caged or "SIGSYS" not in process.end, process.end
        found.add(name)
        SEEN.setdefault(name, []).append((process, peers))
    assert set(roles) <= found, found


def make_tree():
    """Files of many kinds, archives in archives among them."""
    tree = pathlib.Path("tree")
    tree.mkdir()
    (tree / "plain.txt").write_text("nothing\n" * 50)
    (tree / "large.bin").write_bytes(os.urandom(1 << 20))
    with zipfile.ZipFile(tree / "one.zip", "w", zipfile.ZIP_DEFLATED) as one:
        one.writestr("inner.txt", "text " * 5000)
        one.write(tree / "large.bin", "large.bin")
    for kind in ("gz", "bz2", "xz"):
        with tarfile.open(tree / f"two.tar.{kind}", f"w:{kind}") as two:
            two.add(tree / "one.zip", "one.zip")
    # Without RAR: libarchive asks for too much memory there, gets along without it, and dies of asking
    # when the address sanitizer hears it.
    samples = sorted(sample for sample in (SOURCE / "fuzz/seeds").glob("*/*")
                     if sample.parent.name != "walk_rar")
    for number, sample in enumerate(samples[::max(1, len(samples) // 150)]):
        shutil.copy(sample, tree / f"seed-{number}")
    return tree


def a_scan():
    make_tree()
    run("text", "scan", "tree", codes=(0, 1, 2, 3))
    run("json", "scan", "--json", "--all-matches", "tree", codes=(0, 1, 2, 3))
    for folder in ("text", "json"):
        expect_declared(folder, ["broker", "worker"])


def building_and_checking_rules():
    pathlib.Path("r").mkdir()
    pathlib.Path("r/a.ndb").write_text("One:0:*:61626364\nBad:0:*:zz\n")
    pathlib.Path("r/b.hdb").write_text("44d88612fea8a8f36de82e1278abb02f:68:Eicar\n")
    pathlib.Path("r/c.ldb").write_text("Two;Engine:51-255,Target:0;0&1;61626364;65666768/x/\n")
    pathlib.Path("f").write_text("some abcd here\n")
    run("build", "rules", "build", "-o", "x.ovi", "r", codes=(0, 1))
    run("check", "rules", "check", "r", codes=(0, 1))
    run("list", "rules", "list", "--json", "r", codes=(0, 1))
    for folder in ("build", "check", "list"):
        expect_declared(folder, ["broker", "builder"])
    run("scan", "scan", "--rules", "r", "f", codes=(0, 1, 2))
    expect_declared("scan", ["broker", "builder", "worker"])


class Service:
    """overt log WORDS under strace, until the end of a `with`."""

    def __init__(self, folder, *words):
        self.out = open(f"{folder}.out", "w+b")
        self.process = subprocess.Popen(strace(folder, OVERT, "log", *words), stdout=self.out,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=ENV)

    def __enter__(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = re.search(r"listening on (http://[\d.]+:(\d+))/", pathlib.Path(self.out.name).read_text())
            if found:
                self.url, self.port = found[1], int(found[2])
                return self
            assert self.process.poll() is None, pathlib.Path(self.out.name).read_text()
            time.sleep(0.02)
        raise AssertionError("did not start")

    def __exit__(self, *_):
        pid = self.process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:  # the first of them is overt, which ends its own child
            os.kill(int(child), signal.SIGTERM)
        self.process.wait(timeout=30)
        self.out.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def a_log_its_witness_its_server_and_a_client():
    if "mounts" not in manifest()["fetcher"]["manifest"]["kernel"]["layers"]:
        raise Skip("a fetcher has no root directory of its own here")
    port = free_port()
    witness = ("127.0.0.1", port)
    vkey = run("key", "log", "key", "w.example/w", "--witness", "-o", "key").strip()
    run("create", "log", "create", "log", "--origin", "log.example/rules", "--witness",
        f"w {vkey} http://127.0.0.1:{port}")
    pathlib.Path("a.ndb").write_text("One:0:*:6d61726b206f66206f6e65\n")
    pathlib.Path("b.ndb").write_text("Two:0:*:6d61726b206f662074776f\n")
    log_key = pathlib.Path("log/log.vkey").read_text().strip()
    run("append", "log", "append", "log", "a.ndb")
    with Service("witness", "witness", "--state", "w", "--key", "key", "--log", log_key, "--listen",
                 f"127.0.0.1:{port}"):
        run("checkpoint", "log", "checkpoint", "log")
        with Service("server", "serve", "log", "--listen", "127.0.0.1:0") as server:
            run("add", "rules", "add", server.url, "--policy", "log/log.policy")
            run("append-2", "log", "append", "log", "b.ndb")
            run("checkpoint-2", "log", "checkpoint", "log")
            run("update", "rules", "update")
            run("update-2", "rules", "update", "--tiles")
            run("monitor", "log", "monitor", server.url, "--policy", "log/log.policy", "--state", "m",
                "--once", codes=(0, 1))
    pathlib.Path("f").write_text("a mark of two\n")
    assert "Two" in run("scan", "scan", "f", codes=(1,))
    run("export", "evidence", "export", "-o", "file", "--no-manifest")
    run("evidence", "evidence", "verify", "file", codes=(3,))
    for folder in ("key", "create"):
        expect_declared(folder, ["broker"])
    expect_declared("witness", ["broker", "witness"])
    expect_declared("server", ["broker", "server"])
    for folder in ("append", "append-2"):
        expect_declared(folder, ["broker", "builder"])
    for folder in ("checkpoint", "checkpoint-2"):
        expect_declared(folder, ["broker", "fetcher"], [witness])
    for folder in ("add", "update", "update-2"):
        expect_declared(folder, ["broker", "fetcher", "verifier"], [("127.0.0.1", server.port)])
    expect_declared("monitor", ["broker", "fetcher", "auditor"], [witness, ("127.0.0.1", server.port)])
    expect_declared("scan", ["broker", "worker"])
    expect_declared("export", ["broker", "builder"])
    expect_declared("evidence", ["broker", "auditor"])


# ---- that it can fail -------------------------------------------------------------------------------

def complaints_of(folder, peers=()):
    return [line for process in watched.read(f"watched-{folder}")
            for line in watched.judge(process, manifest(), peers)[1]]


def a_worker_that_does_one_thing_more():
    """A worker that obeys its files, one act each: every one is seen, as are the honest ones not."""
    overt = harness.install()
    acts = ["nothing", "open", "openat", "socket", "execve", "fork", "memfd", "ioctl", "write-stdout",
            "map-executable", "map-ring-writable", "recv-other", "send-flags"]
    rules = harness.write_rules()
    for number, act in enumerate(acts):
        harness.command_file(f"f-{number}", act)
        run(f"t-{number}", "scan", "--rules", HERE / rules, f"f-{number}", codes=(0, 1, 2), overt=overt)
        told = [line for line in complaints_of(f"t-{number}") if line.startswith("worker: undeclared")]
        assert bool(told) == (act != "nothing"), (act, told)


def a_call_less_that_is_declared():
    """What was watched is then no longer all declared."""
    if not SEEN:
        raise Skip("nothing was watched")
    for name in set(SEEN) - {"broker"}:
        process, peers = max(SEEN[name], key=lambda one: len(one[0].calls))
        used = {call.name for call in process.calls}
        assert "exit_group" in used or process.end.startswith("+++ killed by SIG"), process.end
        for call in used:
            narrow = {name: copy.deepcopy(manifest()[name])}
            declared = narrow[name]["manifest"]["declared"]
            declared["calls"] = [rule for rule in declared["calls"] if rule["call"] != call]
            _, told = watched.judge(process, narrow, peers)
            assert told and all(f": {call}(" in line for line in told), (name, call, told[:3])


def paths_peers_and_descriptors_that_are_not_declared():
    if "fetcher" not in SEEN:
        raise Skip("nothing was watched")
    changes = {
        "fetcher": [("paths", [], "undeclared path"), ("sockets", [], "undeclared peer")],
        "server": [("paths", [], "undeclared path"), ("descriptors", [], "undeclared descriptor")],
        "worker": [("descriptors", [], "undeclared descriptor")],
        "witness": [("paths", [{"path": "/folder0", "descriptor": 4, "write": False}],
                     "undeclared path")],
    }
    for name, rows in changes.items():
        for key, value, why in rows:
            narrow = {name: copy.deepcopy(manifest()[name])}
            narrow[name]["manifest"]["declared"][key] = value
            told = [line for process, peers in SEEN[name]
                    for line in watched.judge(process, narrow, peers)[1]]
            assert any(why in line for line in told), (name, key, told[:3])
    for process, _ in SEEN["fetcher"]:
        _, told = watched.judge(process, manifest(), [("127.0.0.1", 9)])
        assert told and all("undeclared peer" in line for line in told), told
    leak = watched.Call('openat(-100</>, "/etc/passwd", 0x80000) = 6</etc/passwd>')
    told = watched.Judge(manifest()["fetcher"]["manifest"]["declared"]).judge([leak])
    assert len(told) == 1 and told[0].startswith("undeclared path"), told
    connect = watched.Call('connect(4<socket:[1]>, {sa_family=0x2, sin_port="\\0P", '
                         'sin_addr="\\300\\0\\2\\1"}, 16) = 0')
    broker = manifest()["broker"]["manifest"]["declared"]
    assert len(watched.judge_broker(broker, [connect])) == 1


if __name__ == "__main__":
    main([what_the_kernel_says_is_what_is_declared, what_it_says_to_an_ordinary_user,
          what_is_missing_is_a_difference, the_text_says_it_too, the_lists_are_short, a_scan,
          building_and_checking_rules, a_log_its_witness_its_server_and_a_client,
          a_worker_that_does_one_thing_more, a_call_less_that_is_declared,
          paths_peers_and_descriptors_that_are_not_declared])
