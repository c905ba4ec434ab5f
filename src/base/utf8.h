// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 (RFC 3629): how long is the valid sequence at the start of these bytes?
#pragma once

#include "base/span.h"

// 1 to 4, or 0 when the bytes do not begin with a valid, shortest-form sequence.
unsigned ov_utf8_length(struct ov_span bytes);
