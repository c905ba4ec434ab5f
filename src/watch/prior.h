// SPDX-License-Identifier: Apache-2.0
//
// What a process holds when it comes under watch: open descriptors and mapped files, from /proc.
// What was read through them before is not known.
#pragma once

#include "watch/recorder.h"

// Writes a record `prior` for each, and looks among the mapped ones for libraries of TLS
// (watch/plaintext.h). A process that has ended holds nothing.
enum ov_status ov_prior_list(struct ov_recorder *recorder, uint32_t pid);
