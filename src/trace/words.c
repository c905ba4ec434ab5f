// SPDX-License-Identifier: Apache-2.0
// Words of the trace's enums.
#include "trace/words.h"

#include "trace/record.h"

#include <assert.h>

const char *const ov_trace_type_words[] = {
    "begin",   "program", "layer",     "exception", "sensor",     "selftest", "prior", "audit",
    "planted", "process", "name",      "file",      "socket",     "canary",   "act",   "denied",
    "net",     "capture", "plaintext", "loss",      "checkpoint", "end",      NULL,
};
static_assert(sizeof ov_trace_type_words / sizeof *ov_trace_type_words == OV_TRACE_TYPES + 1);

const char *const ov_trace_route_words[] = {
    "call",   "pages",  "mapped",     "faulted", "direct",  "uring", "spliced",
    "passed", "handle", "pre-access", "written", "dirtied", NULL,
};
static_assert(sizeof ov_trace_route_words / sizeof *ov_trace_route_words == OV_TRACE_ROUTES + 1);

const char *const ov_trace_target_words[] = {"command", "pid", "unit", "cgroup", NULL};
const char *const ov_trace_state_words[] = {"on", "off", "missing", NULL};
const char *const ov_trace_outcome_words[] = {"seen", "denied", "absent", "skipped", NULL};
const char *const ov_trace_expected_words[] = {"seen", "denied", NULL};
const char *const ov_trace_prior_words[] = {"fd", "map", NULL};
const char *const ov_trace_mode_words[] = {"none", "read", "write", "both", NULL};
const char *const ov_trace_event_words[] = {"found", "fork", "exec", "exit", NULL};
const char *const ov_trace_reason_words[] = {"target", "parent", "canary", "peer", NULL};
const char *const ov_trace_kind_words[] = {"file",   "folder", "pipe",  "terminal",
                                           "device", "memory", "other", NULL};
const char *const ov_trace_presence_words[] = {"unknown", "there", "gone", NULL};
const char *const ov_trace_why_words[] = {"done",      "interrupted", "size",
                                          "disk-full", "failed",      NULL};
const char *const ov_trace_truth_words[] = {"no", "yes", NULL};

const char *ov_trace_type_word(enum ov_trace_type type) {
    return ov_trace_type_words[type];
}

const char *ov_trace_route_word(enum ov_trace_route route) {
    return ov_trace_route_words[route];
}

const char *ov_trace_why_word(enum ov_trace_why why) {
    return ov_trace_why_words[why];
}

const char *ov_trace_state_word(enum ov_trace_state state) {
    return ov_trace_state_words[state];
}

const char *ov_trace_kind_word(enum ov_trace_kind kind) {
    return ov_trace_kind_words[kind];
}
