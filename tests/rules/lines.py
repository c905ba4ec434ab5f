# SPDX-License-Identifier: Apache-2.0
"""Makes rule lines, good and bad: by grammar, then some of them damaged."""
import random

HEX = "0123456789abcdefABCDEF"
TDB = "Engine:81-255,Target:0"


class Maker:
    """One seeded source of lines. Each method gives a piece of one of ClamAV's languages."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def pick(self, *choices):
        return self.rng.choice(choices)

    def literals(self, low=2, high=6):
        return "".join("%02x" % self.rng.choice((0x41, 0x42, 0x61, 0x00, 0xff, 0x5a, 0x20))
                       for _ in range(self.rng.randint(low, high)))

    def brace(self):
        n, m = self.rng.choice((0, 1, 2, 5, 127, 128, 300)), self.rng.choice((0, 1, 3, 9, 400))
        return self.pick("{%d}" % n, "{%d-%d}" % (n, m), "{-%d}" % m, "{%d-}" % n, "*", "{%d}" % n)

    def alternates(self, depth=0):
        same = self.rng.randint(1, 3)
        parts = []
        for _ in range(self.rng.randint(1, 4)):
            part = self.literals(same, same)
            if self.rng.random() < 0.2:
                part = self.literals(1, 3)
            if self.rng.random() < 0.1:
                part = part[:-1] + "?"
            if depth < 3 and self.rng.random() < 0.15:
                part += self.alternates(depth + 1)
            if self.rng.random() < 0.03:
                part = ""
            if self.rng.random() < 0.03:
                part += self.brace()
            parts.append(part)
        return "(" + "|".join(parts) + ")"

    def item(self):
        return self.pick(self.literals(), self.literals(), self.literals(), "??", "a?", "?b",
                         self.brace(), self.brace(), self.alternates(), "!" + self.alternates(),
                         "(B)", "(L)", "(W)", "!(B)", "!(W)",
                         "[%d-%d]%02x" % (self.rng.randint(0, 4), self.rng.randint(1, 33), 0x41))

    def hexes(self):
        text = "".join(self.item() for _ in range(self.rng.randint(0, 4)))
        text = self.pick("", "", "(B)", "(W)", "41[1-3]", "4?[0-2]", "{4}", "!(L)") + text
        return text + self.literals() + self.pick("", "", "", "(B)", "!(W)", "[1-2]41", "{3}", "??")

    def number(self):
        return self.pick("0", "1", "5", "12", "300", "", "4294967295", "99999999999", "x", "-1")

    def offset(self):
        text = self.pick("*", self.number(), "EOF-" + self.number(), "EP+" + self.number(),
                         "EP-" + self.number(), "S%s+%s" % (self.number(), self.number()),
                         "SL+" + self.number(), "SE" + self.number(), "VI", "$" + self.number(),
                         "$" + self.number() + "$", "EOF", "S1", "EP")
        return text + self.pick("", "", "", "," + self.number())

    def levels(self):
        return self.pick("", "", "", ":0", ":216", ":217", ":216:216", ":0:215", ":0:300", ":x",
                         ":51:", "::", ":1:2:3")

    def ndb(self):
        target = self.pick("0", "1", "2", "6", "7", "9", "*", "14", "15", "99", "x", "")
        return "Test.Rule:%s:%s:%s%s" % (target, self.offset(), self.hexes(), self.levels())

    def plain_ndb(self):
        return "Test.Rule:%s:*:%s" % (self.pick("0", "1", "3", "6"), self.hexes())

    def term(self, subs):
        text = str(self.rng.randrange(subs))
        sign = self.pick("=", ">", "<")
        return text + self.pick("", "", "", sign + "1", sign + "12", sign, sign + "1,2",
                                sign + "=2", " ", "x")

    def block(self, subs, depth=0):
        text = self.pick(self.term(subs), self.term(subs),
                         self.block(subs, depth + 1) if depth < 4 else "0")
        for _ in range(self.rng.randint(0, 2)):
            text += self.pick("&", "|") + self.pick(
                self.term(subs), self.block(subs, depth + 1) if depth < 4 else "0")
        if depth > 0:
            text = "(" + text + ")" + self.pick("", "", "", ">1", "=0", "<3,2", ">1,", ">", "x",
                                                ">1,2,3", "=-1", "> 1")
        return text

    def tdb(self):
        types = ("CL_TYPE_ZIP", "CL_TYPE_ANY", "CL_TYPE_MSOLE2", "CL_TYPE_NONE", "", "ZIP")
        parts = [self.pick("Engine:81-255", "Engine:51-255", "Engine:50-300", "Engine:0-216",
                           "Engine:217-300", "Engine:1-50", "Engine:81", "Engine:-", "Engine:81-")]
        parts.append("Target:" + self.pick("0", "1", "2", "6", "7", "10", "14", "15", "", "x"))
        for _ in range(self.rng.randint(0, 3)):
            span = self.number() + self.pick("-", "-", "-", "") + self.number()
            parts.append(self.pick("FileSize:" + span, "EntryPoint:" + span,
                                   "NumberOfSections:" + span, "IconGroup1:X", "IconGroup2:",
                                   "Container:" + self.pick(*types),
                                   "Intermediates:" + ">".join(
                                       self.pick(*types[:3]) for _ in range(self.rng.randint(1, 4))),
                                   "HandlerType:" + self.pick(*types), "Unknown:1", "Target:1",
                                   "FileSize", ""))
        if self.rng.random() < 0.1:
            self.rng.shuffle(parts)
        return ",".join(parts)

    def compare(self, subs):
        option = "".join(self.rng.sample("hdailbe", self.rng.randint(0, 3)))
        size = self.pick("1", "2", "3", "4", "8", "18", "19", "0", "", "0x2", "x")
        cmps = ",".join(self.pick("=", ">", "<", "") + self.number()
                        for _ in range(self.rng.randint(0, 3)))
        return "%s(%s%s#%s%s#%s)" % (self.pick("0", "1", str(subs), ""), self.pick(">>", "<<", ""),
                                     self.number(), option, size, cmps)

    def regex(self, index):
        trigger = self.pick("0", "0", "0&1", "(0|1)>1", str(index), "", "x")
        body = self.pick("abc", "a/c", "a\\/c", "a;b", "[a-z]+", "(", "a{2,}", "\\x3b", "", "a:b",
                         "(?i)x", "\\d(?=x)", "*")
        flags = self.pick("", "i", "gs", "re", "q", "smxAEU")
        return self.pick("", "", "", self.offset() + ":") + "%s/%s/%s%s" % (
            trigger, body, flags, self.pick("", "", "::i", "::f", "::wa", "::q", "::"))

    def body(self):
        return self.pick("", "", "", self.offset() + ":", ":") + self.hexes() + self.pick(
            "", "", "::i", "::w", "::wa", "::f", "::iwfa", "::a", "::", "::x", ":i", "::i::w")

    def sub(self, index, subs):
        kind = self.rng.random()
        if kind < 0.7 or index == 0:
            return self.body()
        if kind < 0.8:
            return self.compare(subs)
        if kind < 0.93:
            return self.regex(index)
        return self.pick("${1-2}3$", "${5-}3$", "${1-2}32$", "${2-1}0$", "$1$",
                         "fuzzy_img#af2ad01ed42993c7", "fuzzy_img#af2ad01ed42993c7#0",
                         "fuzzy_img#af2ad01ed42993c7#2", "fuzzy_img#af2a")

    def ldb(self):
        subs = self.rng.randint(1, 4)
        good = self.rng.random()
        tdb = self.tdb() if good < 0.25 else TDB
        expression = self.block(subs) if 0.25 <= good < 0.6 else "&".join(map(str, range(subs)))
        return "Test.Rule;%s;%s;%s" % (
            tdb, expression, ";".join(self.sub(i, subs) for i in range(subs)))

    def digest(self):
        size = self.pick(32, 32, 40, 64, 31, 33, 0)
        return "".join(self.rng.choice(HEX) for _ in range(size))

    def size(self):
        return self.pick("1", "68", "4294967294", "4294967295", "0", "*", "", "x", "99999999999")

    def hash_levels(self):
        return self.pick("", "", ":73", ":72", ":73:255", ":217", ":0:215", ":x", ":", ":73:", ":1:2:3")

    def hsb(self):
        return "%s:%s:%s%s" % (self.digest(), self.size(), self.pick("Test.Rule", "Test.Rule", ""),
                               self.hash_levels())

    def msb(self):
        return "%s:%s:%s%s" % (self.size(), self.digest(), self.pick("Test.Rule", "Test.Rule", ""),
                               self.hash_levels())

    def db(self):
        return self.pick("Test.Rule=", "Test.Rule", "=", "Test.Rule==") + self.hexes()

    def damage(self, line):
        at = self.rng.randrange(len(line))
        return self.pick(line[:at] + line[at + 1:],
                         line[:at] + self.rng.choice("0123abf*?{}[]()|!:;,&=<>#$/-x \\") + line[at:],
                         line[:at] + self.rng.choice("{}[]()|!:;,#x") + line[at + 1:])

    def line(self, kind):
        line = getattr(self, {"ndb": self.pick("ndb", "plain_ndb", "plain_ndb")}.get(kind, kind))()
        if self.rng.random() < 0.15:
            line = self.damage(line)
        return line if line.strip() and not line.startswith("#") else self.line(kind)


KINDS = {"ndb": "ndb", "ldb": "ldb", "hsb": "hsb", "hdb": "hsb", "msb": "msb", "db": "db", "fp": "hsb",
         "imp": "hsb"}
