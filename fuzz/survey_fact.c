// SPDX-License-Identifier: Apache-2.0
// rooms: base
//
// Lines of a reader that was taken over: what is taken for a fact is written as the same line.
#include "base/survey.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SOURCES = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    struct ov_span line = ov_span_make(data, size);
    uint8_t room[OV_SURVEY_ROOM_BYTES];
    struct ov_survey_fact fact;
    if (ov_survey_fact_decode(line, SOURCES, room, &fact) != OV_OK) {
        return 0;
    }
    ov_survey_fact_encode(&fact, &again);
    struct ov_span same = ov_span_part(ov_buf_span(&again), 0, again.size - 1);
    if (fact.source >= SOURCES || fact.value.data[fact.value.size] != 0 ||
        !ov_span_is_equal(same, line)) {
        abort();
    }
    return 0;
}
