// SPDX-License-Identifier: Apache-2.0
//
// The rules of the kernel's audit, for those that hide something. They are asked for, and never
// changed.
#pragma once

#include "trace/writer.h"

// Writes the rules that are there, each as a record, and a sensor `audit-rules`: `missing` when the
// kernel has no audit, or does not tell this user.
enum ov_status ov_audit_list(struct ov_trace_writer *trace);
