// SPDX-License-Identifier: Apache-2.0
// rooms: survey
//
// Texts that a machine keeps about itself, their kind by the first byte: what is told of them are
// facts within their bounds.
#include "survey/readers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void *arg, const struct ov_survey_fact *fact) {
    (void)arg;
    if (fact->value.size == 0 || fact->kind >= OV_FACT_KINDS) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_survey_out out = {.tell = check};
    struct ov_span bytes = ov_span_make(data, size);
    if (size > 0) {
        static const uint8_t kinds[] = {OV_SURVEY_DPKG_STATUS, OV_SURVEY_APK,    OV_SURVEY_PASSWD,
                                        OV_SURVEY_GROUP,       OV_SURVEY_UNIT,   OV_SURVEY_CRON,
                                        OV_SURVEY_SUDOERS,     OV_SURVEY_AUDIT,  OV_SURVEY_APT,
                                        OV_SURVEY_YUM,         OV_SURVEY_PRELOAD};
        unsigned kind = kinds[data[0] % sizeof kinds];
        (void)ov_survey_read((enum ov_survey_source)kind, ov_span_from(bytes, 1), &out);
    }
    return 0;
}
