// SPDX-License-Identifier: Apache-2.0
//
// Subsignatures of logical rules: bodies, regular expressions, byte compares, macros, image hashes.
#pragma once

#include "rules/clamav/parser.h"

// Reads the subsignature of this index; its kind is told by its shape.
enum ov_status ov_clamav_subsig_read(struct ov_parser *parser, struct ov_span text, uint32_t target,
                                     uint32_t index, struct ov_sub *ret_sub);

// `[offset:]Trigger/regex/[flags]`, where the trigger names earlier subsignatures (regex.c).
enum ov_status ov_clamav_regex_read(struct ov_parser *parser, struct ov_span text, uint32_t target,
                                    uint32_t index, struct ov_sub *ret_sub);

// `id(offset#options#comparisons)` (compare.c).
enum ov_status ov_clamav_compare_read(struct ov_parser *parser, struct ov_span text,
                                      struct ov_sub *ret_sub);
