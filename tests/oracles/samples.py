# SPDX-License-Identifier: Apache-2.0
"""Containers of all kinds, made by other programs: each function writes files into a folder."""
import email.policy
import io
import mailbox
import os
import pathlib
import random
import shutil
import subprocess
import tarfile
import zipfile
from email.message import EmailMessage

import forge_disk
import forge_ole
import forge_pdf
import odd_mails

UMLAUTS = "\u00e4\u00f6\u00fc"


def files():
    """The files that most containers are given."""
    draw = random.Random(46)
    return {"a.txt": b"a text that says a text that says " * 40, "empty": b"",
            "folder/noise.bin": draw.randbytes(70_000), "folder/deep/er/b.c": b"int b;\n" * 900,
            "folder/with blanks.txt": b"blanks", f"folder/{UMLAUTS}.txt": UMLAUTS.encode(),
            "twin of a": b"a text that says a text that says " * 40,
            "words": bytes(draw.choices(b"abcdefgh \n", k=300_000))}


def write_tree(folder, plain):
    for name, data in plain.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def call(*command, cwd=".", data=None):
    """Runs a program if it is there."""
    if shutil.which(command[0]):
        subprocess.run(command, cwd=cwd, input=data, capture_output=True, check=True, timeout=100)


def zips(out):
    call("zip", "-qr", f"{out}/zip.zip", ".", cwd="tree")
    call("zip", "-qr0", f"{out}/stored.zip", ".", cwd="tree")
    call("zip", "-qr", "-Z", "bzip2", f"{out}/bzip2.zip", ".", cwd="tree")
    call("zip", "-qr", "-P", "secret", f"{out}/locked.zip", "a.txt", cwd="tree")
    call("zip", "-qr", "-P", "secret", f"{out}/half.zip", "a.txt", cwd="tree")
    call("zip", "-q", f"{out}/half.zip", "words", cwd="tree")
    call("bsdtar", "-cf", f"{out}/bsdtar.zip", "--format=zip", ".", cwd="tree")
    for method in ("Deflate64", "LZMA", "PPMd", "BZip2"):
        call("7z", "a", "-bd", "-tzip", f"-mm={method}", f"{out}/{method}.zip", ".", cwd="tree")
    with zipfile.ZipFile(f"{out}/python.zip", "w", zipfile.ZIP_LZMA) as made:
        for name, data in files().items():
            made.writestr(name, data)
        made.writestr("big", b"64", zipfile.ZIP_DEFLATED)
    stream = io.BytesIO()
    stream.seekable = lambda: False  # data descriptors
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files().items():
            made.writestr(name, data)
    pathlib.Path(out, "stream.zip").write_bytes(stream.getvalue())


def sevens(out):
    for name, options in {"lzma2": [], "single": ["-ms=off"], "ppmd": ["-m0=PPMd"],
                          "bzip2": ["-m0=BZip2"], "copy": ["-m0=Copy"], "bcj2": ["-mf=BCJ2"],
                          "locked": ["-psecret"], "hidden": ["-psecret", "-mhe=on"],
                          "bcj": ["-mf=BCJ"], "delta": ["-m0=Delta:4", "-m1=LZMA"]}.items():
        call("7z", "a", "-bd", *options, f"{out}/{name}.7z", ".", cwd="tree")
    call("bsdtar", "-cf", f"{out}/bsdtar.7z", "--format=7zip", ".", cwd="tree")


