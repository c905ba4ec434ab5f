// SPDX-License-Identifier: Apache-2.0
//
// Names of Linux's capabilities (capabilities(7)), as the kernel numbers them.
#pragma once

#include "base/buf.h"

// "CAP_SYS_ADMIN"; NULL for a number that we do not know.
const char *ov_capability_name(unsigned number);

// The names of all bits that are set, with ", " between them; all that there are, in one word:
// "all capabilities".
void ov_capability_add_names(struct ov_buf *out, uint64_t bits);
