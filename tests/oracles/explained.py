# SPDX-License-Identifier: Apache-2.0
"""Where other programs tell other members than we do: which, why, and who is right.

One row: programs, samples, kinds of difference (as compare.py has them) and parts, each a list of
words or patterns; then the reason. Every program, sample and part of a row must still occur.
"""
import dataclasses
import fnmatch

@dataclasses.dataclass
class Row:
    programs: list
    samples: list
    whats: list
    parts: list
    why: str


ROWS = []


def explain(programs, samples, whats, parts, why):
    split = [words if isinstance(words, list) else words.split()
             for words in (programs, samples, whats, parts)]
    ROWS.append(Row(*split, why))


def matches(text, patterns):
    return [pattern for pattern in patterns if fnmatch.fnmatchcase(text, pattern)]


def find(difference):
    """The rows that explain (program, type, sample, what, part)."""
    program, _, sample, what, part = difference
    return [row for row in ROWS if program in row.programs and what in row.whats and
            matches(sample, row.samples) and matches(part, row.parts)]


def find_stale(differences, labels):
    """What no difference needs any more; `labels`: {program: samples that it was asked about}."""
    for row in ROWS:
        mine = [one for one in differences if row in find(one)]
        used = [{one[0] for one in mine}, {one[3] for one in mine},
                {p for one in mine for p in matches(one[2], row.samples)},
                {p for one in mine for p in matches(one[4], row.parts)}]
        for program in row.programs:
            there = [p for p in row.samples if fnmatch.filter(labels.get(program, ()), p)]
            if there == row.samples and program not in used[0]:
                yield f"{program} in {row}"
        everything = {label for program in row.programs for label in labels.get(program, ())}
        for sample in row.samples:
            if sample not in used[2] and fnmatch.filter(everything, sample):
                yield f"{sample} in {row}"
        if set(row.samples) == used[2] and set(row.programs) == used[0]:
            yield from (f"{word} in {row}" for word in row.whats if word not in used[1])
            yield from (f"{part} in {row}" for part in row.parts if part not in used[3])


# ---- tar, cpio, ar, rpm --------------------------------------------------------------------------

explain("7z", "seeds/walk_tar/pax0.?.tar seeds/walk_tar/pax1.0.tar made/tars/sparse-pax.tar",
        "bytes more less", "hole sparse GNUSparseFile.*",
        "7z knows sparse files of GNU's kind and not those of pax, and shows the pieces. Ours is "
        "what GNU tar restores.")
explain("7z bsdtar", "made/cpios/*.cpio", "more", "symbolic",
        "A symbolic link; its target stands in the archive as the data of a file would, and is "
        "looked at. The others show no data for links.")
explain("7z", "made/cpios/*crc.cpio made/cpios/*newc.cpio", "bytes", ["a.txt", "twin by link"],
        "Of two names of one file the first has no data in newc and the last has it. We tell both "
        "as they are stored, 7z gives both the same.")
explain("bsdtar", "made/cpios/*.cpio", "more", ["a.txt", "twin by link"],
        "The second name of a file is a link without data to bsdtar.")
explain("7z", "seeds/walk_ar/x.deb deb/*", "more", "debian-binary",
        "7z leaves out the version that each package begins with.")
explain("7z", "*.a", "more less", ["* bytes: *", "1.txt"],
        "The table of symbols of a library; 7z shows it as text.")
explain("bsdtar", "*.a", "more", ["* bytes: *"],
        "The table of symbols, which bsdtar does not unpack.")
explain("7z", "seeds/walk_rpm/*", "more", ["14 bytes: echo installed*"],
        "A script of the header, which is no file to 7z.")
explain("7z", "seeds/walk_rpm/*", "more less", "payload x-1-1.noarch.cpio.*",
        "7z lists the payload as it is packed, we unpack it. Its bytes are compared as what 7z "
        "and bsdcat unpack elsewhere.")
explain("7z", "seeds/walk_rpm/w.ufdio.rpm", "name", ["payload | x-1-1.noarch.cpio.lzma"],
        "This one is not packed. It has no name; each makes one up.")

# ---- zip -----------------------------------------------------------------------------------------

explain("7z bsdtar", "made/zips/PPMd.zip", "bytes", ["a.txt", "folder/deep/er/b.c", "twin of a",
                                                     "words"],
        "PPMd in zip is not unpacked: docs/formats/containers.md says so. They are right.")