def tars(out):
    for kind in ("v7", "oldgnu", "gnu", "ustar", "pax"):
        call("tar", f"--format={kind}", "-cf", f"{out}/{kind}.tar", ".", cwd="linked")
    for kind in ("ustar", "pax", "gnutar"):
        call("bsdtar", "-cf", f"{out}/bsd-{kind}.tar", f"--format={kind}", ".", cwd="linked")
    with open("tree/sparse", "wb") as file:
        file.write(b"beginning")
        file.seek(1 << 20)
        file.write(b"end")
    for name in ("gnu", "pax"):
        call("tar", f"--format={name}", "-S", "-cf", f"{out}/sparse-{name}.tar", "sparse",
             cwd="tree")
    os.unlink("tree/sparse")
    with tarfile.open(f"{out}/long.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("d/" * 130 + "n" * 120)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"long"))


def cpios(out):
    names = "\n".join(sorted(str(path.relative_to("linked")) for path in
                             pathlib.Path("linked").rglob("*"))).encode()
    for kind in ("bin", "odc", "newc", "crc"):
        call("sh", "-c", f"exec cpio -o -H {kind} >'{out}/{kind}.cpio'", cwd="linked", data=names)
    for kind in ("odc", "newc"):
        call("bsdtar", "-cf", f"{out}/bsd-{kind}.cpio", f"--format={kind}", ".", cwd="linked")


def packed(out):
    """One file behind each compressor, and a tar behind gzip."""
    plain = pathlib.Path("tree/words").read_bytes()
    for command, suffix in ((["gzip", "-c"], "gz"), (["bzip2", "-c"], "bz2"), (["xz", "-c"], "xz"),
                            (["zstd", "-c"], "zst"), (["lz4", "-c"], "lz4"), (["lzip"], "lz"),
                            (["xz", "-c", "--format=lzma"], "lzma"), (["compress", "-c"], "Z")):
        if shutil.which(command[0]):
            done = subprocess.run(command, input=plain, capture_output=True, check=True, timeout=60)
            pathlib.Path(out, f"words.{suffix}").write_bytes(done.stdout)
            if suffix not in ("lzma", "Z"):
                pathlib.Path(out, f"twice.{suffix}").write_bytes(done.stdout * 2)
    call("tar", "-czf", f"{out}/tree.tar.gz", "tree")


def discs(out):
    for name, options in {"plain": [], "joliet": ["-J"], "rock": ["-R"], "both": ["-J", "-R"],
                          "long": ["-l", "-iso-level", "3"], "udf": ["-udf"]}.items():
        call("genisoimage", "-quiet", *options, "-o", f"{out}/{name}.iso", "tree")
        if name == "udf" and pathlib.Path(out, "udf.iso").exists():
            shutil.copy(f"{out}/udf.iso", f"{out}/bridge.udf")
    call("xorriso", "-as", "mkisofs", "-quiet", "-J", "-R", "-o", f"{out}/xorriso.iso", "tree")
    call("bsdtar", "-cf", f"{out}/bsdtar.iso", "--format=iso9660", ".", cwd="tree")


def volumes(out):
    """File systems and tables of partitions."""
    for kind, blocks in (("12", "1440"), ("16", "20000"), ("32", "40000")):
        call("mkfs.fat", "-F", kind, "-s", "1" if kind != "16" else "4", "-C",
             f"{out}/fat{kind}.fat", blocks)
        call("mcopy", "-s", "-i", f"{out}/fat{kind}.fat", *sorted(os.listdir("tree")), "::",
             cwd="tree")
    pathlib.Path(out, "forged.hfs").write_bytes(forge_disk.hfsplus(files()))
    noise = random.Random(3).randbytes(1 << 20)
    for name in ("dos.mbr", "sgdisk.gpt", "parted.apm"):
        pathlib.Path(out, name).write_bytes(bytes(80 * 512) + noise)
    call("sfdisk", "-q", "--no-reread", "--no-tell-kernel", f"{out}/dos.mbr",
         data=b"100,200,83\n400,300,5\n410,100,83\n800,50,7\n")
    call("sgdisk", "-a", "1", "-n1:100:299", "-n2:400:900", "-c1:one", f"{out}/sgdisk.gpt")
    call("parted", "-s", "-a", "none", f"{out}/parted.apm", "mklabel", "mac", "mkpart", "one",
         "100s", "299s", "mkpart", "two", "400s", "900s")


def others(out):
    """Cabinets, ARJ, xar, ar, installers."""
    names = sorted(name for name in files())
    call("gcab", "-c", f"{out}/gcab.cab", "a.txt", "words", "folder/noise.bin", cwd="tree")
    call("gcab", "-cz", f"{out}/mszip.cab", "a.txt", "words", "folder/noise.bin", cwd="tree")
    call("arj", "a", "-r", "-y", f"{out}/all.arj", "a.txt", "words", "folder", cwd="tree")
    call("arj", "a", "-r", "-y", "-m4", f"{out}/fastest.arj", "a.txt", "words", cwd="tree")
    for kind in ("gzip", "bzip2", "none", "lzma", "xz"):
        call("bsdtar", "-cf", f"{out}/{kind}.xar", "--format=xar", "--options",
             f"xar:compression={kind}", *names, cwd="tree")
    for kind in ("bsd", "svr4"):
        call("bsdtar", "-cf", f"{out}/{kind}.a", f"--format=ar{kind}", "a.txt", "empty", "words",
             "folder/with blanks.txt", cwd="tree")
    pathlib.Path("symbols.c").write_text("int symbol = 1;\n", encoding="ascii")
    call("gcc", "-c", "symbols.c")
    call("ar", "rcs", f"{out}/symbols.a", "symbols.o")
    for method in ("zlib", "bzip2", "lzma"):
        for solid in ("", "/SOLID"):
            path = f"{out}/{method}{solid.strip('/')}.nsis"
            script = (f'SetCompressor {solid} {method}\nName "Test"\nOutFile "{path}"\nSection\n'
                      'SetOutPath "$TEMP"\nFile "tree/a.txt"\nFile "tree/words"\nSectionEnd\n')
            pathlib.Path("script.nsi").write_text(script, encoding="ascii")
            call("makensis", "-V1", "script.nsi")


def compounds(out):
    draw = random.Random(5)
    streams = {"small": b"hello", "empty": b"", "edge": b"e" * 4095, "first": b"f" * 4096,
               "folder/big": draw.randbytes(70_000), "folder/deep/small": draw.randbytes(65)}
    for name, is_big in (("small-sectors", False), ("large-sectors", True)):
        pathlib.Path(out, f"{name}.ole").write_bytes(forge_ole.compound(streams, is_big))
    call("gsf", "createole", f"{out}/gsf.ole", "a.txt", "folder", "words", cwd="tree")
    call("msibuild", f"{out}/made.msi", "-s", "t", "a", "Intel;1033")
    call("msibuild", f"{out}/made.msi", "-a", "My.Files_2.cab", "tree/words")


def pdfs(out):
    for number, (data, _) in enumerate(forge_pdf.random_files(12)):
        pathlib.Path(out, f"random{number}.pdf").write_bytes(data)
    for name, options in {"objects": ["--object-streams=generate"], "linear": ["--linearize"],
                          "plain": ["--qdf", "--object-streams=disable"],
                          "rc4": ["--allow-weak-crypto", "--encrypt", "", "o", "128", "--"],
                          "aes": ["--encrypt", "", "o", "256", "--"]}.items():
        call("qpdf", "--warning-exit-0", f"{out}/random3.pdf", *options, f"{out}/{name}.pdf")


def make_mail(draw, depth):
    """One part, or a tree of parts."""
    mail = EmailMessage(policy=email.policy.SMTP if draw.random() < 0.5 else email.policy.default)
    if depth == 0:
        mail.set_content(draw.choice(("words\n", f"{UMLAUTS}\n" * 30)),
                         cte=draw.choice(("base64", "quoted-printable")))
        return mail
    mail.set_content("Hello.\n")
    for number in range(draw.randrange(1, 5)):
        if draw.random() < 0.3:
            inner = make_mail(draw, depth - 1)
            inner["Subject"] = "inner"
            mail.add_attachment(inner)
        elif draw.random() < 0.3:
            mail.add_attachment("<p>page</p>\n" * (number + 1), subtype="html", filename="p.html")
        else:
            mail.add_attachment(draw.randbytes(draw.choice((1, 57, 1000, 30_000))),
                                maintype="application", subtype="octet-stream",
                                filename=draw.choice(("a.bin", "a b.bin", UMLAUTS, "n" * 150)))
    return mail


def mails(out):
    box = mailbox.mbox(f"{out}/box.eml")
    for seed in range(60):
        draw = random.Random(seed)
        mail = make_mail(draw, draw.randrange(4))
        mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", f"m {seed}"
        if seed < 50:
            pathlib.Path(out, f"mail{seed}.eml").write_bytes(bytes(mail))
        else:
            box.add(mailbox.mboxMessage(mail))
    box.flush()
    call("mpack", "-s", "packed", "-o", f"{out}/mpack.eml", "tree/folder/noise.bin")
    for name, mail in odd_mails.build().items():
        pathlib.Path(out, f"odd {name.replace('/', '_')}.eml").write_bytes(mail)


def make(out):
    """All of them, below the folder `out`."""
    write_tree("tree", files())
    shutil.copytree("tree", "linked")
    os.symlink("a.txt", "linked/symbolic")
    os.link("linked/a.txt", "linked/twin by link")
    makers = zips, sevens, tars, cpios, packed, discs, volumes, others, compounds, pdfs, mails
    for maker in makers:
        folder = pathlib.Path(out, maker.__name__).absolute()
        folder.mkdir(parents=True)
        maker(str(folder))
    return sorted(path for path in pathlib.Path(out).rglob("*") if path.is_file())
