#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What GMime reads out of the mails whose paths come in, one a line: for each a line of JSON, a
list of [name, hexadecimal bytes] of every body behind its encoding, down to mails in mails.

Run by Debian's python3, with python3-gi and gir1.2-gmime-3.0.
"""
import json
import sys

import gi
gi.require_version("GMime", "3.0")
from gi.repository import GMime  # noqa: E402


def decode(content):
    stream = GMime.StreamMem.new()
    content.write_to_stream(stream)
    return bytes(stream.get_byte_array())


def tell(entity, parts):
    if isinstance(entity, GMime.MessagePart):
        tell(entity.get_message().get_mime_part(), parts)
    elif isinstance(entity, GMime.Multipart):
        for i in range(entity.get_count()):
            tell(entity.get_part(i), parts)
    elif isinstance(entity, GMime.Part) and entity.get_content() is not None:
        parts.append([entity.get_filename() or "", decode(entity.get_content()).hex()])


def parts_of(data):
    """Of every mail in a file; a mailbox is one that begins with "From "."""
    parser = GMime.Parser.new_with_stream(GMime.StreamMem.new_with_buffer(data))
    if data.startswith(b"From "):
        parser.set_format(GMime.Format.MBOX)
    parts = []
    while (message := parser.construct_message(None)) is not None:
        tell(message.get_mime_part(), parts)
        if parser.eos():
            break
    return parts


GMime.init()
for path in sys.stdin:
    with open(path.rstrip("\n"), "rb") as file:
        print(json.dumps(parts_of(file.read())), flush=True)
