#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""Perceptual hashes of pictures (`fuzzy_img#` in logical rules): held against a plain computation in
double precision, and against what clamscan says of the same files. TAP.

With `--agreement FILE...` it prints for how many of these files clamscan and Overt compute one hash.
"""
import collections
import pathlib
import random
import struct
import subprocess
import sys
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "walk"), str(HERE / "format")]
import forge_points as forge  # noqa: E402
from beside import clamscan_names, overt_names, wrap, write  # noqa: E402
from members import BUILD, OVERT, SCAN, SOURCE, Skip, Tap, has, needs  # noqa: E402

tap = Tap()
NONE = "0123456789abcdef"
SIZES = [(32, 32), (31, 33), (64, 48), (45, 70), (7, 90), (120, 9), (3, 2)]
SEEDS = SOURCE / "fuzz/seeds/picture"


def rule(name, hash_, head="Target:5", tail="0;{}"):
    return f"{name};Engine:150-255,{head};{tail.format('fuzzy_img#' + hash_)}\n"


def our_hashes(paths):
    """Path: hash, or why there is none."""
    found = {}
    for at in range(0, len(paths), 100):
        some = [str(path) for path in paths[at:at + 100]]
        done = subprocess.run([BUILD / "tests/picture-hash", *some], capture_output=True,
                              timeout=200, check=True)
        for line, path in zip(done.stdout.decode(errors="replace").splitlines(), some):
            found[path] = line[:-len(path) - 1]
    return found


def their_hash(path):
    needs("clamscan")
    rules = write("any.ldb", rule("Any", NONE))
    done = subprocess.run(["clamscan", "--debug", "--no-summary", "-d", rules, str(path)],
                          capture_output=True, timeout=60, check=False)
    told = [line.split()[-1].decode() for line in done.stderr.splitlines() if b" Image hash: " in line]
    return told[0] if told else None


def compare(paths):
    """Counts by ending and answer, and those that are not equal."""
    ours, counts, others = our_hashes(paths), collections.Counter(), []
    for path in map(str, paths):
        our, their = ours[path], their_hash(path)
        has_our = len(our) == 16
        answer = ("neither" if not has_our and their is None else "only overt" if their is None
                  else "only clamscan" if not has_our else "equal" if our == their else "differ")
        ending = path.rsplit(".", 1)[-1].lower()
        counts[{"jpeg": "jpg", "tiff": "tif"}.get(ending, ending), answer] += 1
        if answer not in ("equal", "neither"):
            others.append(f"{answer}: {our} {their} {path}")
    return counts, others


def say(counts):
    return ", ".join(f"{ending} {answer} {count}" for (ending, answer), count
                     in sorted(counts.items()))


def forged():
    """Pictures in every form that forge_points knows: (path, hash, how near a decision was)."""
    rng = random.Random(11)
    for number in range(14):
        width, height = SIZES[number % len(SIZES)]
        rows = forge.draw(rng, width, height)
        few = forge.draw(rng, width, height, rng.choice([2, 12, 90]))
        for drawn, writers in (rows, forge.WRITERS), (few, forge.PALETTE_WRITERS):
            hash_, near = forge.hash_of(drawn)
            for writer in writers:
                name = f"forged/{number}-{writer.__name__}.{writer.__name__.split('_')[0]}"
                yield write(name, writer(drawn)), hash_, near


@tap.case("pictures in 16 forms have the hash that a plain computation gives")
def _():
    made = list(forged())
    ours = our_hashes([path for path, _, _ in made])
    wrong = [f"{path}: {ours[path]}, not {hash_}" for path, hash_, near in made
             if near > 1e-4 and ours[path] != hash_]
    tried = sum(near > 1e-4 for _, _, near in made)
    print(f"# {tried} of {len(made)} pictures, where rounding decides nothing")
    return not wrong and tried > 100 or wrong[:5]


@tap.case("and the hash that clamscan computes")
def _():
    counts, others = compare([path for path, _, _ in forged()])
    print(f"# {say(counts)}")
    # clamscan's library fails on tiles that go beyond the picture, and on low interlaced GIFs.
    others = [line for line in others if not (line.startswith("only overt") and
                                              ("tiles" in line or "gif_interlaced" in line))]
    return not others or others[:5]


@tap.case("seeds made by ImageMagick and Pillow have clamscan's hash")
def _():
    counts, others = compare(sorted(path for path in SEEDS.iterdir() if "." in path.name))
    print(f"# {say(counts)}")
    others = [line for line in others if not line.endswith("tiles.tif")]
    return not others or others


@tap.case("photographs and texts as JPEG have clamscan's hash")
def _():
    script = """
