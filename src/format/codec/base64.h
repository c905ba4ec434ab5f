// SPDX-License-Identifier: Apache-2.0
//
// Base64 (RFC 2045, 6.8; RFC 4648, 4), read in the ways in which readers disagree.
#pragma once

#include "base/buf.h"

enum ov_base64_reading {
    OV_BASE64_ALL = 0, // all that is in the alphabet; padding ends a group and no more
    OV_BASE64_TO_PAD,  // up to the first padding
    OV_BASE64_LINES,   // of those lines alone that hold nothing else
    OV_BASE64_READINGS,
};

// What made readers disagree.
struct ov_base64_signs {
    bool has_junk;  // bytes that are neither of the alphabet nor white space
    bool has_after; // more of the alphabet after padding
};

// Decodes and appends at most `room` bytes. OV_OK; OV_LIMIT: there was more; OV_MEMORY.
enum ov_status ov_base64_decode(struct ov_span text, enum ov_base64_reading reading, size_t room,
                                struct ov_buf *plain, struct ov_base64_signs *ret_signs);

// Whether the text reads as base64 though nobody said so: its first two lines are of the alphabet
// alone, and long enough not to be words.
bool ov_base64_is_likely(struct ov_span text);
