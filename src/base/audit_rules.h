// SPDX-License-Identifier: Apache-2.0
//
// The rules of the kernel's audit, as auditctl(8) writes them. They are asked for, and never
// changed.
#pragma once

#include "base/buf.h"
#include "base/status.h"

// Appends one rule, struct audit_rule_data as the kernel gives it, in auditctl's words:
// "-a never,exit -S all -F pid=42". OV_DAMAGED: it is none.
enum ov_status ov_audit_rule_add(struct ov_span rule, struct ov_buf *buf);

// The rules that are there, each as such a line, until `each` says otherwise. OV_SYSTEM (errno):
// the kernel has no audit (EPROTONOSUPPORT, ECONNREFUSED), or does not tell this user; OV_DAMAGED
// its answer has another form; OV_MEMORY.
enum ov_status ov_audit_rules_each(void *arg,
                                   enum ov_status (*each)(void *arg, struct ov_span rule));
