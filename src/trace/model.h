// SPDX-License-Identifier: Apache-2.0
//
// All numbers of a trace, computed from its records alone (docs/formats/trace.md, "The model").
//
// Everything lies in the arena that it was built in. Entries are in the order in which their keys
// first came, steps in order of time. `watched` means: a target or descended from one; what belongs
// to others (they touched a canary, or are the other end of a socket) is in no sum.
#pragma once

#include "base/arena.h"
#include "trace/reader.h"
#include "trace/record.h"

#define OV_TRACE_NONE SIZE_MAX // no index

// One process: what is left of all its records.
struct ov_trace_model_process {
    struct ov_trace_pid id;
    struct ov_trace_pid parent;
    bool has_record; // else it is only named by others; it counts as watched
    bool is_watched;
    enum ov_trace_reason reason;
    uint32_t uid;
    uint64_t first_ns, last_ns; // of its records; 0 when there are none
    bool has_ended;
    uint32_t status; // when it has ended
    uint32_t exec_count;
    struct ov_trace_inode exe;  // of the last exec, or what it was found or forked with
    struct ov_span path;        // of exe
    struct ov_trace_list words; // likewise
    size_t file_count;          // files that it had to do with
    uint64_t read_bytes, written_bytes, sent_bytes, received_bytes;
};

// What became of what was written to a file.
enum ov_trace_fate {
    OV_TRACE_FATE_NONE,   // nothing was written by those who are watched
    OV_TRACE_FATE_KEPT,   // in a file
    OV_TRACE_FATE_OWN,    // in a file under a folder that was named as the product's own
    OV_TRACE_FATE_PASSED, // into a pipe, terminal, device or memory
    OV_TRACE_FATE_KERNEL, // into a file of the kernel (proc, sysfs, cgroup2, ...)
    OV_TRACE_FATES,
};

// One file (inode) over all watched processes.
struct ov_trace_model_file {
    struct ov_trace_inode inode;
    bool has_name; // else kind is `file`, the path empty
    enum ov_trace_kind kind;
    enum ov_trace_presence presence;
    struct ov_span filesystem;
    struct ov_span path;
    bool is_in_scope; // stands under what the product was asked to look at, or nothing was said
    bool is_canary;
    size_t use_count;           // of all processes, those that are not watched included
    uint64_t size_bytes;        // the newest
    uint64_t largest_bytes;     // the largest that was seen
    uint64_t first_ns, last_ns; // 0 when nobody who is watched used it
    uint64_t open_count;
    uint64_t covered_bytes; // of the content: exact in pages when scale is 1, else an upper bound
    uint64_t read_bytes;    // volume, of reading again as well; at least covered_bytes
    uint64_t written_bytes;
    enum ov_trace_fate fate;
    uint32_t routes;
    uint64_t scale; // pages a bit
    uint8_t coverage[OV_TRACE_COVERAGE_BYTES];
};

// What one process did with one file.
struct ov_trace_model_use {
    struct ov_trace_file last; // the last record
    size_t file;               // index
    size_t process;            // index
    uint64_t covered_bytes, read_bytes, written_bytes;
};

enum ov_trace_reach {
    OV_TRACE_REACH_INSIDE,  // between those who are watched
    OV_TRACE_REACH_KERNEL,  // netlink and the like
    OV_TRACE_REACH_MACHINE, // to others on this machine: unix sockets, loopback
    OV_TRACE_REACH_NETWORK, // all else
    OV_TRACE_REACHES,
};

struct ov_trace_model_socket {
    struct ov_trace_socket last; // the last record
    size_t process;              // index
    enum ov_trace_reach reach;
    uint64_t answered_bytes; // received by the socket, whichever of its flows this is
};

// When a counter grew: the time line.
enum ov_trace_step_kind {
    OV_TRACE_STEP_READ,
    OV_TRACE_STEP_WRITE,
    OV_TRACE_STEP_SEND,
    OV_TRACE_STEP_RECEIVE,
};

struct ov_trace_step {
    uint64_t at_ns; // the `last` of the record: it happened at that time or up to a drain before
    uint64_t bytes; // by which it grew
    enum ov_trace_step_kind kind;
    uint32_t index; // of the use (read, write) or the socket
};

// Why the result is incomplete.
enum ov_trace_gap_kind {
    OV_TRACE_GAP_BAD,       // the trace is broken
    OV_TRACE_GAP_CUT,       // it has no end
    OV_TRACE_GAP_END,       // its end is not `done`; name: why
    OV_TRACE_GAP_UNWRITTEN, // count: records that had no room
    OV_TRACE_GAP_NO_LOSSES, // no loss counter was written
    OV_TRACE_GAP_LOSS,      // name and count
    OV_TRACE_GAP_NO_SENSORS,
    OV_TRACE_GAP_SENSOR, // name: needed, and not on
    OV_TRACE_GAP_NO_SELFTEST,
    OV_TRACE_GAP_SELFTEST, // name of the route: did not pass
    OV_TRACE_GAP_LAYER,    // name: of the envelope, and missing
    OV_TRACE_GAP_FELL,     // count: records with a counter less than the one before
};

