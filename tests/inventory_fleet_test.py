#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""Scanning engines inside of other files, and the reports of many machines as one. TAP."""
import json
import os
import pathlib
import shutil
import struct
import subprocess

import tap

BUILD = pathlib.Path(os.environ["OVERT_BUILD"])
SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
OVERT = BUILD / "overt"
LIBRARIES = pathlib.Path("/usr/lib/x86_64-linux-gnu")


def run(*words):
    done = subprocess.run([OVERT, "inventory", *words], capture_output=True, timeout=120,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def elf(*strings):
    """A shared library of one section of strings, as small as one can be."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)
    return head + b"\0" + b"\0".join(text.encode() for text in strings) + b"\0"


def put(root, path, data):
    file = pathlib.Path(root, path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def engines(root):
    code, out, err = run("--root", root, "--engines", "--json")
    report = json.loads(out) if out else {"products": [], "error": err}
    return code, report, {(e["matched"], e["detail"]) for p in report["products"]
                          for e in p["evidence"] if e["kind"] == "engine"}


FIXTURES = {
    "ClamAV-1": elf("cl_engine_compile", "cl_load"),
    "ClamAV-2": b"ClamAV-VDB:01 Jan 2026",
    "YARA-1": elf("yr_initialize", "yr_compiler_create"),
    "YARA-3": b"YARA-X\0\0\x06",
    "Sophos-1": elf("libsavi.so.3"),
    "Bitdefender-1": elf("CoreUninit", "CoreDeleteInstance"),
    "Bitdefender-2": elf("Plugins/cevakrnl.xmd"),
    "Kaspersky-1": b"AVP Antiviral Database. (c)Kaspersky Lab 1997-2013.\r\n",
    "Kaspersky-2": elf("kavbase.kdl"),
    "Avira-1": elf("SAVAPI_initialize", "SAVAPI_create_instance"),
    "McAfee-1": elf("avvscan.dat", "avvnames.dat", "avvclean.dat"),
    "McAfee-2": elf("liblnxfv.so.4"),
    "TrendMicro-1": elf("VSInit", "VSReadVirusPattern"),
    "Ikarus-1": elf("t3sigs.vdb"),
    "FProt-1": elf("FRISK Software International", "antivir.def"),
    "Microsoft-2": elf("mpasbase.vdm", "mpavbase.vdm"),
    "ESET-1": elf("em002_64_l0.dll.nup"),
    "DrWeb-1": elf("drweb32.dll"),
}


def check_engines():
    for name, data in FIXTURES.items():
        put("hidden", f"opt/other/{name}.dat", data)
    put("hidden", "opt/other/notes.txt", b"ClamAV-VDB: is how a database begins")
    put("hidden", "opt/other/half.so", elf("avvscan.dat", "SAVAPI_initialize", "yr_initialize"))
    code, report, found = engines("hidden")
    wanted = {(f"Overt.Engine.{name}", f"/opt/other/{name}.dat") for name in FIXTURES}
    tap.check("each engine is found where it is, and nowhere else", found == wanted and code == 1,
              found ^ wanted)
    tap.check("one kind of evidence is a trace",
              {p["state"] for p in report["products"]} == {"trace"}, report)
    rules = [line.split(";")[0] for line in (SOURCE / "inventory/engines.ldb").read_text()
             .splitlines() if line.startswith("Overt.")]
    patterns = (SOURCE / "inventory/products.toml").read_text()
    tap.check("each rule is some product's", rules and all(
        rule.rpartition("-")[0] + "-*" in patterns for rule in rules), rules)
    code, report, found = engines("hidden/opt/other/ClamAV-2.dat")
    tap.check("one file alone is looked into, too",
              {name for name, _ in found} == {"Overt.Engine.ClamAV-2"}, report)
    code, out, err = run("--root", "hidden", "--json")
    tap.check("without the option nothing is scanned", code == 0 and not json.loads(out)["products"],
              out + err)


def check_hostile():
    put("hostile", "opt/x/found.so", FIXTURES["Ikarus-1"])
    os.mkfifo("hostile/opt/x/pipe.so")
    os.symlink(".", "hostile/opt/loop")
    os.symlink("../hidden", "hostile/out.so")
    with open("hostile/huge.so", "wb") as file:
        file.truncate(3 << 40)
    os.makedirs("hostile/" + "/".join(["d"] * 200))
    put("hostile", os.fsdecode(b"opt/x/\xff\xfe.so"), FIXTURES["Ikarus-1"])
    _, report, found = engines("hostile")
    tap.check("what is no file is passed over, links lead nowhere, odd names are told",
              {path for _, path in found} == {"/opt/x/found.so", "/opt/x/%ff%fe.so"}, found)
    told = " ".join(problem["what"] + problem["why"] for problem in report["problems"])
    tap.check("what is too large or too deep is told", "/huge.so" in told and "too deep" in told,
              report["problems"])


def check_real():
    files = [LIBRARIES / "libclamav.so.12", LIBRARIES / "libyara.so.9"]
    files = [file for file in files if file.exists()]
    for file in files:
        put("real", "usr/lib/" + file.name, file.resolve().read_bytes())
    if shutil.which("yarac"):
        pathlib.Path("r.yar").write_text("rule a { condition: true }\n")
        pathlib.Path("real").mkdir(exist_ok=True)
        subprocess.run(["yarac", "r.yar", "real/rules.yarc"], check=True)
    if not files:
        tap.skip("real libraries", "neither libclamav nor libyara is here")
        return
    _, report, found = engines("real")
    wanted = {name.name for name in files} | ({"rules.yarc"} if shutil.which("yarac") else set())
    tap.check("real libraries and compiled rules", {pathlib.Path(path).name for _, path in found}
              == wanted, report)


def report_of(name, machine, time="2999-01-01T00:00:00Z", **more):
    product = {"product": "Some Product", "vendor": "Some", "id": "some", "state": "installed",
               "version": "1", "evidence": []}
    report = {"overt": "1", "time": time, "machine": machine, "root": "/", "products": [product],
              "unlisted": [], "problems": [], "methods": [], **more}
    pathlib.Path(name).write_text(json.dumps(report) + "\n")
    return name


def make_key(name):
    done = subprocess.run([OVERT, "log", "key", f"fleet/{name}", "-o", f"{name}.key"],
                          capture_output=True, text=True, check=True)
    return done.stdout


def check_fleet():
    pathlib.Path("keys").write_text("# machines\n" + make_key("known"))
    make_key("stranger")
    report_of("a.json", "a")
    code, _, err = run("sign", "--key", "known.key", "-o", "a.report", "a.json")
    text = pathlib.Path("a.report").read_bytes()
    tap.check("the note begins with the report as it was", code == 0 and text.startswith(
        pathlib.Path("a.json").read_bytes() + b"\n\xe2\x80\x94 fleet/known "), err)
    run("sign", "--key", "stranger.key", "-o", "b.report", report_of("b.json", "b", products=[]))
    pathlib.Path("forged.report").write_bytes(text.replace(b"installed", b"inst4lled"))
    report_of("newer.json", "a", "2999-02-01T00:00:00Z", products=[])
    report_of("old.json", "c", "2001-01-01T00:00:00Z", problems=[{"what": "x"}])
    report_of("evil.json", "\u202e<script>\n\t", time="now\tor\nnever")
    report_of("name.json", "d\n\x1b[2J\t<b>")
    pathlib.Path("deep.json").write_text("[" * 100000)
    pathlib.Path("none.json").write_bytes(b"\xff\0" * 100)
    files = ["a.report", "b.report", "forged.report", "newer.json", "old.json", "evil.json",
             "name.json", "deep.json", "none.json", "missing.json"]
    code, out, err = run("merge", "--keys", "keys", "--json", *files)
    found = json.loads(out)
    by_file = {r["file"]: r for r in found["reports"]}
    tap.check("what is no report, forged or missing is refused by name",
              {r["file"] for r in found["refused"]} == {
                  "forged.report", "evil.json", "deep.json", "none.json", "missing.json"}, found)
    tap.check("who signed", [by_file[f]["trust"] for f in ("a.report", "b.report", "old.json")] ==
              ["signed", "unknown key", "unsigned"] and by_file["a.report"]["key"] == "fleet/known",
              found)
    tap.check("a newer report that nobody signed does not displace a signed one",
              by_file["newer.json"]["superseded"] and not by_file["a.report"]["superseded"], found)
    tap.check("stale is told", by_file["old.json"]["stale"] and not by_file["a.report"]["stale"],
              found)
    tap.check("names are made fit for a report", by_file["name.json"]["machine"] ==
              "d%0A%1B[2J%09<b>", by_file["name.json"])
    product = found["products"][0]
    tap.check("machines of a product, and those with none", product["installed"] == 3 and
              {m["machine"] for m in product["machines"]} == {"a", "c", "d%0A%1B[2J%09<b>"} and
              (found["counted"], found["without_products"]) == (4, 1) and code == 1, found)
    code, out, err = run("merge", "--keys", "keys", *files)
    tap.check("the text says so, in plain characters", code == 1 and b"installed 3" in out and
              all(byte == 10 or 32 <= byte < 127 for byte in out), out)
    code, _, err = run("merge", "--html", "page.html", *files)
    page = pathlib.Path("page.html").read_text()
    tap.check("the page says so, too, and a name is no markup", code == 1 and
              "installed 2" in page and "<b>" not in page and "&lt;b&gt;" in page and
              page.endswith("</html>\n"), page + err.decode())
    codes = [run("merge", "b.report")[0], run("merge", "b.report", "none.json")[0],
             run("merge")[0], run("merge", "--keys", "a.json", "a.json")[0],
             run("sign", "--key", "known.key", "-o", "x", "none.json")[0]]
    tap.check("exit codes", codes == [0, 3, 2, 2, 2], codes)


check_engines()
check_hostile()
check_real()
check_fleet()
raise SystemExit(tap.end())
