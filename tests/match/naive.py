# SPDX-License-Identifier: Apache-2.0
"""What ClamAV's documentation says that a pattern finds, without any cleverness.

`found` follows the documentation. Given one of FLAWS it departs from it as clamscan does, and only in
that. A difference between clamscan and Overt is a known one exactly if Overt says what the twin
without flaws says, and clamscan what the twin with the flaw says.
"""
import re

import forge_objects
import forge_rules

NINE = "nine candidates"  # of each part the first end and the last eight are remembered
BEGINNINGS = "alternatives that begin alike"  # that begin another one never match, nor does that
ENDINGS = "alternatives that end alike after an edge"  # the first that fits decides
CRLF = "CR LF for (L) before the fixed bytes"
OVERRUN = "bytes behind the end of the file"  # after a group they need not be there
OUTER = "outer byte after groups"  # measured without the groups' bytes
CLASS_AT = "offset with a class before the fixed bytes"  # never found
NEAR_START = "offset near the start, shorter alternative"  # the longest must fit before
PLAIN_SECTION = "plain pattern, SEx, two windows or more"  # found at the first byte alone
FLAWS = (NINE, BEGINNINGS, ENDINGS, CRLF, OVERRUN, OUTER, CLASS_AT, NEAR_START, PLAIN_SECTION)
NESTED = "alternates in alternates"  # read wrong memory: found, missed or crashed by chance
ALL_FLAWS = " ".join(FLAWS)

ALNUM = set(forge_rules.WORDS)
TRACKED = 8


def lower(value):
    return value | 0x20 if 0x41 <= value <= 0x5a else value


def class_ends(letter, is_negated, data, at, flaw=""):
    """Ends of a class that consumes."""
    if at >= len(data):
        return []
    byte = data[at]
    if letter == "L":
        hit = 1 if byte == 10 else 2 if data[at:at + 2] == b"\r\n" and CRLF not in flaw else 0
    elif letter == "W":
        hit = int(byte not in ALNUM)
    else:
        hit = int(byte in forge_rules.BOUNDARY_LEFT or byte in forge_rules.BOUNDARY_RIGHT)
    if is_negated:
        return [] if hit else [at + 1]
    return [at + hit] if hit else []


def left_holds(edge, data, at, is_wide):
    if edge is None:
        return True
    letter, is_negated = edge
    if at == 0:
        holds = True
    elif letter == "L":
        holds = data[at - 1] == 10
    elif letter == "B":
        holds = data[at - 1] in forge_rules.BOUNDARY_LEFT
    elif is_wide:
        holds = at < 2 or data[at - 1] != 0 or data[at - 2] not in ALNUM
    else:
        holds = data[at - 1] not in ALNUM
    return holds != is_negated


def right_holds(edge, data, at, is_wide):
    if edge is None:
        return True
    letter, is_negated = edge
    if at >= len(data):
        holds = True
    elif letter == "L":
        holds = data[at] == 10 or data[at:at + 2] == b"\r\n"
    elif letter == "B":
        holds = data[at] in forge_rules.BOUNDARY_RIGHT
    elif is_wide:
        holds = data[at + 1:at + 2] not in (b"\0", b"") or data[at] not in ALNUM
    else:
        holds = data[at] not in ALNUM
    return holds != is_negated


def begins(one, other):
    """Whether some bytes match one sequence of atoms and the beginning of the other."""
    if len(one) > len(other):
        return False
    for a, b in zip(one, other):
        if a[0] == "byte" and b[0] == "byte" and (a[1] ^ b[1]) & a[2] & b[2]:
            return False
    return True


def alike(alts, is_from_end):
    """The alternatives of different lengths of which one may begin (or end) another."""
    plain = list({str(a): a[::-1] if is_from_end else a for a in alts}.values())
    found = [a for a in plain if any(a is not b and (begins(a, b) or begins(b, a)) for b in plain)]
    return [a[::-1] for a in found] if is_from_end else found


