# SPDX-License-Identifier: Apache-2.0
"""The table of products as C: products.py inventory/products.toml OUT.c

Refuses what is out of form with the product and the reason: the build is where people learn of it.
docs/formats/products.md gives the form."""

import fnmatch
import re
import sys
import tomllib

KINDS = {
    "package": "PACKAGE", "path": "PATH", "unit": "UNIT", "process": "PROCESS", "module": "MODULE",
    "bpf": "BPF", "user": "USER", "group": "GROUP", "cron": "CRON", "sudoers": "SUDOERS",
    "audit": "AUDIT", "selinux": "SELINUX", "certificate": "CERTIFICATE", "mok": "MOK",
    "repository": "REPOSITORY", "socket": "SOCKET", "port": "PORT", "engine": "ENGINE",
}
FUNCTIONS = {
    "on-access": "ON_ACCESS", "on-demand": "ON_DEMAND", "behaviour": "BEHAVIOUR",
    "response": "RESPONSE", "firewall": "FIREWALL", "web": "WEB", "integrity": "INTEGRITY",
    "allow-list": "ALLOW_LIST", "data-loss": "DATA_LOSS", "inventory": "INVENTORY",
    "patching": "PATCHING", "management": "MANAGEMENT", "rootkit": "ROOTKIT",
}
PRODUCT_KEYS = {"id", "name", "vendor", "functions", "indicators", "uninstaller", "residue",
                "update_channel", "note", "legacy", "sources"}
INDICATOR_KEYS = {*KINDS, "under", "source", "hint", "shared"}
# What runs from a product's folder, or is named there by a rule, is evidence of its own kind: such
# indicators are made of its paths. Nothing runs from these folders.
DERIVED = ("process", "cron", "sudoers", "audit")
DATA_FOLDERS = ("/etc/", "/run/", "/var/run/", "/var/log/", "/proc/", "/sys/", "/dev/", "/tmp/")
# No pattern may match everything of its kind.
WIDEST = {"package": "zsh", "user": "root", "group": "wheel", "unit": "ssh.service",
          "process": "/usr/bin/bash", "path": "/usr", "module": "ext4", "bpf": "restrict_fs",
          "selinux": "base", "mok": "Debian Secure Boot CA", "port": "tcp 22",
          "certificate": "Internet Security Research Group", "socket": "/run/dbus",
          "repository": "https://deb.debian.org/debian", "cron": "/etc/cron.daily/dpkg",
          "sudoers": "/etc/sudoers.d/README", "audit": "/etc/passwd", "engine": "Engine"}

# What no product leaves: a residue that is one of these, or above one, is a mistake.
SYSTEM = ("/etc/systemd/system/x", "/usr/bin/x", "/usr/sbin/x", "/usr/lib/x", "/usr/local/bin/x",
          "/usr/local/sbin/x", "/usr/local/lib/x", "/usr/share/x", "/var/lib/x", "/var/log/x",
          "/var/opt/x", "/etc/opt/x", "/etc/cron.d/x", "/etc/sudoers.d/x", "/opt/x", "/home/x",
          "/root/x", "/srv/x", "/boot/x", "/run/x", "/tmp/x", "/dev/x", "/proc/x", "/sys/fs/bpf/x")


class Wrong(Exception):
    """What is wrong with the file."""


def text(value):
    """A C string literal, or NULL."""
    if value is None:
        return "NULL"
    if not isinstance(value, str) or not value or not value.isprintable():
        raise Wrong(f"no printable text: {value!r}")
    return '"' + "".join(c if c not in '"\\' else "\\" + c for c in value) + '"'


def texts(name, values):
    """A list that ends in NULL, and its name."""
    if not values:
        return "", "NULL"
    rows = ", ".join(text(value) for value in values)
    return f"static const char *const {name}[] = {{{rows}, NULL}};\n", name


def check_pattern(kind, pattern):
    """A pattern that would be found on any machine is a mistake."""
    text(pattern)
    if fnmatch.fnmatchcase(WIDEST[kind], pattern):
        raise Wrong(f"a pattern matches what every machine has: {kind} {pattern}")
    if kind in ("path", "socket", "cron", "sudoers", "audit"):
        if not re.fullmatch(r"(/[^/]+)+", pattern) or "/.." in pattern:
            raise Wrong(f"no absolute path: {pattern}")
    if kind == "port" and not re.fullmatch(r"(tcp|udp) \d{1,5}", pattern):
        raise Wrong(f"a port is such as `tcp 4118`: {pattern}")
    if kind in ("process", "package", "module") and pattern.strip("*?") == "":
        raise Wrong(f"a pattern of wildcards alone: {pattern}")


def kind_of(row):
    """The one key of an indicator that is a kind."""
    return next(key for key in row if key in KINDS)


def derive(rows):
    """The indicators that follow from the paths of a product."""
    def strength(row):
        return bool(row.get("hint")), bool(row.get("shared"))
    paths = [row for row in rows if kind_of(row) == "path"
             and not row["path"].startswith(DATA_FOLDERS)]
    folders = [row for row in paths if not any(
        row["path"].startswith(other["path"] + "/") and strength(row) >= strength(other)
        for other in paths)]
    return [{kind: row["path"], **{key: row[key] for key in row if key != "path"}}
            for row in folders for kind in DERIVED]


