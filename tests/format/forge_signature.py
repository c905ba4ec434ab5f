# SPDX-License-Identifier: Apache-2.0
"""Makes certificates, signs programs with them as Authenticode does, and writes catalogs.

Everything is put together here byte by byte, so that each field can be wrong; the primes of the keys
come from `openssl genrsa`. Follows RFC 5280, RFC 2315, RFC 8017 and Microsoft's "Windows Authenticode
Portable Executable Signature Format" (2008).
"""
import base64
import dataclasses
import hashlib
import pathlib
import struct
import subprocess
import time

NOW = int(time.time())
DAY = 86400
HASHES = {"md5": ("1.2.840.113549.2.5", "1.2.840.113549.1.1.4"),
          "sha1": ("1.3.14.3.2.26", "1.2.840.113549.1.1.5"),
          "sha256": ("2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11"),
          "sha384": ("2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12"),
          "sha512": ("2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13")}
RSA = "1.2.840.113549.1.1.1"
INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
PE_IMAGE = "1.3.6.1.4.1.311.2.1.15"
CABINET = "1.3.6.1.4.1.311.2.1.25"
TRUST_LIST = "1.3.6.1.4.1.311.10.1"
COUNTER = "1.2.840.113549.1.9.6"
NESTED = "1.3.6.1.4.1.311.2.4.1"
STAMP = "1.3.6.1.4.1.311.3.3.1"
CODE, TIME = "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.8"


# ---- DER ------------------------------------------------------------------------------------------

def der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def seq(*parts):
    return der(0x30, *parts)


def set_of(*parts):
    return der(0x31, *parts)


def number(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(data):
    return der(4, data)


def bits(data):
    return der(3, b"\0" + data)


def oid(text):
    first, second, *rest = (int(part) for part in text.split("."))
    out = bytearray([first * 40 + second])
    for part in rest:
        groups = [part & 0x7f]
        while part > 0x7f:
            part >>= 7
            groups.append(0x80 | part & 0x7f)
        out += bytes(reversed(groups))
    return der(6, bytes(out))


def algorithm(name):
    return seq(oid(name), der(5))


def utc(seconds):
    return der(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(seconds)).encode())


def parse(data):
    """[(tag, body)] of one level."""
    out, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7f
            size, at = int.from_bytes(data[at:at + count], "big"), at + count
        out.append((tag, data[at:at + size]))
        at += size
    return out


# ---- keys and certificates ------------------------------------------------------------------------

@dataclasses.dataclass
class Key:
    n: int
    e: int
    d: int
    pem: bytes

    def sign(self, data, hash_name):
        return self.sign_digest(hashlib.new(hash_name, data).digest(), hash_name)

    def sign_digest(self, digest, hash_name, exponent=None):
        info = seq(algorithm(HASHES[hash_name][0]), octets(digest))
        size = (self.n.bit_length() + 7) // 8
        block = b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info
        power = self.d if exponent is None else exponent
        return pow(int.from_bytes(block, "big"), power, self.n).to_bytes(size, "big")


def make_key(size=2048):
    pem = subprocess.run(["openssl", "genrsa", "-traditional", str(size)], check=True,
                         capture_output=True, timeout=60).stdout
    text = b"".join(line for line in pem.splitlines() if not line.startswith(b"--"))
    fields = [int.from_bytes(body, "big") for _, body in parse(parse(base64.b64decode(text))[0][1])]
    return Key(fields[1], fields[2], fields[3], pem)


@dataclasses.dataclass
class Certificate:
    der: bytes
    key: Key
    subject: bytes
    issuer: bytes
    serial: int
    path: list  # this one and those above it

    def pem(self):
        text = base64.encodebytes(self.der)
        return b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"


def name(text):
    return seq(set_of(seq(oid("2.5.4.3"), der(0x0c, text.encode()))))


def extension(number_text, value):
    return seq(oid(number_text), octets(value))


