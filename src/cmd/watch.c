// SPDX-License-Identifier: Apache-2.0
// overt watch: what a product reads, keeps and sends.
#include "base/digest.h"
#include "base/install.h"
#include "base/say.h"
#include "cmd/command.h"
#include "cmd/watch_report.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: overt watch [OPTION]... -- COMMAND...\n"
    "       overt watch [OPTION]... --pid PID | --unit UNIT | --cgroup PATH\n"
    "       overt watch report TRACE [--json | --html FILE]\n"
    "       overt watch verify TRACE [--expect CHAIN] [--json]\n"
    "\n"
    "Records what a product really reads, keeps and sends, whichever way it does so: at the\n"
    "kernel's page cache and sockets, not at its calls. The record is a trace whose every number\n"
    "can be computed again by a stranger.\n"
    "\n"
    "  report  what was read, kept and sent, how certain that is, what stands out, and what\n"
    "          watching cannot see\n"
    "  verify  whether a trace is whole and unbroken, and complete\n"
    "\n"
    "Options of a recording:\n"
    "  -o, --output FILE  the trace (default: overt.trace); one that is there is never "
    "overwritten\n"
    "  --for SECONDS      how long (default: until all that is watched has ended). A command is\n"
    "                     ended then, as it is by SIGTERM; what runs already goes on\n"
    "  --pid PID          a process that runs already, and all that come from it\n"
    "  --unit UNIT        a systemd unit\n"
    "  --cgroup PATH      a cgroup's folder\n"
    "  --canary FILE      tell of every process of this machine that touches FILE; repeatable\n"
    "  --plaintext        count what is given to libssl and libgnutls before it is encrypted; its\n"
    "                     sizes alone. What has such a library in itself is not seen\n"
    "  --no-envelope      run the command as it is; else what cannot be followed is refused to "
    "it,\n"
    "                     and it has a network of its own that leads nowhere and is captured to\n"
    "                     FILE.pcapng (a command alone: what runs already has no envelope)\n"
    "  --allow NAME       let it do this in its envelope; repeatable: bpf, devices, io-uring,\n"
    "                     kernel, mounts, namespaces, network, proc, ptrace, reflink, sockets\n"
    "  --scope PATH       what the product is asked to look at; what it reads elsewhere is a\n"
    "                     finding; repeatable\n"
    "  --own DIR          a folder of the product's own, for its state: what it writes there is\n"
    "                     no kept copy; repeatable\n"
    "  --max-size MB      of the trace (default: 1024); then the recording ends and says so\n"
    "  --max-capture MB   of the capture (default: 1024); what follows is counted, and not in it\n"
    "\n"
    "Options of report and verify:\n"
    "  --json             one JSON object, nothing left out\n"
    "  --html FILE        a page with charts, without script, that loads nothing (report)\n"
    "  --expect CHAIN     what the chain must end with, as the recording said (verify)\n"
    "\n"
    "  --help             print this help\n"
    "\n"
    "A recording needs root, and a kernel that tells its types (BTF) and has tracepoints of\n"
    "its page cache.\n"
    "\n"
    "Exit codes: 0 recorded, or nothing stands out and all is there; 1 something stands out, or\n"
    "the trace is broken; 2 it could not be done, or the recording broke off; 3 nothing stands\n"
    "out in what is there, and the trace is incomplete.\n"
    "\n"
    "Examples:\n"
    "  overt watch -o scan.trace --scope ~/Documents -- clamscan -r ~/Documents\n"
    "  overt watch report scan.trace\n";

// ---- report and verify --------------------------------------------------------------------------

enum { OPT_JSON = 256, OPT_HTML, OPT_EXPECT, OPT_HELP };

static int refuse(const char *what, const char *why) {
    ov_say_error(what, why, "overt watch --help");
    return OV_EXIT_ERROR;
}

// argv[0] is the word.
static int run_report(int argc, char **argv, bool is_check) {
    static const struct option long_options[] = {
        {"json", no_argument, NULL, OPT_JSON},
        {"html", required_argument, NULL, OPT_HTML},
        {"expect", required_argument, NULL, OPT_EXPECT},
        {"help", no_argument, NULL, OPT_HELP},
        {NULL, 0, NULL, 0},
    };
    struct ov_watch_report asked = {.is_check = is_check};
    optind = 1;
    opterr = 0;
    for (int code = 0; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (code == OPT_JSON) {
            asked.is_json = true;
        } else if (code == OPT_HTML && !is_check) {
            asked.html = optarg;
        } else if (code == OPT_EXPECT && is_check) {
            asked.chain = optarg;
        } else if (code == 'h' || code == OPT_HELP) {
            (void)fputs(help, stdout);
            return OV_EXIT_NOTHING;
        } else {
            return refuse(argv[optind - 1], "unknown option, or its value is missing");
        }
    }
    if (argc - optind != 1) {
        return refuse(argv[0], argc == optind ? "a trace is missing" : "one trace at a time");
    }
    if (asked.is_json && asked.html != NULL) {
        return refuse("--json, --html", "one of the two");
    }
    if (asked.chain != NULL &&
        (strlen(asked.chain) != 2 * (size_t)OV_SHA256_BYTES ||
         strspn(asked.chain, "0123456789abcdefABCDEF") != 2 * (size_t)OV_SHA256_BYTES)) {
        return refuse("--expect", "64 hexadecimal digits are wanted");
    }
    asked.trace = argv[optind];
    return ov_watch_report_run(&asked);
}

// ---- all ----------------------------------------------------------------------------------------

static int run(int argc, char **argv) {
    char path[PATH_MAX];
    if (argc > 1 && (strcmp(argv[1], "report") == 0 || strcmp(argv[1], "verify") == 0)) {
        return run_report(argc - 1, argv + 1, strcmp(argv[1], "verify") == 0);
    }
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