explain("unzip", "made/zips/LZMA.zip made/zips/python.zip seeds/walk_zip/lzma.zip", "bytes", "*",
        "unzip 6.0 knows no LZMA.")
explain("unzip gsf", "seeds/walk_zip/stream-no-directory.zip", "more", "-",
        "An archive without a central directory. unzip and gsf read none, 7z and bsdtar do.")
explain("bsdtar", "made/zips/Deflate64.zip seeds/walk_zip/deflate64.zip "
        "testfiles/clamav-testfiles/clam.d64.zip", "more", "*", "libarchive has no deflate64.")
explain("bsdtar", "seeds/walk_zip/imploded.zip seeds/walk_zip/shrunk.zip "
        "corpus/zip/imploded-8k-3-trees.zip testfiles/clamav-testfiles/clam.impl.zip", "more", "*",
        "libarchive has neither implode nor shrink. 7z and unzip agree with us.")
explain("bsdtar", "made/zips/half.zip", "more", "words",
        "bsdtar stops at the first member that is encrypted; the next one is not.")
explain("gsf", "made/zips/BZip2.zip made/zips/bzip2.zip made/zips/Deflate64.zip made/zips/LZMA.zip "
        "made/zips/python.zip seeds/walk_zip/bzip2.zip "
        "seeds/walk_zip/deflate64.zip seeds/walk_zip/imploded.zip seeds/walk_zip/lzma.zip "
        "seeds/walk_zip/shrunk.zip corpus/zip/imploded-8k-3-trees.zip "
        "testfiles/clamav-testfiles/clam.bz2.zip testfiles/clamav-testfiles/clam.d64.zip "
        "testfiles/clamav-testfiles/clam.impl.zip", "bytes", "*",
        "libgsf unpacks deflate alone and hands on other members as they are.")
explain("7z unzip gsf", "seeds/walk_cryptff/zip.ff!", "more", ["0 bytes: "],
        "A header alone, for fuzzing.")
explain("gsf", "seeds/walk_zip/prepended.zip", "more", "a.txt b.txt",
        "libgsf takes the places in the directory as they are written; here bytes were put in "
        "front. 7z, unzip and bsdtar agree with us.")

# ---- 7z, rar, lha, cabinets and kin --------------------------------------------------------------

explain("bsdtar", "made/sevens/locked.7z", "more", "empty",
        "A member without bytes that needs no password; bsdtar stops before it.")
explain("bsdtar", "seeds/walk_rar/rar.rar seeds/walk_rar/rar5_hardlink.rar "
        "seeds/walk_rar/rar5_symlink.rar seeds/walk_rar/rar5_unicode.rar "
        "seeds/walk_rar/rar_unicode.rar", "more",
        ["testlink", "hardlink.txt", "symlink.txt", "dirlink", "*.txt", "*/*"],
        "Links, which bsdtar shows no data for. What stands for data in the archive is told.")
DAMAGED = ["3_lowdist_reset", "5_bad_tables", "5_bad_window_sz_in_mltarc_file",
           "5_bytes_remaining_underflow", "5_decode_number_out_of_bounds_read", "5_dirdata",
           "5_unpacked_size_exceeds_declared", "5_window_buf_and_size_desync", "_invalid1",
           "_overflow"]
explain("bsdtar", [f"seeds/walk_rar/rar{name}.rar" for name in DAMAGED], "more", "*",
        "Damaged on purpose. bsdtar drops a member that breaks off, we tell what came before, if "
        "only its name.")
explain("bsdtar", "seeds/walk_rar/rar4_encrypted.rar seeds/walk_rar/rar5_encrypted.rar "
        "seeds/walk_rar/rar5_solid_encrypted.rar seeds/walk_rar/rar_encryption_partially.rar",
        "more", "*", "bsdtar stops at the first member that is encrypted.")
explain("bsdtar", "seeds/walk_rar/rar5_zip_in_rar.rar", "more less", "payload/* THIS_IS_INSIDE*",
        "The archive ends with a zip that is stored in it, and bsdtar takes the whole for that "
        "zip. unar agrees with us (tests/rar_test.py).")
explain("7z", "seeds/walk_lha/fuzz.lzh seeds/walk_lha/header3.lzh", "more", "file? INSTALL",
        "7z reads headers of levels 0 to 2. bsdtar agrees with us.")
