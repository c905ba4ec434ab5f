#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of the fuzz targets for file formats: small files, all made here.

    make.py FUZZ-SEEDS-FOLDER
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "format"))
import forge_elf  # noqa: E402
import forge_import  # noqa: E402
import forge_macho  # noqa: E402
import forge_pe  # noqa: E402
import forge_version  # noqa: E402


def seeds_of_pe():
    """Each way through the reader of PE files once."""
    version = forge_version.tree([forge_version.version([forge_version.string_info([
        forge_version.table([forge_version.string(0x1400), forge_version.string(0x1408)])])])])
    libraries = [(b"KERNEL32.dll", [b"LoadLibraryA", 7]), (b"WS2_32.dll", [1, 2, 500])]
    return {
        "plain": forge_pe.build(size=1536),
        "wide": forge_pe.build(size=1536, is_64=True),
        "sections": forge_pe.build(size=2048, sections=[
            forge_pe.section(), forge_pe.section(rva=0x2000, raw=0x600, rsize=0x1f8)]),
        "version": forge_version.build(version, size=2048),
        "imports": forge_import.build(forge_import.table(libraries) + bytes(300)),
        "first-thunks": forge_import.build(forge_import.table(libraries, original=False) +
                                           bytes(300)),
        "truncated": forge_pe.build(size=400),
    }


def seeds_of_elf():
    """Both widths in both orders."""
    return {f"{bits}-{name}": forge_elf.build(size=1280, sh_at=0x400, bits=bits, order=order)
            for bits in (32, 64) for name, order in (("little", "<"), ("big", ">"))}


def seeds_of_macho():
    """Both widths in both orders, and the register sets that are known."""
    seeds = {}
    for cpu, order in (("x86", "<"), ("x86_64", "<"), ("ppc", ">"), ("ppc64", ">"), ("arm", "<")):
        bits = 64 if cpu.endswith("64") else 32
        segment = forge_macho.segment([forge_macho.section(offset=0x200)], bits, order)
        seeds[cpu] = forge_macho.build([segment, forge_macho.thread(cpu, 0x1010, order)],
                                       size=1024, cpu=cpu, bits=bits, order=order)
    universal = bytes.fromhex("cafebabe00000002")
    universal += bytes.fromhex("01000007000000030000004000000400000000000000000700000003")
    seeds["universal"] = (universal + bytes.fromhex("000004400000040000000000")).ljust(
        0x40, b"\0") + seeds["x86_64"] + seeds["x86"]
    return seeds


def seeds_of_identify():
    """One object of each way to tell a type."""
    return {
        "text": b"plain words\n" * 4, "html": b"words and <html> more", "mail": b"From: a@b\n\nhi",
        "link": b"see <a class=x href=y>", "utf16": "<html>".encode("utf-16"),
        "pe": b"MZ" + bytes(62), "pdf": b"words %PDF-1.4", "mbr": bytes(510) + b"\x55\xaa",
        "python": b"\xa7\r\r\n" + bytes(12), "java": b"\xca\xfe\xba\xbe\0\0\0\x34",
        "universal": b"\xca\xfe\xba\xbe\0\0\0\x02", "tar": bytes(257) + b"ustar\0" + bytes(249),
        "binary": bytes(range(64)),
    }


def main():
    for name, seeds in (("format_pe", seeds_of_pe()), ("format_elf", seeds_of_elf()),
                        ("format_macho", seeds_of_macho()), ("identify", seeds_of_identify())):
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder, exist_ok=True)
        for seed, data in seeds.items():
            with open(os.path.join(folder, seed), "wb") as out:
                out.write(data)


if __name__ == "__main__":
    sys.exit(main())
