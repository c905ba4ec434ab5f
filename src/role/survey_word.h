// SPDX-License-Identifier: Apache-2.0
//
// The word "survey" in the caged builder: sources in, lines of facts out. Worker process only.
#pragma once

#include "base/survey.h"

struct ov_survey_work {
    uint32_t source_count;
    void *arg;
    // Gives the label and the bytes of a source, and tells the broker that it is read now; false
    // when it has none.
    bool (*open)(void *arg, uint32_t source, struct ov_span *ret_label, struct ov_span *ret_bytes);
    void (*send)(void *arg, struct ov_span lines); // whole lines
};

// Reads all sources. What is said of one is sent before the next is opened.
enum ov_status ov_survey_work(const struct ov_survey_work *work);