explain("7z bsdtar", "seeds/walk_lha/filename_*.lzh", "name", "*",
        "Names in a Japanese character set or in UTF-16 beside it: each shows them differently, we "
        "tell the stored bytes.")
explain("7z", "seeds/walk_chm/names.chm", "less", "::DataSpace/NameList",
        "A table of the format itself, which libmspack does not count as a file.")
explain("7z", "testfiles/clamav-testfiles/clam.chm", "less", "$WW*Links",
        "Tables of the format itself, empty here.")
explain("7z", "seeds/walk_szdd/match.tx_", "more less", ["120 bytes: abc*", "match.tx"],
        "7z takes the bytes behind a long match for data behind the end (tests/cab_test.py).")
explain("7z", "seeds/walk_nsis/* made/others/*.nsis", "more", ["3??? bytes: *"],
        "The script of the installer; 7z unpacks it, but lists files alone.")
explain("bsdcat", "seeds/walk_lha/bugfix_0.lzh!f", "more less",
        ["test_compat_pax_libarchive_2x.tar.Z", "5120 bytes: PaxHeader/*"],
        "A compressed file in uuencode: bsdcat goes through both layers, we through one at a time.")

# ---- xar -----------------------------------------------------------------------------------------

explain("7z", "*/*.xar", "name", "toc*|*[[]TOC].xml", "The table of contents has no name.")
explain("bsdtar", "*/*.xar", "more", "toc", "The table of contents, which 7z lists as well.")
explain("7z bsdtar", "made/others/*.xar", "less", "empty",
        "A file of no bytes has no data in the table of contents, and there is nothing to tell.")
explain("7z", "*/lzma.xar */xz.xar", "bytes", "*",
        "7z does not unpack these in xar. bsdtar agrees with us.")

# ---- discs ---------------------------------------------------------------------------------------

explain("7z bsdtar", "*/plain.iso made/discs/long.iso made/discs/udf.iso", "name", "*.*|*",
        "A name without a suffix ends with a dot on the disc, which they take off.")
explain("7z", "seeds/walk_udf/*.udf", "more", "*",
        "Images of a few blocks, made for fuzzing, that end before the anchor: 7z opens none of "
        "them. made/discs/bridge.udf is a whole one.")

explain("7z", "*/walk_partition/dos *.mbr", "more less", ["512 bytes: *", "?"],
        "The sector of the table, which may hold a program, is told as well; 7z lists the extended "
        "partition and what comes behind the last one instead.")
explain("7z", "*/walk_partition/dos! *.mbr!", "more less", ["512 bytes: *", "?.*"],
        "That sector alone: its partitions stand elsewhere, and 7z lists them nevertheless.")
explain("7z", "made/volumes/*.fat", "name", "folder/*",
        "Letters of a DOS code page in a short name; we tell the stored bytes.")
explain("7z", "made/volumes/forged.hfs", "name", ["* | volume/*"],
        "7z puts the name of the volume in front.")
explain("7z", "*/walk_partition/gpt *.gpt", "name", "*|*.img",
        "7z puts a number and a suffix to the names.")
explain("7z", "*/walk_partition/overlap_dos", "more",
        ["512 bytes: *", "1536 bytes: *", "2048 bytes: *", "3072 bytes: *"],
        "7z opens no disc whose partitions overlap.")
explain("7z", "*/walk_partition/overlap_dos!", "more", ["512 bytes: *"],
        "The sector of an extended partition whose partitions stand elsewhere.")
explain("7z", "*/walk_partition/overlap_gpt", "more", ["1024 bytes: *", "2048 bytes: *"],
        "7z refuses a table whose partitions overlap, and lists the one of the boot record.")
explain("7z", "*/walk_partition/*mac *.apm", "name more less", ["*|*.*", "Extra*", "*.Apple_*"],
        "7z adds types to the names, lists the table itself, and shows free space to its end.")
explain("7z", "seeds/walk_hfsplus/*", "more", "*",
        "Volumes of a few blocks without the copy of the header at the end: 7z opens none of them. "
        "made/volumes/forged.hfs is a whole one.")
explain("7z", "seeds/walk_ntfs/*", "more", "*",
        "Records without a volume around them, for fuzzing; 7z opens none of them.")
