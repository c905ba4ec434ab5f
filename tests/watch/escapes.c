// SPDX-License-Identifier: Apache-2.0
// Tries what an envelope must refuse, and tells the errno of each: `NAME ERRNO`, 0 when it could.
//
//   escapes PID FILE DEVICE GROUP    PID is a process outside, DEVICE a block device, GROUP a
//                                    cgroup.procs outside
//   escapes send UDP_ADDRESS TCP_ADDRESS COUNT BYTES
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif

static void tell(const char *name, long result) {
    printf("%s %d\n", name, result < 0 ? errno : 0);
    (void)fflush(stdout);
    if (result > 2) {
        (void)close((int)result);
    }
}

static void reach_processes(pid_t pid) {
    char path[64];
    char byte;
    struct iovec here = {.iov_base = &byte, .iov_len = 1};
    struct iovec there = {.iov_base = &byte, .iov_len = 1}; // the same place there, or EFAULT
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    tell("proc-mem", open(path, O_RDONLY));
    tell("process-vm", process_vm_readv(pid, &here, 1, &there, 1, 0));
    errno = 0;
    long attached = ptrace(PTRACE_SEIZE, pid, NULL, NULL);
    tell("ptrace", attached);
    if (attached == 0) {
        (void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
    }
    tell("kill", kill(pid, 0));
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    tell("pidfd-getfd", syscall(SYS_pidfd_getfd, process, 0, 0));
    (void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    tell("open-namespace", open(path, O_RDONLY));
    tell("setns", setns(process, CLONE_NEWNET));
}

static void reach_files(const char *path, const char *device, const char *group) {
    char copy[4096];
    int from = open(path, O_RDONLY);
    (void)snprintf(copy, sizeof copy, "%s.copy", path);
    int to = open(copy, O_WRONLY | O_CREAT, 0600);
    tell("ficlone", ioctl(to, FICLONE, from));
    tell("copy-file-range", copy_file_range(from, NULL, to, NULL, 1, 0) < 0 ? -1 : 0);
    tell("block", open(device, O_RDONLY));
    tell("block-direct", open(device, O_RDONLY | O_DIRECT));
    (void)snprintf(copy, sizeof copy, "%s.device", path);
    (void)unlink(copy);
    tell("mknod", mknod(copy, S_IFBLK | 0600, makedev(7, 0)));
    tell("tun", open("/dev/net/tun", O_RDWR));
    tell("mount", mount("none", "/is/not/there", "tmpfs", 0, NULL));
    tell("group", open(group, O_WRONLY));
}

static void reach_kernel(void) {
    uint8_t zeros[256] = {0};
    tell("packet", socket(AF_PACKET, SOCK_RAW, htons(3)));
    tell("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    tell("xdp", socket(AF_XDP, SOCK_RAW, 0));
    tell("bpf", syscall(SYS_bpf, 0, zeros, sizeof zeros));
    tell("io-uring", syscall(SYS_io_uring_setup, 1, zeros));
    tell("userfaultfd", syscall(SYS_userfaultfd, 0));
}

// ---- sending ------------------------------------------------------------------------------------

static struct sockaddr_in address_of(const char *text, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    (void)inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

static void talk_to_itself(void) {
    struct sockaddr_in address = address_of("127.0.0.1", 0);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    bool is_done = bind(listener, (struct sockaddr *)&address, size) == 0 &&
                   listen(listener, 1) == 0 &&
                   getsockname(listener, (struct sockaddr *)&address, &size) == 0 &&
                   connect(client, (struct sockaddr *)&address, size) == 0;
    tell("loopback", is_done ? 0 : -1);
}

static int send_out(char **words) {
    static char bytes[65536];
    struct sockaddr_in to = address_of(words[0], 9);
    long count = strtol(words[2], NULL, 10);
    size_t size = strtoul(words[3], NULL, 10);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    // In another network than the envelope's this would leave the machine.
    FILE *trie = fopen("/proc/net/route", "re");
    char line[256];
    bool is_enclosed = false;
    while (trie != NULL && fgets(line, sizeof line, trie) != NULL) {
        is_enclosed = is_enclosed || strncmp(line, "eth0\t00000000\t010200C0", 22) == 0;
    }
    if (!is_enclosed) {
        return 1;
    }
    for (long i = 0; i < count; i++) {
        // A refusal of an earlier one is told by the next.
        while (sendto(fd, bytes, size, 0, (struct sockaddr *)&to, sizeof to) < 0) {
        }
    }
    tell("udp", 0);
    to = address_of(words[1], 443);
    tell("tcp", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to));
    talk_to_itself();
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "send") == 0) {
        return send_out(argv + 2);
    }
    if (argc != 5) {
        return 2;
    }
    reach_processes((pid_t)strtol(argv[1], NULL, 10));
    reach_files(argv[2], argv[3], argv[4]);
    reach_kernel();
    return 0;
}
