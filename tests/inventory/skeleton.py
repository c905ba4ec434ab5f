# SPDX-License-Identifier: Apache-2.0
"""Throw-away roots with what products leave on a machine: packages in databases that dpkg and rpm
themselves have written, files, units, kernel modules, users and groups.

What a product leaves is read from OVERT_SHARED/facts/products.tsv where that is given, so that the
table of `overt inventory` is held against what it was made of; else from inventory/products.toml.
Only what has a source is made: hints are not. Nothing here touches the machine's own databases."""
import csv
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tomllib

ROOT = pathlib.Path(os.environ["OVERT_SOURCE"])
TABLE = ROOT / "inventory/products.toml"
VERSION = "12.1.0.1297"
KERNEL = "6.1.0-1-amd64"
MARKS = ("source", "hint", "shared", "under")
# How a folder of the tsv is told from a file: by its name, or by what it stands in.
FILE = re.compile(r"(/(bin|sbin|init\.d|cron\.\w+|sudoers\.d|rules\.d|libexec)/[^/]+"
                  r"|\.[a-z]{2,12})$")

# What stands there may stay when a program goes.
DATA_FOLDERS = ("/etc/", "/var/lib/", "/var/log/", "/var/opt/", "/run/", "/var/run/", "/tmp/",
                "/proc/", "/sys/", "/dev/")


@dataclasses.dataclass
class Product:
    id: str
    packages: list = dataclasses.field(default_factory=list)
    paths: list = dataclasses.field(default_factory=list)
    units: list = dataclasses.field(default_factory=list)
    modules: list = dataclasses.field(default_factory=list)
    users: list = dataclasses.field(default_factory=list)
    groups: list = dataclasses.field(default_factory=list)
    processes: list = dataclasses.field(default_factory=list)

    def deb_names(self):
        return [name for name in self.packages if re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name)]

    def is_sure(self, packages):
        """Whether a root with these packages shows two kinds of evidence, one of them of the
        program itself. Processes it can't show."""
        kinds = sum(bool(part) for part in (packages, self.paths, self.units, self.modules,
                                            self.users, self.groups))
        has_program = packages or self.modules or any(not path.startswith(DATA_FOLDERS)
                                                      for path in self.paths)
        return kinds > 1 and bool(has_program)


def concrete(pattern):
    """A name that a pattern means."""
    return pattern.replace("*", VERSION if pattern.startswith("/") else "1")


def absolute(path):
    """A program that the facts have without a folder is one of PATH."""
    return path if path.startswith("/") else f"/usr/bin/{path}"


def from_tsv(file, ids):
    """The rows of the facts, in the order in which the table has them."""
    products = []
    with open(file, encoding="utf-8", newline="") as text:
        for row, ident in zip(csv.DictReader(text, delimiter="\t"), ids):
            cells = {key: [item.strip() for item in row[key].split(";")
                           if item.strip() not in ("", "-") and "~" not in item]
                     for key in row if key not in ("product", "vendor", "source")}
            products.append(Product(
                id=ident,
                packages=[concrete(name) for name in cells["package_names"]],
                paths=[concrete(absolute(path)) for path in cells["paths"]],
                units=[concrete(name) for name in cells["systemd_units"]],
                modules=[concrete(name) for name in cells["kernel_modules"]],
                users=[name for name in cells["users"] if not name.startswith("g:")],
                groups=[name[2:] for name in cells["users"] if name.startswith("g:")],
                processes=cells["process_names"]))
    return products


def from_table(rows):
    products = []
    for row in rows:
        product = Product(id=row["id"])
        lists = {"package": product.packages, "path": product.paths, "unit": product.units,
                 "module": product.modules, "user": product.users, "group": product.groups,
                 "process": product.processes, "cron": product.paths, "sudoers": product.paths,
                 "audit": product.paths}
        for item in row["indicators"]:
            kind = next(key for key in item if key not in MARKS)
            if not item.get("hint") and not item.get("shared") and kind in lists:
                lists[kind].append(concrete(item[kind]))
        products.append(product)
    return products


