// SPDX-License-Identifier: Apache-2.0
//
// How often runs of bytes stand in ordinary files: what makes one window of a pattern rarer than
// another.
//
// The model is a small table trained once (tools/train-grams.c) on software that has nothing to do
// with any rule set; docs/formats/grams.md. Case is folded, as in the filter.
#pragma once

#include "base/span.h"

// An estimate of how often the bytes stand in one byte of ordinary data: 1.0 = at every byte. Bytes
// are folded by the function.
double ov_gram3_frequency(const uint8_t bytes[3]);
double ov_gram4_frequency(const uint8_t bytes[4]);
double ov_gram6_frequency(const uint8_t bytes[6]);
double ov_byte_frequency(uint8_t byte);
