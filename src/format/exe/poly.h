// SPDX-License-Identifier: Apache-2.0
//
// Ciphers that crypters of programs make up anew each time: a few instructions of x86 that change
// one byte, in AL, by constants and by the counter, in CL.
//
// They are read as a list of steps and worked off here; nothing is executed. Worker process only.
#pragma once

#include "format/walk.h"

enum { OV_POLY_STEPS_MAX = 64 };

struct ov_poly_step {
    uint8_t operation;
    bool is_by_counter; // else by `operand`
    uint8_t operand;
};

struct ov_poly {
    struct ov_poly_step steps[OV_POLY_STEPS_MAX];
    unsigned count;
};

// Reads instructions up to the end of the code. False when there is one that no such cipher has, or
// the last one is broken off.
bool ov_poly_read(struct ov_span code, struct ov_poly *ret_poly);

// Works off the steps on each byte; `counter` goes down with each. OV_OK, OV_LIMIT (no time left).
enum ov_status ov_poly_run(const struct ov_poly *poly, struct ov_walk *walk, uint8_t *bytes,
                           size_t size, uint32_t counter);
