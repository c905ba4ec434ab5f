// SPDX-License-Identifier: Apache-2.0
//
// Where a ClamAV pattern may stand: `*` `n` `EOF-n` `EP+n` `Sx+n` `SL+n` `SEx` `VI` `$n`, each with
// `,shift`.
#pragma once

#include "rules/clamav/parser.h"

// Reads an offset for rules of `target`; some kinds exist for executables alone.
enum ov_status ov_clamav_offset_read(struct ov_parser *parser, struct ov_span text, uint32_t target,
                                     struct ov_offset *ret_offset);
