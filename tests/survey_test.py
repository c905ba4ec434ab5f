#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 300
"""What a survey tells of databases that dpkg and rpm have written, of accounts, units, rules, keys
and images; and that damaged ones end neither it nor its reader. TAP."""
import os
import pathlib
import random
import shutil
import subprocess
import sys

import tap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "survey"))
import sources  # noqa: E402

BUILD = pathlib.Path(os.environ["OVERT_BUILD"])
HERE = pathlib.Path.cwd()
PROGRAM = HERE / "bin/survey-facts"


def ask(*labels, program=PROGRAM):
    """The facts, as (number of the source, kind, flags, value, detail, place)."""
    done = subprocess.run([program, *labels], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return [(int(number), *rest) for number, *rest in (
        line.split("\t") for line in done.stdout.decode(errors="surrogateescape").splitlines())]


def ask_text(kind, text, name="source"):
    (HERE / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return [fact[1:5] for fact in ask(f"{kind}:{name}")]


def of_kind(facts, kind):
    return [fact[1:] if isinstance(fact[0], str) else fact[2:] for fact in facts
            if kind in fact[:2]]


# ---- package databases --------------------------------------------------------------------------

def make_deb(name, version):
    tree = HERE / f"deb-{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "etc" / name).mkdir(parents=True)
    (tree / "etc" / name / "conf").write_text("x\n")
    (tree / "DEBIAN/conffiles").write_text(f"/etc/{name}/conf\n")
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@example.org>\n"
        f"Description: x\n Package: not-this\n .\n more\n")
    sources.run("dpkg-deb", "--root-owner-group", "-b", tree, HERE / f"{name}.deb")
    return HERE / f"{name}.deb"


def dpkg(root, *words):
    sources.run("dpkg", f"--root={root}", "--force-not-root", "--force-script-chrootless", *words,
                env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})