import random, sys
from PIL import Image, ImageDraw, ImageFilter
rng = random.Random(3)
for i in range(40):
    size = (rng.randrange(200, 900), rng.randrange(200, 700))
    noise = Image.frombytes("RGB", (40, 30), rng.randbytes(3600))
    image = noise.resize(size, Image.BICUBIC).filter(ImageFilter.GaussianBlur(rng.randrange(9)))
    pen = ImageDraw.Draw(image)
    for line in range(0 if i % 3 else 20):
        pen.text((9, 15 * line), "Your account was charged %d" % rng.randrange(10**9), (0, 0, 90))
    image.save("photo-%d.jpg" % i, quality=rng.randrange(30, 96), subsampling=i % 3,
               progressive=i % 4 == 0)
"""
    done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, timeout=60,
                          check=False)
    if done.returncode != 0:
        raise Skip("python3-pil is not installed")
    counts, others = compare(sorted(pathlib.Path().glob("photo-*.jpg")))
    print(f"# {say(counts)}")
    return not others or others


@tap.case("a JPEG that is too large for our own roundings is hashed by libjpeg's")
def _():
    script = """
import random
from PIL import Image
noise = Image.frombytes("RGB", (8, 6), random.Random(8).randbytes(144))
noise.resize((5200, 4700), Image.BICUBIC).save("large.jpg", quality=80, subsampling=0)
"""
    done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, timeout=60,
                          check=False)
    if done.returncode != 0:
        raise Skip("python3-pil is not installed")
    our, their = our_hashes(["large.jpg"])["large.jpg"], their_hash("large.jpg")
    apart = bin(int(our, 16) ^ int(their, 16)).count("1")
    print(f"# {apart} bits apart")
    return apart <= 4


# ---- rules -------------------------------------------------------------------------------------

def one_picture(name="one.png", seed=1):
    rows = forge.draw(random.Random(seed), 60, 44)
    path = write(name, forge.png_rgb(rows))
    return path, our_hashes([path])[path]


@tap.case("overt scan and clamscan tell of the same rules, by target, count and container")
def _():
    path, hash_ = one_picture()
    write("rules/a.ldb", "".join([
        rule("Plain", hash_), rule("Distance", hash_ + "#0"), rule("Upper", hash_.upper()),
        rule("Any", hash_, "Target:0"), rule("Html", hash_, "Target:3"), rule("Other", NONE),
        rule("Both", hash_, tail="0&1;{};49484452"), rule("Neither", hash_, tail="0&1;{};aabbccdd"),
        rule("Either", hash_, tail="0|1;{};aabbccdd"), rule("Absent", NONE, tail="0=0&1;{};49484452"),
        rule("Counted", hash_, tail="0=1;{}"), rule("More", hash_, tail="0>1;{}"),
        rule("Large", hash_, "Target:5,FileSize:100000-200000"),
        rule("Top", hash_, "Container:CL_TYPE_ANY,Target:5"),
        rule("Zipped", hash_, "Container:CL_TYPE_ZIP,Target:5"),
        rule("Block", hash_, tail="(0|1)=1,1;{};aabbccdd"),
        rule("Twice", hash_, tail="0&1;fuzzy_img#" + hash_ + ";{}"),
        rule("PUA.Pic", hash_)]))
    zipped = write("one.zip", wrap(pathlib.Path(path).read_bytes(), ["zip"]))
    for file in path, zipped:
        ours = overt_names(file, "rules", "--all-matches")
        if "Plain.UNOFFICIAL" not in ours or "Other.UNOFFICIAL" in ours:
            return f"{file}: {ours}"
        if has("clamscan") and ours != clamscan_names(file, "rules", "--allmatch"):
            return f"{file}: {ours}, not {clamscan_names(file, 'rules', '--allmatch')}"
    return True


@tap.case("each type of picture is looked at in the cage, and nothing that is none")
def _():
    rows = forge.draw(random.Random(4), 40, 40, 20)
    for writer in forge.png_rgb, forge.gif, forge.bmp_8, forge.tiff_strips:
        path = write(f"type-{writer.__name__}", writer(rows))
        write("types/a.ldb", rule("Pic", our_hashes([path])[path], "Target:0"))
        if overt_names(path, "types") != ["Pic.UNOFFICIAL"]:
            return writer.__name__
    for seed in "color.jpg", "progressive.jpg":
        write("types/a.ldb", rule("Pic", our_hashes([SEEDS / seed])[str(SEEDS / seed)]))
        if overt_names(SEEDS / seed, "types") != ["Pic.UNOFFICIAL"]:
            return seed
    write("types/a.ldb", rule("Pic", "0" * 16, "Target:0"))
    return overt_names(write("text.txt", "just text\n" * 9), "types") == []


@tap.case("hashes that clamscan refuses are named with file, line and reason")
def _():
    good = rule("Good", NONE)
    for bad, reason in (("0123", "16 hex digits"), (NONE + "0", "16 hex digits"),
                        (NONE[:-1] + "g", "16 hex digits"), (NONE + "#1", "distance"),
                        (NONE + "#", "distance"), (NONE + "#x", "distance")):
        path = write("bad.ldb", good + rule("Bad", bad))
        done = subprocess.run([OVERT, "rules", "check", path], capture_output=True, timeout=60,
                              check=False)
        out = (done.stdout + done.stderr).decode()
        if "bad.ldb:2" not in out or reason not in out:
            return f"{bad}: {out}"
        if has("clamscan"):
            done = subprocess.run(["clamscan", "-d", path, path], capture_output=True, timeout=60,
                                  check=False)
            if done.returncode != 2:
                return f"clamscan takes {bad}"
    path = write("good.ldb", good + rule("Too", NONE + "#0"))
    done = subprocess.run([OVERT, "rules", "check", path], capture_output=True, timeout=60,
                          check=False)
    return (done.returncode == 0 and b"skipped: 0, problems: 0" in done.stdout) or done.stdout


# ---- limits ------------------------------------------------------------------------------------

def claims(side):
    """Pictures that say they have so many points on each side, and have none."""
    yield "huge.png", forge.png(side, side, 8, 2, [b""])
    yield "huge.gif", forge.gif([[(1, 2, 3)]], screen=(side, side))
    yield "huge-frame.gif", (b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0xF0, 0, 0) + bytes(6) +
                             struct.pack("<BHHHHB", 0x2C, 0, 0, side, side, 0) + b"\x02\x01\x4c\0;")
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 1, 0)
    yield "huge.bmp", b"BM" + struct.pack("<IHHI", 0, 0, 0, 58) + head + bytes(4) + b"\0\1"
    rows = [[(1, 2, 3)]]
    yield "huge.tif", forge.tiff({**forge.tiff_tags(rows, 1), 256: [side], 257: [side]}, [b"abc"])
    jpeg = (SEEDS / "color.jpg").read_bytes()
    at = jpeg.index(b"\xff\xc0") + 5
    yield "huge.jpg", jpeg[:at] + struct.pack(">HH", side, side) + jpeg[at + 4:]


@tap.case("pictures that claim 60,000 points on each side cost nothing, as for clamscan")
def _():
    write("huge/a.ldb", rule("Pic", NONE))
    for name, data in claims(60000):
        path = write(name, data)
        started = time.monotonic()
        done = subprocess.run([*SCAN, "--rules", "huge", path], capture_output=True,
                              timeout=60, check=False)
        took = time.monotonic() - started
        if done.returncode != 0 or took > 3:
            return f"{name}: {done.returncode}, {took:.1f} s: {done.stdout.decode()}"
        if has("clamscan") and their_hash(path) is not None:
            return f"{name}: clamscan has a hash"
    return True


@tap.case("a picture that is too much for us alone is told as limited")
def _():
    side = 12000
    data = zlib.compress(bytes((side // 8 + 1) * side * 2), 9)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 1)
    path = write("much.png", b"\x89PNG\r\n\x1a\n" + forge.chunk(b"IHDR", head) +
                 forge.chunk(b"IDAT", data) + forge.chunk(b"IEND", b""))
    write("much/a.ldb", rule("Pic", NONE))
    done = subprocess.run([*SCAN, "--rules", "much", path], capture_output=True,
                          timeout=60, check=False)
    if done.returncode != 3 or b"LIMITED" not in done.stdout:
        return done.stdout + done.stderr
    # No rule asks about pictures: nothing is left out.
    write("nomuch/a.ldb", rule("Pic", NONE, "Container:CL_TYPE_ZIP,Target:5"))
    done = subprocess.run([*SCAN, "--rules", "nomuch", path], capture_output=True,
                          timeout=60, check=False)
    return done.returncode == 0 or done.stdout + done.stderr


if sys.argv[1:2] == ["--agreement"]:
    totals, lines = compare([pathlib.Path(path) for path in sys.argv[2:]])
    print("\n".join(lines), say(totals), sep="\n")
    sys.exit(0)
tap.run()
