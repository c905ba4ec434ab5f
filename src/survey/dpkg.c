// SPDX-License-Identifier: Apache-2.0
// Package databases in text: the status file of dpkg (deb822, and deb-control), and that of apk.
#include "survey/readers.h"
#include "survey/text.h"

struct package {
    struct ov_span name, version, status;
    uint64_t line; // where its paragraph begins
};

// ---- dpkg -------------------------------------------------------------------------------------

static void take_field(struct package *package, struct ov_span key, struct ov_span value) {
    if (ov_span_is_text(key, "Package")) {
        package->name = value;
    } else if (ov_span_is_text(key, "Version")) {
        package->version = value;
    } else if (ov_span_is_text(key, "Status")) {
        package->status = value;
    }
}

// What the third word of a status says (dpkg(1), "Package states"). In the files of status.d, which
// images without dpkg have, there is none: they are installed.
static void tell_package(const struct package *package, struct ov_survey_out *out) {
    struct ov_span rest = package->status, word = {0};
    for (unsigned i = 0; i < 3 && ov_survey_word(&rest, &word); i++) {
    }
    bool is_hidden = out->is_hidden;
    if (package->name.size == 0) {
        ov_survey_problem(out, "a paragraph names no package", package->line);
        return;
    }
    out->count++;
    if (ov_span_is_text(word, "not-installed")) {
        return;
    }
    out->is_hidden = is_hidden || ov_span_is_text(word, "config-files");
    ov_survey_tell(out, OV_FACT_PACKAGE, package->name, package->version);
    out->is_hidden = is_hidden;
}

enum ov_status ov_survey_dpkg(struct ov_span bytes, struct ov_survey_out *out) {
    struct ov_survey_lines lines = {.rest = bytes};
    struct package package = {0};
    struct ov_span line, key, value;
    while (ov_survey_line(&lines, &line)) {
        bool is_continued = line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
        if (line.size == 0) {
            if (package.line > 0) {
                tell_package(&package, out);
            }
            package = (struct package){0};
        } else if (is_continued) {
            continue;
        } else if (ov_span_find(line, 0, 0) < line.size ||
                   !ov_survey_split(line, ':', &key, &value)) {
            ov_survey_problem(out, "neither a field nor the rest of one", lines.number);
        } else {
            package.line = package.line > 0 ? package.line : lines.number;
            take_field(&package, key, value);
        }
    }
    if (package.line > 0) {
        tell_package(&package, out);
    }
    if (bytes.size > 0 && bytes.data[bytes.size - 1] != '\n') {
        ov_survey_problem(out, "ends in the middle of a line", lines.number);
    }
    return OV_OK;
}

// ---- apk --------------------------------------------------------------------------------------

static void tell_apk(const struct package *package, struct ov_survey_out *out) {
    if (package->name.size > 0) {
        out->count++;
        ov_survey_tell(out, OV_FACT_PACKAGE, package->name, package->version);
    } else {
        ov_survey_problem(out, "a paragraph names no package", package->line);
    }
}

// Lines "L:VALUE", an empty one behind each package (apk-tools, "installed database").
enum ov_status ov_survey_apk(struct ov_span bytes, struct ov_survey_out *out) {
    struct ov_survey_lines lines = {.rest = bytes};
    struct package package = {0};
    struct ov_span line;
    while (ov_survey_line(&lines, &line)) {
        if (line.size == 0) {
            if (package.line > 0) {
                tell_apk(&package, out);
            }
            package = (struct package){0};
        } else if (line.size < 2 || line.data[1] != ':') {
            ov_survey_problem(out, "not a letter and a colon", lines.number);
        } else {
            package.line = package.line > 0 ? package.line : lines.number;
            if (line.data[0] == 'P') {
                package.name = ov_span_from(line, 2);
            } else if (line.data[0] == 'V') {
                package.version = ov_span_from(line, 2);
            }
        }
    }
    if (package.line > 0) {
        tell_apk(&package, out);
    }
    return OV_OK;
}