struct ov_trace_gap {
    enum ov_trace_gap_kind kind;
    struct ov_span name; // empty when it has none
    uint64_t count;
};

// Sums over what is watched.
struct ov_trace_totals {
    size_t process_count, ended_count;
    uint64_t open_count;
    size_t read_files; // kind `file`, not the kernel's, as the next two
    uint64_t covered_bytes, read_bytes;
    uint64_t other_read_bytes; // from pipes, terminals, devices, memory, files of the kernel
    size_t written_files;
    size_t fate_files[OV_TRACE_FATES];
    uint64_t fate_bytes[OV_TRACE_FATES];
    size_t reach_sockets[OV_TRACE_REACHES]; // that sent anything
    uint64_t reach_sent_bytes[OV_TRACE_REACHES];
    uint64_t reach_received_bytes[OV_TRACE_REACHES];
    uint64_t sent_bytes;                         // machine and network
    uint64_t received_bytes;                     // machine and network
    uint64_t kept_bytes;                         // fate kept
    uint64_t net_sent_bytes, net_received_bytes; // of the capture: whole frames
    uint64_t plaintext_bytes;
    uint64_t denied_count;
};

struct ov_trace_model {
    struct ov_trace_check check;
    bool has_begin; // else all below is empty
    struct ov_trace_begin begin;
    bool has_end;
    struct ov_trace_end end; // its losses are `losses` below
    uint64_t until_ns;       // CLOCK_BOOTTIME of the last good checkpoint: so far is known

    // As they were written, the last one of a key.
    const struct ov_trace_program *programs;
    size_t program_count;
    const struct ov_trace_layer *layers;
    size_t layer_count;
    const struct ov_trace_exception *exceptions;
    size_t exception_count;
    const struct ov_trace_sensor *sensors;
    size_t sensor_count;
    const struct ov_trace_selftest *selftests;
    size_t selftest_count;
    const struct ov_trace_prior *priors;
    size_t prior_count;
    const struct ov_trace_audit *audits;
    size_t audit_count;
    const struct ov_trace_planted *planted;
    size_t planted_count;
    const struct ov_trace_process *events; // each fork, exec and exit
    size_t event_count;
    const struct ov_trace_canary *canaries; // each touch
    size_t canary_count;
    const struct ov_trace_act *acts;
    size_t act_count;
    const struct ov_trace_denied *denials;
    size_t denial_count;
    const struct ov_trace_net *nets;
    size_t net_count;
    bool has_capture;
    struct ov_trace_capture capture;
    const struct ov_trace_plaintext *plaintexts;
    size_t plaintext_count;
    const struct ov_trace_loss *losses;
    size_t loss_count;

    // Computed.
    const struct ov_trace_model_process *processes;
    size_t process_count;
    const struct ov_trace_model_file *files;
    size_t file_count;
    const struct ov_trace_model_use *uses;
    size_t use_count;
    const struct ov_trace_model_socket *sockets;
    size_t socket_count;
    const struct ov_trace_step *steps;
    size_t step_count;
    struct ov_trace_totals totals;
    bool is_complete; // there is no gap
    const struct ov_trace_gap *gaps;
    size_t gap_count;
};

// Checks the trace and builds its model. A trace that is bad or cut gives a model, too: its gaps
// say so. OV_MEMORY: the arena's cap is too low for it.
enum ov_status ov_trace_model_build(struct ov_span bytes, struct ov_arena *arena,
                                    struct ov_trace_model *ret_model);

// The process of that id, or OV_TRACE_NONE.
size_t ov_trace_model_find_process(const struct ov_trace_model *model,
                                   const struct ov_trace_pid *process);

// Whether `path` is `folder`, or stands under it.
bool ov_trace_path_is_under(struct ov_span path, struct ov_span folder);

// Whether it is one whose files are a way to speak with the kernel, and keep nothing ("proc", ...).
bool ov_trace_filesystem_is_kernels(struct ov_span filesystem);

// Whether reads of its files go by the page cache's lookups of pages; those of others are told by
// calls alone ("tmpfs", ...).
bool ov_trace_filesystem_has_pages(struct ov_span filesystem);

// Whether a self-test passed.
bool ov_trace_selftest_has_passed(const struct ov_trace_selftest *selftest);
