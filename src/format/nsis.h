// SPDX-License-Identifier: Apache-2.0
//
// The compressions that NSIS made its own by leaving out what it did not need.
//
// Both append to `plain` and return as ov_codec_unpack() does. Worker process only.
#pragma once

#include "format/walk.h"

// Deflate whose stored blocks may have a length and no complement of it. zip_deflate64.c
enum ov_status ov_nsis_inflate(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain);

// bzip2 without its headers and sums. nsis_bzip2.c
enum ov_status ov_nsis_bunzip2(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain);
