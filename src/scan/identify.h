// SPDX-License-Identifier: Apache-2.0
//
// What kind of file is this? One look at the first bytes.
#pragma once

#include "base/filetype.h"

enum { OV_IDENTIFY_BYTES = 1024 }; // as many of the first bytes are looked at

// The type of an object of `object_bytes` that begins with `first`.
enum ov_filetype ov_identify(struct ov_span first, uint64_t object_bytes);

// ClamAV's target number, 0 to 14, that rules use for the type.
uint32_t ov_filetype_target(enum ov_filetype type);
