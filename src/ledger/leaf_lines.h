// SPDX-License-Identifier: Apache-2.0
//
// The lines that entries of ours are made of; for release.c and leaf.c alone.
#pragma once

#include "ledger/release.h"

#define OV_LINE_RULESET    "overt-ruleset/v1"
#define OV_LINE_WITHDRAWAL "overt-withdraw/v1"
#define OV_LINE_ENGINE     "overt-engine/v1"
#define OV_LINE_ROTATION   "overt-policy/v1"

// Each takes the next line of an entry, or OV_DAMAGED.
enum ov_status ov_leaf_take_first(struct ov_cursor *cursor, const char *expected);
enum ov_status ov_leaf_take(struct ov_cursor *cursor, const char *keyword,
                            struct ov_span *ret_value);
enum ov_status ov_leaf_take_number(struct ov_cursor *cursor, const char *keyword,
                                   uint64_t *ret_number);
enum ov_status ov_leaf_take_feed(struct ov_cursor *cursor, struct ov_feed_name *ret_feed);
// Each takes the next word of a line.
enum ov_status ov_leaf_take_sha256(struct ov_span *rest, uint8_t *ret_sha256);
enum ov_status ov_leaf_take_word_number(struct ov_span *rest, uint64_t *ret_number);
// Nothing may follow.
enum ov_status ov_leaf_end(const struct ov_cursor *cursor);

void ov_leaf_add_number(struct ov_buf *buf, const char *keyword, uint64_t number);
void ov_leaf_add_sha256(struct ov_buf *buf, const uint8_t *sha256);
