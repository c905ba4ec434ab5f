// SPDX-License-Identifier: Apache-2.0
//
// Files that stand in a text between lines that begin and end them: uuencode, yEnc, BinHex.
#pragma once

#include "format/walk.h"

// Tells the sink of every such file in the text, in the order of the encodings. `scratch` holds one
// at a time. OV_OK; OV_DAMAGED: one of them breaks off, and was told; OV_MEMORY; what the sink
// said.
enum ov_status ov_blocks_tell(struct ov_span text, struct ov_walk *walk, struct ov_buf *scratch);

// Tells of what a decoder left in `plain`, given its status: nothing if it is empty.
enum ov_status ov_blocks_tell_plain(enum ov_status status, const struct ov_buf *plain,
                                    struct ov_span name, struct ov_walk *walk);