def check_residue(row, rows):
    """What is removed with a product belongs to nobody else."""
    for residue in row.get("residue", []):
        if any(fnmatch.fnmatchcase(path, residue) or path.startswith(residue + "/")
               for path in SYSTEM):
            raise Wrong(f"a residue that is a part of the system: {residue}")
        for other in rows:
            for path in (item["path"] for item in other["indicators"] if "path" in item
                         and (other is not row or item.get("shared"))):
                if path == residue or other is not row and path.startswith(residue + "/"):
                    raise Wrong(f"a residue that others have, too: {residue} ({other['id']})")


def check_twice(rows):
    """The same indicator twice is a mistake."""
    told = [(kind_of(row), row[kind_of(row)], row.get("under")) for row in rows]
    for item in told:
        if told.count(item) > 1:
            raise Wrong(f"stands there twice: {item}")


def indicator(row, sources):
    """One row of C."""
    kinds = [key for key in row if key in KINDS]
    if len(kinds) != 1 or set(row) - INDICATOR_KEYS:
        raise Wrong(f"an indicator has one kind, and no other keys: {row}")
    if row.get("source") not in sources:
        raise Wrong(f"an indicator's source is one of the file's: {row}")
    if "under" in row and kinds != ["process"]:
        raise Wrong(f"`under` is for processes: {row}")
    if not row.get("under", "/").startswith("/"):
        raise Wrong(f"`under` is an absolute path: {row}")
    check_pattern(kinds[0], row[kinds[0]])
    fields = [f".kind = OV_INDICATOR_{KINDS[kinds[0]]}", f".pattern = {text(row[kinds[0]])}",
              f".source = {text(sources[row['source']])}"]
    if "under" in row:
        fields.append(f".under = {text(row['under'])}")
    fields += [f".is_{key} = true" for key in ("hint", "shared") if row.get(key)]
    return "    {" + ", ".join(fields) + "},\n"


def product(number, row, sources):
    """The lists of one product, and its row."""
    if set(row) - PRODUCT_KEYS or not re.fullmatch(r"[a-z0-9-]+", row.get("id", "")):
        raise Wrong(f"no id, or unknown keys: {set(row) - PRODUCT_KEYS}")
    if not row.get("indicators"):
        raise Wrong("no indicators")
    for key in ("name", "vendor"):
        text(row.get(key))
    for path in [*row.get("uninstaller", [])[:1], *row.get("residue", [])]:
        if not re.fullmatch(r"(/[^/]+)+", path) or "/.." in path:
            raise Wrong(f"no absolute path: {path}")
    lists = f"static const struct ov_indicator indicators_{number}[] = {{\n"
    items = [indicator(item, sources) for item in row["indicators"]]
    check_twice(row["indicators"])
    items += [indicator(item, sources) for item in derive(row["indicators"])]
    lists += "".join(items) + "};\n"
    more, uninstaller = texts(f"uninstaller_{number}", row.get("uninstaller"))
    also, residue = texts(f"residue_{number}", row.get("residue"))
    functions = " | ".join(f"OV_FUNCTION_{FUNCTIONS[name]}" for name in row["functions"]) or "0"
    table = (f"    {{.id = {text(row['id'])}, .name = {text(row['name'])}, "
             f".vendor = {text(row['vendor'])},\n"
             f"     .indicators = indicators_{number}, .indicator_count = {len(items)},\n"
             f"     .functions = {functions}, .uninstaller = {uninstaller}, .residue = {residue},\n"
             f"     .update_channel = {text(row.get('update_channel'))}, "
             f".note = {text(row.get('note'))}, "
             f".is_legacy = {'true' if row.get('legacy') else 'false'}}},\n")
    return lists + more + also, table


def main():
    """Reads, checks, writes."""
    with open(sys.argv[1], "rb") as file:
        data = tomllib.load(file)
    lists, rows, seen = "", "", set()
    for number, row in enumerate(data["product"]):
        try:
            if row.get("id") in seen:
                raise Wrong("there are two of this id")
            seen.add(row.get("id"))
            check_residue(row, data["product"])
            more, table = product(number, row, data["sources"])
        except (Wrong, KeyError) as wrong:
            sys.exit(f"{sys.argv[1]}: product {row.get('id', number)}: {wrong}")
        lists += more
        rows += table
    unused = set(data["sources"]) - {item["source"] for row in data["product"]
                                     for item in row["indicators"]}
    if unused:
        sys.exit(f"{sys.argv[1]}: sources that nothing names: {sorted(unused)}")
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write("// Generated by tools/products.py.\n#include \"inventory/product.h\"\n\n"
                  f"{lists}\nconst struct ov_product ov_products[] = {{\n{rows}}};\n"
                  "const size_t ov_product_count = sizeof ov_products / sizeof ov_products[0];\n")


main()
