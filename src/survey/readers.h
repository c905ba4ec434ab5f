// SPDX-License-Identifier: Apache-2.0
//
// The readers, one for each kind of source; survey.c calls them. Worker process only.
//
// Each tells what it finds. OV_OK; OV_DAMAGED: it is told as a problem, too; OV_MEMORY.
#pragma once

#include "survey/survey.h"

typedef enum ov_status ov_survey_reader(struct ov_span bytes, struct ov_survey_out *out);

ov_survey_reader ov_survey_dpkg;         // dpkg.c
ov_survey_reader ov_survey_apk;          // dpkg.c
ov_survey_reader ov_survey_rpm_sqlite;   // rpm_sqlite.c
ov_survey_reader ov_survey_rpm_ndb;      // rpm_ndb.c
ov_survey_reader ov_survey_rpm_bdb;      // rpm_bdb.c
ov_survey_reader ov_survey_passwd;       // accounts.c
ov_survey_reader ov_survey_group;        // accounts.c
ov_survey_reader ov_survey_preload;      // accounts.c
ov_survey_reader ov_survey_unit;         // unit.c
ov_survey_reader ov_survey_cron;         // cron.c
ov_survey_reader ov_survey_sudoers;      // sudoers.c
ov_survey_reader ov_survey_audit;        // audit.c
ov_survey_reader ov_survey_apt;          // repositories.c
ov_survey_reader ov_survey_yum;          // repositories.c
ov_survey_reader ov_survey_certificates; // certificates.c
ov_survey_reader ov_survey_mok;          // certificates.c
ov_survey_reader ov_survey_image;        // image.c

// One package of an rpm database: a header as it stands there, without magic (rpm's header format,
// "Header" of its file format). OV_DAMAGED: it is none; nothing is told.
enum ov_status ov_survey_rpm_header(struct ov_span blob, struct ov_survey_out *out);
