# SPDX-License-Identifier: Apache-2.0
"""Makes databases, lists, updates and their signatures as ClamAV's vendor does, with keys of a
test's own: RSA by python's integers, PSS by RFC 8017, written without a look at the C."""
import gzip
import hashlib
import io
import os
import subprocess
import tarfile

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"


class Key:
    def __init__(self, bits):
        der = subprocess.run(f"openssl genrsa -traditional {bits} | openssl rsa -traditional -outform DER",
                             shell=True, check=True, capture_output=True).stdout
        numbers = der_integers(der)
        self.n, self.e, self.d = numbers[1:4]

    def line(self):
        size = (self.n.bit_length() + 7) // 8
        return f"{self.n.to_bytes(size, 'big').hex()} {self.e:06x}\n"

    def sign_md5(self, digest):
        return as_text(pow(int.from_bytes(digest, "big"), self.d, self.n))

    def sign_pss(self, digest, salt=None):
        salt = os.urandom(32) if salt is None else salt
        seed = hashlib.sha256(bytes(8) + digest + salt).digest()
        block = bytes(256 - 32 - 1 - len(salt) - 1) + b"\1" + salt
        mask = b"".join(hashlib.sha256(seed + i.to_bytes(4, "big")).digest() for i in range(7))
        block = bytes(a ^ b for a, b in zip(block, mask))
        message = bytes([block[0] & 0x7f]) + block[1:] + seed + b"\xbc"
        return as_text(pow(int.from_bytes(message, "big"), self.d, self.n))


def der_integers(der):
    """The INTEGERs of an RSAPrivateKey (RFC 8017, A.1.2)."""
    at, numbers = 2 if der[1] < 0x80 else 2 + (der[1] & 0x7f), []
    while at < len(der):
        size, at = der[at + 1], at + 2
        if size >= 0x80:
            count = size & 0x7f
            size, at = int.from_bytes(der[at:at + count], "big"), at + count
        numbers.append(int.from_bytes(der[at:at + size], "big"))
        at += size
    return numbers


def as_text(number):
    text = ""
    while number:
        text += ALPHABET[number & 63]
        number >>= 6
    return text


def header(version, md5="X", signature="X", count=3, level=90, seconds=1_700_000_000):
    return (f"ClamAV-VDB:14 Nov 2023 22-13 +0000:{version}:{count}:{level}:{md5}:{signature}:"
            f"tester:{seconds}")


def tar_of(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


class Vendor:
    """Three keys, and what is made with them."""

    def __init__(self):
        self.header_key, self.info_key, self.cdiff_key = Key(1024), Key(2048), Key(2048)

    def write_keys(self, path):
        with open(path, "w") as file:
            file.write(self.header_key.line() + self.info_key.line() + self.cdiff_key.line())
        return path

    def info(self, version, members, **fields):
        lines = [header(version, **fields)]
        lines += [f"{name}:{len(data)}:{hashlib.sha256(data).hexdigest()}" for name, data in members]
        text = ("\n".join(lines) + "\n").encode()
        return text + b"DSIG:" + self.info_key.sign_pss(hashlib.sha256(text).digest()).encode() + b"\n"

    def members(self, version, rules, name="test", **fields):
        return [("COPYING", b"COPYING, a licence\n"),
                (f"{name}.info", self.info(version, rules, **fields)), *rules]

    def seal(self, version, body, **fields):
        digest = hashlib.md5(body).digest()
        line = header(version, digest.hex(), self.header_key.sign_md5(digest), **fields)
        return line.encode().ljust(512) + body

    def cvd(self, version, rules, **fields):
        return self.seal(version, gzip.compress(tar_of(self.members(version, rules)), mtime=0),
                         **fields)

    def cld(self, version, members):
        return header(version).encode().ljust(512) + tar_of(members)

    def cdiff(self, version, script, size=None, tail=b""):
        size = len(script) if size is None else size
        text = f"ClamAV-Diff:{version}:{size}:".encode() + gzip.compress(script, mtime=0) + tail
        return text + b":" + self.cdiff_key.sign_pss(hashlib.sha256(text).digest()).encode()
