# SPDX-License-Identifier: Apache-2.0
"""Random rules in ClamAV's language, each with a way to write bytes that match it.

A pattern is a list of parts; a part is a list of atoms:
  ("byte", value, mask)   ("alt", [list of atoms], is_negated)   ("class", letter, is_negated)
Between parts stand gaps (min, max) with max None for "any".
"""
import dataclasses

import forge_objects

BOUNDARY_LEFT = b" -./<@_"
BOUNDARY_RIGHT = b"\n\r \"'-/=>_"
WORDS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclasses.dataclass
class Part:
    atoms: list
    left: tuple = None     # class at the left edge: (letter, is_negated)
    right: tuple = None
    gap: tuple = (0, 0)    # before the part
    gap_text: str = ""


@dataclasses.dataclass
class Pattern:
    parts: list
    start_part: int = 0    # the part whose start counts: 1 for xx[a-b]REST
    is_nocase: bool = False
    is_wide: bool = False

    def text(self):
        out = []
        for part in self.parts:
            out.append(part.gap_text)
            out.append(class_text(part.left) + "".join(map(atom_text, part.atoms)) +
                       class_text(part.right))
        return "".join(out)


@dataclasses.dataclass
class Offset:
    text: str = "*"
    kind: str = "*"
    value: int = 0
    section: int = 0
    shift: int = 0


def class_text(edge):
    return "" if edge is None else ("!" if edge[1] else "") + f"({edge[0]})"


def atom_text(atom):
    if atom[0] == "byte":
        _, value, mask = atom
        return ("%x" % (value >> 4) if mask & 0xf0 else "?") + \
            ("%x" % (value & 15) if mask & 15 else "?")
    if atom[0] == "alt":
        inner = "|".join("".join(map(atom_text, alt)) for alt in atom[1])
        return f"{'!' if atom[2] else ''}({inner})"
    return class_text(atom[1:])


# ---- random patterns ---------------------------------------------------------------------------

def literal(rng, alphabet):
    return ("byte", rng.choice(alphabet), 0xff)


def wild(rng, alphabet):
    mask = rng.choice((0, 0xf0, 0x0f))
    return ("byte", rng.choice(alphabet) & mask, mask)


def random_alt(rng, alphabet, depth=0):
    kind = rng.choice(("set", "fixed", "generic", "generic"))
    count = rng.randrange(2, 5)
    if kind == "set":
        values = rng.sample(list(set(alphabet)), min(count, len(set(alphabet))))
        alts = [[("byte", v, 0xff)] for v in values]
        return ("alt", alts, rng.random() < 0.3)
    if kind == "fixed":
        length = rng.randrange(2, 5)
        alts = [[literal(rng, alphabet) for _ in range(length)] for _ in range(count)]
        return ("alt", alts, rng.random() < 0.3)
    alts = []
    for _ in range(count):
        alt = [literal(rng, alphabet) if rng.random() < 0.8 else wild(rng, alphabet)
               for _ in range(rng.randrange(1, 5))]
        if depth < 3 and rng.random() < 0.06:
            inner = random_alt(rng, alphabet, depth + 1)
            alt.insert(rng.randrange(len(alt) + 1), ("alt", inner[1], False))
        alts.append(alt)
    return ("alt", alts, False)


def random_part(rng, alphabet, is_simple):
    anchor = [literal(rng, alphabet) for _ in range(rng.choice((2, 2, 3, 4, 6, 9)))]
    if is_simple:
        return Part(anchor + [literal(rng, alphabet)])
    before, after = [], []
    for side in (before, after):
        for _ in range(rng.choice((0, 0, 1, 2, 3))):
            choice = rng.random()
            if choice < 0.4:
                side.append(literal(rng, alphabet))
            elif choice < 0.7:
                side.append(wild(rng, alphabet))
            elif choice < 0.9:
                side.append(random_alt(rng, alphabet))
            else:
                side.append(("class", rng.choice("BLW"), rng.random() < 0.3))
    while before and before[0][0] == "class":
        before.pop(0)  # at an edge it has no width: those are made below
    while after and after[-1][0] == "class":
        after.pop()
    part = Part(before + anchor + after)
    if rng.random() < 0.12:
        part.left = (rng.choice("BLW"), False)
    if rng.random() < 0.12:
        part.right = (rng.choice("BLW"), rng.random() < 0.3)
    return part


