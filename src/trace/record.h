// SPDX-License-Identifier: Apache-2.0
//
// The records of a trace: what a recorder saw, one struct for each type. docs/formats/trace.md
// gives them to the byte.
//
// The writer takes these structs, the reader gives them back; spans and lists that were read lie in
// the reader's memory until its next record. Counters are cumulative: of all records of a key the
// last one counts. All times but `time_ns` of `begin` and `end` are CLOCK_BOOTTIME in nanoseconds.
#pragma once

#include "base/digest.h"
#include "base/span.h"

enum {
    OV_TRACE_RECORD_BYTES_MAX = 131071,
    OV_TRACE_TEXT_BYTES_MAX = 4096, // of a text, before it is encoded: the writer cuts the rest
    OV_TRACE_LIST_MAX = 64,         // items of a list that are written; its count is that of all
    OV_TRACE_LOSSES_MAX = 64,       // names of loss counters in one trace
    OV_TRACE_NAME_BYTES_MAX = 48,   // of a loss counter
    OV_TRACE_COVERAGE_BYTES = 64,   // 512 bits
    OV_TRACE_BOOT_BYTES = 16,
};

enum ov_trace_type {
    OV_TRACE_BEGIN,
    OV_TRACE_PROGRAM,
    OV_TRACE_LAYER,
    OV_TRACE_EXCEPTION,
    OV_TRACE_SENSOR,
    OV_TRACE_SELFTEST,
    OV_TRACE_PRIOR,
    OV_TRACE_AUDIT,
    OV_TRACE_PLANTED,
    OV_TRACE_PROCESS,
    OV_TRACE_NAME,
    OV_TRACE_FILE,
    OV_TRACE_SOCKET,
    OV_TRACE_CANARY,
    OV_TRACE_ACT,
    OV_TRACE_DENIED,
    OV_TRACE_NET,
    OV_TRACE_CAPTURE,
    OV_TRACE_PLAINTEXT,
    OV_TRACE_LOSS,
    OV_TRACE_CHECKPOINT, // the writer's own
    OV_TRACE_END,        // the writer's own
    OV_TRACE_TYPES,
};

// ---- what several have --------------------------------------------------------------------------

// A process, threads and all: pids come again, so its start stands beside it.
struct ov_trace_pid {
    uint32_t pid;      // the thread group's, in the recorder's namespace; 0: not known
    uint64_t start_ns; // of its leader, CLOCK_BOOTTIME; 0: not known, the pid alone is the key
};

struct ov_trace_inode {
    uint32_t device; // as the kernel has it in s_dev: major << 20 | minor
    uint64_t inode;
    uint64_t generation; // 0 where the file system has none
};

struct ov_trace_list {
    const struct ov_span
        *items; // count of them, or the first OV_TRACE_LIST_MAX; fewer when too long
    size_t item_count;
    uint64_t count; // of all there are; the writer takes item_count when this is less
};

// How the content of a file was reached; bits 1 << route. A file has all that were seen.
enum ov_trace_route {
    OV_TRACE_ROUTE_CALL,       // bytes that a system call returned (sys_exit)
    OV_TRACE_ROUTE_PAGES,      // pages looked up for a buffered read (mm_filemap_get_pages)
    OV_TRACE_ROUTE_MAPPED,     // pages mapped around a fault (mm_filemap_map_pages)
    OV_TRACE_ROUTE_FAULTED,    // a page read for a fault (mm_filemap_fault)
    OV_TRACE_ROUTE_DIRECT,     // past the page cache (iomap_dio_rw_begin)
    OV_TRACE_ROUTE_URING,      // submitted by io_uring
    OV_TRACE_ROUTE_SPLICED,    // splice, sendfile, copy_file_range
    OV_TRACE_ROUTE_PASSED,     // by a descriptor that another process had opened
    OV_TRACE_ROUTE_HANDLE,     // opened by its handle
    OV_TRACE_ROUTE_PRE_ACCESS, // told by fanotify's FAN_PRE_ACCESS
    OV_TRACE_ROUTE_WRITTEN,    // bytes that a system call took
    OV_TRACE_ROUTE_DIRTIED,    // pages that were changed (writeback_dirty_folio)
    OV_TRACE_ROUTES,
};

