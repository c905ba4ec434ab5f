// SPDX-License-Identifier: Apache-2.0
//
// BinHex 4.0 in a text (RFC 1741, appendix A): six bits a character, runs shortened, two forks.
#pragma once

#include "base/buf.h"

struct ov_binhex_file {
    struct ov_span name;
    struct ov_span data, resources; // the two forks; either may be empty
    bool is_whole;                  // both are as long as the header says
};

// Finds the line that says that what follows is BinHex, at or after `from`; false without one.
bool ov_binhex_find(struct ov_span text, size_t from, size_t *ret_at);

// Decodes what follows that line, from one colon to the next, and appends at most `room` bytes;
// `ret_end` says where the text goes on. OV_OK; OV_DAMAGED: it has no end; OV_LIMIT: there was
// more; OV_MEMORY.
enum ov_status ov_binhex_decode(struct ov_span text, size_t at, size_t room, struct ov_buf *plain,
                                size_t *ret_end);

// Takes decoded bytes apart. A fork that breaks off is what there is of it.
struct ov_binhex_file ov_binhex_split(struct ov_span plain);
