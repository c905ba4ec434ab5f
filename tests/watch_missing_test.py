#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where nothing can be recorded: what is missing is said, the exit status is 2, the command does not run, and there is
no half result. TAP."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

OVERT = w.BUILD / "overt"
NOBODY = 65534


def check_refused(name, folder, before, wanted, program=w.RECORDER, after=(), options=()):
    """The recorder behind the words `before`, which take something away from it."""
    place = folder / name.replace(" ", "-")
    place.mkdir()
    place.chmod(0o777)
    ran = place / "ran"
    for way in ((), ("--no-envelope",)):
        done = w.run(*before, program, *after, "-o", place / "trace", *options, *way, "--", "sh", "-c", f": > {ran}")
        said = done.stderr.decode()
        what = f"{name}{', in place' if way else ''}"
        w.check(f"{what}: exit status 2", done.returncode == 2, done)
        w.check(f"{what}: it says what is missing", all(word in said for word in wanted) and
                said.count("\n") <= 2, said)
        w.check(f"{what}: nothing has run, and there is no trace", os.listdir(place) == [], os.listdir(place))


def can(*words):
    return shutil.which(words[0]) is not None and w.run(*words, "true").returncode == 0


def test_users(folder):
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if not can(*user) or os.geteuid() != 0:
        w.skip("a user", "setpriv is missing, or this is not root")
        return
    # Sanitizers and the build's folder may not be for everybody: the program is copied.
    copy = folder / "overt-watch"
    shutil.copy(w.RECORDER, copy)
    folder.chmod(0o755)
    w.open_to_others(folder)
    check_refused("a user that is not root", folder, user, ["may not be loaded", "run it as root"], copy)
    for name, words in (
            ("no CAP_BPF", "--bounding-set=-bpf,-sys_admin"), ("no CAP_PERFMON", "--bounding-set=-perfmon,-sys_admin"),
            ("no capability at all", "--bounding-set=-all")):
        if not can("setpriv", words):
            w.skip(name, "setpriv cannot take it away")
            continue
        check_refused(name, folder, ("setpriv", words), ["may not be loaded", "CAP_BPF"], copy)


def test_types(folder):
    hide = ("unshare", "-m", "sh", "-ec", 'mount -t tmpfs none /sys/kernel/btf; exec "$@"', "sh")
    if not can(*hide):
        w.skip("a kernel without types", "no mount namespace can be had")
        return
    check_refused("a kernel without types", folder, hide, ["/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF"])


# A list of calls that says of bpf(), and of nothing else, that there is no such call (struct sock_filter).
NO_BPF = """
import ctypes, os, struct, sys
code = b"".join(struct.pack("HBBI", *one) for one in (
    (0x20, 0, 0, 0), (0x15, 0, 1, 321), (6, 0, 0, 0x50026), (6, 0, 0, 0x7fff0000)))
space = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(space)))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, program, 0, 0): sys.exit("no list of calls can be loaded")
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_bpf(folder):
    """A kernel without BPF: who asks for it is told that there is no such call."""
    take = (sys.executable, "-c", NO_BPF)
    if os.uname().machine != "x86_64" or not can(*take):
        w.skip("a kernel without BPF", "no list of calls can be loaded")
        return
    check_refused("a kernel without BPF", folder, take, ["has no BPF", "CONFIG_BPF_SYSCALL"])


def test_tracepoints(folder):
    """Types of a kernel that has no such tracepoints: those of a program stand in for it."""
    types = folder / "types"
    source = folder / "small.c"
    source.write_text("int number; int main(void) { return number; }\n")
    bpftool = shutil.which("bpftool") or shutil.which("/usr/sbin/bpftool")
    clang = shutil.which("clang") or shutil.which("clang-14")
    if not bpftool or not clang or w.run(clang, "-g", "-target", "bpf", "-c", source, "-o", folder / "small.o").returncode:
        w.skip("a kernel without the tracepoints", "clang or bpftool is missing")
        return
    made = w.run("llvm-objcopy-14", "--dump-section", f".BTF={types}", folder / "small.o")
    made = made if types.exists() else w.run("objcopy", "--dump-section", f".BTF={types}", folder / "small.o")
    if not types.exists():
        w.skip("a kernel without the tracepoints", f"no types can be taken from a program: {made.stderr[:80]}")
        return
    put = ("unshare", "-m", "sh", "-ec", f'mount --bind {types} /sys/kernel/btf/vmlinux; exec "$@"', "sh")
    if not can(*put):
        w.skip("a kernel without the tracepoints", "nothing can be mounted there")
        return
    check_refused("a kernel without the tracepoints", folder, put, ["does not carry the recorder", "tracepoints"])


def test_build(folder):
    """An installation from which the recorder was left out."""
    if not OVERT.exists():
        w.skip("no recorder", "overt was not built")
        return
    place = folder / "installed"
    place.mkdir()
    shutil.copy(OVERT, place)
    check_refused("no recorder", folder, (), ["overt-watch, is not here", "left out of this build"], place / "overt",
                  ("watch",))


def test_words(folder):
    """What is asked for in a wrong way, or is not there, leaves nothing behind either."""
    for number, words in enumerate((
            ("--pid", 2**30), ("--cgroup", folder / "nowhere"), ("--unit", "no-such.service"), (), ("--pid", "x"),
            ("--for", "0", "--", "true"), ("--for", "x", "--", "true"), ("--allow", "all", "--", "true"),
            ("--scope", "nowhere", "--", "true"), ("--canary", folder / "nowhere", "--", "true"),
            ("--pid", 1, "--", "true"))):
        place = folder / f"words-{number}"
        place.mkdir()
        done = w.run(w.RECORDER, "-o", place / "trace", *words)
        w.check(f"{' '.join(map(str, words)) or 'no words'}: an error, and no trace",
                done.returncode == 2 and done.stderr and os.listdir(place) == [], (done, os.listdir(place)))
    taken = folder / "taken"
    taken.write_text("mine")
    done = w.run(w.RECORDER, "-o", taken, "--", "true")
    w.check("a file that is there is not written over", done.returncode == 2 and taken.read_text() == "mine" and
            not (folder / "taken.pcapng").exists(), done)
    (folder / "half.pcapng").write_text("mine")
    done = w.run(w.RECORDER, "-o", folder / "half", "--", "true")
    w.check("nor a capture, and then there is no trace", done.returncode == 2 and not (folder / "half").exists() and
            (folder / "half.pcapng").read_text() == "mine", done)
    w.check("nor is a folder that is not there made", w.run(w.RECORDER, "-o", folder / "no/trace", "--",
                                                            "true").returncode == 2)


def main():
    w.need_recorder()
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        test_users(folder)
        test_types(folder)
        test_bpf(folder)
        test_tracepoints(folder)
        test_build(folder)
        test_words(folder)
    w.finish()


if __name__ == "__main__":
    main()
