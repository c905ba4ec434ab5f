// SPDX-License-Identifier: Apache-2.0
//
// Text in one form: small letters, one space for each run of white space, nothing but printable
// ASCII.
//
// All ways give the same bytes; tests hold each against the plain one. The choice is made once, at
// run time, from the processor's features.
#pragma once

#include "base/span.h"

// More than the text is written to before it is known how little stays.
enum { OV_SQUEEZE_SLACK = 64 };

// Writes the text in that form to `ret_out`, which has room for OV_SQUEEZE_SLACK bytes more than
// the text. Returns how many bytes stay.
typedef size_t ov_squeeze_fn(struct ov_span text, uint8_t *ret_out);

ov_squeeze_fn ov_squeeze;

// Whether the text has that form already. Mostly told by the first bytes.
bool ov_squeeze_is_done(struct ov_span text);

ov_squeeze_fn ov_squeeze_plain;
ov_squeeze_fn ov_squeeze_avx512; // x86-64 only; needs F, BW, VL, VBMI2

// The ways that this processor has, the fastest first, with a NULL behind them.
ov_squeeze_fn *const *ov_squeeze_list(void);
