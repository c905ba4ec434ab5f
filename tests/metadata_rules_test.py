#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules on what containers say of their members (.cdb .zmd .rmd), held against clamscan. TAP."""
import base64
import io
import pathlib
import random
import subprocess
import sys
import tarfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, needs_walkers, overt_names, write  # noqa: E402
from members import BUILD, OVERT, Skip, Tap, has, scan  # noqa: E402

tap = Tap()
NAMES = ["a.exe", "B.EXE", "folder/c.scr", "d.txt", "x+y.doc", "back\\slash", "sp ace.js", "e",
         "invoice.pdf.exe", "(1).zip", "tab\tname", "caf\u00e9.exe"]


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def tar_of(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def line(name, container="*", size="*", regex="*", packed="*", plain="*", encrypted="*",
         position="*", checksum="*", more=""):
    return f"{name}:{container}:{size}:{regex}:{packed}:{plain}:{encrypted}:{position}:{checksum}:*{more}"


def compare_lines(lines, paths, at_once=9):
    """Few rules at a time: no more than 64 detections are told for one file."""
    for number in range(0, len(lines), at_once):
        rules = write(f"rules/{number}.cdb", "\n".join(lines[number:number + at_once]) + "\n")
        answer = compare(rules, paths)
        if answer is not True:
            return answer
    return True


def compare(rules, paths):
    for path in paths:
        ours = overt_names(path, rules, "--all-matches")
        theirs = clamscan_names(path, rules, "--allmatch")
        if ours != theirs:
            return f"{path}: only overt {sorted(set(ours) - set(theirs))}, " \
                   f"only clamscan {sorted(set(theirs) - set(ours))}"
    return True


def draw_members(rng, count):
    return [(name, rng.choice((b"\1", b"\1\2")) * rng.choice((1, 9, 50, 700)))
            for name in rng.sample(NAMES, count)]


@tap.case("sizes, positions and containers")
def _():
    needs_walkers("zip", "tar")
    rng = random.Random(1)
    paths = [write(f"sizes/{n}.zip", zip_of(draw_members(rng, rng.randrange(1, 5)),
                                            rng.choice((0, 8)))) for n in range(20)]
    paths += [write(f"sizes/{n}.tar", tar_of(draw_members(rng, rng.randrange(1, 5))))
              for n in range(10)]
    lines = [line(f"Container.{t[8:]}", container=t)
             for t in ("CL_TYPE_ZIP", "CL_TYPE_POSIX_TAR", "CL_TYPE_RAR", "CL_TYPE_ANY")]
    for value in ("9", "50", "1-9", "0-50", "51-0", "100-700", "701-4294967295", "10-5", "0", "0-0",
                  "4294967295"):
        lines += [line(f"Packed.{value}", packed=value), line(f"Plain.{value}", plain=value),
                  line(f"Position.{value}", position=value)]
    lines += [line(f"Position.{n}", position=f"{n}") for n in (1, 2, 3, 4, 5)]
    lines += [line(f"Size.{n}", size=n) for n in ("1-300", "301-0", "10240", "2048-20000")]
    lines += [line("Plain.Not.Encrypted", encrypted="0"), line("Encrypted", encrypted="1"),
              line("Checksum", checksum="12345")]
    return compare_lines(lines, paths)


REGEXES = [r"\.exe$", r"(?i)\.exe$", r"^a", r"\.(exe|scr)$", r"[a-c]\.[a-z]{3}$", r"x\+y", r"[+]y",
           r"[\]slash", r"back\\slash", r"[[:alpha:]]", r"^[^.]+$", r"\(1\)", r"[(]1[)]", r"sp ace",
           r"\d", r"\w\.txt", r"f.c\.", r"^(folder/)?c\.scr$", r"pdf\.exe", r"e{1}$", r"a{2}", r"^e$",
           r"()e$", r".", r"e?xe", r"e*$", r"[]a]\.e", r"[^]]\.exe$", r"\.EXE", r"tab.name", r"\t",
           r"[a-zA-Z0-9]+\.txt", r"x+y", r"(a|d)\.(txt|exe)", r"caf..\.exe", r"^.{5}$", r"[a\.]exe"]


@tap.case("regular expressions on names")
def _():
    needs_walkers("zip")
    usable = [r for r in REGEXES if ":" not in r]
    lines = [line(f"Name.{number}", regex=regex) for number, regex in enumerate(usable)]
    paths = [write(f"names/{n}.zip", zip_of([(name, b"\1\2\3" * 9)]))
             for n, name in enumerate(NAMES)]
    return compare_lines(lines, paths, 40)


@tap.case("an encrypted member, by .cdb and by .zmd")
def _():
    needs_walkers("zip")
    data = bytearray(zip_of([("secret.exe", b"\1\2\3" * 30)]))
    data[6] |= 1
    data[data.find(b"PK\1\2") + 8] |= 1
    paths = [write("secret.zip", bytes(data)), write("open.zip", zip_of([("open.exe", b"\1" * 90)]))]
    cdb = write("secret.cdb", "\n".join(line(f"Flag.{f}", encrypted=f) for f in "01*") + "\n")
    answer = compare(cdb, paths)
    if answer is not True:
        return answer
    crc = data[14:18][::-1].hex()
    zmd = [f"Zmd.{n}:{rest}" for n, rest in enumerate(
        ("1:*:*:*:*:*:*:*", "0:*:*:*:*:*:*:*", r"*:\.exe$:*:*:*:*:*:*", "*:*:90:*:*:*:*:*",
         "*:*:91:*:*:*:*:*", f"*:*:*:*:{crc}:*:*:*", "*:*:*:*:1234abcd:*:*:*", "*:*:*:*:*:8:1:5",
         "*:*:*:*:*:*:2:*"))]
    return compare(write("secret.zmd", "\n".join(zmd) + "\n"), paths)


MEMBERS = {"a.exe": b"\1\2" * 90, "b.txt": b"\1\2\3" * 30, "c.scr": b"\1\2\3\4" * 10}
# (type, file, program, arguments before the names of the members)
PACKED = [("CL_TYPE_7Z", "p.7z", ["7z", "a", "-bd", "p.7z"]),
          ("CL_TYPE_MSCAB", "p.cab", ["gcab", "-c", "p.cab"]),
          ("CL_TYPE_ARJ", "p.arj", ["arj", "a", "p.arj"]),
          ("CL_TYPE_ISO9660", "p.iso", ["genisoimage", "-quiet", "-o", "p.iso"])]


def pack(file, command):
    """The path of an archive that the program made of MEMBERS."""
    if not has(command[0]):
        raise Skip(f"{command[0]} is not installed")
    for name, data in MEMBERS.items():
        write(f"packed/{name}", data)
    pathlib.Path("packed", file).unlink(missing_ok=True)
    subprocess.run([*command, *MEMBERS], cwd="packed", check=True, capture_output=True, timeout=60)
    return f"packed/{file}"


def member_lines(filetype):
    lines = [line("Type", container=filetype), line("Regex", regex="(?i)^b"), line("Other", regex="^z")]
    for value in ("0", "1", "2", "3"):
        lines.append(line(f"Position.{value}", position=value))
    for value in ("0", "40", "90", "180"):
        lines += [line(f"Packed.{value}", packed=value), line(f"Plain.{value}", plain=value)]
    return lines


def add_packed(filetype, file, command):
    @tap.case(f"members of {filetype[8:]} as {command[0]} makes it")
    def _():
        path = pack(file, command)
        done = subprocess.run([BUILD / "tests/members", path, filetype], capture_output=True,
                              timeout=60, check=False)
        if not done.stdout.startswith(b"member"):
            return f"{filetype} is not read: {done.stdout}"
        return compare_lines(member_lines(filetype), [path])


for row in PACKED:
    add_packed(*row)


@tap.case("members of cpio archives of three kinds")
def _():
    for kind, filetype in (("bin", "CPIO_OLD"), ("odc", "CPIO_ODC"), ("newc", "CPIO_NEWC")):
        if not has("cpio"):
            raise Skip("cpio is not installed")
        pack("p.7z", ["true"])
        done = subprocess.run(["cpio", "-o", "--quiet", "-H", kind], cwd="packed", check=True,
                              input="\n".join(MEMBERS).encode(), capture_output=True, timeout=60)
        path = write(f"packed/{kind}.cpio", done.stdout)
        answer = compare_lines(member_lines(f"CL_TYPE_{filetype}"), [path])
        if answer is not True:
            return answer
    return True


@tap.case("attachments of mail")
def _():
    text = "From: a@b.example\nTo: c@d.example\nSubject: x\nMIME-Version: 1.0\n" \
           "Content-Type: multipart/mixed; boundary=bb\n\n--bb\nContent-Type: text/plain\n\nhello\n"
    for name, data in MEMBERS.items():
        text += f"--bb\nContent-Type: application/octet-stream; name=\"{name}\"\n" \
                "Content-Transfer-Encoding: base64\n" \
                f"Content-Disposition: attachment; filename=\"{name}\"\n\n" \
                f"{base64.b64encode(data).decode()}\n"
    path = write("mail.eml", text + "--bb--\n")
    return compare_lines(member_lines("CL_TYPE_MAIL"), [path])


@tap.case("the rule that was loaded last is told first")
def _():
    needs_walkers("zip")
    rules = write("order.cdb", "\n".join(line(f"Order.{n}") for n in range(5)) + "\n")
    path = write("order.zip", zip_of([("a", b"\1" * 20)]))
    ours, theirs = overt_names(path, rules), clamscan_names(path, rules)
    return ours == theirs == ["Order.4.UNOFFICIAL"] or f"{ours} {theirs}"


@tap.case("it is told with the member's name and place")
def _():
    needs_walkers("zip")
    rules = write("place.cdb", line("Place", regex="second") + "\n")
    path = write("place.zip", zip_of([("first", b"\1" * 20), ("second.bin", b"\2" * 20)]))
    found = scan(path, "--rules", rules)["detections"]
    told = [(d["rule"], d["path_inside"]) for d in found]
    return told == [("Place.UNOFFICIAL", f"{path}!second.bin")] or found


@tap.case("lines that cannot be read cost one line each")
def _():
    bad = [line("Bad.Regex", regex="("), line("Bad.Repeat", regex="a**"), line("Bad.Group", regex="(?:a)"),
           line("Bad.Type", container="CL_TYPE_NONSENSE"), line("Bad.Size", size="1x"),
           line("Bad.Flag", encrypted="2"), "Bad.Short:*:*:*:*:*:*:*:*", line("", regex="a"),
           line("Bad.Set", regex="[a"), line("Bad.Escape", regex="a\\")]
    rules = write("bad.cdb", "\n".join([*bad, line("Good", regex="good"),
                                         line("Later", more=":500"), line("Now", more=":90:300")]) + "\n")
    done = subprocess.run([OVERT, "rules", "check", rules], capture_output=True, timeout=60,
                          check=False)
    lines = done.stdout.decode().splitlines()
    told = [text for text in lines if text.startswith("bad.cdb:")]
    return len(told) == len(bad) + 1 and any("metadata 2)" in text for text in lines) or lines


@tap.case("rules can be listed, shown and ignored")
def _():
    rules = write("show.cdb", line("Show.Me", container="CL_TYPE_ZIP", regex="(?i)[x]\\.exe$",
                                   plain="5-9", position="2", encrypted="1") + "\n")
    shown = subprocess.run([OVERT, "rules", "show", "Show.Me", rules], capture_output=True,
                           timeout=60, check=False).stdout.decode()
    for text in ("kind: metadata", "container: CL_TYPE_ZIP", "/[x]\\.exe$/", "5 to 9", "encrypted: yes"):
        if text not in shown:
            return shown
    listed = subprocess.run([OVERT, "rules", "list", rules], capture_output=True, timeout=60,
                            check=False).stdout.decode()
    return "Show.Me" in listed and "metadata" in listed or listed


tap.run()
