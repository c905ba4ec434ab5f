// SPDX-License-Identifier: Apache-2.0
//
// Numbers that archives write as text. Worker process only.
#pragma once

#include "base/span.h"

// The value of the digits at the beginning of a field, after blanks; what follows them does not
// matter. False when there are none, or more than 64 bits hold. `base` is 8, 10 or 16.
bool ov_digits_read(struct ov_span field, unsigned base, uint64_t *ret_value);
