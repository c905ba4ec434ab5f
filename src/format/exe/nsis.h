// SPDX-License-Identifier: Apache-2.0
//
// Deflate as NSIS made it its own. Its bzip2 is that of bare_bzip2.h.
//
// Appends to `plain` and returns as ov_codec_unpack() does. Worker process only.
#pragma once

#include "format/walk.h"

// Deflate whose stored blocks may have a length and no complement of it. zip_deflate64.c
enum ov_status ov_nsis_inflate(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain);
