// SPDX-License-Identifier: Apache-2.0
//
// One request and its answer: what libcurl is told, where the bytes go, how it ended.
//
// Every client of a log sends the same bytes: nothing in a request tells one from another. For the
// fetcher alone.
#pragma once

#include "base/status.h"
#include "wire/fetch.h"

#include <curl/curl.h>

// What all transfers of a job share.
struct ov_transfer_scope {
    const struct ov_fetch_job *job;
    struct ov_span authorities;      // PEM certificates
    const struct curl_slist *names;  // for CURLOPT_RESOLVE
    const struct curl_slist *fields; // of the headers of POSTs
    uint64_t bytes_left;             // of the job's most_bytes
    struct ov_fetch_bytes *counts;   // one for each item
    uint32_t first_get;              // its number
    int folder;                      // where the answers are written to
};

struct ov_transfer {
    struct ov_transfer_scope *scope;
    const struct ov_fetch_item *item;
    CURL *easy;
    uint32_t number;
    int file;             // -1 until the first byte comes
    uint64_t size_bytes;  // that were written
    uint64_t other_bytes; // of headers, and of answers that are not wanted
    bool is_headed;       // the empty line after the headers has come
    bool is_large;        // more bytes came than may
    bool is_cut;          // its status is known, and its body not wanted
    int store_error;
};

// Makes the request ready; `transfer` stays where it is until the end. OV_MEMORY.
enum ov_status ov_transfer_init(struct ov_transfer *transfer, uint32_t limit_ms);

// How it ended; closes the file.
struct ov_fetch_answer ov_transfer_finish(struct ov_transfer *transfer, CURLcode code);

void ov_transfer_release(struct ov_transfer *transfer);
