// SPDX-License-Identifier: Apache-2.0
//
// bzip2 without its headers and sums, as two archivers write it.
//
// Worker process only.
#pragma once

#include "format/walk.h"

enum ov_bare_bzip2 {
    OV_BARE_BZIP2_NSIS = 0, // a byte says whether a block follows
    OV_BARE_BZIP2_ALZ,      // "DLZ" and a byte do
};

// Unpacks one stream and appends to `plain`, as ov_codec_unpack() does.
enum ov_status ov_bare_bunzip2(enum ov_bare_bzip2 kind, struct ov_span packed, struct ov_walk *walk,
                               struct ov_buf *plain);
