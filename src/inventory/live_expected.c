// SPDX-License-Identifier: Apache-2.0
// Parts of operating systems that hold what security products hold.
#include "inventory/live_state.h"

#include <fnmatch.h>
#include <string.h>

// Where distributions put them. Whoever says so runs the very file that stands there (live.c); that
// this is the distribution's own is no proof of ours: it is told, marked as expected, and whoever
// doubts it compares the file with its package.
static const struct {
    const char *what;
    const char *who;
} expected[] = {
    {"eBPF program", "/usr/lib/systemd/systemd"},
    {"eBPF program", "/lib/systemd/systemd"},
    {"eBPF program", "/usr/lib/systemd/systemd-*"},
    {"eBPF program", "/usr/libexec/overt/overt-watch"},
    {"eBPF program", "/usr/local/libexec/overt/overt-watch"},
    {"audit socket", "/usr/lib/systemd/systemd"},
    {"audit socket", "/usr/lib/systemd/systemd-journald"},
    {"audit socket", "/lib/systemd/systemd-journald"},
    {"capabilities", "/usr/lib/systemd/systemd"},
    {"capabilities", "/lib/systemd/systemd"},
    {"capabilities", "/usr/lib/systemd/systemd-*"},
    {"capabilities", "/lib/systemd/systemd-*"},
    {"capabilities", "/usr/sbin/init"},
    {"audit socket", "/usr/sbin/auditd"},
    {"audit socket", "/sbin/auditd"},
    {"audit socket", "/usr/bin/dbus-*"},
    {"capabilities", "/usr/sbin/sshd"},
    {"capabilities", "/usr/lib/openssh/*"},
    {"capabilities", "/usr/libexec/openssh/*"},
    {"capabilities", "/usr/sbin/dockerd"},
    {"capabilities", "/usr/bin/dockerd"},
    {"capabilities", "/usr/sbin/docker-proxy"},
    {"capabilities", "/usr/bin/docker-proxy"},
    {"capabilities", "/usr/bin/containerd*"},
    {"capabilities", "/usr/sbin/containerd*"},
    {"capabilities", "/usr/bin/podman"},
    {"capabilities", "/usr/bin/conmon"},
    {"capabilities", "/usr/bin/kubelet"},
    {"capabilities", "/usr/sbin/NetworkManager"},
    {"capabilities", "/usr/sbin/wpa_supplicant"},
    {"capabilities", "/usr/sbin/dhclient"},
    {"capabilities", "/sbin/dhclient"},
    {"capabilities", "/usr/sbin/dhcpcd"},
    {"capabilities", "/usr/sbin/cupsd"},
    {"capabilities", "/usr/sbin/cups-browsed"},
    {"capabilities", "/usr/sbin/rpc.*"},
    {"capabilities", "/usr/sbin/rpcbind"},
    {"capabilities", "/usr/sbin/smbd"},
    {"capabilities", "/usr/sbin/nmbd"},
    {"capabilities", "/usr/sbin/winbindd"},
    {"capabilities", "/usr/sbin/libvirtd"},
    {"capabilities", "/usr/sbin/virtqemud"},
    {"capabilities", "/usr/sbin/dnsmasq"},
    {"capabilities", "/usr/lib/postfix/sbin/master"},
    {"capabilities", "/usr/libexec/postfix/master"},
    {"capabilities", "/usr/sbin/exim4"},
    {"capabilities", "/usr/sbin/apache2"},
    {"capabilities", "/usr/sbin/httpd"},
    {"capabilities", "/usr/sbin/nginx"},
    {"capabilities", "/usr/sbin/haproxy"},
    {"capabilities", "/usr/sbin/xrdp*"},
    {"capabilities", "/usr/sbin/rsyslogd"},
    {"capabilities", "/usr/bin/sudo"},
    {"capabilities", "/usr/bin/rsync"},
    {"capabilities", "/usr/bin/apt*"},
    {"capabilities", "/usr/lib/apt/methods/*"},
    {"capabilities", "/usr/libexec/packagekitd"},
    {"capabilities", "/usr/lib/xorg/Xorg"},
    {"eBPF program", "/usr/sbin/bpftool"},
    {"eBPF program", "/usr/bin/bpftrace"},
    {"eBPF program", "/usr/bin/perf*"},
    {"reads homes", "/usr/sbin/smbd"},
    {"reads homes", "/usr/sbin/sshd"},
    {"reads homes", "/usr/bin/dockerd"},
    {"reads homes", "/usr/sbin/dockerd"},
    {"preloaded library", "*libjemalloc.so*"},
    {"preloaded library", "*libtcmalloc*.so*"},
    {"preloaded library", "*libmimalloc*.so*"},
    {"preloaded library", "*libfakeroot*.so*"},
    {"preloaded library", "*libeatmydata.so*"},
    {"preloaded library", "*libgtk3-nocsd.so*"},
    {"preloaded library", "*libstdbuf.so*"},
    {"preloaded library", "*lib?san.so*"},
};

bool ov_live_is_expected(const char *what, const char *who) {
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (strcmp(expected[i].what, what) == 0 && fnmatch(expected[i].who, who, 0) == 0) {
            return true;
        }
    }
    return false;
}
