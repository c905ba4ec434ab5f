#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""Keys, notes, proofs and the witness beside an Ed25519 and notes in Python, the vectors of
Wycheproof and CCTV, and a Go program that others wrote, where it is there. TAP."""
import base64
import hashlib
import os
import pathlib
import random
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "ledger")]
import ed25519  # noqa: E402
import ovcheck  # noqa: E402
from tap import check, end, skip  # noqa: E402
from tree import growth, leaf_hash, root_of  # noqa: E402

BUILD = pathlib.Path(os.environ.get("OVERT_BUILD") or "build-check").resolve()
NOTES = BUILD / "tests/notes"
WITNESS = ("witness.example", bytes(range(32)))
NOW = 1790000000
CCTV_ACCEPTED = 43  # libsodium 1.0.18; another number is another notion of a good signature
STEPS_MAX = 60


def run(*words, data=b"", env=None):
    done = subprocess.run([str(word) for word in words], input=data, capture_output=True,
                          check=False, timeout=120, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout


def write(name, data):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# ---- signatures ---------------------------------------------------------------------------------

def rows(name):
    lines = (HERE / "ledger" / name).read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def ask_ed25519(cases):
    """[(key is good, signature is true)] for [(key, signature, message)] in hex."""
    text = "".join(" ".join(part or "-" for part in case) + "\n" for case in cases)
    code, out = run(NOTES, "ed25519", data=text.encode())
    assert code == 0, out
    return [(line[0] == "1", line[1] == "1") for line in out.decode().split()]


def test_wycheproof():
    cases = [(row[0] == "valid", row[1:]) for row in rows("ed25519_wycheproof.tsv")]
    answers = ask_ed25519([case for _, case in cases])
    wrong = [case for (is_valid, case), (_, is_true) in zip(cases, answers) if is_true != is_valid]
    check(f"Wycheproof: {len(cases)} signatures, right and wrong, get its verdicts",
          len(cases) == 151 and not wrong, wrong[:2])
    check("Wycheproof: all its keys can be loaded", all(is_good for is_good, _ in answers))
    twin = [case for is_valid, case in cases
            if ed25519.verify(*[bytes.fromhex(part.replace("-", "")) for part in
                                (case[0], case[2], case[1])]) != is_valid]
    check("Wycheproof: the twin in Python gives its verdicts", not twin, twin[:2])


def test_cctv():
    parts = {"point": [], "scalar": [], "message": [], "case": []}
    for kind, *rest in rows("ed25519_cctv.tsv"):
        parts[kind].append(rest)
    cases = []
    for key, start, scalar, text in ([int(n) for n in row] for row in parts["case"]):
        message = parts["message"][text][0].encode().hex()
        cases.append((parts["point"][key][0], parts["point"][start][0] + parts["scalar"][scalar][0],
                      message))
    answers = ask_ed25519(cases)
    accepted = [answer for answer in answers if answer[1]]
    loaded = sum(is_good for is_good, _ in accepted)
    print(f"# CCTV: {len(accepted)} of {len(cases)} edge cases accepted, {loaded} by keys that can be loaded")
    check(f"CCTV: as many edge cases as ever are accepted ({CCTV_ACCEPTED} of 914)",
          len(cases) == 914 and len(accepted) == CCTV_ACCEPTED, len(accepted))
    false = [case for case, answer in zip(cases, answers) if answer[1] and not ed25519.verify(
        *[bytes.fromhex(part) for part in (case[0], case[2], case[1])])]
    check("CCTV: each of them is true by RFC 8032 to the letter", not false, false[:2])


# ---- notes --------------------------------------------------------------------------------------

NAMES = ["example.com/log", "é.example", "w", "a-b_c/d?e=f"]
TEXTS = [b"one line\n", b"two\n\nparts\n", "ünï — cödé\n".encode(), b"\n", b"x" * 5000 + b"\n"]


def make_note(rng):
    """(vkeys, what we should say of them, note)"""
    text, vkeys, lines, says = rng.choice(TEXTS), [], [], []
    for name in rng.sample(NAMES, rng.randint(1, len(NAMES))):
        seed, kind = rng.randbytes(32), rng.choice([ed25519.NOTE, ed25519.COSIGNATURE])
        time = rng.choice([1, NOW, 2**63 - 1])
        vkeys.append(ed25519.vkey(name, kind, ed25519.public_key(seed)))
        has_signed = not lines or rng.random() < 0.7
        if has_signed:
            lines.append(ed25519.signature_line(name, kind, seed, text, time))
        says.append("-" if not has_signed else str(time if kind == ed25519.COSIGNATURE else 0))
    lines.append("— nobody.example AAAAAAA=\n".encode())
    rng.shuffle(lines)
    return vkeys, "ok " + " ".join(says) + "\n", text + b"\n" + b"".join(lines)


def test_notes_of_the_twin():
    rng, wrong, broken = random.Random(1), [], []
    for number in range(25):
        vkeys, right, note = make_note(rng)
        code, out = run(NOTES, "note", write("note", note), *vkeys)
        if (code, out.decode()) != (0, right):
            wrong.append((number, right, out))
        at = rng.randrange(note.index(b"\n")) if note.index(b"\n") else 0
        bad = note[:at] + bytes([note[at] ^ 1]) + note[at + 1:]
        code, out = run(NOTES, "note", write("bad", bad), *vkeys)
        if code != 1:
            broken.append((number, at, out))
    check("notes that Python signed verify, with their times", not wrong, wrong[:2])
    check("one bit of the text, and none of them does", not broken, broken[:2])


def test_keys_and_lines_of_the_twin():
    rng, wrong = random.Random(2), []
    for number in range(12):
        name, seed, text = rng.choice(NAMES), rng.randbytes(32), rng.choice(TEXTS)
        kind = rng.choice([ed25519.NOTE, ed25519.COSIGNATURE])
        vkey = ed25519.vkey(name, kind, ed25519.public_key(seed))
        secret = ed25519.secret_key(name, kind, seed)
        word = "note" if kind == ed25519.NOTE else "cosignature"
        code, out = run(NOTES, "key", name, word, seed.hex())
        if code or out.decode() != f"{vkey}\n{secret}\n":
            wrong.append((number, vkey, out))
        code, out = run(NOTES, "sign", secret, NOW, data=text)
        if code or out != ed25519.signature_line(name, kind, seed, text, NOW):
            wrong.append((number, "line", out))
    check("keys and signature lines are those that Python makes", not wrong, wrong[:2])


def mutate(rng, data):
    """One or two changes of the kinds that parsers differ about."""
    for _ in range(rng.randint(1, 2)):
        lines = data.split(b"\n")
        at, line = rng.randrange(len(data)), rng.randrange(len(lines))
        kind = rng.randrange(8)
        if kind == 0:
            data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
        elif kind == 1:
            data = data[:at] + data[at + 1:]
        elif kind == 2:
            data = data[:at] + rng.choice([b"\n", b" ", b"=", b"+", b"0", b"\xff", b"\t"]) + data[at:]
        elif kind == 3:
            data = b"\n".join(lines[:line] + lines[line + 1:])
        elif kind == 4:
            data = b"\n".join(lines[:line] + [lines[line]] + lines[line:])
        elif kind == 5:
            other = rng.randrange(len(lines))
            lines[line], lines[other] = lines[other], lines[line]
            data = b"\n".join(lines)
        elif kind == 6:
            data = b"\n".join(lines[:line] + [lines[line] + b"\r"] + lines[line + 1:])
        else:
            data = data[:at]
        data = data or b"\n"
    return data


def test_notes_beside_go(program):
    rng, wrong, accepted, strict = random.Random(3), [], 0, 0
    for number in range(150):
        seed, text = rng.randbytes(32), rng.choice(TEXTS)
        name = rng.choice(NAMES)
        vkey = ed25519.vkey(name, ed25519.NOTE, ed25519.public_key(seed))
        note = text + b"\n" + ed25519.signature_line(name, ed25519.NOTE, seed, text, 0)
        note += "— nobody.example AAAAAAA=\n".encode()
        path = write("note", mutate(rng, note) if number >= 10 else note)
        ours, out = run(NOTES, "note", path, vkey)
        theirs, told = run(program, "note", vkey, path)
        accepted += ours == 0
        # Base64 with bits behind its last byte is malformed here, and nothing to them.
        strict += ours == 1 and theirs == 0
        if (ours == 0 and theirs != 0) or (ours and not theirs and not out.startswith(b"damaged")):
            wrong.append((number, path.read_bytes(), out, told))
    check(f"150 notes, most of them damaged, get Go's verdict ({accepted} are good)",
          not wrong and accepted > 10 and strict < 10, wrong[:2])


# ---- proofs -------------------------------------------------------------------------------------

def test_proofs_beside_go(program):
    rng, wrong, accepted, strict = random.Random(4), [], 0, 0
    for size in (1, 5, 257):
        folder = pathlib.Path(f"log-{size}")
        run(program, "gen", folder, size)
        policy, leaf = folder / "policy", folder / "middle.leaf"
        proof = (folder / "middle.tlog-proof").read_bytes()
        code, out = run(NOTES, "proof", policy, folder / "middle.tlog-proof", leaf)
        check(f"a proof from a Go program's log of {size} holds",
              code == 0 and out.split()[:3] == [b"ok", str(size // 2).encode(), str(size).encode()],
              out)
        for number in range(60):
            path = write("proof", mutate(rng, proof))
            ours, out = run(NOTES, "proof", policy, path, leaf)
            theirs, told = run(program, "proof", policy, path, leaf)
            accepted += ours == 0
            strict += ours == 1 and theirs == 0
            if (ours == 0 and theirs != 0) or (ours and not theirs and b"damaged" not in out):
                wrong.append((size, number, path.read_bytes(), out, told))
    check(f"180 damaged proofs get Go's verdict ({accepted} prove it all the same, {strict} are "
          "refused here alone)", not wrong and strict < 15, wrong[:2])


# ---- the witness --------------------------------------------------------------------------------

LOG = ("log.example", bytes(32))
LEAVES = [leaf_hash(b"%d" % i) for i in range(300)]


def request(old, size, name=LOG[0], leaves=None, proof=None, spoil=False):
    leaves = leaves or LEAVES
    text = f"{name}\n{size}\n{base64.b64encode(root_of(leaves[:size])).decode()}\n".encode()
    if proof is None:
        proof = growth(old, leaves[:size]) if 0 < old < size else []
    head = f"old {old}\n" + "".join(base64.b64encode(h).decode() + "\n" for h in proof) + "\n"
    line = ed25519.signature_line(name, ed25519.NOTE, LOG[1], text + b"x" * spoil, 0)
    return head.encode() + text + b"\n" + line, text


def ask_witness(state, body, now=NOW, step=0):
    """(exit status, HTTP status, content type, body)"""
    pathlib.Path(state).mkdir(exist_ok=True)
    secret = ed25519.secret_key(WITNESS[0], ed25519.COSIGNATURE, WITNESS[1])
    vkey = ed25519.vkey(LOG[0], ed25519.NOTE, ed25519.public_key(LOG[1]))
    code, out = run(NOTES, "witness", state, secret, now, vkey, data=body,
                    env={"OVERT_FAULT": str(step)})
    head, _, rest = out.partition(b"\n")
    status, _, kind = head.partition(b" ")
    return code, status.decode(), kind.decode(), rest


def test_witness():
    plain, sized = "text/plain; charset=utf-8", "text/x.tlog.size"
    other = [leaf_hash(b"fork %d" % i) for i in range(300)]
    conversation = [
        ("the first one", request(0, 5), "200", plain),
        ("the same, as if it were the first", request(0, 5), "409", sized),
        ("the same again", request(5, 5), "200", plain),
        ("growth without a proof", request(5, 257, proof=[]), "422", plain),
        ("an unknown log", request(5, 257, name="log2.example"), "404", plain),
        ("a false signature", request(5, 257, spoil=True), "403", plain),
        ("an old size beyond the new", request(300, 257), "400", plain),
        ("a fork", request(5, 257, leaves=other), "422", plain),
        ("a fork of the same size", request(5, 5, leaves=other), "422", plain),
        ("growth", request(5, 257), "200", plain),
        ("a roll back", request(0, 5), "409", sized),
        ("no request", (b"hello\n", b""), "400", plain),
    ]
    public = ed25519.public_key(WITNESS[1])
    for name, (body, text), status, kind in conversation:
        code, told, told_kind, answer = ask_witness("state", body)
        right = (code, told, told_kind) == (0, status, kind)
        if right and status == "200":
            right = answer == ed25519.signature_line(*[WITNESS[0], ed25519.COSIGNATURE, WITNESS[1],
                                                       text, NOW])
            blob = base64.b64decode(answer.split()[2])
            right = right and ed25519.verify(public, ed25519.message(text, 4, NOW), blob[12:])
        if right and status == "409":
            right = answer == (b"5\n" if "same" in name else b"257\n")
        check(f"the witness: {name}: {status}", right, (code, told, told_kind, answer))
    place = pathlib.Path("state") / hashlib.sha256(LOG[0].encode()).hexdigest() / "checkpoint"
    body, text = request(0, 257)
    lines = body[body.index(b"\n\n") + 2:]
    answer = ed25519.signature_line(WITNESS[0], ed25519.COSIGNATURE, WITNESS[1], text, NOW)
    check("the witness keeps what it has cosigned, with both signatures",
          place.read_bytes() == lines + answer, place.read_bytes())


def killed_at(step, old, size):
    """What a witness that is killed at this step leaves, and says afterwards: "" when that is
    right."""
    state = pathlib.Path(f"killed-{old}-{step}")
    if old:
        ask_witness(state, request(0, old)[0])
    code, status, _, _ = ask_witness(state, request(old, size)[0], NOW + 1, step)
    place = state / hashlib.sha256(LOG[0].encode()).hexdigest() / "checkpoint"
    kept = place.read_bytes() if place.exists() else b""
    wanted = [request(0, n)[0].partition(b"\n\n")[2] for n in (old, size) if n]
    is_new = kept.startswith(wanted[-1])
    if not kept.startswith(wanted[0]) and not is_new and (old or kept):
        return code, f"kept neither the old nor the new: {kept}"
    if code == 0 and (status != "200" or not is_new):
        return code, f"{status} was answered, and is kept: {is_new}"
    # Afterwards it goes on from what it keeps, and nowhere else; its clock may be behind.
    have = size if is_new else old
    fork = request(have, size + 1, leaves=[leaf_hash(b"fork")] * 300)[0] if have else None
    if fork and ask_witness(state, fork)[1] != "422":
        return code, "a fork was cosigned afterwards"
    _, again, _, answer = ask_witness(state, request(old, size)[0], NOW - 5)
    if again != ("409" if is_new else "200") or (is_new and answer != b"%d\n" % size):
        return code, f"afterwards {again} {answer}"
    _, again, _, answer = ask_witness(state, request(size, size)[0], NOW - 5)
    time = int.from_bytes(base64.b64decode(answer.split()[2])[4:12], "big") if again == "200" else 0
    if time < (NOW + 1 if is_new else NOW if old else NOW - 5):
        return code, f"afterwards {again} with the time {time}"
    return code, ""


def test_kill(old, size):
    step, wrong, codes = 0, [], []
    while step < STEPS_MAX:
        step += 1
        code, why = killed_at(step, old, size)
        codes.append(code)
        if why:
            wrong.append((step, why))
        if code == 0:
            break
    check(f"a witness killed at any of {len(codes) - 1} steps from {old} to {size} keeps its word",
          not wrong and codes[-1] == 0 and len(codes) > 5
          and set(codes[:-1]) == {-signal.SIGKILL}, wrong[:2] or codes)


def main():
    test_wycheproof()
    test_cctv()
    test_notes_of_the_twin()
    test_keys_and_lines_of_the_twin()
    test_witness()
    test_kill(0, 5)
    test_kill(5, 257)
    program, why = ovcheck.find()
    if program is None:
        skip("notes and proofs beside a Go program", why)
    else:
        test_notes_beside_go(program)
        test_proofs_beside_go(program)
    return end()


sys.exit(main())
