#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads src/LAYERS: who may include whom. The build asks it for link lists; as a test it checks
that the sources obey.

  layers.py                    check every #include in src/ (a test in TAP form)
  layers.py --rooms LAYERS     each room and all rooms it stands on, lowest rooms first
  layers.py --programs LAYERS  each program and its rooms
  layers.py --self-test        shows that the check finds what it should (a test in TAP form)
"""
import pathlib
import re
import sys
import tempfile

ROOM_LINE = re.compile(r"^(program )?([a-z-]+):(.*)$")
DEPENDENCY = re.compile(r"([a-z]+)(?:\(([^)]*)\))?")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


class Layers:
    """rooms: {room: {other room: None (all of it) or a set of headers}}; programs: {name: [room]}."""

    def __init__(self, path):
        self.rooms = {}
        self.programs = {}
        for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            match = ROOM_LINE.match(line)
            if not match:
                raise ValueError(f"{path}:{number}: cannot read: {line}")
            if match[1]:
                self.programs[match[2]] = match[3].split()
            else:
                self.rooms[match[2]] = {
                    room: set(headers.split()) if headers else None
                    for room, headers in DEPENDENCY.findall(match[3])
                }
        named = {d for deps in self.rooms.values() for d in deps}
        named.update(r for rooms in self.programs.values() for r in rooms)
        for room in sorted(named - set(self.rooms)):
            raise ValueError(f"{path}: room {room} has no line of its own")

    def order(self):
        """Rooms with each one after all that it names; ValueError when they form a circle."""
        done, open_rooms = [], []

        def visit(room):
            if room in open_rooms:
                raise ValueError("circle: " + " -> ".join(open_rooms + [room]))
            if room in done:
                return
            open_rooms.append(room)
            for below in self.rooms[room]:
                visit(below)
            open_rooms.pop()
            done.append(room)

        for room in self.rooms:
            visit(room)
        return done

    def closure(self, room):
        """The room and every room it stands on by full inclusion, itself first."""
        found = [room]
        for name in found:
            found += [d for d, only in self.rooms[name].items() if only is None and d not in found]
        return found


def complain_include(layers, room, file, included):
    """Why `file` of `room` may not include `included`, or None."""
    if included == "config.h":
        return None
    other, _, header = included.partition("/")
    if not header:
        return f'"{included}" names no room (write "room/header.h")'
    if other == room:
        return None
    if other not in layers.rooms:
        return f"{other} is no room of LAYERS"
    if other not in layers.rooms[room]:
        return f"{room} may not include {other}"
    allowed = layers.rooms[room][other]
    if allowed is not None and header not in allowed:
        return f"{room} may include {' '.join(sorted(allowed))} of {other}, not {header}"
    return None


def complaints(src):
    """All breaches of LAYERS below the folder `src`, as lines of text."""
    layers = Layers(src / "LAYERS")
    layers.order()
    found = []
    for file in sorted(src.glob("*/**/*.[ch]")):
        room = file.relative_to(src).parts[0]
        if file.name.endswith("_test.c"):
            continue
        if room not in layers.rooms:
            found.append(f"{file}: room {room} has no line in LAYERS")
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            why = match and complain_include(layers, room, file, match[1])
            if why:
                found.append(f"{file}:{number}: {why}")
    return found + complain_programs(layers)


def complain_programs(layers):
    """The wall between programs: hostile bytes meet a parser in overt-worker alone."""
    found = []
    for program, rooms in layers.programs.items():
        parsers = {"format", "match", "rules", "scan"} & set(rooms)
        if program != "overt-worker" and parsers:
            found.append(f"LAYERS: {program} is linked with {' '.join(sorted(parsers))}")
        if program == "overt-worker" and "cmd" in rooms:
            found.append("LAYERS: overt-worker is linked with cmd")
    return found


def self_test():
    """Breaks each law once in a made-up tree and expects exactly one complaint."""
    good = {
        "LAYERS": "base:\nmatch: base\nrules: base match(layout.h)\nprogram overt: base\n",
        "base/a.h": "",
        "match/layout.h": '#include "base/a.h"\n',
        "match/deep.h": "",
        "rules/r.c": '#include "match/layout.h"\n#include "rules/r.h"\n#include <zlib.h>\n',
    }
    cases = {
        "a good tree has no complaint": ({}, 0),
        "including upwards is found": ({"base/b.c": '#include "match/layout.h"\n'}, 1),
        "a header outside the parentheses is found": ({"rules/s.c": '#include "match/deep.h"\n'}, 1),
        "a header without a room is found": ({"base/b.c": '#include "a.h"\n'}, 1),
        "an unknown room is found": ({"util/u.c": ""}, 1),
        "an indented include is found": ({"base/b.c": '  #  include "rules/r.h"\n'}, 1),
        "a nested folder is searched": ({"rules/clamav/x.c": '#include "match/deep.h"\n'}, 1),
        "a parser in overt is found": (
            {"LAYERS": good["LAYERS"].replace("overt: base", "overt: match base")}, 1),
        "a rule reader in overt is found": (
            {"LAYERS": good["LAYERS"].replace("overt: base", "overt: rules base")}, 1),
        "a test file may include anything": ({"base/b_test.c": '#include "match/deep.h"\n'}, 0),
        "a circle is found": ({"LAYERS": "base: match\nmatch: base\nrules: base\n"}, None),
        "an unnamed room is found": ({"LAYERS": "base: none\nmatch:\nrules:\n"}, None),
    }
    results = []
    for name, (change, expected) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {**good, **change}.items():
                file = pathlib.Path(folder, path)
                file.parent.mkdir(exist_ok=True, parents=True)
                file.write_text(text)
            try:
                count = len(complaints(pathlib.Path(folder)))
            except ValueError:
                count = None
            results.append((name, [] if count == expected else [f"{count} complaints"]))
    return report(results)


def report(results):
    """Prints (name, complaints) pairs as TAP; the exit status."""
    print(f"1..{len(results)}")
    for number, (name, found) in enumerate(results, 1):
        print(f"{'not ' if found else ''}ok {number} - {name}")
        for line in found:
            print(f"# {line}")
    return 1 if any(found for _, found in results) else 0


def main(arguments):
    if arguments[:1] == ["--rooms"]:
        layers = Layers(arguments[1])
        for room in layers.order():
            print(*layers.closure(room))
        return 0
    if arguments[:1] == ["--programs"]:
        for program, rooms in Layers(arguments[1]).programs.items():
            print(program, *rooms)
        return 0
    if arguments[:1] == ["--self-test"]:
        return self_test()
    src = pathlib.Path(__file__).resolve().parent.parent / "src"
    try:
        found = complaints(src)
    except ValueError as error:
        found = [str(error)]
    return report([("every #include keeps to src/LAYERS", found)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
