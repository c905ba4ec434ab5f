// SPDX-License-Identifier: Apache-2.0
// Reads one source after another, and gathers what is said of each into messages.
#include "role/survey_word.h"

#include "survey/survey.h"
#include "wire/rules.h"

struct gather {
    const struct ov_survey_work *work;
    struct ov_buf lines;
};

static void release_gather(struct gather *gather) {
    ov_buf_release(&gather->lines);
}

static void flush(struct gather *gather) {
    struct ov_span lines = ov_buf_span(&gather->lines);
    if (lines.size > 0) {
        gather->work->send(gather->work->arg, lines);
    }
    ov_buf_reset(&gather->lines);
}

static void tell(void *arg, const struct ov_survey_fact *fact) {
    struct gather *gather = arg;
    if (gather->lines.size + OV_SURVEY_LINE_BYTES > OV_WIRE_TEXT_BYTES) {
        flush(gather);
    }
    ov_survey_fact_encode(fact, &gather->lines);
}

enum ov_status ov_survey_work(const struct ov_survey_work *work) {
    OV_CLEANUP(release_gather) struct gather gather = {.work = work};
    for (uint32_t i = 0; i < work->source_count; i++) {
        struct ov_survey_out out = {.arg = &gather, .tell = tell, .source = i};
        struct ov_span label, path, bytes;
        if (!work->open(work->arg, i, &label, &bytes)) {
            ov_survey_problem(&out, "cannot be mapped", 0);
        } else {
            enum ov_survey_source kind = ov_survey_source_of(label, &path);
            if (kind == OV_SURVEY_SOURCES) {
                return OV_INVALID;
            }
            TRY(ov_survey_read(kind, bytes, &out));
        }
        flush(&gather);
        TRY(ov_buf_status(&gather.lines));
    }
    return OV_OK;
}
