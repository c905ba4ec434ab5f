# SPDX-License-Identifier: Apache-2.0
"""Random logical rules: subsignatures of every kind, expressions, conditions."""
import forge_rules as rules


def plain_pattern(rng, alphabet, parts_max=2):
    """A pattern without the groups in which clamscan has flaws of its own; those belong to the
    body rules, where the naive twin judges."""
    parts = []
    for index in range(rng.randrange(1, parts_max + 1)):
        atoms = [rules.literal(rng, alphabet) for _ in range(rng.choice((2, 3, 4)))]
        for _ in range(rng.choice((0, 0, 1, 2))):
            extra = rules.wild(rng, alphabet) if rng.random() < 0.5 else rules.literal(rng, alphabet)
            atoms.insert(rng.choice((0, len(atoms))), extra)
        if rng.random() < 0.15:
            values = rng.sample(sorted(set(alphabet)), 2)
            atoms.append(("alt", [[("byte", v, 0xff)] for v in values], rng.random() < 0.3))
        part = rules.Part(atoms)
        if index > 0:
            part.gap, part.gap_text = rules.random_gap(rng)
        parts.append(part)
    return rules.Pattern(parts)


class BodySub:
    def __init__(self, rng, target, alphabet, sizes):
        # In files of few different bytes clamscan's nine candidates decide what several parts find.
        self.pattern = plain_pattern(rng, alphabet, 2 if len(set(alphabet)) > 20 else 1)
        self.alphabet = alphabet
        self.offset = rules.random_offset(rng, target, sizes) if rng.random() < 0.3 else \
            rules.Offset()
        self.modifiers = ""
        has_groups = any(a[0] == "alt" and a[2] for p in self.pattern.parts for a in p.atoms)
        if rng.random() < 0.4 and not has_groups:
            self.modifiers = rng.choice(("i", "i", "w", "f", "wa", "iw", "if", "iwfa", "a", "fw"))
        if "w" in self.modifiers and any(a[0] == "alt" for p in self.pattern.parts
                                         for a in p.atoms):
            self.modifiers = self.modifiers.replace("w", "")
        self.pattern.is_nocase = "i" in self.modifiers
        self.is_full = "f" in self.modifiers

    def text(self):
        place = "" if self.offset.kind == "*" else self.offset.text + ":"
        return place + self.pattern.text() + ("::" + self.modifiers if self.modifiers else "")

    def instance(self, rng):
        self.pattern.is_wide = "w" in self.modifiers and \
            ("a" not in self.modifiers or rng.random() < 0.5)
        data, start = rules.sample(rng, self.pattern, self.alphabet)
        self.pattern.is_wide = False
        if rng.random() < 0.15:
            data = rules.spoil(rng, data)
        if self.is_full and rng.random() < 0.8:
            data = rng.choice((b".", b"\x00", b"\n")) + data + rng.choice((b" ", b"\xff", b"_", b"."))
            start += 1
        return data, start


REGEXES = (("A+B", b"AAB"), ("ab(c|d)e", b"abde"), ("x\\d{2,4}y", b"x123y"), ("^QR", b"QR"),
           ("q.r", b"q\nr"), ("z(?=w)w", b"zw"), ("[a-f]{3}$", b"abc"), ("(?i)hello", b"HeLLo"),
           ("\\x01\\x02K", b"\x01\x02K"), ("M.*N", b"MmmN"), ("A B C", b"ABC"), ("uv*", b"uvvv"),
           ("aXb", b"AxB"), ("AA", b"AAAA"))


class RegexSub:
    def __init__(self, rng, target, sizes, index):
        self.regex, self.sample = rng.choice(REGEXES)
        self.flags = "".join(sorted({rng.choice("greismxAEU") for _ in range(rng.choice(
            (0, 1, 1, 2, 3)))}))
        self.offset = rules.random_offset(rng, target, sizes) if rng.random() < 0.5 else \
            rules.Offset()
        self.trigger = random_expression(rng, index, 1)

    def text(self):
        place = "" if self.offset.kind == "*" else self.offset.text + ":"
        return f"{place}{self.trigger}/{self.regex}/{self.flags}"

    def instance(self, rng):
        data = self.sample
        return (rules.spoil(rng, data) if rng.random() < 0.15 else data), 0


