// SPDX-License-Identifier: Apache-2.0
// What the BPF object and the recorder have in common: keys and values of maps, events of the ring.
// Included by both, so it has kernel types alone. No padding that is not named: keys are compared
// byte by byte.
#pragma once

enum {
    WATCH_COVERAGE_WORDS = 8, // of 64 bits
    WATCH_COVERAGE_BITS = 512,
    WATCH_PATH_BYTES = 448,  // of a name, parts with their ends
    WATCH_PART_BYTES = 256,  // of one part of a path: NAME_MAX and its end
    WATCH_DEPTH_MAX = 40,    // parts of a path
    WATCH_WORDS_BYTES = 512, // of a command's words
    WATCH_UNIX_BYTES = 108,
    WATCH_REFUSED_BYTES = 80, // of a path
    WATCH_GENERATIONS = 2,
    WATCH_NAMES_BYTES = 16 << 20, // of a generation
};

// A process that is watched, by the id of its thread group.
struct watch_process {
    __u64 start_ns; // CLOCK_BOOTTIME, of its leader
    __u32 parent;
    __u32 reserved;
};

struct watch_inode {
    __u64 inode;
    __u32 device; // s_dev
    __u32 generation;
};

struct watch_file_key {
    struct watch_inode inode;
    __u64 start_ns;
    __u32 pid;
    __u32 reserved;
};

// Counters since the generation began.
struct watch_file {
    __u64 first_ns, last_ns; // CLOCK_BOOTTIME
    __u64 size_bytes;
    __u64 opens;
    __u64 reads, read_bytes;
    __u64 page_events, page_bytes;
    __u64 map_pages;
    __u64 direct_bytes;
    __u64 writes, write_bytes;
    __u64 dirty_pages;
    __u64 routes; // bits 1 << enum ov_trace_route
    __u64 shift;  // a bit of `coverage` stands for 1 << shift pages
    __u64 coverage[WATCH_COVERAGE_WORDS];
};

// Where the counters of a file lie. What a read changes stands in as few lines of the processor's
// cache as can be: these begin at multiples of 64 bytes.
struct watch_slot {
    struct watch_file_key key; // pid 0: none
    __u64 leader_ns;           // when the process began, as the kernel has it
    struct watch_file file;
    __u64 tick; // of the kernel's clock, when last_ns was set
    __u64 reserved[3];
};

// What an inode is called: the parts of its path from the last one up to its file system's root,
// each with an end of 0. Names lie one behind another, each as long as it is used, at multiples of
// WATCH_NAME_ALIGN bytes.
struct watch_name {
    struct watch_inode inode;
    __u64 size_bytes;
    __u32 used;     // bytes of `path`
    __u16 mode;     // i_mode
    __u8 is_cut;    // there were more parts
    __u8 is_opened; // the path is the one that it was opened or run by, of all that it has
    char filesystem[16];
    char path[WATCH_PATH_BYTES + WATCH_PART_BYTES];
};

enum {
    WATCH_NAME_ALIGN = 8,
    WATCH_NAME_HEAD_BYTES = sizeof(struct watch_name) - WATCH_PATH_BYTES - WATCH_PART_BYTES,
};

// What a name takes with so many bytes of path.
static inline __u32 watch_name_bytes(__u32 used) {
    return (WATCH_NAME_HEAD_BYTES + used + WATCH_NAME_ALIGN - 1) & ~(WATCH_NAME_ALIGN - 1u);
}

// The names of a generation.
struct watch_names {
    char bytes[WATCH_NAMES_BYTES];
};

// Where a socket without another end of its own sends to.
struct watch_address {
    __u32 words[4]; // as they go over the wire; IPv4: the first one
    __u16 port;     // as people write it
    __u16 is_there; // else all is 0
};

struct watch_socket_key {
    __u64 cookie;
    __u64 start_ns;
    __u32 pid;
    struct watch_address remote;
};

struct watch_socket {
    __u64 first_ns, last_ns;
    __u64 sends, sent_bytes;
    __u64 receives, received_bytes;
    __u16 family, type, protocol;
    __u16 local_port, remote_port; // as people write them
    __u16 reserved;
    __u8 local[16], remote[16]; // IPv4: the first four bytes
    __u32 number;               // netlink: the port of the other end; packet: the interface
    __u32 peer;                 // the process at the other end of a unix socket, 0: not known
    __u64 peer_cookie;
    __u32 local_length, remote_length; // of these, 0: none
    char local_path[WATCH_UNIX_BYTES], remote_path[WATCH_UNIX_BYTES];
};

struct watch_plain_key {
    __u64 start_ns;
    __u32 pid;
    __u32 library; // its number
};

// What a process gave to a library of TLS.
struct watch_plain {
    __u64 first_ns, last_ns;
    __u64 calls, bytes;
};

enum watch_event_type {
    WATCH_FORK,
    WATCH_EXEC,
    WATCH_EXIT,
    WATCH_CANARY,
    WATCH_ACT,
    WATCH_REFUSAL,
};

// What begins each event.
struct watch_head {
    __u64 at_ns;
    __u64 start_ns; // of the process
    __u32 type;
    __u32 pid;
};

struct watch_life {
    struct watch_head head;
    struct watch_head parent; // of a fork: pid and start_ns alone
    struct watch_inode exe;   // of an exec
    __u32 uid;
    __u32 status;      // of an exit
    __u32 words_bytes; // of an exec
    __u32 reserved;
    char words[WATCH_WORDS_BYTES]; // each ends with 0
};

struct watch_touch {
    struct watch_head head;
    struct watch_inode inode;
    __u32 route;      // enum ov_trace_route
    __u32 is_watched; // the process is
    __u64 from, to;   // bytes
};

struct watch_act {
    struct watch_head head;
    __u64 number; // of the system call
    __s64 result;
    __u64 arguments[3];
};

// An open that was refused, in an envelope.
struct watch_refusal {
    struct watch_head head;
    __s32 error;
    __u32 path_bytes; // with its end
    char path[WATCH_REFUSED_BYTES];
};

// Counters of what was not kept.
enum watch_loss {
    WATCH_LOST_EVENTS,
    WATCH_LOST_FILES,
    WATCH_LOST_NAMES,
    WATCH_LOST_SOCKETS,
    WATCH_LOST_PROCESSES,
    WATCH_LOST_PLAINTEXTS,
    WATCH_LOSSES,
};
