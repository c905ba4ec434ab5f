// SPDX-License-Identifier: Apache-2.0
//
// Counters of files over all generations of the kernel's maps.
#pragma once

#include "base/status.h"
#include "trace/record.h"
#include "watch/kernel_types.h"
#include "watch/event.h"

// What a process did with an inode since the beginning.
struct ov_total {
    struct watch_file_key key;
    struct watch_file sum;
};

// Adds what a generation has. Coverage is joined at the larger scale.
void ov_total_add(struct ov_total *total, const struct watch_file *more);

// The record of it.
void ov_total_record(const struct ov_total *total, struct ov_trace_file *ret_record);
