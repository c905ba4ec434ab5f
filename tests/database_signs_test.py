#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""The .sign files of ClamAV's databases: PKCS #7 that openssl made, accepted where openssl accepts
it and refused where it refuses it. TAP."""
import base64
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "feed"))
from forge_database import Vendor  # noqa: E402
from harness import ask  # noqa: E402
from members import BUILD, SOURCE, Skip, Tap, needs, run  # noqa: E402

tap = Tap()
NOW = int(time.time()) + 600  # certificates are made after this
YEAR = 365 * 86400
RULES = [("test.hdb", b"%032x:1:Test.Rule\n" % 77)]
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
SIGNER = ("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
          "extendedKeyUsage=critical,codeSigning,emailProtection\n")
made = {}


def write(name, data):
    pathlib.Path(name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return name


def key(name):
    if not os.path.exists(f"{name}.key"):
        run("openssl", "genrsa", "-out", f"{name}.key", "2048")
    return f"{name}.key"


def certify(name, issuer, extensions, subject=None, days=YEAR // 86400):
    """NAME.crt, signed by ISSUER, or by itself when that is the same."""
    run("openssl", "req", "-new", "-key", key(subject or name), "-subj", f"/O=Test/CN={subject or name}",
        "-out", f"{name}.csr")
    options = ["-signkey", key(name)] if issuer == name else \
        ["-CA", f"{issuer}.crt", "-CAkey", key(issuer), "-set_serial", str(1 + abs(hash(name)) % 10**6)]
    if extensions is not None:
        options += ["-extfile", write(f"{name}.ext", extensions)]
    run("openssl", "x509", "-req", "-sha256", "-days", str(days), "-in", f"{name}.csr", *options,
        "-out", f"{name}.crt")
    return f"{name}.crt"


def prepare():
    needs("openssl")
    if made:
        return
    made["vendor"] = Vendor()
    made["vendor"].write_keys("keys")
    write("x.cvd", made["vendor"].cvd(5, RULES))
    certify("Root", "Root", AUTHORITY)
    certify("Other", "Other", AUTHORITY)
    certify("Middle", "Root", AUTHORITY)
    certify("Signer", "Middle", SIGNER)


def sign(signer, *chain, content="x.cvd", options=(), keyname=None):
    """signature.der of the content by a certificate, with others that come along."""
    write("chain.pem", b"".join(pathlib.Path(f"{name}.crt").read_bytes() for name in chain) or "\n")
    run("openssl", "smime", "-sign", "-binary", "-outform", "DER", "-md", "sha256", "-in", content,
        "-signer", f"{signer}.crt", "-inkey", key(keyname or signer),
        *(["-certfile", "chain.pem"] if chain else []), *options, "-out", "signature.der")
    return pathlib.Path("signature.der").read_bytes()


def sign_file(*signatures, level="230:", first="#clamsign-1.0"):
    lines = [first, *(f"{level}:pkcs7-pem:{base64.b64encode(one).decode()}" for one in signatures)]
    return write("x.sign", "\n".join(lines) + "\n")


def ours(anchor, when=NOW, content="x.cvd"):
    done = subprocess.run([BUILD / "tests/feed-files", "verify", "keys", content, "x.sign",
                           f"{anchor}.crt", str(when)], capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr[-500:]
    return done.returncode == 0, done.stdout.decode().strip()


def theirs(signature, anchor, when=NOW, content="x.cvd"):
    write("signature.der", signature)
    done = subprocess.run(["openssl", "smime", "-verify", "-binary", "-inform", "DER", "-in",
                           "signature.der", "-content", content, "-CAfile", f"{anchor}.crt",
                           "-attime", str(when), "-out", os.devnull], capture_output=True, check=False)
    return done.returncode == 0


def both(signature, anchor, is_good, when=NOW):
    sign_file(signature)
    answer, line = ours(anchor, when)
    assert (answer, theirs(signature, anchor, when)) == (is_good, is_good), (line, is_good)
    return line


@tap.case("a signature that leads to a certificate of the user's")
def _():
    prepare()
    line = both(sign("Signer", "Middle"), "Root", True)
    assert line.endswith(" 7 Signer"), line
    certify("Direct", "Root", SIGNER)
    both(sign("Direct"), "Root", True)
    certify("Old", "Old", None)  # version 1, as the vendor's test root is
    certify("Young", "Old", SIGNER)
    both(sign("Young"), "Old", True)
    both(sign("Signer", "Middle", "Other", "Root"), "Root", True)


@tap.case("and one that does not")
def _():
    prepare()
    both(sign("Signer", "Middle"), "Other", False)
    both(sign("Signer"), "Root", False)  # a step is missing
    both(sign("Signer", "Other"), "Root", False)
    certify("False", "Root", SIGNER)
    certify("ByFalse", "False", SIGNER)
    both(sign("ByFalse", "False"), "Root", False)
    certify("Silent", "Root", "subjectKeyIdentifier=hash\n")  # no word on what it is
    certify("BySilent", "Silent", SIGNER)
    both(sign("BySilent", "Silent"), "Root", False)
    certify("Torn", "Root", AUTHORITY.replace("CA:TRUE", "CA:FALSE"))
    certify("ByTorn", "Torn", SIGNER)
    both(sign("ByTorn", "Torn"), "Root", False)
    certify("Short", "Short", AUTHORITY.replace("CA:TRUE", "CA:TRUE,pathlen:0"))
    certify("Between", "Short", AUTHORITY)
    certify("Long", "Between", SIGNER)
    certify("Near", "Short", SIGNER)
    both(sign("Near"), "Short", True)
    both(sign("Long", "Between"), "Short", False)
    certify("NoUse", "Root", AUTHORITY.replace("keyCertSign,", ""))
    certify("ByNoUse", "NoUse", SIGNER)
    both(sign("ByNoUse", "NoUse"), "Root", False)
    certify("Impostor", "Impostor", AUTHORITY)
    certify("Middle2", "Impostor", AUTHORITY, subject="Middle")
    both(sign("Signer", "Middle2"), "Root", False)


@tap.case("certificates that are not for this, or demand what nobody knows")
def _():
    prepare()
    certify("Server", "Root", SIGNER.replace("codeSigning,emailProtection", "serverAuth"))
    both(sign("Server"), "Root", False)
    certify("Cipher", "Root", SIGNER.replace("digitalSignature", "keyEncipherment"))
    both(sign("Cipher"), "Root", False)
    certify("Strange", "Root", SIGNER + "1.2.3.4=critical,DER:0500\n")
    both(sign("Strange"), "Root", False)
    certify("Plain", "Root", "subjectKeyIdentifier=hash\n")
    both(sign("Plain"), "Root", True)
    certify("Both", "Both", SIGNER)  # an anchor that is no authority
    certify("ByBoth", "Both", SIGNER)
    both(sign("ByBoth"), "Both", False)


@tap.case("times of all certificates count")
def _():
    prepare()
    certify("Brief", "Root", SIGNER, days=1)
    signature = sign("Brief")
    both(signature, "Root", True)
    both(signature, "Root", False, NOW + 2 * 86400)
    both(signature, "Root", False, NOW - 3600)
    certify("BriefMiddle", "Root", AUTHORITY, days=1)
    certify("Late", "BriefMiddle", SIGNER)
    signature = sign("Late", "BriefMiddle")
    both(signature, "Root", True)
    both(signature, "Root", False, NOW + 2 * 86400)
    both(sign("Signer", "Middle"), "Root", False, NOW + 2 * YEAR)


@tap.case("other bytes, other digests, other signatures")
def _():
    prepare()
    write("other", pathlib.Path("x.cvd").read_bytes() + b"x")
    both(sign("Signer", "Middle", content="other"), "Root", False)
    good = sign("Signer", "Middle")
    at = good.rindex(bytes.fromhex("04820100")) + 4  # the signature itself
    for place in (at, at + 100, at + 255, good.index(b"\x31\x0f\x17\x0d") + 6):
        both(bytes([*good[:place], good[place] ^ 1, *good[place + 1:]]), "Root", False)
    both(sign("Signer", "Middle", options=["-md", "sha512"]), "Root", True)
    for size in (0, 1, 100, len(good) // 2, len(good) - 1):
        sign_file(good[:size])
        answer, line = ours("Root")
        assert not answer and "sign" in line, (size, line)
    # Stricter than openssl: SHA-1, a signature without attributes, content that comes along.
    for options in (["-md", "sha1"], ["-noattr"], ["-nodetach"]):
        sign_file(sign("Signer", "Middle", options=options))
        assert not ours("Root")[0], options


@tap.case("of two signers both must be trusted")
def _():
    prepare()
    certify("Second", "Root", SIGNER)
    certify("Stranger", "Other", SIGNER)
    both(sign("Signer", "Middle", options=["-signer", "Second.crt", "-inkey", "Second.key"]), "Root", True)
    both(sign("Signer", "Middle", options=["-signer", "Stranger.crt", "-inkey", "Stranger.key"]), "Root",
         False)


@tap.case("what a .sign file looks like, and what it may not")
def _():
    prepare()
    good, other = sign("Signer", "Middle"), sign("Other")

    def is_good(text):
        write("x.sign", text)
        return ours("Root")
    text = pathlib.Path(sign_file(good)).read_text()
    head, line, _ = text.split("\n")
    assert is_good(text)[0] and is_good(f"{head}\n\n# more\n{line}")[0]
    sign_file(other, good)
    assert ours("Root")[0]
    sign_file(other)
    assert "leads to who signed it" in ours("Root")[1]
    for wrong in ("", head, f"{head}\n", line, text.replace("1.0", "2.0"), text.replace("pkcs7-pem", "pgp"),
                  text.replace("230:", "x:"), text.replace("230::", "230:"), text.replace(":pkcs7", "::pkcs7"),
                  text.replace("MII", "MI!"), text + "more\n", text * 20, "x" + text):
        answer, said = is_good(wrong)
        assert answer == wrong.startswith(head + "\n" + line) or "cannot be read" in said, (wrong[:40], said)
        assert not answer or wrong.startswith(text[:-1]), wrong[:40]
    whole = pathlib.Path("Root.crt").read_text()
    for wrong in ("", "text", whole[:-40], whole.replace("MII", "MI!", 1), whole + whole[:60]):
        write("Wrong.crt", wrong)
        sign_file(good)
        done = subprocess.run([BUILD / "tests/feed-files", "verify", "keys", "x.cvd", "x.sign",
                               "Wrong.crt", str(NOW)], capture_output=True, check=False)
        assert done.returncode == 2, wrong[:40]


def shared():
    folder = pathlib.Path(os.environ.get("OVERT_SHARED", SOURCE.parent / "shared")) / "data/dev/clamav"
    if not folder.is_dir():
        raise Skip(f"no sample data in {folder} (OVERT_SHARED says where)")
    return folder / "tests/freshclam"


@tap.case("what the vendor's .sign files lead to, and what is demanded")
def _():
    prepare()
    folder = shared()
    one = f"{folder}/test-1.cvd"
    signed = f"{one},{one}.sign"
    code, lines = ask("verify", one)
    assert code == 0 and "sign 0" in lines
    code, lines = ask("verify", signed)  # nobody to ask: told, and not counted
    assert code == 0 and "sign 1" in lines and "checks legacy info" in lines, lines
    for words in ([one], [signed]):
        code, lines = ask("verify", "--demand-sign", *words)
        assert code == 1 and "is demanded" in lines[2], lines
    code, lines = ask("verify", "--certificates", "Root.crt", signed)
    assert code == 1 and "leads to who signed it" in lines[2], lines
    os.makedirs("certs", exist_ok=True)
    code, lines = ask("verify", "--certificates", "certs", signed)
    assert code == 1 and "no file of certificates" in lines[2], lines
    write("certs/a.crt", pathlib.Path("Root.crt").read_bytes())
    write("certs/README", "none")
    code, lines = ask("verify", "--certificates", "certs", signed)
    assert code == 1 and "leads to who signed it" in lines[2], lines
    write("certs/b.pem", "none")
    code, lines = ask("verify", "--certificates", "certs", signed)
    assert code == 1 and lines[2].startswith("certs/b.pem: it holds no certificate"), lines
    code, lines = ask("verify", "--certificates", "nowhere", signed)
    assert code == 1 and "nowhere: No such file" in lines[2], lines


tap.run()
