// SPDX-License-Identifier: Apache-2.0
// Entries of cron (crontab(5)), and scripts in the folders that cron runs: the paths in their
// lines.
#include "survey/readers.h"
#include "survey/text.h"

#include <stdio.h>

static bool is_variable(struct ov_span line) {
    size_t equals = ov_span_find(line, 0, '=');
    for (size_t i = 0; i < equals; i++) {
        uint8_t byte = line.data[i];
        bool is_name = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= '0' && byte <= '9') || byte == '_' || byte == ' ';
        if (!is_name) {
            return false;
        }
    }
    return equals < line.size;
}

// When an entry runs are five words that may have '/' in them, or one that begins with '@'.
static void skip_time(struct ov_span *line) {
    struct ov_span word;
    unsigned count = line->size > 0 && line->data[0] == '@' ? 1 : 5;
    for (unsigned i = 0; i < count && ov_survey_word(line, &word); i++) {
    }
}

enum ov_status ov_survey_cron(struct ov_span bytes, struct ov_survey_out *out) {
    struct ov_survey_lines lines = {.rest = bytes};
    bool is_script = ov_span_has_prefix(bytes, "#!");
    struct ov_span line, path;
    while (ov_survey_line(&lines, &line)) {
        line = ov_survey_trim(line);
        bool is_empty = line.size == 0 || line.data[0] == '#';
        if (is_empty || (!is_script && is_variable(line))) {
            continue;
        }
        char where[32];
        (void)snprintf(where, sizeof where, "line %llu", (unsigned long long)lines.number);
        out->count++;
        if (!is_script) {
            skip_time(&line);
        }
        while (ov_survey_path(&line, &path)) {
            ov_survey_tell(out, OV_FACT_CRON, path, ov_span_text(where));
        }
    }
    return OV_OK;
}