def usages(purposes=None, is_authority=None, key_usage=None):
    """Extensions: extended key usage, basic constraints, key usage (a byte)."""
    out = []
    if purposes is not None:
        out.append(extension("2.5.29.37", seq(*(oid(p) for p in purposes))))
    if is_authority is not None:
        out.append(extension("2.5.29.19", seq(der(1, b"\xff")) if is_authority else seq()))
    if key_usage is not None:
        out.append(extension("2.5.29.15", der(3, b"\0" + bytes([key_usage]))))
    return out


AUTHORITY = {"is_authority": True, "key_usage": 0x06}
LEAF = {"purposes": [CODE], "is_authority": False, "key_usage": 0x80}
CLOCK = {"purposes": [TIME], "is_authority": False, "key_usage": 0x80}


def certificate(subject, key, issuer=None, uses=None, serial=1000, start=NOW - 100 * DAY,
                end=NOW + 100 * DAY, hash_name="sha256", version=3, exponent=None, made_up=None):
    """Signed by `issuer` (a Certificate), or by itself; `made_up` is a signature that is none."""
    own = name(subject)
    issuer_name = issuer.subject if issuer else own
    signer = issuer.key if issuer else key
    signed_with = algorithm(HASHES[hash_name][1])
    spki = seq(algorithm(RSA), bits(seq(number(key.n), number(exponent or key.e))))
    more = der(0xa3, seq(*usages(**(uses or LEAF)))) if version == 3 else b""
    tbs = seq(der(0xa0, number(2)) if version == 3 else b"", number(serial), signed_with,
              issuer_name, seq(utc(start), utc(end)), own, spki, more)
    signature = made_up if made_up is not None else signer.sign(tbs, hash_name)
    whole = seq(tbs, signed_with, bits(signature))
    found = Certificate(whole, key, own, issuer_name, serial, [])
    found.path = [found] + (issuer.path if issuer else [])
    return found


def rule(title, cert, is_trusted=True, code=1, time_=1, sign=1, has_serial=True, start="",
         comment="", tail=""):
    """A line of a .crb for the certificate."""
    inside = parse(cert.subject)[0][1]
    serial = parse(number(cert.serial))[0][1]
    return ";".join([title, "1" if is_trusted else "0", hashlib.sha1(inside).hexdigest(),
                     hashlib.sha1(serial).hexdigest() if has_serial else "",
                     f"{cert.key.n:X}", "010001", str(code), str(time_), str(sign), str(start),
                     comment]) + tail + "\n"


# ---- PKCS #7 --------------------------------------------------------------------------------------

def attribute(kind, *values):
    return seq(oid(kind), set_of(*values))


def signer_of(cert):
    return seq(cert.issuer, number(cert.serial))


def counter_signature(message, cert, when=NOW, hash_name="sha1", kind="1.2.840.113549.1.7.1",
                      spoil=b""):
    attributes = b"".join([
        attribute("1.2.840.113549.1.9.3", oid(kind)),
        attribute("1.2.840.113549.1.9.5", utc(when)),
        attribute("1.2.840.113549.1.9.4",
                  octets(hashlib.new(hash_name, message + spoil).digest()))])
    return seq(number(1), signer_of(cert), algorithm(HASHES[hash_name][0]), der(0xa0, attributes),
               algorithm(RSA), octets(cert.key.sign(set_of(attributes), hash_name)))


