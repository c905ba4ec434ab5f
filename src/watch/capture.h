// SPDX-License-Identifier: Apache-2.0
//
// Takes what comes to the far end of the envelope's network into a pcapng file, and counts it by
// protocol and remote address.
#pragma once

#include "trace/writer.h"
#include "watch/pcapng.h"
#include "watch/table.h"

struct ov_capture {
    int socket; // -1: nothing is captured
    const char *path;
    struct ov_pcapng file;
    struct ov_table remotes;
    uint8_t *frame; // the last one
    uint64_t packets, written_packets;
    uint64_t lost, written_lost; // frames that the kernel dropped, or the file had no room for
    bool is_full;                // the file has come to its bound: what follows is not in it
    bool has_failed;             // the disk takes no more
};

struct ov_capture_file {
    int fd;             // empty, open for writing; taken over. -1: none
    const char *path;   // what the trace calls it
    uint64_t bytes_max; // 0: no bound
};

// `socket` of a struct ov_network, which keeps it. Writes the loss counter `capture` with 0.
enum ov_status ov_capture_open(int socket, const struct ov_capture_file *file,
                               struct ov_trace_writer *trace, struct ov_capture *ret_capture);
// Takes all that has come.
enum ov_status ov_capture_take(struct ov_capture *capture);
// Writes the counters that have changed; at the end with the file's digest.
enum ov_status ov_capture_write(struct ov_capture *capture, struct ov_trace_writer *trace,
                                bool is_end);
void ov_capture_close(struct ov_capture *capture);
