// SPDX-License-Identifier: Apache-2.0
//
// The words that stand in a trace for the values of its enums, each list in the order of its enum
// (trace/record.h) and ended by NULL; for the room alone.
#pragma once

extern const char *const ov_trace_type_words[];
extern const char *const ov_trace_route_words[];
extern const char *const ov_trace_target_words[];
extern const char *const ov_trace_state_words[];
extern const char *const ov_trace_outcome_words[];
extern const char *const ov_trace_expected_words[];
extern const char *const ov_trace_prior_words[];
extern const char *const ov_trace_mode_words[];
extern const char *const ov_trace_event_words[];
extern const char *const ov_trace_reason_words[];
extern const char *const ov_trace_kind_words[];
extern const char *const ov_trace_presence_words[];
extern const char *const ov_trace_why_words[];
extern const char *const ov_trace_truth_words[];
