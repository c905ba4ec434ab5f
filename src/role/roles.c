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

static const struct ov_cage_path server_paths[] = {{.fd = OV_SERVE_FOLDER}};
static const struct ov_cage_path witness_paths[] = {
    {.fd = OV_SERVE_FOLDER, .is_writable = true, .is_handed_over = true}, // on its first day
};

static const struct ov_cage_path keeper_paths[] = {
    {.fd = OV_KEEPER_FOLDER, .is_writable = true},
};

#define NOTHING                                                                                    \
    { .kinds = OV_HOLDS_NULL, .what = "nothing" }
#define THREE_EMPTY NOTHING, NOTHING, NOTHING

// Whoever is forked from the broker has these of it, and no call that could use them.
#define NO_INPUT                                                                                   \
    { OV_HOLDS_ANY, OV_USE_NONE, true, "the broker's input, not to be read" }
#define NO_OUTPUT                                                                                  \
    { OV_HOLDS_ANY, OV_USE_NONE, true, "the broker's output, not to be written" }
#define NO_ERRORS                                                                                  \
    { OV_HOLDS_ANY, OV_USE_NONE, true, "the broker's errors, not to be written" }

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
            .reaches = "the paths it was given, the rule image, its workers, its builder, "
                       "what /proc says of all processes",
            .parses = "records of its workers and its builder, names in the rule image",
            .sockets = OV_SOCKETS_PAIR | OV_SOCKETS_LISTEN,
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
            .descriptors =
                {
                    THREE_EMPTY,
                    {OV_HOLDS_SOCKET, OV_USE_CHANNEL, false, "its channel to the broker"},
                    {OV_HOLDS_FILE | OV_HOLDS_MEMORY, OV_USE_NONE, false, "the rule image"},
                    {OV_HOLDS_MEMORY, OV_USE_NONE, false, "its ring"},
                },
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
            .parses =
                "rule sources of any language, databases and their updates, packed files, what a "
                "machine keeps about itself (inventory)",
            .descriptors =
                {
                    THREE_EMPTY,
                    {OV_HOLDS_SOCKET, OV_USE_OUTPUT, false, "its channel to the broker"},
                    {OV_HOLDS_MEMORY, OV_USE_OUTPUT, true, "the image that it writes"},
                },
        },
    [OV_ROLE_KEEPER] =
        {
            .name = "keeper",
            .program = "overt",
            .user = "root without capabilities when started by root, else the caller in a user "
                    "namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_TALK | OV_CAGE_READ | OV_CAGE_MAKE | OV_CAGE_EDIT,
            .memory_bytes = 1ull << 30,
            .hears = OV_SAYS_REPORTS,
            .sends = OV_SAYS_READY,
            .reaches = "the journal's folder, one channel",
            .parses = "what stands in the journal",
            .paths = keeper_paths,
            .path_count = sizeof keeper_paths / sizeof keeper_paths[0],
            .descriptors =
                {
                    NO_INPUT,
                    NO_OUTPUT,
                    NO_ERRORS,
                    {OV_HOLDS_SOCKET, OV_USE_CHANNEL, false, "its channel to the broker"},
                    {OV_HOLDS_FOLDER, OV_USE_NONE, false, "the journal's folder"},
                    {OV_HOLDS_FILE, OV_USE_NONE, false, "the journal's lock"},
                    {OV_HOLDS_FILE, OV_USE_NONE, false, "the entries that are not sealed yet"},
                    {OV_HOLDS_FILE, OV_USE_NONE, false, "the file of its run"},
                },
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
            .descriptors =
                {
                    NO_INPUT,
                    NO_OUTPUT,
                    NO_ERRORS,
                    {OV_HOLDS_SOCKET, OV_USE_CHANNEL, false, "its channel to the broker"},
                },
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
            .reaches =
                "what was fetched of a log, or one file; one pipe for its answer (write only)",
            .parses = "checkpoints, entries and bundles that a monitor fetched, files of evidence, "
                      "traces of a watcher, reports to merge",
            .descriptors =
                {
                    NO_INPUT,
                    NO_OUTPUT,
                    NO_ERRORS,
                    {OV_HOLDS_PIPE, OV_USE_OUTPUT, false, "the pipe for its answer"},
                },
        },
    [OV_ROLE_SERVER] =
        {
            .name = "server",
            .program = "overt-serve",
            .user = "an id of its own when started by root, else the caller in a user namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_SERVE | OV_CAGE_READ | OV_CAGE_WRITE,
            .memory_bytes = 1ull << 30,
            .reaches = "one listening socket and its clients, a log's folder to read, the page "
                       "that it counts bytes on",
            .parses = "HTTP requests, as far as method and path",
            .paths = server_paths,
            .path_count = sizeof server_paths / sizeof server_paths[0],
            .sockets = OV_SOCKETS_ACCEPT,
            .descriptors =
                {
                    NOTHING,
                    {OV_HOLDS_ANY, OV_USE_OUTPUT, true, "the broker's output"},
                    {OV_HOLDS_ANY, OV_USE_OUTPUT, true, "the broker's errors"},
                    {OV_HOLDS_SOCKET, OV_USE_NONE, false, "the socket that listens"},
                    {OV_HOLDS_FOLDER, OV_USE_NONE, false, "the log's folder"},
                },
        },
    [OV_ROLE_WITNESS] =
        {
            .name = "witness",
            .program = "overt-serve",
            .user = "the owner of its state, when started by root, else the caller in a user "
                    "namespace",
            .layers = OV_CAGE_ALL,
            .calls = OV_CAGE_SERVE | OV_CAGE_READ | OV_CAGE_WRITE | OV_CAGE_MAKE | OV_CAGE_EDIT,
            .memory_bytes = 1ull << 30,
            .reaches =
                "one listening socket and its clients, the folder of its state, the page that "
                "it counts bytes on",
            .parses = "HTTP requests, checkpoints that are to be cosigned",
            .paths = witness_paths,
            .path_count = sizeof witness_paths / sizeof witness_paths[0],
            .sockets = OV_SOCKETS_ACCEPT,
            .descriptors =
                {
                    NOTHING,
                    {OV_HOLDS_ANY, OV_USE_OUTPUT, true, "the broker's output"},
                    {OV_HOLDS_ANY, OV_USE_OUTPUT, true, "the broker's errors"},
                    {OV_HOLDS_SOCKET, OV_USE_NONE, false, "the socket that listens"},
                    {OV_HOLDS_FOLDER, OV_USE_NONE, false, "the folder of its state"},
                },
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
            .sockets = OV_SOCKETS_CONNECT,
            .descriptors =
                {
                    THREE_EMPTY,
                    {OV_HOLDS_SOCKET, OV_USE_OUTPUT, false, "its channel to the broker"},
                    {OV_HOLDS_FILE | OV_HOLDS_MEMORY, OV_USE_NONE, false, "its job"},
                    {OV_HOLDS_FOLDER, OV_USE_NONE, false, "the staging folder"},
                },
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

const char *ov_role_kind_name(unsigned bit) {
    static const char *const names[OV_HOLDS_COUNT] = {"null",   "socket", "memory", "file",
                                                      "folder", "pipe",   "other"};
    return bit < OV_HOLDS_COUNT ? names[bit] : "unknown";
}

const char *ov_role_socket_name(unsigned bit) {
    static const char *const names[OV_SOCKETS_COUNT] = {"pair", "listen", "accept", "connect"};
    return bit < OV_SOCKETS_COUNT ? names[bit] : "unknown";
}

int ov_role_descriptor_count(enum ov_role_id id) {
    int count = 0;
    while (count < OV_ROLE_DESCRIPTORS_MAX && roles[id].descriptors[count].what != NULL) {
        count++;
    }
    return count;
}

struct ov_cage_spec ov_role_cage(enum ov_role_id id) {
    int count = ov_role_descriptor_count(id);
    int output = 0;
    struct ov_cage_spec spec = {
        .layers = roles[id].layers,
        .calls = roles[id].calls,
        .channel = -1,
        .outputs = {-1, -1},
        .descriptors_below = count > 3 ? count : 3,
        .memory_bytes = roles[id].memory_bytes,
        .paths = roles[id].paths,
        .path_count = roles[id].path_count,
    };
    for (int fd = 0; fd < count; fd++) {
        if (roles[id].descriptors[fd].use == OV_USE_CHANNEL) {
            spec.channel = fd;
        } else if (roles[id].descriptors[fd].use == OV_USE_OUTPUT && output < 2) {
            spec.outputs[output++] = fd;
        }
    }
    return spec;
}
