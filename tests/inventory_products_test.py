#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""`overt inventory` finds what products leave: skeletons of all of them, in roots whose databases
dpkg and rpm have written; after a removal it names each thing that was left. TAP."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import uuid

SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(SOURCE / "tests"), str(SOURCE / "tests/inventory")]
import skeleton  # noqa: E402
import tap       # noqa: E402

OVERT = pathlib.Path(os.environ["OVERT_BUILD"], "overt")
WANTED_AT_LEAST = 25
# The second kind of evidence that is known of it is a kernel module that another product brings.
SHARES_ITS_MODULE = "trend-vision-one"


def look(root):
    done = subprocess.run([OVERT, "inventory", "--root", root, "--json"], capture_output=True,
                          text=True, check=False, timeout=300)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"exit status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def of(report, ident):
    return next((item for item in report["products"] if item["id"] == ident), None)


def seen(found):
    return {(item["kind"], item["matched"]) for item in found["evidence"]} if found else set()


def planted(product, packages):
    """What must be named, whatever else is."""
    things = [("package", name) for name in packages]
    things += [("user", name) for name in product.users]
    things += [("group", name) for name in product.groups]
    things += [("kernel module", name) for name in product.modules]
    for unit in product.units:
        is_script = f"/etc/init.d/{unit}" in product.paths or "." in unit
        things.append(("unit", unit if is_script else unit + ".service"))
    return things


def judge(report, product, packages):
    """What is wrong with a report on a root that has this product and no other."""
    found = of(report, product.id)
    if found is None:
        return ["not found"]
    is_sure = product.is_sure(packages) and product.id != SHARES_ITS_MODULE
    wanted = "installed" if is_sure else "trace"
    wrong = [] if found["state"] == wanted else [f"{found['state']}: {sorted(seen(found))}"]
    wrong += [f"not named: {thing}" for thing in planted(product, packages)
              if thing not in seen(found)]
    wrong += [f"without a source: {item}" for item in found["evidence"] if not item["source"]]
    wrong += [f"installed as well: {item['id']}" for item in report["products"]
              if item["state"] == "installed" and item["id"] != product.id]
    if packages and found["version"] not in (skeleton.VERSION, f"{skeleton.VERSION}-1"):
        wrong.append(f"version {found['version']!r}")
    return wrong


def in_dpkg_root(work, product):
    """Problems with the product installed, and with it removed; whether it was sure to be there."""
    root = skeleton.base(work / "dpkg" / product.id / "root")
    skeleton.install_debs(root, root.parent, [product])
    report = look(root)
    before = judge(report, product, product.deb_names())
    is_found = (of(report, product.id) or {}).get("state") == "installed"
    if not product.deb_names():
        return before, [], is_found
    skeleton.remove_debs(root, [product])
    found = of(look(root), product.id)
    after = []
    if found is not None and found["state"] == "installed":
        after.append(f"still installed: {sorted(seen(found))}")
    left = [("user", name) for name in product.users] + [("group", n) for n in product.groups]
    after += [f"not named: {thing}" for thing in left if thing not in seen(found)]
    return before, after, is_found


def in_rpm_root(work, product, rpms):
    root = skeleton.base(work / "rpm" / product.id)
    place = ("usr/lib/sysimage/rpm", "var/lib/rpm")[len(product.id) % 2]
    skeleton.install_rpms(root, product, rpms, place)
    before = judge(look(root), product, product.packages)
    skeleton.remove_rpms(root, product, place)
    found = of(look(root), product.id)
    still = found is not None and found["state"] == "installed"
    return before, [f"still installed: {sorted(seen(found))}"] if still else []


def run_all(pool, function, *lists):
    """(problems, exception) of each, in their order."""
    jobs = [pool.submit(function, *words) for words in zip(*lists)]
    return [job.result() for job in jobs]


