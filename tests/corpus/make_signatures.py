#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of the fuzz target `authenticode`, with new keys each time: needs openssl.

    make_signatures.py FUZZ-SEEDS-FOLDER
"""
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "format"))
import forge_signature as forge  # noqa: E402

ROOT_KEY, LEAF_KEY = forge.make_key(1024), forge.make_key(1024)
ROOT = forge.certificate("R", ROOT_KEY, uses=forge.AUTHORITY, serial=1)
LEAF = forge.certificate("L", LEAF_KEY, ROOT, serial=2, hash_name="sha1")
CLOCK = forge.certificate("C", LEAF_KEY, ROOT, uses=forge.CLOCK, serial=3, hash_name="sha512")
OLD = forge.certificate("O", LEAF_KEY, uses=forge.CLOCK, serial=4, version=1, hash_name="md5")
BLOCKED, ANY_SERIAL, CODE, TIME, SIGN = 1, 2, 4, 8, 16


def rule(cert, flags):
    subject, serial = forge.parse(cert.subject)[0][1], forge.parse(forge.number(cert.serial))[0][1]
    modulus = cert.key.n.to_bytes(128, "big")
    return (bytes([flags]) + hashlib.sha1(subject).digest() + hashlib.sha1(serial).digest() +
            bytes([len(modulus) // 2]) + modulus)


def seed(signature, *rules, kind=0):
    return bytes([kind, len(rules)]) + b"".join(rules) + signature


def program(hash_name, **how):
    content = forge.indirect_data(hashlib.new(hash_name, b"file").digest(), hash_name)
    return forge.signed_data(forge.INDIRECT_DATA, content, LEAF, hash_name, **how)


def main():
    trust = rule(ROOT, CODE | TIME | SIGN)
    counter = {"cert": CLOCK, "hash_name": "sha384"}
    everybody = [LEAF, CLOCK, OLD, ROOT]
    members = [(forge.PE_IMAGE, "sha1", bytes(20)), (forge.CABINET, "sha256", bytes(32))]
    seeds = {
        "trusted": seed(program("sha256"), trust),
        "counter": seed(program("sha1", counter=counter, certificates=everybody), trust),
        "leaf": seed(program("sha512"), rule(LEAF, CODE)),
        "blocked": seed(program("md5", certificates=everybody), rule(OLD, BLOCKED),
                        rule(ROOT, BLOCKED | ANY_SERIAL)),
        "nested": seed(program("sha384", more=[forge.attribute(forge.NESTED, forge.seq()),
                                               forge.attribute(forge.STAMP, forge.seq())]), trust),
        "catalog": seed(forge.catalog(LEAF, members), trust, kind=1),
        "nobody": seed(program("sha256")),
    }
    folder = os.path.join(sys.argv[1], "authenticode")
    os.makedirs(folder, exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)


if __name__ == "__main__":
    sys.exit(main())
