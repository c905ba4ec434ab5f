// SPDX-License-Identifier: Apache-2.0
//
// Which file of a root is a source of which kind, by its path; for container images. Worker process
// only.
#pragma once

#include "base/survey.h"

// The path from the root, without '/' in front; OV_SURVEY_SOURCES for none.
enum ov_survey_source ov_survey_place(struct ov_span path);
