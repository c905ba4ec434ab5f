# SPDX-License-Identifier: Apache-2.0
"""Writes compound files ([MS-CFB]) and VBA projects ([MS-OVBA]) for tests."""
import base64
import hashlib
import struct
import subprocess

FREE, END, FAT, DIFAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
CUTOFF = 4096
MSI_CLASS = bytes.fromhex("84100c0000000000c000000000000046")


class Tables:
    """Sectors of a file under construction, and which follows which."""

    def __init__(self, size):
        self.size, self.data, self.next = size, [], []

    def add(self, data, end=END):
        """Appends bytes as a chain; returns its first sector."""
        count = -(-len(data) // self.size)
        first = len(self.data)
        for i in range(count):
            self.data.append(data[i * self.size:(i + 1) * self.size].ljust(self.size, b"\0"))
            self.next.append(first + i + 1 if i + 1 < count else end)
        return first if count else END


def entry(name, kind, start=END, size=0, right=FREE, child=FREE, class_id=b""):
    raw = name.encode("utf-16-le")
    return (raw.ljust(64, b"\0") + struct.pack("<HBBIII", len(raw) + 2 if name else 0, kind, 1,
                                               FREE, right, child)
            + class_id.ljust(16, b"\0") + bytes(20) + struct.pack("<IQ", start, size))


def directory(streams):
    """[(name, kind, path, right, child)], the root first, siblings linked as a list."""
    rows = [["Root Entry", 5, "", FREE, FREE]]

    def add_level(parent, prefix):
        names = sorted({path[len(prefix):].split("/")[0] for path in streams
                        if path.startswith(prefix)}, key=lambda n: (len(n), n.upper()))
        first = len(rows)
        rows.extend([name, 2 if prefix + name in streams else 1, prefix + name, FREE, FREE]
                    for name in names)
        if names:
            rows[parent][4] = first
        for i in range(len(names)):
            at = first + i
            if i + 1 < len(names):
                rows[at][3] = at + 1
            if rows[at][1] == 1:
                add_level(at, rows[at][2] + "/")
    add_level(0, "")
    return rows


def compound(streams, big=False, class_id=b"", spare=(), lead=0):
    """A compound file of {path: bytes}; `spare` are more entries (name, bytes) that no tree names,
    `lead` sectors stand unused in front."""
    shift = 12 if big else 9
    sectors, minis = Tables(1 << shift), Tables(64)
    sectors.add(bytes(lead << shift))
    rows = directory(streams)
    places = {}
    for path, data in list(streams.items()) + [("\0" + name, data) for name, data in spare]:
        table = minis if len(data) < CUTOFF else sectors
        places[path] = (table.add(data), len(data))
    mini_stream = b"".join(minis.data)
    mini_start = sectors.add(mini_stream)
    mini_fat = sectors.add(struct.pack(f"<{len(minis.next)}I", *minis.next)
                           .ljust(-(-len(minis.next) * 4 // sectors.size) * sectors.size, b"\xff"))
    raw = b""
    for name, kind, path, right, child in rows:
        start, size = places.get(path, (0 if kind == 1 else mini_start, 0))
        size = len(mini_stream) if kind == 5 else size
        raw += entry(name, kind, start, size, right, child, class_id if kind == 5 else b"")
    for name, data in spare:
        raw += entry(name, 2, *places["\0" + name])
    raw += entry("", 0, 0) * (-(len(raw) // 128) % (sectors.size // 128))
    dir_start = sectors.add(raw)
    return finish(sectors, shift, dir_start, len(raw) // sectors.size if big else 0, mini_fat,
                  -(-len(minis.next) * 4 // sectors.size))


def finish(sectors, shift, dir_start, dir_count, mini_fat, mini_count):
    per = sectors.size // 4
    plain = len(sectors.next)
    fats = difats = 0
    while True:
        total = plain + fats + difats
        need = -(-total // per)
        more = max(0, -(-(need - 109) // (per - 1)))
        if (need, more) == (fats, difats):
            break
        fats, difats = need, more
    fat_at = list(range(plain, plain + fats))
    links = sectors.next + [FAT] * fats + [DIFAT] * difats
    links += [FREE] * (fats * per - len(links))
    body = b"".join(sectors.data) + struct.pack(f"<{len(links)}I", *links)
    rest = fat_at[109:]
    for i in range(difats):
        part = rest[i * (per - 1):(i + 1) * (per - 1)]
        part += [FREE] * (per - 1 - len(part))
        after = plain + fats + i + 1 if i + 1 < difats else END
        body += struct.pack(f"<{per}I", *part, after)
    head = fat_at[:109] + [FREE] * (109 - len(fat_at[:109]))
    header = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
              + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 4 if shift == 12 else 3, 0xFFFE, shift, 6,
                            dir_count, fats, dir_start, 0, CUTOFF, mini_fat, mini_count,
                            plain + fats if difats else END, difats)
              + struct.pack("<109I", *head))
    return header.ljust(1 << shift, b"\0") + body


# ---- VBA ----------------------------------------------------------------------------------------

def copy_bits(done):
    """How many bits of a token tell the distance ([MS-OVBA] 2.4.1.3.19.1)."""
    bits = 4
    while 1 << bits < done:
        bits += 1
    return bits


def compress_chunk(chunk):
    out, at = b"", 0
    while at < len(chunk):
        flags, group = 0, b""
        for i in range(8):
            if at >= len(chunk):
                break
            bits = copy_bits(at)
            longest, distance = 0, 0
            limit = min((0xFFFF >> bits) + 3, len(chunk) - at)
            for back in range(1, min(at, 1 << bits) + 1):
                size = 0
                while size < limit and chunk[at - back + size] == chunk[at + size]:
                    size += 1
                if size > longest:
                    longest, distance = size, back
            if longest >= 3:
                group += struct.pack("<H", (distance - 1) << (16 - bits) | (longest - 3))
                flags |= 1 << i
                at += longest
            else:
                group += chunk[at:at + 1]
                at += 1
        out += bytes([flags]) + group
    return out


def compress(data):
    """A CompressedContainer ([MS-OVBA] 2.4.1)."""
    out = b"\x01"
    for at in range(0, len(data), 4096):
        chunk = data[at:at + 4096]
        packed = compress_chunk(chunk)
        if len(packed) >= 4096 and len(chunk) == 4096:
            out += struct.pack("<H", 0x3FFF) + chunk
        else:
            out += struct.pack("<H", 0xB000 | (len(packed) - 1)) + packed
    return out


def record(number, data):
    return struct.pack("<HI", number, len(data)) + data


def dir_stream(modules, codepage=1252, name="VBAProject", encoding=None):
    """The plain dir stream of [(module, offset)]."""
    encoding = encoding or f"cp{codepage}"
    both = [(n.encode(encoding), n.encode("utf-16-le")) for n, _ in modules]
    out = record(1, struct.pack("<I", 1)) + record(2, struct.pack("<I", 0x409))
    out += record(0x14, struct.pack("<I", 0x409)) + record(3, struct.pack("<H", codepage))
    out += record(4, name.encode(encoding)) + record(5, b"") + record(0x40, b"")
    out += record(6, b"") + record(0x3D, b"") + record(7, bytes(4)) + record(8, bytes(4))
    out += struct.pack("<HIIH", 9, 4, 0x5F5E100, 6) + record(0xC, b"") + record(0x3C, b"")
    out += record(0x0F, struct.pack("<H", len(modules))) + record(0x13, b"\xff\xff")
    for (narrow, wide), (_, offset) in zip(both, modules):
        out += record(0x19, narrow) + record(0x47, wide) + record(0x1A, narrow)
        out += record(0x32, wide) + record(0x1C, b"") + record(0x48, b"")
        out += record(0x31, struct.pack("<I", offset)) + record(0x1E, bytes(4))
        out += record(0x2C, b"\xff\xff") + record(0x21, b"") + record(0x2B, b"")
    return out + record(0x10, b"")


def vba_project(modules, prefix="", codepage=1252, encoding=None, junk=b"\0p-code" * 9):
    """Streams of a project of {module: source bytes}, as compound() takes them."""
    streams = {}
    for name, source in modules.items():
        streams[f"{prefix}VBA/{name}"] = junk + compress(source)
    plain = dir_stream([(name, len(junk)) for name in modules], codepage, encoding=encoding)
    streams[f"{prefix}VBA/dir"] = compress(plain)
    streams[f"{prefix}VBA/_VBA_PROJECT"] = b"\xcc\x61\xff\xff\0\0\0"
    streams[f"{prefix}PROJECT"] = b"".join(b"Module=%s\r\n" % n.encode("utf-8") for n in modules)
    return streams


# ---- objects, BIFF8, installers -------------------------------------------------------------------

def packaged(label, data):
    """\\x01Ole10Native as the Object Packager writes it."""
    path = b"C:\\x\\" + label + b"\0"
    body = (b"\x02\0" + label + b"\0" + path + struct.pack("<HHI", 0, 3, len(path)) + path
            + struct.pack("<I", len(data)) + data)
    return struct.pack("<I", len(body)) + body


def biff(number, data=b""):
    return struct.pack("<HH", number, len(data)) + data


def pack_installer_name(name, is_table=False):
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
    out = "\u4840" if is_table else ""
    while name:
        if len(name) > 1 and name[0] in letters and name[1] in letters:
            out += chr(0x3800 + letters.index(name[0]) + 64 * letters.index(name[1]))
            name = name[2:]
        else:
            out += chr(0x4800 + letters.index(name[0])) if name[0] in letters else name[0]
            name = name[1:]
    return out


# ---- locked with a password ---------------------------------------------------------------------

def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).digest()


def aes_ecb(key, data):
    """By openssl, which has to be there."""
    data += bytes(-len(data) % 16)
    return subprocess.run(["openssl", "enc", f"-aes-{len(key) * 8}-ecb", "-nopad", "-K", key.hex()],
                          input=data, capture_output=True, timeout=60, check=True).stdout


def lock_package(package, password, bits=128):
    """EncryptionInfo and EncryptedPackage of standard encryption ([MS-OFFCRYPTO] 2.3.4.5)."""
    salt, verifier = bytes(range(16)), bytes(range(50, 66))
    key = sha1(salt, password.encode("utf-16-le"))
    for i in range(50000):
        key = sha1(struct.pack("<I", i), key)
    key = sha1(key, bytes(4)).ljust(64, b"\0")
    key = (sha1(bytes(a ^ 0x36 for a in key)) + sha1(bytes(a ^ 0x5c for a in key)))[:bits // 8]
    algorithm = {128: 0x660e, 192: 0x660f, 256: 0x6610}[bits]
    provider = "Microsoft Enhanced RSA and AES Cryptographic Provider\0".encode("utf-16-le")
    header = struct.pack("<8I", 0x24, 0, algorithm, 0x8004, bits, 0x18, 0, 0) + provider
    info = struct.pack("<HHII", 3, 2, 0x24, len(header)) + header + struct.pack("<I", 16) + salt
    info += aes_ecb(key, verifier) + struct.pack("<I", 20) + aes_ecb(key, sha1(verifier))
    return info, struct.pack("<Q", len(package)) + aes_ecb(key, package)


def rc4(key, data):
    state, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 255
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for byte in data:
        i = (i + 1) & 255
        j = (j + state[i]) & 255
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) & 255])
    return bytes(out)


def lock_workbook(records, password, bits=None):
    """A Workbook of [(number, data)], BOF first, under RC4; with `bits` by CryptoAPI (2.3.5)."""
    salt, verifier = bytes(range(16)), bytes(range(50, 66))
    wide = password.encode("utf-16-le")
    if bits is None:
        base = hashlib.md5((hashlib.md5(wide).digest()[:5] + salt) * 16).digest()[:5]
    else:
        base = sha1(salt, wide)

    def key_of(block):
        if bits is None:
            return hashlib.md5(base + struct.pack("<I", block)).digest()
        key = sha1(base, struct.pack("<I", block))[:bits // 8]
        return key.ljust(16, b"\0") if bits == 40 else key
    if bits is None:
        locked = rc4(key_of(0), verifier + hashlib.md5(verifier).digest())
        lock = struct.pack("<HHH", 1, 1, 1) + salt + locked
    else:
        locked = rc4(key_of(0), verifier + sha1(verifier))
        header = struct.pack("<8I", 4, 0, 0x6801, 0x8004, bits, 1, 0, 0) + b"R\0\0\0"
        lock = struct.pack("<HHHII", 1, 4, 2, 4, len(header)) + header + struct.pack("<I", 16)
        lock += salt + locked[:16] + struct.pack("<I", 20) + locked[16:]
    plain, is_open = b"", []
    for number, data in [records[0], (0x2f, lock)] + records[1:]:
        plain += biff(number, data)
        free = len(data) if number in (0x809, 0x2f) else 4 if number == 0x85 else 0
        is_open += [True] * (4 + min(free, len(data))) + [False] * max(0, len(data) - free)
    stream = b"".join(rc4(key_of(at // 1024), plain[at:at + 1024])
                      for at in range(0, len(plain), 1024))
    return bytes(p if o else s for p, s, o in zip(plain, stream, is_open)), plain


def aes_cbc(key, iv, data):
    data += bytes(-len(data) % 16)
    return subprocess.run(["openssl", "enc", f"-aes-{len(key) * 8}-cbc", "-nopad", "-K", key.hex(),
                           "-iv", iv.hex()],
                          input=data, capture_output=True, timeout=60, check=True).stdout


def lock_agile(package, password, bits=256, name="sha512", spins=1000):
    """EncryptionInfo and EncryptedPackage of agile encryption ([MS-OFFCRYPTO] 2.3.4.10)."""
    def digest(*parts):
        return hashlib.new(name, b"".join(parts)).digest()

    def text(data):
        return base64.b64encode(data).decode()

    salt, data_salt, verifier = bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48))
    secret = bytes(range(100, 100 + bits // 8))
    spun = digest(salt, password.encode("utf-16-le"))
    for i in range(spins):
        spun = digest(struct.pack("<I", i), spun)

    def lock(block_key, data):
        key = digest(spun, bytes.fromhex(block_key)).ljust(bits // 8, b"\x36")[:bits // 8]
        return text(aes_cbc(key, salt, data))
    size = len(digest())
    common = (f'saltSize="16" blockSize="16" keyBits="{bits}" hashSize="{size}" '
              'cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" '
              f'hashAlgorithm="{name.upper()}"')
    document = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
        '<encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" '
        'xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password">'
        f'<keyData {common} saltValue="{text(data_salt)}"/><dataIntegrity/><keyEncryptors>'
        '<keyEncryptor uri="http://schemas.microsoft.com/office/2006/keyEncryptor/password">'
        f'<p:encryptedKey spinCount="{spins}" {common} saltValue="{text(salt)}" '
        f'encryptedVerifierHashInput="{lock("fea7d2763b4b9e79", verifier)}" '
        f'encryptedVerifierHashValue="{lock("d7aa0f6d3061344e", digest(verifier))}" '
        f'encryptedKeyValue="{lock("146e0be7abacd0d6", secret)}"/>'
        "</keyEncryptor></keyEncryptors></encryption>")
    out = struct.pack("<Q", len(package))
    for at in range(0, len(package), 4096):
        iv = digest(data_salt, struct.pack("<I", at // 4096))[:16]
        out += aes_cbc(secret, iv, package[at:at + 4096])
    return struct.pack("<HHI", 4, 4, 0x40) + document.encode(), out