def load():
    """All products, and where they were read from."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["product"]
    facts = pathlib.Path(os.environ.get("OVERT_SHARED", "/nowhere"), "facts/products.tsv")
    if facts.exists():
        products = from_tsv(facts, [row["id"] for row in rows])
        return products, facts.name
    # Engines inside of other products have nothing that a root could be given without a scan.
    rows = [row for row in rows if any("engine" not in item for item in row["indicators"])]
    return from_table(rows), TABLE.name


# ---- files --------------------------------------------------------------------------------------

def base(root):
    """A root without any product."""
    for folder in ("etc/systemd/system", "usr/lib/systemd/system", "var/lib", "usr/bin", "tmp",
                   "etc/cron.d", "etc/cron.daily", "etc/sudoers.d", "etc/audit/rules.d", "opt"):
        (root / folder).mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\n"
                                     "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n")
    (root / "etc/group").write_text("root:x:0:\ndaemon:x:1:\nadm:x:4:\n")
    (root / "etc/hostname").write_text("skeleton\n")
    (root / "usr/lib/systemd/system/ssh.service").write_text(
        "[Service]\nExecStart=/usr/sbin/sshd -D\n")
    return root


def files(product):
    """What stands on the disk: (path, text), where no text is a folder."""
    found = {}
    for path in product.paths:
        has_more = any(other.startswith(path + "/") for other in product.paths)
        is_program = path.rsplit("/", 1)[1] in product.processes
        is_file = not has_more and (is_program or FILE.search(path) is not None)
        if not path.startswith(("/proc/", "/dev/")):
            found[path] = f"# {product.id}\n" if is_file else None
    for unit in product.units:
        if f"/etc/init.d/{unit}" not in found:
            name = unit if "." in unit else unit + ".service"
            found[f"/usr/lib/systemd/system/{name}"] = (
                f"[Unit]\nDescription={product.id}\n[Service]\n"
                f"ExecStart={product.paths[0] if product.paths else '/opt/' + product.id}\n")
    for module in product.modules:
        found[f"/usr/lib/modules/{KERNEL}/extra/{module}.ko"] = "\x7fELF\n"
    return found


def write_files(folder, product):
    for path, text in files(product).items():
        at = folder / path[1:]
        if text is None:
            at.mkdir(parents=True, exist_ok=True)
            (at / f"{product.id}.data").write_text("data\n")
        else:
            at.parent.mkdir(parents=True, exist_ok=True)
            if not at.is_dir():
                at.write_text(text)


def add_accounts(root, product):
    """What an installation script does with useradd and groupadd."""
    with open(root / "etc/passwd", "a", encoding="utf-8") as passwd:
        for number, name in enumerate(product.users):
            passwd.write(f"{name}:x:{900 + number}:900:{product.id}:/nonexistent:/bin/false\n")
    with open(root / "etc/group", "a", encoding="utf-8") as group:
        for number, name in enumerate(product.groups):
            group.write(f"{name}:x:{900 + number}:\n")


# ---- dpkg ---------------------------------------------------------------------------------------

def has_dpkg():
    return bool(shutil.which("dpkg") and shutil.which("dpkg-deb"))


def run(command, **more):
    for _ in range(2):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              check=False, timeout=300, **more)
        if done.returncode != -signal.SIGPIPE:  # rpmbuild, when a script of it ends too early
            break
    if done.returncode != 0:
        told = [line for line in (done.stdout + done.stderr).splitlines() if "warning:" not in line]
        raise RuntimeError("\n".join([f"{command[0]}: {done.returncode}", *told[-30:]]))
    return done.stdout


def dpkg(root, *words):
    return run(["dpkg", f"--root={root}", "--force-not-root", "--force-script-chrootless",
                "--force-depends", "--no-triggers", f"--log={root}/../dpkg.log", *words],
               env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})


def make_deb(folder, name, product, has_files):
    """A package of that name; the first of a product has its files, those below /etc as
    configuration, which a removal leaves."""
    tree = folder / f"{product.id}-{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {VERSION}\nArchitecture: all\nMaintainer: {product.id} "
        f"<a@example.org>\nDescription: skeleton of {product.id}\n")
    if has_files:
        write_files(tree, product)
        kept = [path for path in files(product) if path.startswith("/etc/")
                and (tree / path[1:]).is_file()]
        (tree / "DEBIAN/conffiles").write_text("".join(path + "\n" for path in kept))
    deb = folder / f"{product.id}-{name}.deb"
    run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, deb])
    shutil.rmtree(tree)
    return deb


def make_database(root):
    """An empty one."""
    for part in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / part).mkdir(parents=True, exist_ok=True)
    for name in ("status", "available", "info/format"):
        (root / "var/lib/dpkg" / name).touch()
    (root / "var/lib/dpkg/info/format").write_text("1\n")


def install_debs(root, folder, products):
    """Makes packages of products and installs them with dpkg."""
    make_database(root)
    debs = []
    for product in products:
        for number, name in enumerate(product.deb_names()):
            debs.append(make_deb(folder, name, product, number == 0))
        if not product.deb_names():
            write_files(root, product)
        add_accounts(root, product)
    if debs:
        dpkg(root, "-i", *debs)


def remove_debs(root, products):
    names = [name for product in products for name in product.deb_names()]
    if names:
        dpkg(root, "-r", *names)


# ---- rpm ----------------------------------------------------------------------------------------

def has_rpm():
    return bool(shutil.which("rpm") and shutil.which("rpmbuild"))


SPEC = """%global __os_install_post %{{nil}}
%global debug_package %{{nil}}
%global _build_id_links none
%global __spec_install_pre %{{nil}}
%global __check_files %{{nil}}
Name: skeletons
Version: {version}
Release: 1
Summary: skeletons
License: none
BuildArch: noarch
AutoReqProv: no
%description
Skeletons.
"""
PACKAGE = """%package -n {name}
Summary: skeleton of {id}
AutoReqProv: no
Vendor: {id}
%description -n {name}
Skeleton.
%files -n {name}
{files}
"""


def make_rpms(folder, products):
    """Packages of all products, as {id: [file]}: one run of rpmbuild makes them."""
    tree = folder / "tree"
    spec = SPEC.format(version=VERSION)
    for product in products:
        write_files(tree, product)
        for number, name in enumerate(product.packages):
            own = [] if number else [path for path in files(product)]
            spec += PACKAGE.format(name=name, id=product.id, files="\n".join(own))
    (folder / "skeletons.spec").write_text(spec)
    run(["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}/rpm", "--buildroot", tree,
         "--define", "_rpmfilename %%{NAME}.rpm", "--define", "_binary_payload w0.gzdio",
         folder / "skeletons.spec"],
        env={**os.environ, "HOME": str(folder)})
    return {product.id: [folder / "rpm/RPMS" / f"{name}.rpm" for name in product.packages]
            for product in products}


def rpm(root, place, backend, *words):
    debian = ["--force-debian"] if pathlib.Path("/etc/debian_version").exists() else []
    return run(["rpm", *debian, "--dbpath", root / place, "--define", f"_db_backend {backend}",
                *words])


def install_rpms(root, product, rpms, place="usr/lib/sysimage/rpm", backend="sqlite"):
    """The database is rpm's own work; the files are ours, since rpm would need to be root."""
    (root / place).mkdir(parents=True)
    rpm(root, place, backend, "-i", "--justdb", "--nodeps", "--noscripts", "--ignorearch",
        "--replacefiles", *rpms)
    write_files(root, product)
    add_accounts(root, product)


def remove_rpms(root, product, place="usr/lib/sysimage/rpm", backend="sqlite"):
    rpm(root, place, backend, "-e", "--justdb", "--nodeps", "--noscripts", *product.packages)
    for path in sorted(files(product), reverse=True):
        at = root / path[1:]
        if at.is_dir():
            shutil.rmtree(at)
        else:
            at.unlink(missing_ok=True)
        # Packages own their folders.
        for folder in at.parents:
            if folder == root or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()