class Matcher:
    """One pattern in one file, with the flaws asked for."""

    def __init__(self, pattern, data, flaw):
        self.pattern, self.data, self.flaw = pattern, data, flaw
        self.has_edge = False

    def atoms_ends(self, atoms, at):
        """The ends reached, each with the bytes that groups took, and how many were missing."""
        states = {(at, 0, 0)}
        for atom in atoms:
            after = set()
            for end, taken, missing in states:
                if atom[0] == "byte" and OVERRUN in self.flaw and end >= len(self.data) and \
                        missing < taken:
                    after.add((end + 1, taken, missing + 1))
                    continue
                for reached in self.atom_ends(atom, end):
                    more = 0 if atom[0] == "byte" else reached - end
                    after.add((reached, taken + more, missing))
            states = after
        return states

    def atom_ends(self, atom, at):
        data = self.data
        if atom[0] == "class":
            return class_ends(atom[1], atom[2], data, at, self.flaw)
        if atom[0] == "byte":
            if at >= len(data):
                return []
            byte, value = data[at], atom[1]
            is_same = byte & atom[2] == value & atom[2] or (
                self.pattern.is_nocase and atom[2] == 0xff and lower(byte) == lower(value))
            if is_same and self.pattern.is_wide:
                return [at + 2] if data[at + 1:at + 2] == b"\0" else []
            return [at + 1] if is_same else []
        left_out = []
        if not atom[2] and len({len(a) for a in atom[1]}) > 1:
            left_out += alike(atom[1], False) if BEGINNINGS in self.flaw else []
            left_out += alike(atom[1], True) if ENDINGS in self.flaw and self.has_edge else []
        ends = {end for alt in atom[1] if alt not in left_out
                for end, _, _ in self.atoms_ends(alt, at)}
        if atom[2]:
            length = len(atom[1][0])
            return [] if ends or at + length > len(data) else [at + length]
        return ends

    def matches_of(self, part):
        """All (start, end) of one part, and where clamscan believes the end to be for OUTER."""
        is_wide = self.pattern.is_wide
        self.has_edge = part.left is not None
        slack = sum(max(atom_bytes(a)) for a in part.atoms)
        for start in self.starts_of(part):
            if not left_holds(part.left, self.data, start, is_wide):
                continue
            for end, taken, missing in self.atoms_ends(part.atoms, start):
                is_near = NEAR_START in self.flaw and end < slack
                if not is_near and right_holds(part.right, self.data, end, is_wide):
                    yield start, end, end - taken

    def starts_of(self, part):
        """The starts worth a try: where the part's longest run of fixed bytes can lie."""
        least = most = 0
        runs, here = [], None
        for atom in part.atoms:
            if atom[0] == "byte" and atom[2] == 0xff:
                if here is None:
                    here = [least, most, b""]
                    runs.append(here)
                here[2] += bytes([atom[1]])
            else:
                here = None
            low, high = atom_bytes(atom)
            least, most = least + low, most + high
        if self.pattern.is_wide or not runs:
            return range(len(self.data) + 1)
        low, high, text = max(runs, key=lambda run: len(run[2]))
        flags = re.DOTALL | (re.IGNORECASE if self.pattern.is_nocase else 0)
        if OVERRUN in self.flaw:
            text = text[:1]
        places = re.finditer(b"(?=" + re.escape(text) + b")", self.data, flags)
        return sorted({place.start() - before for place in places
                       for before in range(low, high + 1) if place.start() >= before})


def atom_bytes(atom):
    """The least and the most bytes that an atom takes."""
    if atom[0] == "byte":
        return 1, 1
    if atom[0] == "class":
        return 1, 2 if atom[1] == "L" else 1
    sums = [[sum(x) for x in zip(*map(atom_bytes, alt))] for alt in atom[1]]
    return min(s[0] for s in sums), max(s[1] for s in sums)


def is_nested(pattern):
    return any(inner[0] == "alt" for part in pattern.parts for atom in part.atoms
               if atom[0] == "alt" for alt in atom[1] for inner in alt)


def found(pattern, bounds, data, flaw="", offset_kind=""):
    """Whether the pattern stands in the data with its start within `bounds`."""
    if bounds is None:
        return False
    is_fixed = bounds != (0, len(data))
    head = pattern.parts[pattern.start_part:]
    while len(head) > 1 and not re.fullmatch(r"\{\d+\}", head[-1].gap_text):
        head.pop()  # {n} makes no new part for clamscan
    if CLASS_AT in flaw and is_fixed and any(a[0] == "class" for p in head for a in p.atoms):
        return False
    if PLAIN_SECTION in flaw and offset_kind == "se" and len(data) >= 2 * forge_objects.WINDOW \
            and len(pattern.parts) == 1 and all(a[0] == "byte" and a[2] == 0xff
                                                for a in pattern.parts[0].atoms):
        bounds = (bounds[0], bounds[0])
    matcher = Matcher(pattern, data, flaw if is_fixed else flaw.replace(NEAR_START, ""))
    ends = None
    for index, part in enumerate(pattern.parts):
        low, high = part.gap
        is_outer = "[" in part.gap_text
        after = []
        for start, end, believed in matcher.matches_of(part):
            reach = ends
            if reach is not None and NINE in flaw and not is_outer:
                known = [e for s, e in ends if s <= start]
                reach = [(0, e) for e in known[:1] + known[max(1, len(known) - TRACKED):]]
            is_within = index != pattern.start_part or bounds[0] <= start <= bounds[1]
            if is_within and (reach is None or any(
                    start >= e + low and (high is None or start <= e + high) for _, e in reach)):
                after.append((start, believed if OUTER in flaw and index + 1 < len(pattern.parts)
                              and "[" in pattern.parts[index + 1].gap_text else end))
        if not after:
            return False
        ends = sorted(set(after))
    return True
