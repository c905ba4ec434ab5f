// SPDX-License-Identifier: Apache-2.0
//
// HTTP for a service of ours: whole requests in, whole replies out. The only file that knows
// libmicrohttpd.
//
// One thread and one loop over a socket that listens already; nothing is opened, connected or
// started, so all of it can run in a cage. Clients are bounded in number, in what they may send,
// and in time: one that is slow is cut off. No client is told from another: addresses are not
// looked at.
#pragma once

#include "base/buf.h"
#include "base/status.h"
#include "serve/counts.h"

struct ov_http_request {
    const char *method;    // "GET"
    struct ov_span target; // as it was sent: the path and whatever follows it, not decoded
    struct ov_span body;   // of a POST
};

struct ov_http_reply {
    unsigned status;
    const char *content_type;  // constants, each but this one may be NULL
    const char *cache_control; //
    const char *allow;         // for 405: the methods that there are
    int file;                  // whose bytes are the body; taken over. -1: `body` is
    uint64_t file_bytes;
    struct ov_buf body;
};

struct ov_http_service {
    void *arg;
    size_t body_bytes_max; // of a POST; 0 when there is none: then anything with a body is refused
    // Fills in the reply, which comes with status 500, no file and an empty body.
    void (*answer)(void *arg, const struct ov_http_request *request, struct ov_http_reply *reply);
};

enum {
    OV_HTTP_CONNECTIONS = 256,                          // at a time; the next wait
    OV_HTTP_DESCRIPTORS = 2 * OV_HTTP_CONNECTIONS + 32, // each has a socket, and a file at times
    OV_HTTP_TARGET_BYTES = 1024,                        // a longer one is answered with 414
};

struct ov_http_options {
    int listener; // listens already; listens no more after ov_http_run
    bool has_log; // one line for each request to standard output: method, target, status, bytes
    struct ov_serve_counts *counts; // kept up to date, about twice a second; NULL: not counted
};

struct ov_http;

// Takes up work. OV_MEMORY, OV_SYSTEM.
enum ov_status ov_http_open(const struct ov_http_options *options,
                            const struct ov_http_service *service, struct ov_http **ret_http);

// Serves until SIGTERM or SIGINT; requests that are under way then are answered, for some seconds.
enum ov_status ov_http_run(struct ov_http *http);
void ov_http_close(struct ov_http *http);

// Makes the reply a short text, with a LF added. `text` is a constant.
void ov_http_reply_text(struct ov_http_reply *reply, unsigned status, const char *text);
