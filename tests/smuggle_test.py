#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much of a document can leave over verdicts? A hijacked worker and a hostile rule set try; what
comes out is decoded again, counted, and held against the table in docs/threats.md. TAP."""
# timeout: 120
import math
import os
import pathlib
import random
import re
import sys

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/scan"))
import harness  # noqa: E402  pylint: disable=wrong-import-position
from harness import BUILD, HERE, SOURCE, Skip, parse, run  # noqa: E402

OVERT = harness.install()
RULE_COUNT = 4096
RULES = ["--rules", str(HERE / harness.write_rules(count=RULE_COUNT))]
DEPTH, NAME_BYTES, FILES, DETECTIONS = 17, 255, 10000, 64
FILE_BYTES = 100 << 20
OTHER_OUTCOMES = 14  # clean, 6 limits, 4 errors of the scanner, crash, hang, protocol


def write_document(path, word, seed):
    """A command, then random bytes: the document."""
    document = random.Random(seed).randbytes(512)
    pathlib.Path(path).write_bytes(f"OVERT-TEST {word}\n".encode().ljust(64, b".") + document)
    return document


def expected_fields(document):
    word = lambda at: int.from_bytes(document[at:at + 2], "little")
    rule = word(0) & 0xfff
    offset = int.from_bytes(document[2:5], "little")
    members = [word(8 + 2 * level) & 0x1fff for level in range(DEPTH)]
    return rule, offset, members, document[64:64 + NAME_BYTES]


def text_shows_the_rule_alone():
    """Plain lines: 12 bits of each document, for 4,096 rules."""
    for seed in range(20):
        rule, _, _, _ = expected_fields(write_document("file", "smuggle", seed))
        line = run(OVERT, *RULES, "--quiet", "file").stdout.decode()
        assert line == f"file: Rule-{rule:05}.UNOFFICIAL FOUND\n", line


def names_are_not_taken_for_text():
    """Who reads plain lines has not asked for member names: a worker that sends one is ended."""
    write_document("file", "smuggle-name", 1)
    done = run(OVERT, *RULES, "--quiet", "file")
    assert done.returncode == 2 and b"broke its protocol ERROR" in done.stdout


def json_shows_rule_place_and_members():
    for seed in range(20):
        rule, offset, members, _ = expected_fields(write_document("file", "smuggle", seed))
        files, _ = parse(run(OVERT, *RULES, "--json", "file").stdout)
        detection = files["file"]["detections"][0]
        assert detection["rule"] == f"Rule-{rule:05}.UNOFFICIAL"
        assert detection["offset"] == offset
        assert detection["path_inside"] == "file" + "".join(f"!#{m}" for m in members)
    assert 12 + 24 + 13 * DEPTH <= json_bits(RULE_COUNT, with_name=False)


def json_member_names_carry_most():
    write_document("file", "smuggle-name", 3)
    _, _, _, name = expected_fields(pathlib.Path("file").read_bytes()[64:])
    files, _ = parse(run(OVERT, *RULES, "--json", "file").stdout)
    inside = files["file"]["detections"][0]["path_inside"]
    assert os.fsencode(inside) == b"file!" + name
    assert 12 + 24 + 8 * NAME_BYTES <= json_bits(RULE_COUNT, with_name=True)


def members_beyond_the_limit_are_refused():
    document = bytearray(write_document("file", "smuggle", 5))
    # the largest number that fits into its 13 bits
    document[8:10] = (8191).to_bytes(2, "little")
    pathlib.Path("file").write_bytes(b"OVERT-TEST smuggle\n".ljust(64, b".") + document)
    for most, verdict in (("8191", "error"), ("8192", "found")):
        files, _ = parse(run(OVERT, *RULES, "--json", "--max-files", most, "file").stdout)
        assert files["file"]["verdict"] == verdict, most


def text_bits(rules):
    return math.log2(rules + OTHER_OUTCOMES)


def text_all_bits(rules):
    return math.log2(sum(math.comb(rules, count) for count in range(1, DETECTIONS + 1)))


def json_bits(rules, with_name):
    """One detection: the rule, an offset, and either member numbers or a name."""
    places = sum(FILES ** depth for depth in range(1, DEPTH + 1))
    names = sum(256 ** size for size in range(1, NAME_BYTES + 1)) if with_name else 0
    return math.log2(rules) + math.log2(FILE_BYTES + 1) + math.log2(1 + places + names)


def the_document_states_these_numbers():
    """docs/threats.md gives the bits for 300,000 rules and default limits, rounded up."""
    text = (SOURCE / "docs/threats.md").read_text()
    rules = 300_000
    table = {
        "text": text_bits(rules),
        "text, `--all-matches`": text_all_bits(rules),
        "JSON, member numbers": json_bits(rules, with_name=False),
        "JSON, a member's name": json_bits(rules, with_name=True),
        "JSON, `--all-matches`": DETECTIONS * json_bits(rules, with_name=True),
    }
    for row, bits in table.items():
        stated = re.search(rf"\| {re.escape(row)} \| ([\d,]+) \|", text)
        assert stated, row
        assert int(stated[1].replace(",", "")) == math.ceil(bits), (row, math.ceil(bits))


def rules_alone_tell_their_number():
    """An honest worker and rules made to tell a byte of each file: 8 bits for 256 rules, no more."""
    worker = BUILD / "overt-worker"
    if not worker.exists():
        raise Skip("overt-worker is not built")
    overt = harness.install(worker, "honest")
    lines = (f"Byte-{value:02x}:0:0:{value:02x}736563726574" for value in range(256))
    pathlib.Path("spy.ndb").write_text("\n".join(lines) + "\n")
    for value in (0, 65, 127, 200, 255):
        pathlib.Path("file").write_bytes(bytes([value]) + b"secret" + os.urandom(2000))
        out = run(overt, "--rules", "spy.ndb", "--quiet", "file").stdout.decode()
        assert out == f"file: Byte-{value:02x}.UNOFFICIAL FOUND\n", out
        files, _ = parse(run(overt, "--rules", "spy.ndb", "--json", "file").stdout)
        assert files["file"]["detections"][0]["offset"] == 0


if __name__ == "__main__":
    harness.main([
        text_shows_the_rule_alone, names_are_not_taken_for_text, json_shows_rule_place_and_members,
        json_member_names_carry_most, members_beyond_the_limit_are_refused,
        the_document_states_these_numbers, rules_alone_tell_their_number])
