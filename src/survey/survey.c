// SPDX-License-Identifier: Apache-2.0
// Which reader reads what, and how facts are told.
#include "survey/survey.h"

#include "survey/readers.h"

#include <stdio.h>

static ov_survey_reader *const readers[OV_SURVEY_SOURCES] = {
    [OV_SURVEY_DPKG_STATUS] = ov_survey_dpkg, [OV_SURVEY_RPM_SQLITE] = ov_survey_rpm_sqlite,
    [OV_SURVEY_RPM_NDB] = ov_survey_rpm_ndb,  [OV_SURVEY_RPM_BDB] = ov_survey_rpm_bdb,
    [OV_SURVEY_APK] = ov_survey_apk,          [OV_SURVEY_PASSWD] = ov_survey_passwd,
    [OV_SURVEY_GROUP] = ov_survey_group,      [OV_SURVEY_UNIT] = ov_survey_unit,
    [OV_SURVEY_CRON] = ov_survey_cron,        [OV_SURVEY_SUDOERS] = ov_survey_sudoers,
    [OV_SURVEY_AUDIT] = ov_survey_audit,      [OV_SURVEY_APT] = ov_survey_apt,
    [OV_SURVEY_YUM] = ov_survey_yum,          [OV_SURVEY_CERTIFICATES] = ov_survey_certificates,
    [OV_SURVEY_MOK] = ov_survey_mok,          [OV_SURVEY_PRELOAD] = ov_survey_preload,
    [OV_SURVEY_IMAGE] = ov_survey_image,
};

void ov_survey_tell(struct ov_survey_out *out, enum ov_survey_kind kind, struct ov_span value,
                    struct ov_span detail) {
    struct ov_survey_fact fact = {.kind = kind,
                                  .source = out->source,
                                  .is_residue = out->is_hidden,
                                  .value = value,
                                  .detail = detail,
                                  .place = out->place};
    if (value.size > 0) {
        out->tell(out->arg, &fact);
    }
}

void ov_survey_problem(struct ov_survey_out *out, const char *why, uint64_t line) {
    char where[32] = "";
    if (out->has_problem) {
        return;
    }
    out->has_problem = true;
    if (line > 0) {
        (void)snprintf(where, sizeof where, "line %llu", (unsigned long long)line);
    }
    ov_survey_tell(out, OV_FACT_PROBLEM, ov_span_text(why), ov_span_text(where));
}

enum ov_status ov_survey_read_part(enum ov_survey_source kind, struct ov_span bytes,
                                   struct ov_survey_out *out) {
    out->count = 0;
    out->has_problem = false;
    enum ov_status status = readers[kind](bytes, out);
    if (status != OV_OK && status != OV_MEMORY) {
        ov_survey_problem(out, "damaged", 0);
    }
    return status == OV_MEMORY ? OV_MEMORY : OV_OK;
}

enum ov_status ov_survey_read(enum ov_survey_source kind, struct ov_span bytes,
                              struct ov_survey_out *out) {
    char count[24];
    TRY(ov_survey_read_part(kind, bytes, out));
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)out->count);
    ov_survey_tell(out, OV_FACT_ENTRIES, ov_span_text(count), ov_span_make(NULL, 0));
    return OV_OK;
}
