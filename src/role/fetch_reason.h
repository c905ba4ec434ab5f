// SPDX-License-Identifier: Apache-2.0
//
// What is said to people of an answer, and what it means for the caller.
//
// For the files of this room alone.
#pragma once

#include "base/status.h"
#include "wire/fetch.h"

struct ov_fetch_reason {
    struct ov_fetch_answer answer;
    struct ov_span address; // the URL of a POST, or the base of the GETs
    struct ov_span proxy;   // that stood between; or empty
    uint64_t most_bytes;
};

// "could not connect to example.org:443: Connection refused"; of printable ASCII.
void ov_fetch_reason_write(const struct ov_fetch_reason *reason, char *ret_text, size_t size);

enum ov_status ov_fetch_reason_status(enum ov_fetch_end end);