def check_dpkg(work, products, pool):
    if not skeleton.has_dpkg():
        tap.skip("products in dpkg roots", "there is no dpkg")
        return
    results = run_all(pool, in_dpkg_root, [work] * len(products), products)
    for product, (before, after, _) in zip(products, results):
        tap.check(f"{product.id} is found in a root of dpkg", not before, "\n".join(before))
        if product.deb_names():
            tap.check(f"{product.id} is not installed any more when dpkg removed it", not after,
                      "\n".join(after))
    count = sum(is_found for _, _, is_found in results)
    print(f"# {count} of {len(products)} are found as installed")
    tap.check(f"at least {WANTED_AT_LEAST} products are found as installed",
              count >= WANTED_AT_LEAST, count)


def check_rpm(work, products, pool):
    if not skeleton.has_rpm():
        tap.skip("products in rpm roots", "there is no rpm or no rpmbuild")
        return
    packaged = [product for product in products if product.packages]
    rpms = skeleton.make_rpms(work, packaged)
    results = run_all(pool, in_rpm_root, [work] * len(packaged), packaged,
                      [rpms[product.id] for product in packaged])
    for product, (before, after) in zip(packaged, results):
        tap.check(f"{product.id} is found in a root of rpm", not before, "\n".join(before))
        tap.check(f"{product.id} is not installed any more when rpm removed it", not after,
                  "\n".join(after))


# ---- what removals leave ------------------------------------------------------------------------

def write(root, path, text):
    at = root / path[1:]
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text(text)


def make_certificate(root, path, subject):
    at = root / path[1:]
    at.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9",
                    "-subj", subject, "-keyout", "/dev/null", "-out", at], check=True,
                   capture_output=True, timeout=60)


def enroll_key(root, subject):
    """A machine owner key, as the kernel shows those: EFI_SIGNATURE_LIST of UEFI 2.10, 32.4.1."""
    make_certificate(root, "/tmp/mok.pem", subject)
    der = ssl.PEM_cert_to_DER_cert((root / "tmp/mok.pem").read_text())
    (root / "tmp/mok.pem").unlink()
    x509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
    owner = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23").bytes_le
    data = struct.pack("<I", 7) + x509 + struct.pack("<III", 28 + 16 + len(der), 0, 16 + len(der))
    at = root / f"sys/firmware/efi/efivars/MokListRT-{uuid.UUID(bytes_le=owner)}"
    at.parent.mkdir(parents=True)
    at.write_bytes(data + owner + der)


# (product, kind, what must be named)
RESIDUE = [
    ("kaspersky-kesl", "group", "kesladmin"),
    ("kaspersky-kesl", "group", "keslaudit"),
    ("kaspersky-kesl", "group", "kesluser"),
    ("kaspersky-kesl", "group", "nokesl"),
    ("kaspersky-kesl", "unit", "kesl.service"),
    ("kaspersky-kesl", "path", "/var/opt/kaspersky/kesl"),
    ("kaspersky-kesl", "trusted certificate", "Kaspersky"),
    ("bitdefender-best", "cron", "/etc/cron.hourly/BitdefenderRedline"),
    ("bitdefender-best", "sudoers", "/etc/sudoers.d/99-bduitool"),
    ("bitdefender-best", "sudoers", "/opt/bitdefender-security-tools/bin/bduitool"),
    ("bitdefender-best", "audit rule", "/etc/audit/rules.d/bd_ausecd.rules"),
    ("bitdefender-best", "group", "bduitool"),
    ("eset-efs", "user", "eset-efs-scand"),
    ("eset-efs", "audit rule", "/opt/eset/efs/lib/odfeeder"),
    ("eset-efs", "machine owner key", "ESET"),
    ("trellix-ensl", "SELinux module", "mfe_ens_tp"),
    ("trellix-agent", "SELinux module", "mfe_ma"),
    ("avast", "package source", "repo.avcdn.net"),
    ("drweb", "package source", "repo.drweb.com"),
    ("clamav", "cron", "/usr/bin/clamscan"),
]


