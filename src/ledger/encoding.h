// SPDX-License-Identifier: Apache-2.0
//
// The texts that notes, checkpoints, proofs and policies are made of: base64, decimal numbers, and
// lines; strict, so that one value has one spelling.
//
// Base64 is RFC 4648 section 4, padded, without blanks, and with zero bits behind the last byte.
// Numbers are decimal without sign or leading zero, at most OV_NUMBER_MAX. Lines end with LF.
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "base/digest.h"
#include "base/number.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

// The largest number in any of these formats: tree sizes and times (tlog-checkpoint,
// tlog-cosignature: signed 64 bits).

enum { OV_HASH_TEXT_BYTES = 44 }; // a SHA-256 in base64

// A SHA-256 of the tree: of a leaf, a node, a root.
struct ov_tree_hash {
    uint8_t bytes[OV_SHA256_BYTES];
};

static inline bool ov_tree_hash_is_equal(const struct ov_tree_hash *a,
                                         const struct ov_tree_hash *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

// Decodes into `ret_bytes`, which has room for `room` bytes; the number written goes to *ret_size.
// OV_DAMAGED when it is no strict base64, OV_LIMIT when it does not fit; nothing is written then.
enum ov_status ov_base64_read(struct ov_span text, uint8_t *ret_bytes, size_t room,
                              size_t *ret_size);

// Decodes exactly one hash. OV_DAMAGED for anything else.
enum ov_status ov_tree_hash_read(struct ov_span text, struct ov_tree_hash *ret_hash);

// Appends the base64 of `bytes`, without a line's end.
void ov_base64_add(struct ov_buf *buf, struct ov_span bytes);
void ov_tree_hash_add(struct ov_buf *buf, const struct ov_tree_hash *hash);
void ov_tree_hash_write(const struct ov_tree_hash *hash, char ret_text[OV_HASH_TEXT_BYTES]);

// Writes a number (base/number.h reads one), and gives the count of its digits; no NUL.
enum { OV_NUMBER_DIGITS_MAX = 20 };
size_t ov_number_write(uint64_t number, char ret_text[OV_NUMBER_DIGITS_MAX]);

// The next line, without its LF; OV_END at the end of the bytes, OV_DAMAGED when the last line has
// no LF. A CR is a byte like any other.
enum ov_status ov_line_read(struct ov_cursor *cursor, struct ov_span *ret_line);

// Takes `keyword` and one blank off the start of `line`; what follows goes to *ret_rest. OV_DAMAGED
// when the line does not start so.
enum ov_status ov_line_take(struct ov_span line, const char *keyword, struct ov_span *ret_rest);

// Cuts the next word off *rest: the bytes before the next blank, or all. At least one byte, or
// OV_DAMAGED. What follows the blank stays in *rest; without a blank it becomes empty.
enum ov_status ov_word_take(struct ov_span *rest, struct ov_span *ret_word);
