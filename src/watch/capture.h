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
    uint64_t lost, written_lost; // frames that the kernel dropped, or the disk had no room for
    bool has_failed;             // the file takes no more
};

// `socket` of a struct ov_network, which keeps it; `fd` is taken over: an empty file, `path` is
// what the trace calls it. Writes the loss counter `capture` with 0.
enum ov_status ov_capture_open(int socket, int fd, const char *path, struct ov_trace_writer *trace,
                               struct ov_capture *ret_capture);
// Takes all that has come.
enum ov_status ov_capture_take(struct ov_capture *capture);
// Writes the counters that have changed; at the end with the file's digest.
enum ov_status ov_capture_write(struct ov_capture *capture, struct ov_trace_writer *trace,
                                bool is_end);
void ov_capture_close(struct ov_capture *capture);
