// SPDX-License-Identifier: Apache-2.0
// A reader of surveys that obeys its sources: it shows what the broker does when one ends the
// reader, or makes it say what it should not.
#include "survey/survey.h"

#include "role/roles.h"
#include "wire/rules.h"

#include <stdlib.h>
#include <unistd.h>

// The linker puts the first in place of ov_survey_read, and calls that the second.
enum ov_status __wrap_ov_survey_read(enum ov_survey_source kind, struct ov_span bytes, // NOLINT
                                     struct ov_survey_out *out);
enum ov_status __real_ov_survey_read(enum ov_survey_source kind, struct ov_span bytes, // NOLINT
                                     struct ov_survey_out *out);

static const char marker[] = "OVERT-TEST ";

// A message of its own, past the writer of lines.
static void say(struct ov_span text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_wire_report report = {.kind = OV_WIRE_REPORT_TEXT, .text = text};
    ov_wire_report_encode(&report, &out);
    (void)!write(OV_BUILDER_CHANNEL, out.data, out.size);
}

enum ov_status __wrap_ov_survey_read(enum ov_survey_source kind, struct ov_span bytes, // NOLINT
                                     struct ov_survey_out *out) {
    if (!ov_span_has_prefix(bytes, marker)) {
        return __real_ov_survey_read(kind, bytes, out);
    }
    struct ov_span act = ov_span_from(bytes, strlen(marker));
    if (ov_span_has_prefix(act, "die")) {
        abort();
    } else if (ov_span_has_prefix(act, "say ")) {
        say(ov_span_from(act, strlen("say ")));
    }
    return OV_OK;
}
