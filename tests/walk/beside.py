# SPDX-License-Identifier: Apache-2.0
"""What the tests of rules inside containers share: samples in layers, and the names told by both."""
import bz2
import gzip
import io
import lzma
import pathlib
import subprocess
import tarfile
import tempfile
import zipfile

from members import BUILD, SCAN, Skip, has, sha256


def pack_tar(data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo("member.bin")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def pack_zip(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member.bin", data)
    return out.getvalue()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "tar": pack_tar,
           "zip": pack_zip}
TYPES = {"gz": "CL_TYPE_GZ", "bz2": "CL_TYPE_BZ", "xz": "CL_TYPE_XZ", "tar": "CL_TYPE_POSIX_TAR",
         "zip": "CL_TYPE_ZIP"}


def wrap(data, layers):
    """The data inside layers, the innermost last: ("tar", "gz") is a gz in a tar."""
    for layer in reversed(layers):
        data = PACKERS[layer](data)
    return data


def write(name, data):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return str(path)


def needs_walkers(*layers):
    """Skips the case when this build cannot look into one of these."""
    for layer in layers:
        path = write(f"probe.{layer}", wrap(b"probe" * 9, [layer]))
        command = [BUILD / "tests/members", path]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        if not done.stdout.startswith(b"member"):
            raise Skip(f"no walker for {layer} in this build")


def names_of(output, end):
    return sorted({line.rsplit(": ", 1)[1][:-len(end)] for line in output.decode().splitlines()
                   if line.endswith(end)})


def overt_names(path, rules, *options):
    command = [*SCAN, "--no-summary", *options, "--rules", rules, path]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 1, 3), done.stderr.decode()
    return names_of(done.stdout, " FOUND")


def clamscan_members(path, pattern):
    """SHA-256 of what clamscan leaves behind under such names when it unpacks a file, in its order."""
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    rules = write("none.hdb", "0" * 31 + "1:1:None\n")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["clamscan", "--no-summary", "--leave-temps", f"--tempdir={folder}",
                        "-d", rules, path], capture_output=True, timeout=60, check=False)
        found = sorted(pathlib.Path(folder).rglob(pattern))
        return [sha256(file.read_bytes()) for file in found]


def clamscan_names(path, rules, *options):
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    command = ["clamscan", "--no-summary", *options, "-d", rules, path]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stdout.decode() + done.stderr.decode()
    return names_of(done.stdout, " FOUND")
