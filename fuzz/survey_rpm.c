// SPDX-License-Identifier: Apache-2.0
// rooms: survey
//
// Databases of rpm in their three forms, told apart by the first byte.
#include "survey_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t kinds[] = {OV_SURVEY_RPM_SQLITE, OV_SURVEY_RPM_NDB, OV_SURVEY_RPM_BDB};
    read_source(kinds, sizeof kinds, data, size);
    return 0;
}
