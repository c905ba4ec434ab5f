// SPDX-License-Identifier: Apache-2.0
//
// CRC-32C (Castagnoli; RFC 3720 appendix B.4): tells a write that a crash has cut short from one
// that is whole. No protection against anybody.
#pragma once

#include "base/span.h"

uint32_t ov_crc32c(struct ov_span bytes);

// The same without the processor's instruction for it.
uint32_t ov_crc32c_plain(struct ov_span bytes);
