// SPDX-License-Identifier: Apache-2.0
//
// Parameters of a MIME header field, and names that are written in other words.
//
// Reads more than RFC 2045 (5.1) allows: parameters without semicolons, quotes without an end,
// values with blanks. Worker process only; what comes back lives in the arena or in `value`.
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum {
    OV_MAIL_NAME_BYTES_MAX = 1000,
    OV_MAIL_VALUES_MAX = 6, // ways to read one parameter
};

// The ways in which a parameter can be read; no two are the same.
struct ov_mail_values {
    struct ov_span values[OV_MAIL_VALUES_MAX];
    unsigned count;
};

// Collects all values of the parameter `key` (small letters) in an unfolded field: quoted or not,
// with and without comments, and put together from sections (RFC 2231, 3).
void ov_mail_params_read(struct ov_span field, const char *key, struct ov_arena *arena,
                         struct ov_mail_values *ret_values);

// Decodes the encoded words in a text (RFC 2047), up to a few thousand bytes of it, and appends.
void ov_mail_words_decode(struct ov_span text, struct ov_buf *plain);

// A file name under `key`: sections put together and unescaped (RFC 2231, 3 and 4), encoded words
// decoded (RFC 2047, also inside quotes, where it does not allow them but programs write them). In
// its own character set. Empty when there is none.
struct ov_span ov_mail_name_read(struct ov_span field, const char *key, struct ov_arena *arena);
