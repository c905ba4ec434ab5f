// SPDX-License-Identifier: Apache-2.0
//
// What a recorder holds; for the files of this room alone.
#pragma once

#include "watch/places.h"
#include "watch/recorder.h"
#include "watch/table.h"
#include "watch/totals.h"

struct watch_bpf;
struct ring_buffer;
struct bpf_link;

enum {
    OV_RECORDER_LINKS_MAX = 32,
    OV_RECORDER_GONE_MAX = 65536,         // processes that have ended and are still known
    OV_RECORDER_LOST_RUNS = WATCH_LOSSES, // behind those that our programs count
    OV_RECORDER_LOSSES,
    OV_RECORDER_TYPE_BYTES = sizeof(((struct watch_name *)NULL)->filesystem),
    OV_RECORDER_FIRST_GENERATION = 2, // its half is the first, and no cell of the table is of it
};

// A name that the trace has, and where it lies in `paths`.
struct ov_known_name {
    struct watch_inode key;
    uint64_t at, size; // of the path
    uint64_t size_bytes;
    enum ov_trace_kind kind;
    bool is_opened; // by this name, of all that the inode has
    bool has_place; // whole, and in our own tree of files
    bool is_told;   // whether it was there in the end
    char filesystem[OV_RECORDER_TYPE_BYTES];
};

struct ov_known_socket {
    struct watch_socket_key key;
    struct watch_socket sum; // over all generations
    uint64_t flow;           // of one that sends to several addresses; else 0
};

// One of whom a record was written.
struct ov_stranger {
    uint64_t start_ns;
    uint32_t pid, reserved;
};

// A process that was watched and has ended: who asks for it later still learns which it was.
struct ov_gone {
    uint64_t pid; // the key
    uint64_t start_ns;
};

struct ov_recorder {
    struct watch_bpf *object;
    struct ring_buffer *ring;
    struct ov_trace_writer *trace; // NULL: not begun
    struct ov_denials *denials;    // NULL: nobody asks for them
    bool has_plaintext;            // is asked for
    struct ov_plaintext *plaintext;
    bool is_trial;                // what is counted is not written: see selftest.h
    uint32_t generation;          // that the kernel counts in; its lowest bit is the half
    struct watch_slot *slots;     // shared with the kernel, a half after the other
    size_t slot_count;            // of a half
    struct watch_names *names_of; // shared with the kernel: those of each half
    struct ov_places places;
    struct ov_table totals;  // struct ov_total
    struct ov_table names;   // struct ov_known_name
    struct ov_table sockets; // struct ov_known_socket
    struct ov_table gone;    // struct ov_gone
    uint64_t flow_count;
    struct ov_buf paths;
    struct ov_buf inner, path; // of one name, while it is taken
    struct ov_buf execs;       // struct watch_life, until their names are known
    struct ov_buf canaries;    // struct watch_inode
    struct ov_table strangers; // struct ov_stranger: not watched, and touched a canary
    uint64_t losses[OV_RECORDER_LOSSES];
    enum ov_status status; // of the first failure within a callback of the ring
    struct bpf_link *links[OV_RECORDER_LINKS_MAX];
    size_t link_count;
};

// Appends one end of a socket as the trace has it (docs/formats/trace.md, ADDRESS).
void ov_address_add(const struct watch_socket *socket, bool is_remote, struct ov_buf *buf);

// The generation of an inode, FS_IOC_GETVERSION. OV_SYSTEM: this file system tells none.
enum ov_status ov_inode_generation(const char *path, uint32_t *ret_generation);

struct ov_trace_inode ov_record_inode(const struct watch_inode *inode);

// Forgets what a trial counted.
void ov_recorder_end_trial(struct ov_recorder *recorder);

// Writes what an event of the ring says. Execs wait for ov_recorder_tell_execs.
enum ov_status ov_recorder_tell_event(struct ov_recorder *recorder, const void *event, size_t size);
enum ov_status ov_recorder_tell_execs(struct ov_recorder *recorder);

// What was lost: all counters at the beginning, then those that have changed.
enum ov_status ov_recorder_begin_losses(struct ov_recorder *recorder);
enum ov_status ov_recorder_take_losses(struct ov_recorder *recorder);

// Writes a name that the kernel told of, unless the trace has it.
enum ov_status ov_recorder_take_name(struct ov_recorder *recorder, const struct watch_name *told);

// The two generations: makes the other one current, and writes what the old one has.
enum ov_status ov_recorder_take_generation(struct ov_recorder *recorder);