// ---- the recording itself -----------------------------------------------------------------------

enum ov_trace_target { OV_TRACE_OF_COMMAND, OV_TRACE_OF_PID, OV_TRACE_OF_UNIT, OV_TRACE_OF_CGROUP };

// The first record, once.
struct ov_trace_begin {
    struct ov_span version; // of the recorder
    uint8_t boot[OV_TRACE_BOOT_BYTES];
    struct ov_span kernel;   // uname's release
    struct ov_span machine;  // uname's machine
    uint64_t time_ns;        // since 1970, at `mono_ns`
    uint64_t mono_ns;        // CLOCK_BOOTTIME
    uint32_t page_bytes;     // of this machine's pages: a power of two
    uint64_t drain_ns;       // how often counters are written
    uint64_t size_max_bytes; // of the trace; 0: no bound
    uint64_t for_ns;         // how long was asked for; 0: until it ends
    enum ov_trace_target target;
    struct ov_span target_name; // pid, unit or cgroup; empty for a command
    bool has_envelope;
    struct ov_trace_list scope; // folders and files that the product was asked to look at
    struct ov_trace_list own; // folders that were named as the product's own, to write its state to
    struct ov_trace_list words; // of the command
};

// A program or object that takes part: what it is (`recorder`, `object`, `product`, ...).
struct ov_trace_program {
    struct ov_span what;
    struct ov_span path;
    uint8_t sha256[OV_SHA256_BYTES]; // all zero: not computed
};

enum ov_trace_state { OV_TRACE_STATE_ON, OV_TRACE_STATE_OFF, OV_TRACE_STATE_MISSING };

// A layer of the envelope: landlock, seccomp, network, cgroup, ... The last one of a name counts.
struct ov_trace_layer {
    struct ov_span name;
    enum ov_trace_state state; // off: not asked for
    struct ov_span why;
};

// What the product is allowed beyond the envelope.
struct ov_trace_exception {
    struct ov_span name;
    struct ov_span why;
};

// The last one of a name counts; a sensor that is lost on the way becomes `missing`.
struct ov_trace_sensor {
    uint64_t at_ns;
    struct ov_span name;
    enum ov_trace_state state;
    bool is_needed; // without it the result is incomplete
    struct ov_span why;
};

enum ov_trace_outcome {
    OV_TRACE_OUTCOME_SEEN,    // was done, and `seen` was counted
    OV_TRACE_OUTCOME_DENIED,  // was not allowed
    OV_TRACE_OUTCOME_ABSENT,  // this kernel has no such route: nobody can use it
    OV_TRACE_OUTCOME_SKIPPED, // could not be tried: nothing is known, the result is incomplete
};

// One route that the recorder took by itself. It passed when the outcome is the expected one (or
// absent), and for `seen` when want <= seen <= most.
struct ov_trace_selftest {
    struct ov_span route;
    enum ov_trace_outcome expected; // seen or denied
    enum ov_trace_outcome outcome;
    uint64_t want; // bytes
    uint64_t most; // bytes: an upper bound where the kernel maps more than is touched
    uint64_t seen; // bytes
    struct ov_span why;
};

enum ov_trace_prior_kind { OV_TRACE_PRIOR_FD, OV_TRACE_PRIOR_MAP };
enum ov_trace_mode {
    OV_TRACE_MODE_NONE,
    OV_TRACE_MODE_READ,
    OV_TRACE_MODE_WRITE,
    OV_TRACE_MODE_BOTH
};

// What a process held when it came under watch.
struct ov_trace_prior {
    struct ov_trace_pid process;
    enum ov_trace_prior_kind kind;
    uint32_t fd; // 0 for maps
    struct ov_trace_inode inode;
    enum ov_trace_mode mode;
    uint64_t bytes; // mapped; 0 for descriptors
    struct ov_span path;
};

// A rule of the kernel's audit that was there.
struct ov_trace_audit {
    struct ov_span rule;
};

// A canary file.
struct ov_trace_planted {
    struct ov_trace_inode inode;
    uint64_t size_bytes;
    struct ov_span path;
};

// ---- what was seen ------------------------------------------------------------------------------

