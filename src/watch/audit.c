// SPDX-License-Identifier: Apache-2.0
// The kernel's audit rules as records of the trace.
#include "watch/audit.h"

#include "base/audit_rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static enum ov_status tell_rule(void *trace, struct ov_span rule) {
    struct ov_trace_audit record = {.rule = rule};
    return ov_trace_write_audit(trace, &record);
}

enum ov_status ov_audit_list(struct ov_trace_writer *trace) {
    char why[128] = "";
    struct timespec now;
    enum ov_status status = ov_audit_rules_each(trace, tell_rule);
    if (status == OV_SYSTEM) {
        bool is_absent = errno == EPROTONOSUPPORT || errno == ECONNREFUSED;
        (void)snprintf(why, sizeof why, "%s: %s",
                       is_absent ? "this kernel has no audit"
                                 : "the kernel does not tell its rules",
                       strerror(errno));
    } else if (status == OV_DAMAGED) {
        (void)snprintf(why, sizeof why, "the kernel's answer has another form");
    }
    TRY(status == OV_SYSTEM || status == OV_DAMAGED ? OV_OK : status);
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    struct ov_trace_sensor sensor = {
        .at_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
        .name = ov_span_text("audit-rules"),
        .state = why[0] == 0 ? OV_TRACE_STATE_ON : OV_TRACE_STATE_MISSING,
        .why = ov_span_text(why),
    };
    return ov_trace_write_sensor(trace, &sensor);
}
