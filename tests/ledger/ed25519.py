# SPDX-License-Identifier: Apache-2.0
"""Ed25519 and signed notes once more, slow and simple: RFC 8032 section 5.1, C2SP signed-note and
tlog-cosignature. For tests alone: nothing here is safe from someone who measures time."""
import base64
import functools
import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
NOTE, COSIGNATURE = 1, 4


def recover_x(y, sign):
    """Section 5.1.3; None when there is no such point."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def add(p, q):
    """Section 5.1.4, extended homogeneous coordinates."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


@functools.cache
def doubled_bases():
    points = [BASE]
    while len(points) < 256:
        points.append(add(points[-1], points[-1]))
    return points


def times_base(scalar):
    """times(scalar, BASE), of which a test asks a thousand times."""
    total = (0, 1, 1, 0)
    for bit, point in enumerate(doubled_bases()):
        if scalar >> bit & 1:
            total = add(total, point)
    return total


def encode(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def hash_mod(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def expand(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar, digest[32:]


@functools.cache
def public_key(seed):
    return encode(times_base(expand(seed)[0]))


def sign(seed, message):
    scalar, prefix = expand(seed)
    public = public_key(seed)
    r = hash_mod(prefix, message)
    start = encode(times_base(r))
    s = (r + hash_mod(start, public, message) * scalar) % L
    return start + s.to_bytes(32, "little")


def verify(public, message, signature):
    """Section 5.1.7, without the factor 8."""
    if len(signature) != 64 or len(public) != 32:
        return False
    key, s = decode(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    minus = ((-key[0]) % P, key[1], key[2], (-key[3]) % P)
    found = add(times_base(s), times(hash_mod(signature[:32], public, message), minus))
    return encode(found) == signature[:32]


# ---- notes --------------------------------------------------------------------------------------

def key_id(name, kind, public):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def vkey(name, kind, public):
    blob = base64.b64encode(bytes([kind]) + public).decode()
    return f"{name}+{key_id(name, kind, public).hex()}+{blob}"


def secret_key(name, kind, seed):
    blob = base64.b64encode(bytes([kind]) + seed).decode()
    return f"PRIVATE+KEY+{name}+{key_id(name, kind, public_key(seed)).hex()}+{blob}"


def message(text, kind, time):
    return (f"cosignature/v1\ntime {time}\n".encode() if kind == COSIGNATURE else b"") + text


def signature_line(name, kind, seed, text, time):
    blob = key_id(name, kind, public_key(seed))
    blob += time.to_bytes(8, "big") if kind == COSIGNATURE else b""
    blob += sign(seed, message(text, kind, time))
    return f"— {name} {base64.b64encode(blob).decode()}\n".encode()