enum ov_trace_event {
    OV_TRACE_EVENT_FOUND, // was there when it came under watch
    OV_TRACE_EVENT_FORK,
    OV_TRACE_EVENT_EXEC,
    OV_TRACE_EVENT_EXIT,
};

enum ov_trace_reason {
    OV_TRACE_BY_TARGET, // is what was asked for, or stands in the unit or cgroup
    OV_TRACE_BY_PARENT, // came from one that is watched
    OV_TRACE_BY_CANARY, // is not watched, and touched a canary
    OV_TRACE_BY_PEER,   // is not watched, and is the other end of a socket
};

struct ov_trace_process {
    uint64_t at_ns;
    enum ov_trace_event event;
    struct ov_trace_pid process;
    struct ov_trace_pid parent;
    enum ov_trace_reason reason;
    uint32_t uid;
    struct ov_trace_inode exe;
    struct ov_span path; // of exe
    uint32_t status;     // as wait() has it; 0 but for exits
    struct ov_trace_list words;
};

enum ov_trace_kind {
    OV_TRACE_KIND_FILE,
    OV_TRACE_KIND_FOLDER,
    OV_TRACE_KIND_PIPE, // FIFOs as well
    OV_TRACE_KIND_TERMINAL,
    OV_TRACE_KIND_DEVICE,
    OV_TRACE_KIND_MEMORY, // memfd and the like: no name in any folder, gone with its last holder
    OV_TRACE_KIND_OTHER,
};

enum ov_trace_presence { OV_TRACE_UNKNOWN, OV_TRACE_THERE, OV_TRACE_GONE };

// What an inode is called. The last one of an inode counts.
struct ov_trace_name {
    struct ov_trace_inode inode;
    enum ov_trace_kind kind;
    enum ov_trace_presence presence; // at that path, when this was written
    uint64_t size_bytes;
    struct ov_span filesystem; // "ext4", "tmpfs", ...
    struct ov_span path;       // empty: not known
};

// What a process did with an inode. Key: process and inode. Cumulative.
struct ov_trace_file {
    struct ov_trace_pid process;
    struct ov_trace_inode inode;
    uint64_t size_bytes; // the newest that was seen
    uint64_t first_ns, last_ns;
    uint64_t open_count;
    uint64_t read_count, read_bytes;  // calls, and what they returned
    uint64_t page_events, page_bytes; // looked up for reads: an upper bound of what was read
    uint64_t map_pages;
    uint64_t direct_bytes;
    uint64_t write_count, write_bytes;
    uint64_t dirty_pages;
    uint32_t routes; // bits
    uint64_t scale;  // pages that a bit of `coverage` stands for: a power of two, 1 or more
    // Bit b of byte b / 8 (the lowest is b % 8 == 0): pages [b * scale, (b + 1) * scale) were
    // reached for reading by any route, the last bit for all behind it as well.
    uint8_t coverage[OV_TRACE_COVERAGE_BYTES];
};

// Key: process, cookie and flow. Cumulative.
struct ov_trace_socket {
    struct ov_trace_pid process;
    uint64_t cookie;
    // Of a socket without another end of its own (UDP): 1 and more for each address that it sends
    // to, which is `remote`; 0 for what it receives. Of all others: 0.
    uint64_t flow;
    uint32_t family, type, protocol; // the kernel's numbers: AF_, SOCK_, IPPROTO_
    // "192.0.2.1:443", "[2001:db8::1]:443", "unix:/path", "unix:@name", "packet:2" (the interface),
    // "netlink:0" (the port; 0 is the kernel), "vsock:2:1024"; empty: not known.
    struct ov_span local, remote;
    struct ov_trace_pid peer; // of unix sockets and what else is known
    uint64_t peer_cookie;     // of the socket at the other end, on this machine; 0: not known
    uint64_t first_ns, last_ns;
    uint64_t send_count, sent_bytes;
    uint64_t receive_count, received_bytes;
};

// A canary was reached, by any process of the machine.
struct ov_trace_canary {
    uint64_t at_ns;
    struct ov_trace_pid process;
    struct ov_trace_inode inode;
    enum ov_trace_route route;
    uint64_t from, to; // bytes [from, to)
};

