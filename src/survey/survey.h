// SPDX-License-Identifier: Apache-2.0
//
// Readers of what a machine keeps about itself: package databases, accounts, units, cron entries,
// rules and keys. One source in, facts out.
//
// The bytes are hostile. Worker process only.
#pragma once

#include "base/survey.h"

struct ov_survey_out {
    void *arg;
    void (*tell)(void *arg, const struct ov_survey_fact *fact); // texts are borrowed
    uint32_t source;
    struct ov_span place; // of facts that a reader tells no place of
    bool is_hidden;       // all facts are of what is gone: they become residue
    uint64_t count;       // entries that were read
    bool has_problem;
};

// Reads a source and tells its facts, then how many entries it had. What cannot be read is told as
// a problem, and what stands before and behind it as facts. OV_OK, OV_MEMORY.
enum ov_status ov_survey_read(enum ov_survey_source kind, struct ov_span bytes,
                              struct ov_survey_out *out);

// The same without the count, for what lies in a source.
enum ov_status ov_survey_read_part(enum ov_survey_source kind, struct ov_span bytes,
                                   struct ov_survey_out *out);

// ---- for readers ------------------------------------------------------------------------------

void ov_survey_tell(struct ov_survey_out *out, enum ov_survey_kind kind, struct ov_span value,
                    struct ov_span detail);

// Tells a problem; of one source, only the first is told. `line` is 0 for none.
void ov_survey_problem(struct ov_survey_out *out, const char *why, uint64_t line);
