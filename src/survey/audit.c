// SPDX-License-Identifier: Apache-2.0
// Rules of the kernel's audit as auditctl(8) reads them: which paths they name, and what they keep
// out of the log.
#include "survey/readers.h"
#include "survey/text.h"

struct rule {
    struct ov_span line;
    bool is_hiding; // "-a never,exit", "-a exclude,always" and such
    struct ov_survey_out *out;
};

static bool has_word(struct ov_span list, const char *word) {
    struct ov_span left, right;
    if (!ov_survey_split(list, ',', &left, &right)) {
        return ov_span_is_text(list, word);
    }
    return ov_span_is_text(left, word) || ov_span_is_text(right, word);
}

static void tell(const struct rule *rule, struct ov_span value) {
    enum ov_survey_kind kind = rule->is_hiding ? OV_FACT_AUDIT_HIDES : OV_FACT_AUDIT;
    ov_survey_tell(rule->out, kind, value, rule->line);
}

// "exe=/opt/x": of a path its value, else all of it, when it hides.
static void tell_field(const struct rule *rule, struct ov_span field) {
    struct ov_span key, value;
    bool is_set = ov_survey_split(field, '=', &key, &value);
    if (is_set && value.size > 1 && value.data[0] == '/') {
        tell(rule, value);
    } else if (is_set && rule->is_hiding) {
        tell(rule, field);
    }
}

static void read_rule(struct rule *rule) {
    struct ov_span rest = rule->line, option, value;
    while (ov_survey_word(&rest, &option)) {
        bool is_list = ov_span_is_text(option, "-a") || ov_span_is_text(option, "-A");
        bool is_path = ov_span_is_text(option, "-w") || ov_span_is_text(option, "-W");
        bool is_field = ov_span_is_text(option, "-F");
        bool is_switch = ov_span_is_text(option, "-e");
        if (!is_list && !is_path && !is_field && !is_switch) {
            continue;
        }
        if (!ov_survey_word(&rest, &value)) {
            return;
        }
        if (is_list) {
            rule->is_hiding = has_word(value, "never") || has_word(value, "exclude");
        } else if (is_path && value.size > 1) {
            tell(rule, value);
        } else if (is_field) {
            tell_field(rule, value);
        } else if (is_switch && ov_span_is_text(value, "0")) {
            ov_survey_tell(rule->out, OV_FACT_AUDIT_HIDES, ov_span_text("everything"), rule->line);
        }
    }
}

enum ov_status ov_survey_audit(struct ov_span bytes, struct ov_survey_out *out) {
    struct ov_survey_lines lines = {.rest = bytes};
    struct ov_span line;
    while (ov_survey_line(&lines, &line)) {
        struct rule rule = {.line = ov_survey_trim(line), .out = out};
        if (rule.line.size == 0 || rule.line.data[0] == '#') {
            continue;
        }
        if (rule.line.data[0] != '-') {
            ov_survey_problem(out, "not a rule of auditctl", lines.number);
            continue;
        }
        out->count++;
        read_rule(&rule);
    }
    return OV_OK;
}
