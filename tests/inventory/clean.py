# SPDX-License-Identifier: Apache-2.0
"""Roots without a security product, with what distributions have that a careless search would take
for one: names of their own users, units, SELinux modules, trusted certificates, audit rules."""
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")

USERS = {
    "ubuntu": """root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc
        _apt nobody systemd-network systemd-timesync messagebus systemd-resolve pollinate polkitd
        syslog uuidd tcpdump tss landscape fwupd-refresh usbmux dnsmasq kernoops avahi cups-pk-helper
        whoopsie saned speech-dispatcher geoclue hplip colord gdm gnome-initial-setup rtkit sshd
        libvirt-qemu libvirt-dnsmasq ubuntu""",
    "fedora": """root bin daemon adm lp sync shutdown halt mail operator games ftp nobody dbus apache
        tss systemd-network systemd-oom systemd-resolve systemd-timesync polkitd avahi unbound
        dnsmasq usbmuxd geoclue rtkit pipewire chrony saslauth abrt colord rpc rpcuser openvpn
        nm-openvpn nm-openconnect flatpak gdm sshd setroubleshoot cockpit-wsinstance sssd clevis
        gluster qemu radvd tcpdump gnome-initial-setup vboxadd usbguard""",
}
GROUPS = """wheel adm sudo audio video plugdev netdev lxd docker libvirt kvm render sgx input kmem
    tape dialout cdrom floppy disk crontab shadow utmp staff ssl-cert lpadmin sambashare wireshark
    systemd-journal audit"""
UNITS = """apparmor.service apport.service auditd.service audit-rules.service avahi-daemon.service
    cloud-init.service containerd.service cron.service crond.service dbus.service docker.service
    docker.socket firewalld.service fwupd.service gdm.service getty@.service irqbalance.service
    kdump.service libvirtd.service lvm2-monitor.service ModemManager.service multipathd.service
    NetworkManager.service networkd-dispatcher.service open-vm-tools.service packagekit.service
    podman.service polkit.service qemu-guest-agent.service rsyslog.service setroubleshootd.service
    snapd.service ssh.service sshd.service sssd.service systemd-journald.service
    systemd-oomd.service systemd-resolved.service systemd-udevd.service thermald.service
    tuned.service udisks2.service ufw.service unattended-upgrades.service usbguard.service
    whoopsie.service wpa_supplicant.service abrtd.service abrt-journal-core.service""".split()
# What selinux-policy-targeted brings is named after products that are not there.
SELINUX = """abrt accountsd acct afs aiccu aide ajaxterm alsa amanda amtu anaconda antivirus apache
    apcupsd apm application arpwatch asterisk auditadm authconfig authlogin automount avahi awstats
    bacula base bitlbee bootloader brctl cachefilesd calamaris callweaver canna certmonger chkrootkit
    chrome chronyd clock cloudform cobbler cockpit collectd container cron cups cyrus dbus denyhosts
    dhcp dmesg dnsmasq docker dovecot exim fail2ban fapolicyd fetchmail fprintd ftp fwupd gdomap git
    glance gnome gpg hadoop hostname icecast init insights_client iptables irqbalance kdump
    kerberos libra linuxptp locate logging lvm mailman mcelog modutils mozilla mta mysql nagios
    networkmanager nscd ntop openshift opensm openvpn openvswitch passenger pcscd postfix
    postgresql prelink prelude psad ptchown puppet qpid quota radius realmd rhcs rhsmcertd ricci
    rkhunter rpm rsync rtkit samba samhain sandboxX sblim screen secadm selinuxutil sendmail
    setroubleshoot shorewall smartmon snort sosreport spamassassin squid ssh sssd staff stunnel
    sudo sysstat systemd telepathy tor tripwire tuned udev usbguard userdomain virt vmware w3c
    watchdog xen zabbix zebra zoneminder""".split()
MODULES = """kernel/fs/ext4/ext4.ko kernel/fs/overlayfs/overlay.ko kernel/fs/fuse/fuse.ko
    kernel/net/netfilter/nf_tables.ko kernel/drivers/net/virtio_net.ko updates/dkms/nvidia.ko
    updates/dkms/vboxdrv.ko updates/dkms/zfs.ko extra/wireguard.ko kernel/net/vmw_vsock/vsock.ko
    kernel/security/integrity/platform_certs.ko kernel/drivers/char/tpm/tpm_tis.ko""".split()
AUDIT = """-D
-b 8192
--backlog_wait_time 60000
-a never,exit -F arch=b64 -S adjtimex -F auid=unset -F uid=chrony -F subj_type=chronyd_t
-a never,exclude -F msgtype=CRYPTO_KEY_USER
-a always,exclude -F msgtype=CWD
-w /etc/passwd -p wa -k identity
-w /usr/bin/dockerd -p x -k docker
-a always,exit -F path=/usr/bin/sudo -F perm=x -F auid>=1000 -k privileged
"""


def packages(distribution):
    lines = (HERE / f"{distribution}.packages").read_text(encoding="utf-8").splitlines()
    return sorted({name for line in lines if not line.startswith("#") for name in line.split()})


def write(root, path, text):
    at = root / path
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text(text, encoding="utf-8")


