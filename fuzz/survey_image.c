// SPDX-License-Identifier: Apache-2.0
// rooms: survey
//
// Images of containers: whatever their layers hold, paths that are told are absolute and have a
// place, and afterwards all is as it was.
#include "survey/readers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void *arg, const struct ov_survey_fact *fact) {
    (void)arg;
    bool is_path = fact->kind == OV_FACT_PATH;
    if (fact->value.size == 0 ||
        (is_path && (fact->value.data[0] != '/' || fact->place.size == 0))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_survey_out out = {.tell = check};
    enum ov_status status = ov_survey_read(OV_SURVEY_IMAGE, ov_span_make(data, size), &out);
    if (status != OV_OK || out.is_hidden || out.place.size > 0) {
        abort();
    }
    return 0;
}
