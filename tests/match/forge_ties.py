# SPDX-License-Identifier: Apache-2.0
"""Rules that match at one place, so that only clamscan's order of them decides which name is told.

All patterns of one word are found in every file that holds the word. They differ in what decides:
wildcards before and between the bytes by which clamscan finds a part, how many of those there are,
the number of parts, a last part that several rules share, and the order of loading. About once in
two thousand names clamscan puts a part into memory that was given back, and the order is another one.
"""
import forge_objects as objects

WORD_BYTES = 12


def words(rng, is_text):
    """Some words; for binary files a few of them begin with zeros."""
    made = []
    for number in range(4):
        word = bytearray(rng.sample(range(ord("a"), ord("z") + 1), WORD_BYTES))
        if not is_text and rng.random() < 0.4:
            word[:rng.randrange(1, 5)] = bytes(rng.randrange(1, 5))
            word = word[:WORD_BYTES].ljust(WORD_BYTES, b"k")
        word[-1] = ord("0") + number
        made.append(bytes(word))
    return made


def pattern(rng, word):
    """One pattern that `word` matches."""
    text = [f"{byte:02x}" for byte in word]
    cut = rng.randrange(3, WORD_BYTES - 3)
    gap = rng.choice(("*", "{-7}", "{-9}", "{-30}"))
    kind = rng.randrange(11)
    if kind == 0:
        return "".join(text)
    if kind == 1:  # a wildcard somewhere
        text[rng.randrange(WORD_BYTES)] = "??"
    elif kind == 2:  # nowhere three literal bytes
        for at in range(2, WORD_BYTES, 3):
            text[at] = "??"
    elif kind == 3:  # part of it
        text = text[rng.randrange(3):rng.randrange(WORD_BYTES - 3, WORD_BYTES)]
        text[rng.randrange(3)] = "??"
    elif kind == 4:  # a choice
        at = rng.randrange(WORD_BYTES)
        text[at] = rng.choice((f"({text[at]}|ff)", f"({text[at]}|fefe)", f"!({'fe'}|ff)"))
    elif kind in (5, 6, 7):  # two parts
        text.insert(cut, gap)
    elif kind == 8:  # three
        return "".join(text[:3] + [gap] + text[3:6] + [rng.choice(("*", "{-9}"))] + text[6:])
    elif kind == 9:  # two, of which one has a wildcard
        text[cut - 1] = rng.choice(("??", text[cut - 1][0] + "?"))
        text.insert(cut + 2, gap)
    else:  # a byte outside
        return text[0] + "[0-3]" + "".join(text[1:-1]) + rng.choice(("", "??")) + text[-1]
    return "".join(text)


def text_file(rng, size):
    """A file that clamscan takes for text, in the form in which normalising leaves it as it is."""
    data = bytearray()
    while len(data) < size:
        data += bytes(rng.choices(b"aeiounrst", k=rng.randrange(2, 9))) + b" "
    return objects.Object(7, data[:size], 0)


MAKERS = {0: objects.binary, 1: objects.pe, 6: objects.elf, 7: text_file, 14: objects.binary}


def forge(rng):
    """(lines of a database, files)."""
    target = rng.choice(list(MAKERS))
    known = words(rng, target == 7)
    lines = []
    for number in range(rng.randrange(3, 9)):
        kind = target if rng.random() < 0.8 else 0
        lines.append(f"Tie.{number}:{kind}:*:{pattern(rng, rng.choice(known[:2]))}")
    files = [MAKERS[target](rng, rng.choice((400, 2000))) for _ in range(6)]
    for thing in files:
        for word in rng.sample(known, rng.randrange(1, 4)):
            at = objects.places(rng, thing, len(word), False)
            if thing.is_free(at, at + len(word)):
                thing.plant(at, word)
    return lines, files
