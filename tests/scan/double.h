// SPDX-License-Identifier: Apache-2.0
//
// What the test scanner can be asked for by more than one of its roles.
#pragma once

#include "base/span.h"

// Tries the act of that name; true when it was possible, false when it was refused or is unknown.
// Most refusals end the process.
bool try_act(const char *name, struct ov_span bytes);

enum { FOREVER_MS = 1000000 };

// Answers nobody for so long, with a call that every worker may make. The processor is left to
// others: tests wait for this.
void hang(unsigned milliseconds);
