# SPDX-License-Identifier: Apache-2.0
"""What other programs list and unpack: 7z, unzip, bsdtar and bsdcat, gsf, qpdf, GMime.

Each function takes a path and a type and returns a list of (name, bytes); the name is None where
the program tells none. Members that are encrypted, folders and links are left out.
"""
import base64
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8")
TARS = ["CL_TYPE_POSIX_TAR", "CL_TYPE_OLD_TAR"]
CPIOS = [f"CL_TYPE_CPIO_{kind}" for kind in ("OLD", "ODC", "NEWC", "CRC")]
PACKED = {"CL_TYPE_GZ": "gzip", "CL_TYPE_BZ": "bzip2", "CL_TYPE_XZ": "xz", "zstd": "zstd",
          "compress": "z", "lzma": "lzma"}
# Our types, and what 7z calls them.
KINDS_OF_7Z = {
    **PACKED, **dict.fromkeys(TARS, "tar"), **dict.fromkeys(CPIOS, "cpio"), "CL_TYPE_ZIP": "zip",
    "CL_TYPE_7Z": "7z", "CL_TYPE_MSCAB": "cab", "CL_TYPE_MSCHM": "chm", "CL_TYPE_ISO9660": "iso",
    "CL_TYPE_UDF": "udf", "CL_TYPE_ARJ": "arj", "CL_TYPE_LHA_LZH": "lzh", "rpm": "rpm", "ar": "ar",
    "CL_TYPE_MSOLE2": "compound", "CL_TYPE_NULSFT": "nsis", "CL_TYPE_XAR": "xar",
    "CL_TYPE_SWF": "swfc", "CL_TYPE_MSSZDD": "mslz", "CL_TYPE_MACHO_UNIBIN": "mub",
    "fat": "fat", "ntfs": "ntfs", "CL_TYPE_MBR": "mbr", "CL_TYPE_GPT": "gpt", "CL_TYPE_APM": "apm",
    "CL_TYPE_PART_HFSPLUS": "hfs", "CL_TYPE_DMG": "dmg"}
KINDS_OF_BSDTAR = [*TARS, *CPIOS, "CL_TYPE_ZIP", "CL_TYPE_7Z", "CL_TYPE_MSCAB", "CL_TYPE_ISO9660",
                   "CL_TYPE_LHA_LZH", "CL_TYPE_RAR", "CL_TYPE_XAR", "ar"]
KINDS_OF_BSDCAT = [*PACKED, "lz4", "lzip", "CL_TYPE_UUENCODED", "base64"]


def run(*command, data=b""):
    """What a program writes, whether it complains or not."""
    return subprocess.run(command, input=data, capture_output=True, timeout=60, check=False,
                          env=ENVIRONMENT).stdout


# ---- 7z ------------------------------------------------------------------------------------------

def list_7z(path, kind):
    """Its rows of properties for all that is neither folder nor link nor encrypted."""
    text = run("7z", "l", "-slt", "-ba", f"-t{kind}", path).decode("utf-8", "replace")
    rows = []
    for block in re.split(r"\n\n+", text):
        row = dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line)
        is_folder = (row.get("Folder") == "+" or row.get("Attributes", "").startswith("D") or
                     row.get("Type") == "directory")
        if row and not is_folder:
            rows.append(row)
    if kind == "compound":
        return [row for row in rows if row.get("Size")]
    return rows


def has_encrypted(rows):
    return any(row.get("Encrypted") == "+" for row in rows)


def take_7z(path, kind, row):
    return run("7z", "x", "-so", "-bd", "-y", "-p", "-spd", f"-t{kind}", path, row["Path"])


def with_7z(path, filetype):
    kind = KINDS_OF_7Z[filetype]
    rows = list_7z(path, kind)
    sizes = [int(row.get("Size") or -1) for row in rows]
    if has_encrypted(rows):
        parts = [take_7z(path, kind, row) if row.get("Encrypted") != "+" else None for row in rows]
    else:
        whole = run("7z", "x", "-so", "-bd", "-y", "-p", f"-t{kind}", path)
        if len(rows) == 1:
            parts = [whole]
        elif min(sizes, default=0) >= 0 and sum(sizes) == len(whole):
            stream = io.BytesIO(whole)
            parts = [stream.read(size) for size in sizes]
        else:  # it broke off somewhere, or does not know the sizes
            parts = [take_7z(path, kind, row) for row in rows]
    has_names = kind not in PACKED.values()
    return [(row.get("Path") if has_names else None, part) for row, part in zip(rows, parts)
            if part is not None and not row.get("Symbolic Link") and not row.get("Hard Link")]


