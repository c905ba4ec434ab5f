// SPDX-License-Identifier: Apache-2.0
//
// Landlock for what is watched: files as ever, but no devices, no writing to the kernel's own
// files, and nothing of the processes outside.
#pragma once

#include "base/status.h"

#include <stdint.h>

enum { OV_CONFINE_WHY_BYTES = 160 };

// Confines the calling process, which must have one thread, and all that come from it. `allowed`
// is OV_ALLOW bits. OV_SYSTEM (errno): this kernel has no Landlock, or not what is needed.
// `ret_why` says what this kernel's version leaves out; "" when that is nothing.
enum ov_status ov_confine_enter(uint32_t allowed, char ret_why[OV_CONFINE_WHY_BYTES]);

// Gives up, for good, the capabilities that lead past the envelope. OV_SYSTEM (errno).
enum ov_status ov_confine_capabilities(uint32_t allowed);
