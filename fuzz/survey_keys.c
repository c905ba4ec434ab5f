// SPDX-License-Identifier: Apache-2.0
// rooms: survey
//
// Certificates, and lists of enrolled keys, by the first byte.
#include "survey_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t kinds[] = {OV_SURVEY_CERTIFICATES, OV_SURVEY_MOK};
    read_source(kinds, sizeof kinds, data, size);
    return 0;
}