// A call that reaches what the sensors cannot follow, or is aimed at them.
struct ov_trace_act {
    uint64_t at_ns;
    struct ov_trace_pid process;
    struct ov_span call;
    int64_t result;
    struct ov_trace_list arguments;
};

// What the envelope refused. Key: process, call, by, what. Cumulative.
struct ov_trace_denied {
    struct ov_trace_pid process;
    struct ov_span call;
    struct ov_span by; // "seccomp", "landlock", "cgroup", ...
    struct ov_span what;
    uint64_t first_ns, last_ns;
    uint64_t count;
};

// The capture of the envelope's network, whole frames. Key: protocol and remote. Cumulative.
struct ov_trace_net {
    uint32_t protocol;     // IPPROTO_; 65536 + EtherType for what is not IP
    struct ov_span remote; // as of a socket; without port where there is none
    uint64_t first_ns, last_ns;
    uint64_t sent_packets, sent_bytes;
    uint64_t received_packets, received_bytes;
};

// The file with the captured frames; the last one counts.
struct ov_trace_capture {
    struct ov_span path;
    uint64_t packets, bytes;
    uint8_t sha256[OV_SHA256_BYTES]; // all zero: not computed (yet)
};

// Bytes given to a TLS library before it encrypts them. Key: process and library. Cumulative.
struct ov_trace_plaintext {
    struct ov_trace_pid process;
    struct ov_span library;
    uint64_t first_ns, last_ns;
    uint64_t call_count;
    uint64_t sent_bytes;
};

// What was not seen or not kept. Key: name (at most OV_TRACE_NAME_BYTES_MAX). Cumulative; a counter
// is written with 0 at the beginning, so that it can be told from one that was not looked at.
struct ov_trace_loss {
    struct ov_span name;
    uint64_t count;
};

// ---- the writer's own ---------------------------------------------------------------------------

enum ov_trace_why {
    OV_TRACE_DONE,        // the product ended, or the time that was asked for
    OV_TRACE_INTERRUPTED, // by whoever started it
    OV_TRACE_SIZE,        // the bound of the trace's size
    OV_TRACE_DISK_FULL,
    OV_TRACE_FAILED, // the recorder could not go on
};

struct ov_trace_checkpoint {
    uint64_t mono_ns;
    uint64_t records;                   // before this one
    uint8_t chain[OV_SHA256_BYTES];     // over all before this one
    const struct ov_trace_loss *losses; // all counters, in the order in which they first came
    size_t loss_count;
};

// The last record, and a checkpoint.
struct ov_trace_end {
    enum ov_trace_why why;
    bool has_status;
    uint32_t status;    // of the command, as wait() has it
    uint64_t unwritten; // records that were given and are not there, since there was no room
    uint64_t time_ns;   // since 1970
    struct ov_trace_checkpoint checkpoint;
};

// Any record.
struct ov_trace_record {
    enum ov_trace_type type;
    union {
        struct ov_trace_begin begin;
        struct ov_trace_program program;
        struct ov_trace_layer layer;
        struct ov_trace_exception exception;
        struct ov_trace_sensor sensor;
        struct ov_trace_selftest selftest;
        struct ov_trace_prior prior;
        struct ov_trace_audit audit;
        struct ov_trace_planted planted;
        struct ov_trace_process process;
        struct ov_trace_name name;
        struct ov_trace_file file;
        struct ov_trace_socket socket;
        struct ov_trace_canary canary;
        struct ov_trace_act act;
        struct ov_trace_denied denied;
        struct ov_trace_net net;
        struct ov_trace_capture capture;
        struct ov_trace_plaintext plaintext;
        struct ov_trace_loss loss;
        struct ov_trace_checkpoint checkpoint;
        struct ov_trace_end end;
    };
};

// The word of a type ("file"), a route ("pages"), a reason of the end ("disk-full"), ...: those
// that stand in the trace.
const char *ov_trace_type_word(enum ov_trace_type type);
const char *ov_trace_route_word(enum ov_trace_route route);
const char *ov_trace_why_word(enum ov_trace_why why);
const char *ov_trace_state_word(enum ov_trace_state state);
const char *ov_trace_kind_word(enum ov_trace_kind kind);