explain("7z", "corpus/ntfs/*", "less", "[[]SYSTEM]/*", "Files of the file system itself.")
explain("7z", "corpus/ntfs/*", "bytes more", "streams streams:*",
        "7z writes all streams of a file behind one another; each is a part here.")
explain("7z", "corpus/ntfs/*", "bytes", "hole",
        "A sparse file of which 7z says that its data are wrong. Ours is what was put in.")
explain("7z", "seeds/walk_dmg/*", "name", "*|*.*", "7z puts a number to the names.")
explain("7z", "seeds/walk_dmg/*", "more", "plist", "The list of properties, told as well.")

explain("bsdcat", "seeds/walk_compressed/huge_lzma", "more less", ["100 bytes: *", "30 bytes: *"],
        "A stream that asks for a dictionary of 4 GB: bsdcat takes it for no archive, we unpack it "
        "with less.")

# ---- compound files ------------------------------------------------------------------------------

explain("7z gsf", "seeds/walk_ole2/agile.xlsx seeds/walk_ole2/locked.xlsx "
        "seeds/walk_ole2/locked.xls", "more", "EncryptedPackage Workbook",
        "Decrypted with the password that Excel itself uses; told beside the stream as it is.")
explain("7z gsf", "seeds/walk_ole2/lost.ole", "more", "lost", "A stream that no tree reaches.")
explain("7z", "seeds/walk_ole2/lost.ole", "more", "a b/c", "7z refuses a file with such a stream.")
explain("7z gsf", "seeds/walk_ole2/packaged.doc testfiles/clamav-testfiles/clam.ole.doc "
        "testfiles/clamav-testfiles/clam.ppt!ExOleObjStg", "more", "a.txt Clam.exe clam.exe",
        "A packaged file in a stream of its own kind, told beside the stream.")
explain("7z gsf", "seeds/walk_ole2/objects.ppt testfiles/clamav-testfiles/clam.ppt", "more",
        ["ExOleObjStg", "5812 bytes: *"],
        "An object in a record of the stream of a PowerPoint file, unpacked.")
explain("7z", "seeds/walk_ole2/packaged.doc testfiles/clamav-testfiles/clam.ole.doc "
        "made/compounds/made.msi testfiles/clamav-testfiles/clam.ppt "
        "testfiles/clamav-testfiles/clam.ppt!ExOleObjStg", "name", "*|*[[][0-9]]*",
        "7z writes the control character in front of such a name in brackets.")
explain("gsf", "made/compounds/made.msi seeds/walk_ole2/names.msi", "name", "*",
        "Names of Windows Installer, which pack two letters in one. gsf shows them packed, 7z and "
        "msiinfo unpack them as we do.")

explain("7z gsf", "seeds/walk_ole2/*.hwp", "bytes", "BodyText/* ViewText/*",
        "Hangul documents pack their streams once more; ours are unpacked.")

# ---- PDF -----------------------------------------------------------------------------------------

explain("qpdf", "seeds/walk_pdf/aes*.pdf seeds/walk_pdf/rc4.pdf seeds/walk_pdf/objstm.pdf "
        "seeds/walk_pdf/scripts.pdf", "more",
        ["* bytes: app.alert*", "* bytes: var *", "* bytes: [\\]166*", "* bytes: by reference *",
         "8 bytes: a string"],
        "Scripts, which stand in strings and not in streams; both readings where escapes count.")
explain("qpdf", "seeds/walk_pdf/objstm.pdf", "more less",
        ["12 bytes: by reference", "20 bytes: x.K.T(JMK-J.KN*"],
        "The filter stands in an object stream that no cross-reference table tells of, and qpdf "
        "knows only what the table tells.")
explain("qpdf", "seeds/walk_pdf/png.pdf", "more less", ["85 bytes: *", "90 bytes: *"],
        "The last row of the picture is short; qpdf fills it up with zeros.")
explain("qpdf", "seeds/walk_pdf/tiff.pdf", "more less", ["81 bytes: *"],
        "The predictor stands behind /DP, short for /DecodeParms, which a strict reader takes for "
        "pictures inside a page alone. Where it is written out qpdf agrees with us.")

# ---- mails ---------------------------------------------------------------------------------------

ATTACHMENT = ["a.exe", "6 bytes: Hello."]