def random_gap(rng):
    """(min, max), text; the text of {n} up to 127 makes no new part in clamscan, but means it."""
    n = rng.choice((1, 2, 3, 5, 8, 20, 100, 130))
    m = n + rng.choice((0, 1, 2, 5, 30))
    return rng.choice((
        ((0, None), "*"), ((n, n), "{%d}" % n), ((n, m), "{%d-%d}" % (n, m)),
        ((0, m), "{-%d}" % m), ((n, None), "{%d-}" % n), ((0, None), "{-0}"),
        ((0, None), "{0}"), ((0, m), "{0-%d}" % m)))


def random_pattern(rng, alphabet, parts_max=4, can_be_outer=True):
    count = rng.choice((1, 1, 2, 2, 3, parts_max)) if parts_max > 1 else 1
    is_simple = rng.random() < 0.2
    parts = []
    for i in range(count):
        part = random_part(rng, alphabet, is_simple or rng.random() < 0.3)
        if i > 0:
            part.gap, part.gap_text = random_gap(rng)
        parts.append(part)
    pattern = Pattern(parts)
    if can_be_outer and rng.random() < 0.2:
        add_outer(rng, alphabet, pattern)
    return pattern


def add_outer(rng, alphabet, pattern):
    """xx[a-b] in front, or [a-b]xx behind."""
    low = rng.choice((0, 1, 2, 7))
    high = min(32, low + rng.choice((0, 1, 4, 25)))
    byte = literal(rng, alphabet) if rng.random() < 0.7 else \
        ("byte", rng.choice(alphabet) & 15, 15)  # of a wildcard like a? clamscan tests nothing
    first, last = pattern.parts[0], pattern.parts[-1]
    if rng.random() < 0.5 and first.left is None and first.atoms[0][0] == "byte":
        first.gap, first.gap_text = (low, high), f"[{low}-{high}]"
        pattern.parts.insert(0, Part([byte]))
        pattern.start_part = 1
    elif last.right is None and last.atoms[-1][0] == "byte":
        pattern.parts.append(Part([byte], gap=(low, high), gap_text=f"[{low}-{high}]"))


# ---- bytes that match --------------------------------------------------------------------------

def sample_class(rng, letter, is_negated, is_left):
    if letter == "L":
        return b"q" if is_negated else b"\n" if is_left else rng.choice((b"\n", b"\r\n"))
    if letter == "W":
        return bytes([rng.choice(b"aZ9") if is_negated else rng.choice(b"_ \xff\n")])
    return b"q" if is_negated else bytes([rng.choice(BOUNDARY_LEFT if is_left else BOUNDARY_RIGHT)])


def sample_atoms(rng, atoms, is_nocase):
    out = bytearray()
    for atom in atoms:
        if atom[0] == "byte":
            value = atom[1] | (rng.randrange(256) & ~atom[2])
            letter = bytes([value])
            out += letter.swapcase() if is_nocase and letter.isalpha() and rng.random() < 0.5 \
                else letter
        elif atom[0] == "class":
            out += sample_class(rng, atom[1], atom[2], False)
        elif atom[2]:
            length = len(atom[1][0])
            out += bytes(rng.choices(forge_objects.FILLER, k=length)) if rng.random() < 0.5 else \
                bytes(rng.choice([a[i][1] for a in atom[1]]) for i in range(length))
        else:
            out += sample_atoms(rng, rng.choice(atom[1]), is_nocase)
    return bytes(out)


