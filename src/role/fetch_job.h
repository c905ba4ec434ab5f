// SPDX-License-Identifier: Apache-2.0
//
// Fetching, for whoever asks for it: addresses in, files in a private folder out.
//
// This is the broker's door to the network, and the only one. Each run starts a process of its own
// (`overt-fetch`), which can write to the staging folder alone and is gone before this returns.
// What it brought is unchecked: only the names, sizes and kinds of the files are known.
#pragma once

#include "base/span.h"
#include "base/status.h"
#include "wire/fetch.h"

#include <stddef.h>
#include <stdint.h>

enum { OV_FETCH_REASON_BYTES = 512 };

struct ov_fetch_get {
    const char *path; // below the base URL
    uint64_t most_bytes;
    bool may_miss; // that the server has none is no failure
};

struct ov_fetch_post {
    const char *url;
    struct ov_span body;
    uint64_t most_bytes; // of the answer
    uint32_t limit_ms;   // for this one
};

struct ov_fetch_request {
    const char *folder; // the staging folder is made below it
    const char *base;   // "https://log.example.org/rules"; NULL without gets
    const struct ov_fetch_get *gets;
    size_t get_count;
    const struct ov_fetch_post *posts; // at once, beside each other
    size_t post_count;
    const char *proxy;       // http://HOST:PORT; NULL: what the environment says; "": none
    const char *authorities; // file of certificates; NULL: SSL_CERT_FILE, or the system's
    uint64_t most_bytes;     // of all answers together; 0 = the sum of the single ones
    uint32_t deadline_ms;    // for all of it
};

struct ov_fetch_result {
    // One for each get, then one for each post. An end other than GOT has no file.
    struct ov_fetch_answer *answers;
    size_t count;
    struct ov_fetch_ready cage;         // the fetcher's layers (wire/fetch.h)
    char reason[OV_FETCH_REASON_BYTES]; // of a failure: "WHAT: WHY", fit for people and terminals
    char path[512];                     // the staging folder; "" when there is none
    int folder;                         // the same, open; -1
};

// Fetches all gets and sends all posts. OV_OK when every get that may not be missing was got; a
// post that failed fails nothing: see its answer. Otherwise, with a reason: OV_INVALID (an address
// or a path that is none), OV_END (a file that must be there is missing), OV_LIMIT (too large or
// too late), OV_PEER (the server, or the fetcher, did not do its part), OV_SYSTEM (errno). The
// result is filled in any case, and is to be released.
enum ov_status ov_fetch_run(const struct ov_fetch_request *request,
                            struct ov_fetch_result *ret_result);

// Opens what was fetched: a regular file of the size that was told, for reading. OV_END when there
// is none (see the answer's end), OV_PEER when the folder does not hold what was told.
enum ov_status ov_fetch_open(const struct ov_fetch_result *result, size_t index, int *ret_fd);

// Why that one failed, as "WHAT: WHY"; for GOT, "WHAT: got". Fit for terminals.
void ov_fetch_explain(const struct ov_fetch_request *request, const struct ov_fetch_result *result,
                      size_t index, char *ret_text, size_t size);

// Closes and removes the staging folder and all that is in it.
void ov_fetch_result_release(struct ov_fetch_result *result);