def check_dpkg():
    root = HERE / "debian"
    for folder in ("updates", "info", "triggers"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    status = f"dpkg-status:{root}/var/lib/dpkg/status"
    dpkg(root, "-i", *(make_deb(name, version) for name, version in
                       (("first", "1.2-3"), ("second", "2:7~rc1"))))
    tap.check("dpkg: what it installed, and no text of a description",
              of_kind(ask(status), "package") == [("-", "first", "1.2-3", ""),
                                                  ("-", "second", "2:7~rc1", "")], ask(status))
    dpkg(root, "-r", "first")
    tap.check("dpkg: what is removed but for its configuration is residue",
              ("r", "first", "1.2-3", "") in of_kind(ask(status), "package"), ask(status))
    dpkg(root, "-P", "first")
    tap.check("dpkg: what is purged is gone", len(of_kind(ask(status), "package")) == 1, ask(status))
    installed = sources.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n")
    wanted = sorted(line.split()[1:] for line in installed.decode().splitlines()
                    if line.split()[0] == "installed")
    told = of_kind(ask("dpkg-status:/var/lib/dpkg/status"), "package")
    tap.check(f"dpkg: the {len(wanted)} packages of this machine, as dpkg-query says",
              sorted([name, version] for flag, name, version, _ in told if flag == "-") == wanted)


def check_apk():
    facts = ask_text("apk", "C:Q1x=\nP:musl\nV:1.2.4-r2\nF:lib\nR:x\n\nP:busybox\nV:1.36\n")
    tap.check("apk: packages", of_kind(facts, "package") ==
              [("-", "musl", "1.2.4-r2"), ("-", "busybox", "1.36")], facts)


def rpm_packages():
    sizes = random.Random(7)
    return [(f"product-{number}-agent", f"{number}.{number % 7}", f"{number % 3}.el8",
             sizes.choice((20, 600, 4000, 70000))) for number in range(120)]


def check_rpm():
    if not shutil.which("rpmbuild"):
        tap.skip("rpm: databases", "there is no rpmbuild")
        return None
    folder = HERE / "rpmdb"
    folder.mkdir()
    rpms = sources.make_rpms(HERE / "rpms", rpm_packages())
    sources.rpm(folder, "-i", "--justdb", "--nodeps", "--noscripts", *rpms)
    sources.rpm(folder, "-e", "--justdb", "--nodeps", "product-5-agent", "product-77-agent")
    wanted = sorted(sources.rpm(folder, "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\n")
                    .decode().splitlines())

    def is_whole(label):
        return sorted(f"{name} {version}" for _, name, version, _ in
                      of_kind(ask(label), "package")) == wanted

    tap.check(f"rpm, SQLite: the {len(wanted)} packages that rpm itself tells",
              len(wanted) == 119, len(wanted))
    tap.check("rpm, SQLite: and their versions", is_whole(f"rpm-sqlite:{folder}/rpmdb.sqlite"),
              ask(f"rpm-sqlite:{folder}/rpmdb.sqlite")[:3])
    blobs = sources.blobs_of(folder / "rpmdb.sqlite")
    (HERE / "Packages.db").write_bytes(sources.make_ndb(blobs))
    tap.check("rpm, ndb: the same", is_whole("rpm-ndb:Packages.db"),
              ask("rpm-ndb:Packages.db")[:3])
    for order in 1234, 4321:
        if subprocess.run(["perl", "-e", "use DB_File"], capture_output=True,
                          check=False).returncode != 0:
            tap.skip(f"rpm, Berkeley DB, order {order}", "perl has no DB_File")
            continue
        sources.make_bdb(HERE / f"Packages.{order}", blobs, order)
        tap.check(f"rpm, Berkeley DB, order {order}: the same",
                  is_whole(f"rpm-bdb:Packages.{order}"), ask(f"rpm-bdb:Packages.{order}")[:3])
    return blobs


# ---- texts --------------------------------------------------------------------------------------

UNIT = """[Unit]
Description=x
[Service]
Type=simple
ExecStartPre=-/usr/bin/env FOO=1 /opt/vendor/prepare --now
ExecStart=@"/opt/vendor/bin/agent" agent \\
    --config /etc/vendor.conf
ExecStop=/bin/sh -c 'kill $(cat /run/x.pid); /opt/vendor/stop'
User=root
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_SYS_ADMIN \\
  CAP_NET_ADMIN
# ExecStart=/not/this
ProtectSystem=strict
"""
SUDOERS = """# a comment
Defaults env_reset
User_Alias ADMINS = alice, bob
Cmnd_Alias SCAN = /opt/vendor/scan, /opt/vendor/update
root ALL=(ALL:ALL) ALL
%wheel ALL=(ALL) NOPASSWD: ALL
agent ALL=(root) NOPASSWD: /opt/vendor/run "", PASSWD: /bin/less, !/bin/sh
#1000 ALL = SCAN, \\
  /opt/other
#include /etc/x
@includedir /etc/sudoers.d
"""
AUDIT = """-D
-b 8192
-w /etc/vendor -p wa -k v
-a always,exit -F arch=b64 -S execve -F path=/usr/bin/x -k y
-a never,exit -F exe=/opt/vendor/agent
-a never,task -F uid=911
-A exclude,always -F msgtype=CWD
-e 0
"""
TEXTS = [
    ("passwd", "root:x:0:0:root:/root:/bin/bash\n+\nv:x:9:9:a,b:/opt/v:/bin/false\n",
     {("user", "-", "root", "uid 0, /root, /bin/bash"), ("user", "-", "v", "uid 9, /opt/v, /bin/false")}),
    ("group", "root:x:0:\nclam:x:12:a,b\n",
     {("group", "-", "root", "gid 0"), ("group", "-", "clam", "gid 12")}),
    ("unit", UNIT,
     {("unit-runs", "-", "/usr/bin/env", "ExecStartPre"),
      ("unit-runs", "-", "/opt/vendor/prepare", "ExecStartPre"),
      ("unit-runs", "-", "/opt/vendor/bin/agent", "ExecStart"),
      ("unit-runs", "-", "/bin/sh", "ExecStop"), ("unit-runs", "-", "/run/x.pid", "ExecStop"),
      ("unit-runs", "-", "/opt/vendor/stop", "ExecStop"), ("unit-sets", "-", "User=root", ""),
      ("unit-sets", "-", "NoNewPrivileges=yes", ""), ("unit-sets", "-", "ProtectSystem=strict", ""),
      ("unit-sets", "-", "CapabilityBoundingSet=CAP_SYS_ADMIN    CAP_NET_ADMIN", "")}),
    ("cron", "PATH=/usr/bin:/opt/no\n# /no\n*/5 * * * * root [ -x /opt/v/a ] && /opt/v/a -c "
             "/etc/v.conf >/dev/null\n@reboot v \"/opt/v/b\"\n",
     {("cron", "-", "/opt/v/a", "line 3"), ("cron", "-", "/etc/v.conf", "line 3"),
      ("cron", "-", "/dev/null", "line 3"), ("cron", "-", "/opt/v/b", "line 4")}),
    ("cron", "#!/bin/sh\nset -e\nexec /opt/v/daily\n", {("cron", "-", "/opt/v/daily", "line 3")}),
    ("sudoers", SUDOERS,
     {("sudoers", "-", "/opt/vendor/scan", "Cmnd_Alias SCAN"),
      ("sudoers", "-", "/opt/vendor/update", "Cmnd_Alias SCAN"), ("sudo-all", "-", "root", ""),
      ("sudo-all", "-", "%wheel", "NOPASSWD"),
      ("sudoers", "-", "/opt/vendor/run", "agent NOPASSWD"), ("sudoers", "-", "/bin/less", "agent"),
      ("sudoers", "-", "/opt/other", "#1000")}),
    ("audit", AUDIT,
     {("audit", "-", "/etc/vendor", "-w /etc/vendor -p wa -k v"),
      ("audit", "-", "/usr/bin/x", "-a always,exit -F arch=b64 -S execve -F path=/usr/bin/x -k y"),
      ("audit-hides", "-", "/opt/vendor/agent", "-a never,exit -F exe=/opt/vendor/agent"),
      ("audit-hides", "-", "uid=911", "-a never,task -F uid=911"),
      ("audit-hides", "-", "msgtype=CWD", "-A exclude,always -F msgtype=CWD"),
      ("audit-hides", "-", "everything", "-e 0")}),
    ("apt", "# deb http://no x\ndeb [arch=amd64 signed-by=/k.gpg] https://repo.example/deb stable main\n",
     {("repository", "-", "https://repo.example/deb", "")}),
    ("apt", "Types: deb\nURIs: https://a.example/x\n https://b.example/\nSuites: s\n\nEnabled: no\n"
            "URIs: http://c.example\n",
     {("repository", "-", "https://a.example/x", ""), ("repository", "-", "https://b.example/", ""),
      ("repository", "-", "http://c.example", "disabled")}),
    ("yum", "[a]\nname=x\nbaseurl=https://a.example/\n   https://b.example/\nenabled=1\n[b]\n"
            "mirrorlist = http://m.example/?x=y\nenabled = 0\n",
     {("repository", "-", "https://a.example/", ""), ("repository", "-", "https://b.example/", ""),
      ("repository", "-", "http://m.example/?x=y", "disabled")}),
    ("preload", "/opt/v/a.so /opt/v/b.so:/opt/v/c.so # no\n",
     {("preload", "-", f"/opt/v/{name}.so", "") for name in "abc"}),
]


def check_texts():
    for number, (kind, text, wanted) in enumerate(TEXTS):
        facts = ask_text(kind, text)
        told = {fact for fact in facts if fact[0] != "count"}
        tap.check(f"{kind}: what it says ({number})", told == wanted, sorted(told ^ wanted))
    facts = ask_text("dpkg-status", b"Package: caf\xe9\ttab\nVersion: 1%41\n\nno field\n\nPackage: b")
    tap.check("names that are no UTF-8 come through, and a line that is none is told",
              ("-", "caf\udce9") in [fact[:2] for fact in of_kind(facts, "package")] and
              ("-", "b", "") in of_kind(facts, "package") and
              ("-", "neither a field nor the rest of one: line 4", "") in of_kind(facts, "problem"),
              facts)


# ---- keys ---------------------------------------------------------------------------------------

def check_keys():
    if not shutil.which("openssl"):
        tap.skip("certificates", "there is no openssl")
        return
    one = sources.make_certificate("one.pem", "Vendor Labs", "Vendor Root CA")
    two = sources.make_certificate("two.der", "Other AG", "Key 2", "DER", utf16=True)
    wanted = [("-", "Vendor Labs", "subject O", ""), ("-", "Vendor Root CA", "subject CN", "")]
    other = [("-", "Other AG", "subject O", ""), ("-", "Key 2", "subject CN", "")]
    (HERE / "bundle.pem").write_bytes(b"# text\n" + one.read_bytes() + b"\nmore\n" + one.read_bytes())
    facts = ask("certificates:bundle.pem", f"certificates:{two}")
    tap.check("certificates: whom PEM and DER name", of_kind(facts, "certificate") ==
              2 * wanted + other, facts)
    key = two.read_bytes()
    lists = sources.signature_list(sources.SHA256, [bytes(32), bytes(32)]) + \
        sources.signature_list(sources.X509, [key])
    for name, head in ("plain", b""), ("efivars", b"\x06\0\0\0"):
        (HERE / name).write_bytes(head + lists)
        tap.check(f"enrolled keys, {name}: whom they name", of_kind(ask(f"mok:{name}"), "mok") ==
                  other, ask(f"mok:{name}"))
    bundle = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.exists():
        told = ask(f"certificates:{bundle}")
        count = bundle.read_text().count("BEGIN CERTIFICATE")
        tap.check(f"certificates: all {count} of this machine",
                  (("-", str(count), "", "")) in of_kind(told, "count") and
                  not of_kind(told, "problem"), told[-1])


# ---- images -------------------------------------------------------------------------------------

def layers_of_image():
    status = "Package: {}\nStatus: install ok installed\nVersion: 1\n\n"
    return [
        sources.make_tar([("./", b""), ("./opt/", b""), ("./opt/av/", b""), ("./opt/av/bin/agent", b"x"),
                          ("./opt/whole/deep/file", b"x"), ("./etc/passwd", b"av:x:9:9::/:/bin/sh\n"),
                          ("./var/lib/dpkg/status", status.format("old").encode())]),
        sources.make_tar([("opt/.wh.av", b""), ("opt/whole/.wh..wh..opq", b""), ("opt/whole/new", b"x"),
                          ("var/lib/dpkg/status", status.format("new").encode())]),
        sources.make_tar([("usr/" + "long-folder-name/" * 12 + "file", b"x")]),
    ]


def check_image(what, image):
    (HERE / "image.tar").write_bytes(image)
    facts = ask("image:image.tar")
    seen, below = "image vendor/app:1", "layer 1 of image vendor/app:1, hidden by later ones"
    paths = {(flag, path, place) for flag, path, _, place in of_kind(facts, "path")}
    wanted = {("-", "/opt", seen), ("-", "/opt/whole", seen), ("-", "/opt/whole/new", seen),
              ("r", "/opt/av", below), ("r", "/opt/av/bin/agent", below),
              ("r", "/opt/whole/deep/file", below), ("-", "/etc/passwd", seen),
              ("r", "/var/lib/dpkg/status", below), ("-", "/var/lib/dpkg/status", seen)}
    tap.check(f"{what}: paths that a container sees, and those hidden below", wanted <= paths and
              not {path for flag, path, _ in paths if flag == "-" and "/av" in path},
              sorted(wanted - paths))
    tap.check(f"{what}: a long name", any(path.endswith("long-folder-name/file") for _, path, _ in paths))
    tap.check(f"{what}: databases in layers", sorted(of_kind(facts, "package")) ==
              [("-", "new", "1", seen), ("r", "old", "1", below)], of_kind(facts, "package"))
    tap.check(f"{what}: accounts, one count and no problem", len(of_kind(facts, "user")) == 1 and
              of_kind(facts, "count") == [("-", "1", "", "")] and not of_kind(facts, "problem"), of_kind(facts, "problem"))


def check_images():
    layers = layers_of_image()
    check_image("docker save", sources.make_docker(layers, "vendor/app:1"))
    packers = [sources.gzip_twice, lambda data: data]
    if shutil.which("zstd"):
        packers.append(sources.pack_zstd)
    check_image("OCI", sources.make_oci(layers, "vendor/app:1", packers))
    facts = ask_text("image", sources.make_tar([("a", b"x")]))
    tap.check("a tar that is no image is told", len(of_kind(facts, "problem")) == 1, facts)


# ---- damage -------------------------------------------------------------------------------------

def damage(data, chance):
    data = bytearray(data)
    if chance.random() < 0.3:
        del data[chance.randrange(len(data)):]
    for _ in range(chance.randrange(40)):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def check_damage(blobs):
    chance = random.Random(11)
    files = [("image", sources.make_docker(layers_of_image(), "x")),
             ("dpkg-status", pathlib.Path("/var/lib/dpkg/status").read_bytes()[:65536])]
    if blobs is not None:
        files += [("rpm-sqlite", (HERE / "rpmdb/rpmdb.sqlite").read_bytes()),
                  ("rpm-ndb", (HERE / "Packages.db").read_bytes())]
    if (HERE / "Packages.1234").exists():
        files.append(("rpm-bdb", (HERE / "Packages.1234").read_bytes()))
    for kind, data in files:
        labels = []
        for number in range(30):
            (HERE / f"damaged-{number}").write_bytes(damage(data, chance))
            labels.append(f"{kind}:damaged-{number}")
        facts = ask(*labels, "passwd:/etc/passwd")
        counts = {number for number, word, *_ in facts if word == "count"}
        tap.check(f"{kind}: 30 damaged ones are each read to their end, and none ends the reader",
                  counts == set(range(31)) and
                  not any("died" in why for _, why, *_ in of_kind(facts, "problem")),
                  of_kind(facts, "problem")[:5])
    for kind in ("rpm-sqlite", "rpm-ndb", "rpm-bdb", "mok", "image", "certificates"):
        (HERE / "noise").write_bytes(b"0" + chance.randbytes(5000))
        facts = ask(f"{kind}:noise", f"{kind}:noise")
        tap.check(f"{kind}: noise is told to be none", len(of_kind(facts, "problem")) == 2, facts)


# ---- a reader that was taken over ---------------------------------------------------------------

WORDS = [
    ("a reader that dies", b"die", "died"),
    ("a line that is none", b"say user\t1\t-\tliar\n", "no fact"),
    ("a line that has two forms", b"say user\t1\t-\t%41\t\t\n", "no fact"),
    ("a control character", b"say user\t1\t-\t\x1b[2J\t\t\n", "no fact"),
    ("a fact of another source", b"say user\t0\t-\tliar\t\t\n", "no fact"),
    ("a fact of a source that is not there", b"say user\t77\t-\tliar\t\t\n", "no fact"),
    ("half a line", b"say user\t1\t-\tliar", "no fact"),
    ("a text that is too long", b"say user\t1\t-\t" + b"x" * 1025 + b"\t\t\n", "no fact"),
]


def check_liars():
    install(HERE / "double", BUILD / "src/role/double-worker")
    (HERE / "good").write_text("v:x:9:9::/:/bin/sh\n")
    for name, act, why in WORDS:
        (HERE / "bad").write_bytes(b"OVERT-TEST " + act)
        facts = ask("passwd:good", "passwd:bad", "passwd:good", "passwd:bad", "passwd:good",
                    program=HERE / "double/survey-facts")
        users = [fact[0] for fact in facts if fact[1] == "user"]
        told = [fact[0] for fact in facts if fact[1] == "problem" and why in fact[3]]
        tap.check(f"{name}: it is told, and all other sources are read once",
                  users == [0, 2, 4] and told == [1, 3], facts)


def install(folder, worker):
    folder.mkdir()
    shutil.copy2(BUILD / "tests/survey-facts", folder)
    (folder / "overt-worker").symlink_to(worker)


def main():
    install(HERE / "bin", BUILD / "overt-worker")
    check_dpkg()
    check_apk()
    blobs = check_rpm()
    check_texts()
    check_keys()
    check_images()
    check_damage(blobs)
    check_liars()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