# ---- unzip ---------------------------------------------------------------------------------------

def with_unzip(path, _):
    """Its list, and the bytes of each by the size told there."""
    parts = []
    for line in run("unzip", "-Z", path).decode("utf-8", "replace").splitlines():
        # -rw-r--r--  3.0 unx     2300 bx defN 26-Nov-22 05:32 name
        row = re.match(r"([-?a-z]\S{6,9}) +\d+\.\d+ \S+ +(\d+) (..) (\S{4}) \S+ \S+ (.*)$", line)
        if row is None or row[1][0] in "dl" or row[5].endswith("/") or row[3][0] in "BT":
            continue
        pattern = re.sub(r"([][*?\\])", r"\\\1", row[5])
        parts.append((row[5], run("unzip", "-p", path, pattern)))
    return parts


# ---- libarchive ----------------------------------------------------------------------------------

def with_bsdtar(path, filetype):
    """Everything put into an archive of pax's kind, read by Python. Not from ar, whose members
    have no kind and are refused there."""
    if filetype == "ar":
        names = run("bsdtar", "-tf", path).decode("utf-8", "replace").splitlines()
        tables = ("/", "/SYM64/", "//")  # of symbols and names; it has no bytes for these
        parts = [(name, run("bsdtar", "-xOf", path, name)) for name in names if name not in tables]
        return parts
    out = run("bsdtar", "-cf", "-", "--format=pax", f"@{os.path.abspath(path)}")
    parts = []
    try:
        with tarfile.open(fileobj=io.BytesIO(out)) as tar:
            parts.extend((info.name, tar.extractfile(info).read()) for info in tar if info.isreg())
    except tarfile.ReadError:
        pass
    return parts


def with_bsdcat(path, _):
    done = subprocess.run(["bsdcat", path], capture_output=True, timeout=60, check=False)
    return [(None, done.stdout)] if done.stdout or done.returncode == 0 else []


# ---- libgsf --------------------------------------------------------------------------------------

def with_gsf(path, _):
    parts = []
    for line in run("gsf", "list", path).decode("utf-8", "replace").splitlines():
        # f  2026-11-22 05:29:13           2 a.txt
        row = re.match(r"f (?: \S+ \S+| {19,20})? *(\d+) (.*)$", line)
        if row is not None and row[2] != "*root*":  # not taken for a container
            parts.append((row[2], run("gsf", "cat", path, row[2])))
    return parts


# ---- qpdf ----------------------------------------------------------------------------------------

def with_qpdf(path, _):
    """Each stream behind all filters but those of pictures."""
    text = run("qpdf", "--json=2", "--json-key=qpdf", "--json-stream-data=inline",
               "--decode-level=specialized", path)
    values = json.loads(text)["qpdf"][1].values() if text else []
    return [(None, base64.b64decode(value["stream"]["data"])) for value in values
            if "stream" in value]


# ---- GMime ---------------------------------------------------------------------------------------

class Gmime:
    """A process that goes on from mail to mail."""
    process = None

    @classmethod
    def parts(cls, path, _):
        if cls.process is None:
            cls.process = subprocess.Popen(["/usr/bin/python3", HERE / "gmime_parts.py"],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.process.stdin.write(os.fsencode(path) + b"\n")
        cls.process.stdin.flush()
        line = cls.process.stdout.readline()
        return [(name or None, bytes.fromhex(data)) for name, data in json.loads(line)]

    @staticmethod
    def is_there():
        script = "import gi; gi.require_version('GMime', '3.0'); from gi.repository import GMime"
        return os.path.exists("/usr/bin/python3") and subprocess.run(
            ["/usr/bin/python3", "-c", script], capture_output=True, check=False).returncode == 0


# Each: the function, the types it is asked about, whether it is there.
ORACLES = {
    "7z": (with_7z, list(KINDS_OF_7Z), lambda: shutil.which("7z")),
    "unzip": (with_unzip, ["CL_TYPE_ZIP"], lambda: shutil.which("unzip")),
    "bsdtar": (with_bsdtar, KINDS_OF_BSDTAR, lambda: shutil.which("bsdtar")),
    "bsdcat": (with_bsdcat, KINDS_OF_BSDCAT, lambda: shutil.which("bsdcat")),
    "gsf": (with_gsf, ["CL_TYPE_MSOLE2", "CL_TYPE_ZIP"], lambda: shutil.which("gsf")),
    "qpdf": (with_qpdf, ["CL_TYPE_PDF"], lambda: shutil.which("qpdf")),
    "gmime": (Gmime.parts, ["CL_TYPE_MAIL", "CL_TYPE_MHTML"], Gmime.is_there),
}
