#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""What `overt` itself answers, before any command: help, version, mistakes, a full disk. TAP."""
import os
import pathlib
import re
import subprocess
import sys

OVERT = pathlib.Path(os.environ["OVERT_BUILD"], "overt")


def run(*arguments, stdout=subprocess.PIPE):
    done = subprocess.run([OVERT, *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def listed():
    part = run("--help")[1].partition("Commands:\n")[2].partition("\n\n")[0]
    return [line.split()[0] for line in part.splitlines()]


def help_lists_sorted_commands():
    code, out, err = run("--help")
    words = listed()
    return code == 0 and err == "" and words == sorted(words) and "scan" in words


def help_is_the_same_in_three_ways():
    return run("--help") == run("help") == run("-h")


def no_argument_is_an_error_with_help():
    code, out, err = run()
    return code == 2 and out == "" and err == run("--help")[1]


def version_is_one_line():
    code, out, err = run("--version")
    return code == 0 and err == "" and re.fullmatch(r"overt \d+\.\d+\.\d+\n", out)


def mistyped_word_gets_a_suggestion():
    code, out, err = run("scna", "/")
    return code == 2 and out == "" and \
        err == 'overt: scna: unknown command (did you mean "overt scan"?)\n'


def strange_word_gets_the_way_to_the_list():
    return run("frobnicate") == (
        2, "", "overt: frobnicate: unknown command (overt --help lists the commands)\n")


def unknown_option_is_named_so():
    code, out, err = run("--frobnicate")
    return code == 2 and err.startswith("overt: --frobnicate: unknown option")


def a_search_for_personal_numbers_is_refused():
    for option in ("--detect-structured", "--detect-structured=yes", "--structured-ssn-format=2",
                   "--structured-ssn-count=1", "--structured-cc-count=1", "--structured-cc-mode=1"):
        code, out, err = run("scan", option, "/dev/null")
        if code != 2 or out or "looks for malware, and not for" not in err:
            return f"{option}: {code}, {err!r}"
    return run("scan", "--no-summary", "--detect-structured=no", "/dev/null") == \
        run("scan", "--no-summary", "/dev/null") or "to switch it off is an error"


def help_of_an_unknown_command_is_an_error():
    code, out, err = run("help", "frobnicate")
    return code == 2 and out == "" and "unknown command" in err


def every_command_has_help():
    for word in listed():
        code, out, err = run(word, "--help")
        if code != 0 or err or not out.startswith(f"Usage: overt {word}") or out[-1] != "\n":
            return f"overt {word} --help: {code}, {out[:60]!r}, {err[:60]!r}"
        if max(map(len, out.splitlines())) > 100:
            return f"overt {word} --help has lines over 100 columns"
    return True


def every_command_refuses_an_unknown_option():
    for word in listed():
        code, out, err = run(word, "--frobnicate")
        if code != 2 or out or "frobnicate" not in err:
            return f"overt {word} --frobnicate: {code}, {out[:60]!r}, {err[:90]!r}"
        if not err.startswith("overt: "):
            return f"overt {word} --frobnicate: message in another form: {err[:90]!r}"
    return True


def lost_output_is_an_error():
    with open("/dev/full", "w", encoding="ascii") as full:
        code, _, err = run("--help", stdout=full)
    return code == 2 and err == "overt: standard output: could not be written\n"


def main():
    cases = [help_lists_sorted_commands, help_is_the_same_in_three_ways,
             no_argument_is_an_error_with_help, version_is_one_line,
             mistyped_word_gets_a_suggestion, strange_word_gets_the_way_to_the_list,
             unknown_option_is_named_so, a_search_for_personal_numbers_is_refused,
             help_of_an_unknown_command_is_an_error,
             every_command_has_help, every_command_refuses_an_unknown_option,
             lost_output_is_an_error]
    print(f"1..{len(cases)}")
    failures = 0
    for number, case in enumerate(cases, 1):
        result = case()
        is_good = result is not None and not isinstance(result, str) and bool(result)
        failures += not is_good
        print(f"{'' if is_good else 'not '}ok {number} - {case.__name__.replace('_', ' ')}")
        if isinstance(result, str):
            print(f"# {result}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