class CompareSub:
    def __init__(self, rng, subs):
        self.sub = rng.choice([i for i, s in enumerate(subs) if isinstance(s, BodySub)])
        self.distance = rng.choice((2, 5, 9, 12, 20))
        self.direction = rng.choice((">>", ">>", ">>", "<<"))
        base = rng.choice("hdai")
        size = rng.choice((1, 2, 4, 8)) if base == "i" else rng.choice((1, 2, 3, 4, 6, 8))
        order = "" if base == "d" else rng.choice("lb")
        exact = "e" if rng.random() < 0.5 else ""
        self.value = rng.choice((0, 1, 9, 12, 255, 256, 4660, 65535))
        op = rng.choice("=><")
        more = ""
        if rng.random() < 0.2:
            more = f",{rng.choice('><')}{rng.choice((0, 5, 300, 70000))}"
        number = hex(self.value) if rng.random() < 0.5 else str(self.value)
        self.base, self.size, self.order = base, size, order
        self.line = f"{self.sub}({self.direction}{self.distance}#{base}{order}{exact}{size}#" \
            f"{op}{number}{more})"

    def text(self):
        return self.line

    def field(self, rng):
        """Bytes as they might stand where the number is read."""
        value = max(0, self.value + rng.choice((0, 0, 0, 1, -1)))
        if self.base == "i":
            return (value % (1 << 8 * self.size)).to_bytes(
                self.size, "little" if self.order == "l" else "big")
        text = ("%x" if self.base == "h" or (self.base == "a" and rng.random() < 0.5) else
                "%d") % value
        if self.base == "a" and rng.random() < 0.5:
            text = "0x%x" % value
        text = rng.choice((text, text.rjust(self.size, "0"), text.rjust(self.size), text + " ",
                           text.upper(), text + "g", "-" + text))
        return text.encode()[:self.size + rng.choice((0, 0, 1))]


def random_expression(rng, count, depth_max=3):
    """An expression over the first `count` subsignatures."""
    def term():
        text = str(rng.randrange(count))
        return text + (f"{rng.choice('=><')}{rng.randrange(0, 4)}" if rng.random() < 0.3 else "")

    def block(depth):
        if depth == 0 or rng.random() < 0.3:
            return term()
        items = [block(depth - 1) for _ in range(rng.randrange(2, 4))]
        text = rng.choice("&|").join(items) if rng.random() < 0.7 else \
            "".join(i + rng.choice("&|") for i in items)[:-1]
        if rng.random() < 0.75:
            text = f"({text})"
            if rng.random() < 0.45:
                text += f"{rng.choice('=><')}{rng.randrange(0, 5)}"
                if rng.random() < 0.4:
                    text += f",{rng.randrange(1, 4)}"
        return text
    return block(rng.randrange(depth_max + 1))


def random_conditions(rng, target, sizes):
    out = []
    if rng.random() < 0.15:
        size = rng.choice(sizes)
        out.append("FileSize:%d-%d" % (max(0, size - rng.choice((0, 1, 100))),
                                       size + rng.choice((0, 1, 100))))
    if target in (1, 6) and rng.random() < 0.15:
        out.append("EntryPoint:%d-%d" % (rng.choice((0, 0x400, 0x410)), rng.choice((0x400, 9000))))
    if target in (1, 6) and rng.random() < 0.15:
        out.append("NumberOfSections:%d-%d" % (rng.randrange(0, 3), rng.randrange(2, 5)))
    return "".join("," + text for text in out)


class LogicalRule:
    def __init__(self, rng, number, target, alphabet, sizes):
        self.target = target
        self.subs = []
        self.compares = []
        for index in range(rng.choice((1, 2, 3, 3, 4, 6))):
            choice = rng.random()
            if index > 0 and choice < 0.2:
                self.subs.append(RegexSub(rng, target, sizes, index))
            elif choice < 0.35 and target == 0 and any(isinstance(s, BodySub) for s in self.subs):
                # clamscan evaluates byte compares in rules for target 0 alone
                compare = CompareSub(rng, self.subs)
                self.subs.append(compare)
                self.compares.append(compare)
            else:
                self.subs.append(BodySub(rng, target, alphabet, sizes))
        count = len(self.subs)
        expression = random_expression(rng, count)
        missing = [i for i in range(count) if str(i) not in
                   "".join(c if c.isdigit() else " " for c in expression).split()]
        if count - 1 in missing or rng.random() < 0.5:  # the highest must be named
            for i in missing:
                expression = f"({expression}){rng.choice('&|')}{i}"
        self.name = f"Logical.{number}"
        self.line = f"{self.name};Engine:100-255,Target:{target}" \
            f"{random_conditions(rng, target, sizes)};{expression};" + \
            ";".join(sub.text() for sub in self.subs)

    def explains(self, thing, data, has_clam, has_overt):
        return None, has_overt
