// SPDX-License-Identifier: Apache-2.0
// The one table of processes. A new process is a row here and a file beside this one.
#include "role/roles.h"

#include <stddef.h>

// How names are looked up, and where the answers go.
static const struct ov_cage_path fetcher_paths[] = {
    {.path = "/etc/resolv.conf"},
    {.path = "/etc/hosts"},
    {.fd = OV_FETCHER_FOLDER, .is_writable = true, .is_handed_over = true},
};

static const struct ov_role roles[OV_ROLE_COUNT] = {
    [OV_ROLE_BROKER] =
        {
            .name = "broker",
            .program = "overt",
            .user = "whoever started it",
            .layers = 0,
            .hears = OV_SAYS_READY | OV_SAYS_VERDICTS | OV_SAYS_DETECTIONS | OV_SAYS_REPORTS |
                     OV_SAYS_ANSWERS,
            .sends = OV_SAYS_SETUP | OV_SAYS_JOBS | OV_SAYS_REQUESTS | OV_SAYS_SOURCES |
                     OV_SAYS_ADDRESSES,
            .reaches = "the paths it was given, the rule image, its workers, its builder",
            .parses = "records of its workers and its builder, names in the rule image",
        },
    [OV_ROLE_WORKER] =
        {
            .name = "worker",
            .program = "overt-worker",
            .user = "an id of its own when started by root, else the caller in a user namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_TALK,
            .memory_bytes = 1ull << 30,
            .hears = OV_SAYS_SETUP | OV_SAYS_JOBS,
            .sends = OV_SAYS_READY | OV_SAYS_VERDICTS | OV_SAYS_DETECTIONS,
            .reaches = "the rule image, its ring, the descriptors of its jobs: all read-only",
            .parses = "the files that are scanned, the rule image",
        },
    [OV_ROLE_BUILDER] =
        {
            .name = "builder",
            .program = "overt-worker",
            .user = "an id of its own when started by root, else the caller in a user namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_WRITE,
            .memory_bytes = 16ull << 30,
            .hears = OV_SAYS_REQUESTS | OV_SAYS_SOURCES,
            .sends = OV_SAYS_REPORTS,
            .reaches = "the mapped rule sources, the image it writes, its channel (write only)",
            .parses = "rule sources of any language, databases and their updates, packed files",
        },
    [OV_ROLE_VERIFIER] =
        {
            .name = "verifier",
            .program = "overt",
            .user = "an id of its own when started by root, else the caller in a user namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_TALK,
            .memory_bytes = 1ull << 30,
            .hears = OV_SAYS_SOURCES,
            .sends = OV_SAYS_REPORTS,
            .reaches = "the mapped files of a feed, and its bundle: all read-only",
            .parses = "proofs, checkpoints, releases and bundles of rule feeds",
        },
    [OV_ROLE_AUDITOR] =
        {
            .name = "auditor",
            .program = "overt",
            .user = "an id of its own when started by root, else the caller in a user namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_WRITE,
            .memory_bytes = 1ull << 30,
            .sends = OV_SAYS_REPORTS,
            .reaches = "what was fetched of a log, one pipe for its answer (write only)",
            .parses = "checkpoints, entries and bundles that a monitor fetched",
        },
    [OV_ROLE_SERVER] =
        {
            .name = "server",
            .program = "overt-serve",
            .user = "an id of its own when started by root, else the caller in a user namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_SERVE | OV_CAGE_READ | OV_CAGE_WRITE,
            .memory_bytes = 1ull << 30,
            .reaches = "one listening socket and its clients, a log's folder to read",
            .parses = "HTTP requests, as far as method and path",
        },
    [OV_ROLE_WITNESS] =
        {
            .name = "witness",
            .program = "overt-serve",
            .user =
                "the owner of its state, when started by root, else the caller in a user namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_SERVE | OV_CAGE_READ | OV_CAGE_WRITE | OV_CAGE_MAKE | OV_CAGE_EDIT,
            .memory_bytes = 1ull << 30,
            .reaches = "one listening socket and its clients, the folder of its state",
            .parses = "HTTP requests, checkpoints that are to be cosigned",
        },
    [OV_ROLE_FETCHER] =
        {
            .name = "fetcher",
            .program = "overt-fetch",
            .user = "an id of its own when started by root, else the caller in a user namespace",
            .layers = OV_CAGE_ALL_BUT_NET,
            .calls = OV_CAGE_WRITE | OV_CAGE_CLIENT | OV_CAGE_READ | OV_CAGE_MAKE,
            .memory_bytes = 1ull << 29,
            .hears = OV_SAYS_ADDRESSES,
            .sends = OV_SAYS_READY | OV_SAYS_ANSWERS,
            .reaches = "the network, one staging folder, /etc/resolv.conf, /etc/hosts (read-only)",
            .parses = "DNS, TLS and HTTP",
            .paths = fetcher_paths,
            .path_count = sizeof fetcher_paths / sizeof fetcher_paths[0],
        },
};

static const char *const message_names[OV_SAYS_COUNT] = {
    "setup",    "jobs",    "ready",   "verdicts",  "detections",
    "requests", "sources", "reports", "addresses", "answers",
};

const struct ov_role *ov_role_get(enum ov_role_id id) {
    return &roles[id];
}

const char *ov_role_message_name(unsigned bit) {
    return bit < OV_SAYS_COUNT ? message_names[bit] : "unknown";
}

struct ov_cage_spec ov_role_cage(enum ov_role_id id) {
    return (struct ov_cage_spec){
        .layers = roles[id].layers,
        .calls = roles[id].calls,
        .channel = -1,
        .outputs = {-1, -1},
        .descriptors_below = 3,
        .memory_bytes = roles[id].memory_bytes,
        .paths = roles[id].paths,
        .path_count = roles[id].path_count,
    };
}
