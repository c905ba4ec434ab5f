// SPDX-License-Identifier: Apache-2.0
// rooms: survey
//
// Texts that a machine keeps about itself, their kind by the first byte.
#include "survey_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t kinds[] = {OV_SURVEY_DPKG_STATUS, OV_SURVEY_APK,    OV_SURVEY_PASSWD,
                                    OV_SURVEY_GROUP,       OV_SURVEY_UNIT,   OV_SURVEY_CRON,
                                    OV_SURVEY_SUDOERS,     OV_SURVEY_AUDIT,  OV_SURVEY_APT,
                                    OV_SURVEY_YUM,         OV_SURVEY_PRELOAD};
    read_source(kinds, sizeof kinds, data, size);
    return 0;
}
