// SPDX-License-Identifier: Apache-2.0
//
// The forbidden acts that the test scanner can be asked to try.
#pragma once

#include "base/span.h"

// Tries the act of that name; true when it was possible, false when it was refused or is unknown.
// Most refusals end the process.
bool try_act(const char *name, struct ov_span bytes);