def signed_data(content_type, content, cert, hash_name="sha256", certificates=None, counter=None,
                spoil=b"", more=(), exponent=None, with_null=True):
    """A SignedData over the body of `content`. `counter`: arguments of counter_signature."""
    named = algorithm if with_null else (lambda text: seq(oid(text)))
    body = b"".join([content])
    digest = hashlib.new(hash_name, body + spoil).digest()
    attributes = b"".join([
        attribute("1.2.840.113549.1.9.3", oid(content_type)),
        attribute("1.3.6.1.4.1.311.2.1.11", seq(oid("1.3.6.1.4.1.311.2.1.21"))),
        attribute("1.2.840.113549.1.9.4", octets(digest))])
    signature = cert.key.sign_digest(hashlib.new(hash_name, set_of(attributes)).digest(), hash_name,
                                     exponent)
    unsigned = [counter_signature(signature, **counter)] if counter else []
    unsigned = [attribute(COUNTER, *unsigned)] if unsigned else []
    unsigned += more
    certificates = cert.path if certificates is None else certificates
    info = seq(number(1), signer_of(cert), named(HASHES[hash_name][0]), der(0xa0, attributes),
               named(RSA), octets(signature), der(0xa1, *unsigned) if unsigned else b"")
    data = seq(number(1), set_of(named(HASHES[hash_name][0])),
               seq(oid(content_type), der(0xa0, seq(body))),
               der(0xa0, *(c.der for c in certificates)), set_of(info))
    return seq(oid("1.2.840.113549.1.7.2"), der(0xa0, data))


# ---- programs -------------------------------------------------------------------------------------

def places(program):
    """Where the checksum and the directory entry of the certificates are."""
    optional = struct.unpack_from("<I", program, 60)[0] + 24
    is_64 = struct.unpack_from("<H", program, optional)[0] == 0x20b
    return optional + 64, optional + (112 if is_64 else 96) + 32


def program_digest(program, hash_name):
    """What is signed of a program to which the certificates will be added."""
    checksum, entry = places(program)
    hashed = program[:checksum] + program[checksum + 4:entry] + program[entry + 8:]
    return hashlib.new(hash_name, hashed).digest()


def indirect_data(digest, hash_name, kind=PE_IMAGE):
    """The body of SpcIndirectDataContent."""
    link = der(0xa0, der(0xa2, der(0x80)))
    return (seq(oid(kind), seq(bits(b""), link)) +
            seq(algorithm(HASHES[hash_name][0]), octets(digest)))


def attach(program, signature, revision=0x200, kind=2, behind=b""):
    """The program with a signature behind it; its size is a multiple of eight."""
    signature += b"\0" * (-len(signature) % 8) + behind
    table = struct.pack("<IHH", len(signature) + 8, revision, kind) + signature
    _, entry = places(program)
    directory = struct.pack("<II", len(program), len(table))
    return program[:entry] + directory + program[entry + 8:] + table


def sign_program(program, cert, hash_name="sha256", file_hash=None, spoil_file=b"", **how):
    digest = program_digest(program + spoil_file, file_hash or hash_name)
    content = indirect_data(digest, file_hash or hash_name)
    return attach(program, signed_data(INDIRECT_DATA, content, cert, hash_name, **how))


# ---- catalogs -------------------------------------------------------------------------------------

def catalog(cert, members, hash_name="sha256", **how):
    """`members`: (PE_IMAGE or CABINET, name of a digest, digest)."""
    rows = [seq(octets(digest), set_of(
        attribute("1.3.6.1.4.1.311.12.2.2", seq(number(1))),
        attribute(INDIRECT_DATA, seq(indirect_data(digest, kind_hash, kind)))))
            for kind, kind_hash, digest in members]
    content = b"".join([seq(oid("1.3.6.1.4.1.311.12.1.1")), octets(b"list of a test..."), utc(NOW),
                        seq(oid("1.3.6.1.4.1.311.12.1.3"), der(5)), seq(*rows)])
    return signed_data(TRUST_LIST, content, cert, hash_name, **how)


def write_openssl(folder, cert):
    """Files for programs that sign: the path of the certificates, and the key."""
    chain, key = pathlib.Path(folder, "chain.pem"), pathlib.Path(folder, "key.pem")
    chain.write_bytes(b"".join(c.pem() for c in cert.path))
    key.write_bytes(cert.key.pem)
    return str(chain), str(key)
