# SPDX-License-Identifier: Apache-2.0
"""Sources for surveys: databases of rpm in the forms that today's rpm does not write any more,
lists of keys, and images of containers. Written from the formats' own descriptions."""
import gzip
import hashlib
import io
import json
import pathlib
import sqlite3
import struct
import subprocess
import tarfile
import uuid
import zlib

X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
SHA256 = uuid.UUID("c1c41626-504c-4092-aca9-41f936934328").bytes_le


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, timeout=120,
                          check=False, **more)
    assert done.returncode == 0, f"{words}: {done.stderr.decode(errors='replace')[-600:]}"
    return done.stdout


# ---- rpm ----------------------------------------------------------------------------------------

SPEC = """Name: {name}
Version: 1.0
Release: 1
Summary: x
License: x
BuildArch: noarch
%description
{text}
%files
"""
PART = """%package -n {name}
Version: {version}
Release: {release}
Summary: x
%description -n {name}
{text}
%files -n {name}
"""


def make_rpms(folder, packages):
    """Packages of rpmbuild; (name, version, release, bytes of description)."""
    folder = pathlib.Path(folder).absolute()
    folder.mkdir(parents=True)
    spec = folder / "all.spec"
    spec.write_text(SPEC.format(name="survey-base", text="x") + "".join(
        PART.format(name=name, version=version, release=release, text=("word " * (size // 5 + 1)))
        for name, version, release, size in packages))
    run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}", "--define",
        "_rpmfilename %%{NAME}.rpm", spec)
    return sorted((folder / "RPMS").glob("*.rpm"))


def rpm(folder, *words):
    return run("rpm", "--force-debian", "--define", "_db_backend sqlite", "--dbpath",
               pathlib.Path(folder).absolute(), *words)


def blobs_of(database):
    """The headers as rpm wrote them, by its own library for SQLite."""
    connection = sqlite3.connect(database)
    rows = connection.execute("SELECT hnum, blob FROM Packages ORDER BY hnum").fetchall()
    connection.close()
    return rows


def make_ndb(blobs):
    """Packages.db: a page of slots, then blobs in blocks of 16 bytes (rpm, lib/backend/ndb)."""
    pages = (2 + len(blobs)) * 16 // 4096 + 1
    slots, body, block = [], b"", pages * 4096 // 16
    for number, blob in blobs:
        data = b"BlbS" + struct.pack("<III", number, 1, len(blob)) + blob
        tail = struct.pack("<I", zlib.adler32(data)) + struct.pack("<I", len(blob)) + b"BlbE"
        data += bytes(-(len(data) + len(tail)) % 16) + tail
        slots.append(b"Slot" + struct.pack("<III", number, block, len(data) // 16))
        block += len(data) // 16
        body += data
    head = b"RpmP" + struct.pack("<IIII", 0, 1, pages, len(blobs) + 1) + bytes(12)
    free = pages * 4096 // 16 - 2 - len(slots)
    return head + b"".join(slots) + (b"Slot" + bytes(12)) * free + body


PERL = """use DB_File; my ($file, $order, $list) = @ARGV;
my $info = new DB_File::HASHINFO; $info->{lorder} = $order;
tie(my %h, 'DB_File', $file, O_RDWR|O_CREAT, 0644, $info) or die "$!";
open(my $in, '<:raw', $list) or die; local $/;
my @parts = unpack('(N/a*)*', <$in>);
while (@parts) { my $k = shift @parts; $h{$k} = shift @parts; } untie %h;"""


def make_bdb(file, blobs, order):
    """Packages: a hash that Berkeley DB itself writes. `order` as the library takes it: 1234 or
    4321."""
    end = "<I" if order == 1234 else ">I"
    items = [(struct.pack(end, 0), struct.pack(end, len(blobs)))]
    items += [(struct.pack(end, number), blob) for number, blob in blobs]
    listed = pathlib.Path(f"{file}.list")
    listed.write_bytes(b"".join(struct.pack(">I", len(part)) + part
                                for item in items for part in item))
    run("perl", "-e", PERL, file, str(order), listed)


# ---- keys ---------------------------------------------------------------------------------------

def make_certificate(name, organisation, common_name, form="PEM", utf16=False):
    file = pathlib.Path(name).absolute()
    mask = "nombstr" if not utf16 else "MASK:0x800" # BMPString alone
    config = file.with_suffix(".cnf")
    config.write_text(f"[req]\nstring_mask={mask}\nprompt=no\nutf8=yes\ndistinguished_name=dn\n"
                      f"[dn]\nC=CH\nO={organisation}\nCN={common_name}\n")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", f"{file}.key", "-days", "30", "-config", config, "-outform", form, "-out", file)
    return file


def signature_list(kind, items):
    owner = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23").bytes_le
    body = b"".join(owner + item for item in items)
    return kind + struct.pack("<III", 28 + len(body), 0, 16 + len(items[0])) + body


# ---- images -------------------------------------------------------------------------------------

def make_tar(members):
    """Members: (name, bytes), a name that ends with '/' is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name.rstrip("/"))
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def make_docker(layers, tag):
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": names}]
    return make_tar([*zip(names, layers), ("manifest.json", json.dumps(manifest).encode())])


def pack_zstd(data):
    return run("zstd", "-c", input=data)


def make_oci(layers, name, packers):
    """Layers packed by one of the packers each, in turn."""
    blobs = {}

    def put(data):
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}

    packed = [put(packers[number % len(packers)](layer)) for number, layer in enumerate(layers)]
    manifest = put(json.dumps({"schemaVersion": 2, "layers": packed}).encode())
    inner = put(json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
    inner["annotations"] = {"org.opencontainers.image.ref.name": name}
    index = json.dumps({"schemaVersion": 2, "manifests": [inner]}).encode()
    return make_tar([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index),
                     *blobs.items()])


def gzip_twice(data):
    """Two members, one behind the other, as parallel packers write them."""
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])
