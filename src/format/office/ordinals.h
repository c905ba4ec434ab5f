// SPDX-License-Identifier: Apache-2.0
//
// Names of functions that system libraries export by number, for import hashes.
#pragma once

#include "base/span.h"

// The lower-case name of an export, or NULL when the library (lower-case, with extension) or the
// number is not known. A constant string.
const char *ov_ordinal_name(struct ov_span library, uint16_t ordinal);