def base(root, distribution):
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("etc", "usr/lib", "usr/bin", "var/log/audit", "opt", "srv", "home/user"):
        (root / folder).mkdir(parents=True)
    for name in ("lib", "bin"):
        (root / name).symlink_to(f"usr/{name}")
    users = USERS[distribution].split()
    write(root, "etc/passwd", "".join(f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
                                      for number, name in enumerate(users)))
    write(root, "etc/group", "".join(f"{name}:x:{number}:\n"
                                     for number, name in enumerate(users + GROUPS.split())))
    for unit in UNITS:
        write(root, f"usr/lib/systemd/system/{unit}", "[Unit]\nDescription=x\n[Service]\n"
              f"ExecStart=/usr/lib/systemd/{unit.split('.')[0]} --daemon\nProtectSystem=full\n")
    write(root, "etc/audit/audit.rules", AUDIT)
    write(root, "etc/audit/rules.d/audit.rules", AUDIT)
    write(root, "etc/sudoers", "Defaults secure_path=\"/usr/sbin:/usr/bin:/snap/bin\"\n"
          "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL) ALL\n"
          "@includedir /etc/sudoers.d\n")
    write(root, "etc/sudoers.d/90-cloud-init-users", "ubuntu ALL=(ALL) NOPASSWD:ALL\n")
    write(root, "etc/crontab", "17 * * * * root cd / && run-parts --report /etc/cron.hourly\n")
    for name in ("logrotate", "apt-compat", "dpkg", "man-db", "mlocate"):
        write(root, f"etc/cron.daily/{name}", f"#!/bin/sh\ntest -x /usr/sbin/{name} || exit 0\n")
    for module in MODULES:
        write(root, f"usr/lib/modules/6.8.0-31-generic/{module}.zst", "")
    if BUNDLE.exists(): # this machine's, as any distribution has it
        write(root, "etc/ssl/certs/ca-certificates.crt", BUNDLE.read_text(encoding="utf-8"))
    return root


def ubuntu(root):
    base(root, "ubuntu")
    write(root, "var/lib/dpkg/status", "".join(
        f"Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\n"
        f"Installed-Size: 100\nMaintainer: Ubuntu Developers <a@example.org>\nArchitecture: amd64\n"
        f"Version: 1.2.3-4ubuntu5\nDescription: {name}\n of a plain system\n\n"
        for name in packages("ubuntu")))
    write(root, "etc/apt/sources.list.d/ubuntu.sources",
          "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu/\nSuites: noble noble-updates\n"
          "Components: main universe\nSigned-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n\n"
          "Types: deb\nURIs: http://security.ubuntu.com/ubuntu/\nSuites: noble-security\n"
          "Components: main\n")
    write(root, "etc/apt/sources.list", "# deb http://example.org/ old main\n")
    return root


def add_developer(root):
    """Docker with an image of Alpine, tools for eBPF, and what else developers install."""
    for line, file in (
            ("deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.gpg] "
             "https://download.docker.com/linux/ubuntu noble stable", "docker.list"),
            ("deb https://packages.microsoft.com/repos/code stable main", "vscode.list"),
            ("deb https://dl.google.com/linux/chrome/deb/ stable main", "google-chrome.list"),
            ("deb https://deb.nodesource.com/node_20.x nodistro main", "nodesource.list"),
            ("deb https://apt.releases.hashicorp.com noble main", "hashicorp.list")):
        write(root, f"etc/apt/sources.list.d/{file}", line + "\n")
    for path in ("opt/google/chrome/chrome", "opt/microsoft/powershell/7/pwsh",
                 "opt/microsoft/msedge/msedge", "opt/containerd/bin/x", "usr/share/code/code",
                 "usr/sbin/bpftool", "usr/sbin/auditd", "usr/bin/dockerd", "usr/bin/podman",
                 "var/lib/flatpak/app/x", "opt/intel/oneapi/setvars.sh", "opt/rocm/bin/rocminfo"):
        write(root, path, "#!/bin/sh\n")
    apk = "P:musl\nV:1.2.4-r2\nA:x86_64\n\nP:busybox\nV:1.36.1-r5\n\nP:alpine-baselayout\nV:3.4\n\n"
    for number, text in enumerate((apk, apk + "P:clang17\nV:17.0.5-r0\n\n")):
        write(root, f"var/lib/docker/overlay2/{number:064x}/diff/lib/apk/db/installed", text)
    return root


def make_rpms(folder, names):
    """One package of a name, and one for each other, of one build."""
    folder.mkdir(parents=True)
    head = ("Name: {0}\nVersion: 4.5\nRelease: 6.fc40\nSummary: x\nLicense: MIT\n"
            "BuildArch: noarch\n%description\nx\n%files\n")
    more = "%package -n {0}\nSummary: x\n%description -n {0}\nx\n%files -n {0}\n"
    spec = folder / "all.spec"
    spec.write_text(head.format(names[0]) + "".join(more.format(name) for name in names[1:]),
                    encoding="utf-8")
    subprocess.run(["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}", "--define",
                    "_binary_payload w0.gzdio", str(spec)], check=True, capture_output=True,
                   timeout=300)
    return sorted(map(str, (folder / "RPMS/noarch").glob("*.rpm")))


def fedora(root):
    base(root, "fedora")
    names = [name for name in packages("fedora") if name != "gpg-pubkey"]
    rpms = make_rpms(root.parent / "rpms", names)
    database = root / "usr/lib/sysimage/rpm"
    database.mkdir(parents=True)
    subprocess.run(["rpm", "--dbpath", str(database), "--define", "_db_backend sqlite", "--justdb",
                    "--nodeps", "--nosignature", "--noscripts", "-i", *rpms], check=True,
                   capture_output=True, timeout=300)
    for module in SELINUX:
        write(root, f"var/lib/selinux/targeted/active/modules/100/{module}/cil", "")
    write(root, "etc/yum.repos.d/fedora.repo", "[fedora]\nname=Fedora $releasever\n"
          "metalink=https://mirrors.fedoraproject.org/metalink?repo=fedora-$releasever\nenabled=1\n"
          "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-fedora\n")
    return root
