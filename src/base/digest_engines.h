// SPDX-License-Identifier: Apache-2.0
//
// The digest engines that exist only for some processors. Private to base/digest*.c and tests.
#pragma once

#include "base/digest.h"

// SHA-1 and SHA-256 with the SHA extensions of x86 (MD5 has none: the plain one stands there).
// Defined on x86-64; may be called only where the processor has them.
extern const struct ov_digest_engine ov_digest_shani;

// The plain MD5, which no processor has instructions for.
ov_digest_blocks_fn ov_digest_md5_plain;