def sample(rng, pattern, alphabet, slip=0):
    """Bytes that match (mostly), with what should stand beside, and where the match starts in
    them. `slip` makes one gap so much too long or too short."""
    out = bytearray()
    start = 0
    slip_at = rng.randrange(1, len(pattern.parts)) if slip and len(pattern.parts) > 1 else -1
    pending = b""
    for index, part in enumerate(pattern.parts):
        left = b"" if part.left is None else sample_class(rng, *part.left, True)
        low, high = part.gap
        length = rng.choice((low, low + rng.randrange(60) if high is None else high,
                             rng.randrange(low, (low + 60 if high is None else high) + 1)))
        if index == slip_at:
            length = max(0, (low if slip < 0 or high is None else high) + slip)
        if index > 0:
            gap = bytearray(rng.choices(alphabet, k=length))
            gap[:len(pending)] = pending[:length]
            if length >= len(left):
                gap[length - len(left):] = left
            out += gap
        else:
            out += left
        if index == pattern.start_part:
            start = len(out)
        body = sample_atoms(rng, part.atoms, pattern.is_nocase)
        out += b"".join(bytes([b, 0]) for b in body) if pattern.is_wide else body
        pending = b"" if part.right is None else sample_class(rng, *part.right, False)
    out += pending
    return bytes(out), start


def spoil(rng, data):
    """One byte changed, dropped or doubled."""
    at = rng.randrange(len(data))
    choice = rng.random()
    if choice < 0.6:
        return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1:]
    return data[:at] + data[at + 1:] if choice < 0.8 else data[:at] + data[at:at + 1] + data[at:]


# ---- offsets -----------------------------------------------------------------------------------

def random_offset(rng, target, sizes):
    if rng.random() < 0.35:
        return Offset()
    shift = rng.choice((0, 0, 0, 1, 7, 100))
    tail = f",{shift}" if shift or rng.random() < 0.1 else ""
    near = rng.choice((0, 0, 1, 3, 16, 40, 200))
    kinds = ["abs", "eof"] + (["ep", "sx", "sl", "se"] * 2 if target in (1, 6) else [])
    kind = rng.choice(kinds)
    section = rng.choice((0, 0, 1, 2, 4))
    if kind == "abs":
        value = rng.choice((near, near, rng.randrange(1, max(2, min(sizes)))))
        value += 0x400 if target in (1, 6) and rng.random() < 0.9 else 0
        return Offset(f"{value}{tail}", kind, value, 0, shift)
    if kind == "eof":
        value = rng.choice((near + 30, rng.randrange(1, 100), rng.randrange(1, 700)))
        return Offset(f"EOF-{value}{tail}", kind, value, 0, shift)
    if kind == "ep":
        value = near if rng.random() < 0.7 else -near
        return Offset(f"EP{value:+d}{tail}", kind, value, 0, shift)
    if kind == "sx":
        return Offset(f"S{section}+{near}{tail}", kind, near, section, shift)
    if kind == "sl":
        return Offset(f"SL+{near}{tail}", kind, near, 0, shift)
    return Offset(f"SE{section}", kind, 0, section, 0)


def offset_range(offset, thing):
    """First and last start that the offset allows in this file, or None."""
    size = len(thing.data)
    if offset.kind == "*":
        return 0, size
    if offset.kind == "abs":
        base = offset.value
    elif offset.kind == "eof":
        base = size - offset.value
    elif offset.kind == "ep":
        base = None if thing.entry is None else thing.entry + offset.value
    else:
        section = len(thing.sections) - 1 if offset.kind == "sl" else offset.section
        if not 0 <= section < len(thing.sections):
            return None
        base = thing.sections[section][0] + offset.value
        if offset.kind == "se":
            return base, base + thing.sections[section][1]
    if base is None or base < 0 or base > size:
        return None
    return base, base + offset.shift