def plant_residue(root):
    with open(root / "etc/group", "a", encoding="utf-8") as group:
        group.write("".join(f"{name}:x:{2000 + number}:\n" for number, (_, kind, name)
                            in enumerate(RESIDUE) if kind == "group"))
    with open(root / "etc/passwd", "a", encoding="utf-8") as passwd:
        passwd.write("eset-efs-scand:x:991:991::/:/bin/false\n")
    write(root, "/etc/systemd/system/kesl.service",
          "[Service]\nExecStart=/var/opt/kaspersky/kesl/install-current/etc/init.d/kesl start\n")
    write(root, "/var/opt/kaspersky/kesl/common/kesl.ini", "[General]\n")
    write(root, "/etc/cron.hourly/BitdefenderRedline", "#!/bin/sh\n")
    write(root, "/etc/sudoers.d/99-bduitool",
          "Cmnd_Alias BDUITOOL = /opt/bitdefender-security-tools/bin/bduitool get *\n"
          "%bduitool ALL=(root) BDUITOOL\n")
    write(root, "/etc/audit/rules.d/bd_ausecd.rules", "-a always,exit -S execve\n")
    write(root, "/etc/audit/rules.d/10-quiet.rules",
          "-a never,exit -F exe=/opt/eset/efs/lib/odfeeder\n")
    for name in ("mfe_ens_tp", "mfe_ma"):
        write(root, f"/var/lib/selinux/targeted/active/modules/400/{name}/hll", "module")
    write(root, "/etc/apt/sources.list.d/avast.list",
          "deb https://repo.avcdn.net/linux-av/deb debian-bookworm release\n")
    write(root, "/etc/yum.repos.d/drweb.repo",
          "[drweb]\nname=DrWeb\nbaseurl=https://repo.drweb.com/drweb/linux/11.1/$basearch/\n")
    write(root, "/etc/crontab", "17 3 * * * root /usr/bin/clamscan -r /home\n")
    if shutil.which("openssl"):
        make_certificate(root, "/usr/local/share/ca-certificates/kesl.crt",
                         "/O=AO Kaspersky Lab/CN=Kaspersky Endpoint Security Root Certificate")
        enroll_key(root, "/O=ESET/CN=ESET module signing key")


def is_named(report, ident, kind, value):
    return any(item["kind"] == kind and value in item["matched"]
               for found in report["products"] if found["id"] == ident
               for item in found["evidence"])


def check_residue(work, products):
    """Products come with dpkg and go with it; what others wrote for them stays."""
    if not skeleton.has_dpkg():
        tap.skip("what a removal leaves", "there is no dpkg")
        return
    names = {ident for ident, _, _ in RESIDUE}
    some = [product for product in products if product.id in names and product.deb_names()]
    root = skeleton.base(work / "residue/root")
    skeleton.install_debs(root, root.parent, some)
    skeleton.remove_debs(root, some)
    plant_residue(root)
    report = look(root)
    for ident, kind, value in RESIDUE:
        if kind in ("trusted certificate", "machine owner key") and not shutil.which("openssl"):
            tap.skip(f"{ident}: {kind} {value} is named", "there is no openssl")
            continue
        found = of(report, ident)
        tap.check(f"{ident}: {kind} {value} is named after its removal",
                  is_named(report, ident, kind, value), sorted(seen(found)))
    still = [item["id"] for item in report["products"] if item["state"] == "installed"]
    tap.check("what a removal leaves is a trace and no installed product", not still, still)


def check_clean(work):
    """The roots themselves have nothing."""
    report = look(skeleton.base(work / "clean"))
    tap.check("a root without products has none", not report["products"], report["products"])


def main():
    products, origin = skeleton.load()
    print(f"# {len(products)} products of {origin}")
    with tempfile.TemporaryDirectory(prefix="overt-skeletons-") as folder:
        work = pathlib.Path(folder)
        (work / "dpkg").mkdir()
        check_clean(work)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            check_dpkg(work, products, pool)
            check_rpm(work, products, pool)
        check_residue(work, products)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