def explain_mails(names, whats, parts, why):
    explain("gmime", [f"made/mails/odd {name}.eml" for name in names], whats, parts, why)


explain("gmime", "made/mails/box.eml", "more less", ["241 bytes: *", "240 bytes: *"],
        "Whether the empty line between two mails of a mailbox belongs to the first.")
explain("gmime", "seeds/walk_mail/mbox", "more less", ["7 bytes: Hello..", "6 bytes: Hello."],
        "The same.")
explain("gmime", "made/mails/mpack.eml", "more", ["172 bytes: This is a MIME encoded message.*"],
        "What stands before the first boundary. It has uuencoded files now and then.")
explain("gmime", "seeds/walk_mail/uu testfiles/clamav-testfiles/clam.exe.mbox.uu", "more",
        "a.exe clam.exe",
        "Files between lines of uuencode in a text stay text to GMime; readers of mail show them.")
explain_mails(["begin-base64", "binhex as a part", "binhex in text", "uuencode *", "yenc"], "more",
              ["a.exe"], "The same, and with other encodings.")
explain_mails(["uuencode in the epilogue", "uuencode in the preamble"], "more",
              ["57? bytes: begin 644 a.exe*"],
              "What stands before the first or behind the last boundary.")
explain("gmime", "seeds/walk_mail/undeclared", "more", ["735 bytes: --xyz.*", *ATTACHMENT],
        "Lines that look like boundaries and were not declared (wrongly named ones, below).")
explain_mails(["boundary line in another case", "boundary line with blanks before",
               "boundary line with text behind", "boundary missing",
               "boundary twice, second counts", "boundary with a blank at its end",
               "boundary with a comment",
               "boundary without end of quotes", "boundary without semicolon",
               "content-type folded without a blank", "encoding of the multipart"], "more",
              ATTACHMENT, "GMime finds no part at all where other readers do.")
explain_mails(["boundary line in another case", "boundary line with blanks before",
               "boundary line with text behind", "boundary missing"], "more",
              ["7?? bytes:*--*"], "And the whole as it stands.")
explain_mails(["content-type folded three times", "content-type folded without a blank"], "more",
              ["1? bytes: *boundary*"], "Where a header ends: the other reading.")
explain_mails(["encoding of the multipart"], "more", ["993 bytes: *"],
              "The encoded bytes as they stand are what comes before the first boundary.")
explain("gmime", "seeds/walk_mail/emlx", "more", ATTACHMENT,
        "Apple's kind begins with a number, which GMime takes for an end of the header.")
explain_mails(["CommuniGate envelope", "emlx", "cr alone", "empty lines first"], "more",
              ATTACHMENT, "Headers that do not begin at once, or whose lines end otherwise.")
explain_mails(["cr alone", "empty lines first"], "less", ["0 bytes: ", "852 bytes: .From:*"],
              "There GMime finds no header and takes the rest, or nothing, for a body.")
explain_mails(["a line in a part's header that is none", "a line in the header that is none",
               "empty line before a part's header", "no empty line behind a part's header",
               "no empty line behind the header", "encoding missing", "encoding unknown",
               "encoding twice, plain first", "encoding twice, plain last", "base64 *"], "more",
              ["a.exe"],
              "Several readings: where the header ends, which encoding counts, what padding or "
              "other characters in base64 mean.")
explain_mails(["a zero before a field", "base64 without padding", "cr cr lf",
               "empty line of blanks", "encoding behind a comment", "encoding in quotes",
               "encoding with a semicolon", "encoding x-base64", "no empty line behind the header",
               "quoted-printable with blanks at line ends", "uuencode declared, no begin"], "bytes",
              ["a.exe"],
              "Ours is the attachment that was put in; GMime leaves it encoded, or loses bytes.")
explain_mails(["cr cr lf"], "more", ["7 bytes: Hello.."], "Of three ends of line one stays.")
explain_mails(["a mail that was returned", "attachment behind the close",
               "message_rfc822 in base64", "multipart_digest"], "more", ["*"],
              "Mails that GMime takes for the end of another, for text, or for one body.")
explain_mails(["a mailbox with a sentence"], "more less",
              ["31 bytes: Hello...From here*", "7 bytes: Hello..", *ATTACHMENT],
              "GMime begins another mail at every line with From and a blank; ours needs a date.")
