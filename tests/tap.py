# SPDX-License-Identifier: Apache-2.0
"""TAP: a line for each check, and at the end how many there were."""
count = failures = 0


def check(name, is_right, why=""):
    global count, failures
    count += 1
    failures += not is_right
    print("ok" if is_right else "not ok", count, "-", name, flush=True)
    if not is_right:
        for line in str(why)[:2000].splitlines():
            print("#", line, flush=True)


def skip(name, why):
    global count
    count += 1
    print(f"ok {count} - {name} # SKIP {why}", flush=True)


def end():
    """The exit status."""
    print(f"1..{count}")
    return 1 if failures else 0
