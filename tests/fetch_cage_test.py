#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every forbidden act, tried in a fetcher that was taken over, as root and as an ordinary user; and
what a fetcher that lies can make of its broker. TAP."""
# timeout: 200
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/fetch"))
import fetching  # noqa: E402  pylint: disable=wrong-import-position
from fetching import BUILD, GOT, HERE, MISSING, SOURCE, USER, Server, Skip, ends, fetch, reply  # noqa: E402

DOUBLE = fetching.install(BUILD / "src/role/double-fetch", "double")
REAL = fetching.install()
LAYERS = {"user": 0, "pids": 1, "mounts": 2, "landlock": 12, "seccomp": 13}

# How each act ends: `killed` by the system-call filter, `refused` by the kernel, `possible`.
ACTS = {
    **dict.fromkeys([
        "read-shadow", "read-passwd", "read-outside", "write-outside", "climb", "make-beside",
        "write-hosts", "read-memory", "local-socket", "connect-other", "memory", "large-file",
        "list-root",
    ], "refused"),
    **dict.fromkeys([
        "symlink", "link", "mkfifo", "mkdir", "rename", "unlink", "chmod", "execve", "fork", "thread",
        "ptrace", "kill-parent", "kill-all", "vm-read", "mount", "unshare", "map-code", "io-uring",
        "raw-socket", "packet-socket", "bind",
    ], "killed"),
    "make-many": "possible",  # in its folder, which is removed
}
WORDS = {"send-descriptor", "say-garbage", "say-long", "say-twice", "say-larger", "hang", "crash",
         "leave"}  # for the other tests


def is_sanitized():
    return b"__asan_init" in (BUILD / "overt-fetch").read_bytes()


def ask(act, outside, user=(), deadline=10000):
    """One act. The second item tells the fetcher what is outside."""
    pathlib.Path("body").write_bytes(str(outside).encode())
    words = ["--below", "staging", "--deadline", deadline, "--base", "http://127.0.0.1:9/",
             "get", act, 1000, "may", "post", "http://127.0.0.1:9/x", 0, 1, "body"]
    told = fetch(DOUBLE, *words, user=user)
    assert os.listdir("staging") == [], "the staging folder was left"
    return told


def prepare():
    """A folder to fetch into, and beside it what a fetcher must not reach: an active rule store."""
    pathlib.Path("staging").mkdir()
    pathlib.Path("staging").chmod(0o777)
    pathlib.Path("rules").mkdir()
    active = pathlib.Path("rules/active").absolute()
    active.write_text("rules that are in force\n")
    active.chmod(0o666)  # nothing but the cage is in the way
    pathlib.Path("body").touch()
    return active


def acts_and_list_agree():
    text = (SOURCE / "tests/fetch/double.c").read_text()
    assert set(re.findall(r'\{"([\w-]+)", do_', text)) == set(ACTS) | WORDS


def try_all(user, needed=("user", "pids", "mounts", "landlock", "seccomp")):
    active = prepare()
    layers = ask("leave", active, user)["layers"]
    missing = [name for name in needed if not layers >> LAYERS[name] & 1]
    if missing:
        raise Skip(f"not available: {missing}")
    with Server(reply(b"x")) as other:
        for act, end in ACTS.items():
            if act == "memory" and is_sanitized():
                continue  # the sanitizer's own memory knows no limit
            told = ask(act, other.port if act == "connect-other" else active, user)
            if end == "killed":
                assert told["reason"] == "the fetching process: Bad system call", (act, told)
                assert ends(told) == [0, 0], (act, told)
            else:
                expected = GOT if end == "possible" else MISSING
                if act == "connect-other" and landlock_version() < 4:
                    expected = GOT
                assert ends(told)[0] == expected, (act, told)
    assert active.read_text() == "rules that are in force\n"
    assert sorted(os.listdir(".")) == ["body", "rules", "staging"]


def landlock_version():
    code = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


def acts_of_a_fetcher():
    try_all(())


def acts_of_an_ordinary_user_s_fetcher():
    if os.geteuid() != 0:
        raise Skip("is one already")
    try_all(USER)


def acts_without_namespaces():
    """In a user namespace where nobody is anybody no other can be made: Landlock and the list of
    system calls stand alone."""
    alone = [*(USER if os.geteuid() == 0 else []), "unshare", "-U"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode != 0:
        raise Skip("no user namespaces here")
    active = prepare()
    assert not ask("leave", active, alone)["layers"] >> LAYERS["mounts"] & 1
    for name in ("rules/active", "rules", "staging", "body"):
        os.unlink(name) if os.path.isfile(name) else os.rmdir(name)
    try_all(alone, ("landlock", "seccomp"))


def a_lying_fetcher_is_not_believed():
    active = prepare()
    for word in ("say-garbage", "say-long", "say-twice", "say-larger", "send-descriptor"):
        told = ask(word, active)
        assert told["status"] == "the other process failed", (word, told)
        assert ends(told) == [0, 0] or word == "say-twice", (word, told)
        assert told["reason"].startswith("the fetching process: "), (word, told)
    told = ask("leave", active)
    assert told["reason"] == "the fetching process: it ended before its work was done", told


def a_file_that_is_not_there_is_not_opened():
    """The double says GOT of a file that it has not made."""
    active = prepare()
    told = ask("make-many", active)
    assert ends(told)[0] == GOT and told["answers"][0]["open"] == "the other process failed", told


def a_hanging_fetcher_is_killed():
    active = prepare()
    start = time.monotonic()
    told = ask("hang", active, deadline=500)
    assert 3 < time.monotonic() - start < 7
    assert told["status"] == "limit reached", told
    assert told["reason"] == "the fetching process: it did not end in time, and was ended", told


def a_crash_is_told():
    active = prepare()
    told = ask("crash", active)
    assert told["status"] == "the other process failed" and ends(told) == [0, 0]


def fetchers_die_with_the_broker():
    prepare()
    process = subprocess.Popen([DOUBLE, "--below", "staging", "--base", "http://127.0.0.1:9/", "get",
                                "hang", "1", "may", "post", "http://127.0.0.1:9/x", "0", "1", "body"],
                               stdout=subprocess.DEVNULL, env=fetching.environment())
    time.sleep(0.8)
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    process.kill()
    process.wait()
    time.sleep(0.5)
    state = pathlib.Path(f"/proc/{children[0]}/stat")
    assert not state.exists() or " Z " in state.read_text()


def what_proc_says_of_a_fetcher():
    """The real one, while a server lets it wait."""
    if os.geteuid() != 0:
        raise Skip("only root may look into a caged fetcher")
    prepare()
    with Server(lambda *_: time.sleep(20)) as server:
        process = subprocess.Popen([REAL, "--below", "staging", "--base", server.url, "get", "a", "1",
                                    "may"], stdout=subprocess.DEVNULL, env=fetching.environment())
        try:
            time.sleep(1)
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            place = pathlib.Path("/proc", children.split()[0])
            status = dict(line.split(":\t", 1) for line in
                          (place / "status").read_text().splitlines() if ":\t" in line)
            root = sorted(os.listdir(place / "root"))
            etc = sorted(os.listdir(place / "root/etc"))
            fds = {int(fd): os.readlink(place / "fd" / fd) for fd in os.listdir(place / "fd")}
            environ = (place / "environ").read_bytes()
        finally:
            process.kill()
            process.wait()
    assert status["Threads"].strip() == "1"
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    assert 0 not in map(int, status["Uid"].split() + status["Gid"].split())
    assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0
    if "usr" in root:  # as in a chroot
        raise Skip("not available: a root directory of its own")
    assert root == ["etc", "folder2"] and set(etc) <= {"hosts", "resolv.conf"}, (root, etc)
    assert fds[5].endswith("/folder2") or "fetch-" in fds[5] or fds[5] == "/", fds
    assert all(fds[fd].endswith("/null") for fd in (0, 1, 2)), fds
    assert b"HOME=" not in environ and b"PROXY" not in environ.upper()


if __name__ == "__main__":
    fetching.main([acts_and_list_agree, acts_of_a_fetcher, acts_of_an_ordinary_user_s_fetcher,
                  acts_without_namespaces, a_lying_fetcher_is_not_believed, a_file_that_is_not_there_is_not_opened,
                  a_hanging_fetcher_is_killed, a_crash_is_told, fetchers_die_with_the_broker,
                  what_proc_says_of_a_fetcher])
