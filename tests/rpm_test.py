#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rpm packages in every compression, held against rpm2cpio. TAP."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, SOURCE, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
SEEDS = sorted((SOURCE / "fuzz/seeds/walk_rpm").glob("*.rpm"))
SPEC = """Name: x
Version: 1
Release: 1
Summary: x
License: x
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/opt
cp EICAR %{buildroot}/opt/eicar.com
%post
echo installed
%files
/opt/eicar.com
"""


def told(path):
    parts, _, status = walk(path)
    return [(name, size, digest) for _, name, size, digest in parts], status


@tap.case("payloads of all compressions are those that rpm2cpio takes out")
def _():
    if not has("rpm2cpio"):
        raise Skip("rpm2cpio is not installed")
    for path in SEEDS:
        plain = subprocess.run(["rpm2cpio", path], capture_output=True, check=True,
                               timeout=60).stdout
        parts, status = told(path)
        if parts[-1] != (b"payload", len(plain), sha256(plain)) or status != "done":
            return f"{path.name}: {parts} {status}"
    return len(SEEDS) == 6 or "samples are missing"


@tap.case("the scripts of a package are members")
def _():
    script = b"echo installed"
    for path in SEEDS:
        parts, _ = told(path)
        if parts[0] != (b"", len(script), sha256(script)):
            return f"{path.name}: {parts}"


@tap.case("a package that breaks off gives what came before")
def _():
    data = next(path for path in SEEDS if "gzdio" in path.name).read_bytes()
    pathlib.Path("cut.rpm").write_bytes(data[:-60])
    parts, status = told("cut.rpm")
    return (len(parts), status) == (2, "damaged") or f"{parts} {status}"


@tap.case("EICAR is found in a package, at its place")
def _():
    if not has("rpmbuild"):
        raise Skip("rpmbuild is not installed")
    here = pathlib.Path.cwd()
    (here / "eicar").write_bytes(EICAR)
    (here / "x.spec").write_text(SPEC.replace("EICAR", str(here / "eicar")))
    for payload in ("w9.gzdio", "w6.xzdio", "w3.zstdio", "w9.bzdio"):
        subprocess.run(["rpmbuild", "-bb", "--define", f"_topdir {here}/top", "--define",
                        f"_binary_payload {payload}", "x.spec"], capture_output=True, check=True,
                       timeout=120, env={**os.environ, "HOME": str(here)})
        answer = finds_eicar("top/RPMS/noarch/x-1-1.noarch.rpm", "!./opt/eicar.com")
        if answer is not True:
            return f"{payload}: {answer}"


tap.run()
