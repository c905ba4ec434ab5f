// SPDX-License-Identifier: Apache-2.0
// overt watch: what a product reads, keeps and sends.
#include "base/install.h"
#include "base/say.h"
#include "cmd/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: overt watch [OPTION]... -- COMMAND...\n"
    "       overt watch [OPTION]... --pid PID | --unit UNIT | --cgroup PATH\n"
    "\n"
    "Records what a product really reads, keeps and sends, whichever way it does so: at the\n"
    "kernel's page cache and sockets, not at its calls. The record is a trace whose every number\n"
    "can be computed again by a stranger.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE  the trace (default: overt.trace); one that is there is never "
    "overwritten\n"
    "  --for SECONDS      how long (default: until all that is watched has ended)\n"
    "  --pid PID          a process that runs already, and all that come from it\n"
    "  --unit UNIT        a systemd unit\n"
    "  --cgroup PATH      a cgroup's folder\n"
    "  --canary FILE      tell of every process of this machine that touches FILE; repeatable\n"
    "  --no-envelope      run the command as it is; else what cannot be followed is refused to "
    "it,\n"
    "                     and it has a network of its own that leads nowhere and is captured to\n"
    "                     FILE.pcapng (a command alone: what runs already has no envelope)\n"
    "  --allow NAME       let it do this in its envelope; repeatable: bpf, devices, io-uring,\n"
    "                     kernel, mounts, namespaces, network, proc, ptrace, reflink, sockets\n"
    "  --max-size MB      of the trace (default: 1024); then the recording ends and says so\n"
    "\n"
    "Needs root, and a kernel that tells its types (BTF) and has tracepoints of its page cache.\n"
    "\n"
    "Exit codes: 0 recorded, 2 something is missing, or the recording broke off.\n"
    "\n"
    "Example:\n"
    "  overt watch -o scan.trace -- clamscan -r ~/Documents\n";

static int run(int argc, char **argv) {
    char path[PATH_MAX];
    (void)argc;
    if (ov_install_find(OV_PART_RECORDER, path, sizeof path) != OV_OK) {
        ov_say_error("watch", "the recorder, overt-watch, is not here",
                     "it was left out of this build: clang, bpftool and libbpf were missing");
        return OV_EXIT_ERROR;
    }
    execv(path, argv);
    ov_say_error(path, strerror(errno), NULL);
    return OV_EXIT_ERROR;
}

const struct ov_command ov_command_watch = {
    .name = "watch",
    .summary = "record what a product reads, keeps and sends",
    .run = run,
    .help = help,
};
