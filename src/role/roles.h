// SPDX-License-Identifier: Apache-2.0
//
// The table of roles: every process that we run, and all that it may do.
//
// Code applies these rows, `overt status` prints them, the cage tests try what they forbid.
#pragma once

#include "cage/cage.h"

enum ov_role_id {
    OV_ROLE_BROKER,
    OV_ROLE_WORKER,
    OV_ROLE_BUILDER,
    OV_ROLE_SERVER,
    OV_ROLE_WITNESS,
    OV_ROLE_FETCHER,
    OV_ROLE_VERIFIER,
    OV_ROLE_AUDITOR,
    OV_ROLE_KEEPER,
    OV_ROLE_COUNT
};

// The messages between our processes (wire/message.h, wire/rules.h, wire/fetch.h), as bits.
enum {
    OV_SAYS_SETUP = 1 << 0,
    OV_SAYS_JOBS = 1 << 1,
    OV_SAYS_READY = 1 << 2,
    OV_SAYS_VERDICTS = 1 << 3,
    OV_SAYS_DETECTIONS = 1 << 4,
    OV_SAYS_REQUESTS = 1 << 5,
    OV_SAYS_SOURCES = 1 << 6,
    OV_SAYS_REPORTS = 1 << 7,
    OV_SAYS_ADDRESSES = 1 << 8,
    OV_SAYS_ANSWERS = 1 << 9,
    OV_SAYS_COUNT = 10,
};

// What a descriptor may be, as bits.
enum {
    OV_HOLDS_NULL = 1 << 0,   // /dev/null
    OV_HOLDS_SOCKET = 1 << 1, // one that is connected, or listens
    OV_HOLDS_MEMORY = 1 << 2, // a memfd
    OV_HOLDS_FILE = 1 << 3,
    OV_HOLDS_FOLDER = 1 << 4,
    OV_HOLDS_PIPE = 1 << 5,
    OV_HOLDS_OTHER = 1 << 6, // a terminal, another device
    OV_HOLDS_COUNT = 7,
    OV_HOLDS_ANY = (1 << OV_HOLDS_COUNT) - 1,
};

// What the cage's words TALK and WRITE mean by "the channel" and "the outputs".
enum ov_role_use { OV_USE_NONE, OV_USE_CHANNEL, OV_USE_OUTPUT };

// A descriptor that a process of a role holds in its cage.
struct ov_role_descriptor {
    uint32_t kinds; // OV_HOLDS_ bits: it is one of these
    enum ov_role_use use;
    bool is_optional;
    const char *what;
};

enum { OV_ROLE_DESCRIPTORS_MAX = 8 };

// What a process does with sockets, as bits.
enum {
    OV_SOCKETS_PAIR = 1 << 0,    // makes pairs of local sockets, one end of each for a child
    OV_SOCKETS_LISTEN = 1 << 1,  // makes a TCP socket that listens at the address it was given
    OV_SOCKETS_ACCEPT = 1 << 2,  // takes connections at a socket that it was given
    OV_SOCKETS_CONNECT = 1 << 3, // TCP to the hosts and ports of its job, TCP and UDP to port 53
    OV_SOCKETS_COUNT = 4,
};

struct ov_role {
    const char *name;
    const char *program;              // the executable
    const char *user;                 // whom it runs as
    uint32_t layers;                  // OV_CAGE() bits: the cage that it puts on itself
    uint32_t calls;                   // OV_CAGE_TALK, OV_CAGE_WRITE, ...
    uint64_t memory_bytes;            // cap beyond mapped files; 0 = none
    uint32_t hears;                   // OV_SAYS_ bits
    uint32_t sends;                   // OV_SAYS_ bits
    const char *reaches;              // what it can touch at all
    const char *parses;               // whose bytes it interprets
    const struct ov_cage_path *paths; // of the file system, what stays in reach
    size_t path_count;
    uint32_t sockets; // OV_SOCKETS_ bits
    // By their numbers, from 0 on; the first without a `what` ends them. More may come by TALK.
    struct ov_role_descriptor descriptors[OV_ROLE_DESCRIPTORS_MAX];
};

// The row of one role; never NULL for a valid id.
const struct ov_role *ov_role_get(enum ov_role_id id);

// The word for one OV_SAYS_ bit, by its number.
const char *ov_role_message_name(unsigned bit);

// The words for one bit of `kinds` and of `sockets`, by its number.
const char *ov_role_kind_name(unsigned bit);
const char *ov_role_socket_name(unsigned bit);

// How many descriptors it holds.
int ov_role_descriptor_count(enum ov_role_id id);

// The descriptors of a worker when it starts, and those of others.
enum { OV_WORKER_CHANNEL = 3, OV_WORKER_IMAGE = 4, OV_WORKER_RING = 5, OV_WORKER_DESCRIPTORS = 6 };
enum { OV_BUILDER_CHANNEL = 3, OV_BUILDER_IMAGE = 4, OV_BUILDER_DESCRIPTORS = 5 };
// A fetcher's; its folder is the staging folder.
enum {
    OV_FETCHER_CHANNEL = 3,
    OV_FETCHER_JOB = 4,
    OV_FETCHER_FOLDER = 5,
    OV_FETCHER_DESCRIPTORS = 6,
};

// A keeper's: the journal's folder, lock and pending entries stand one after another.
enum { OV_KEEPER_CHANNEL = 3, OV_KEEPER_FOLDER = 4, OV_KEEPER_RUN = 7, OV_KEEPER_DESCRIPTORS = 8 };

// Those of the processes that serve. The key is a witness's. It, and the page of counts
// (serve/counts.h), which is mapped, are closed before the cage is up.
enum {
    OV_SERVE_LISTENER = 3,
    OV_SERVE_FOLDER = 4,
    OV_SERVE_KEY = 5,
    OV_SERVE_COUNTS = 6,
    OV_SERVE_DESCRIPTORS = 7
};

// The cage of a role: its channel, outputs and paths as the row says. Who starts with less (without
// an optional descriptor) or knows more (sizes, ports) changes that.
struct ov_cage_spec ov_role_cage(enum ov_role_id id);
