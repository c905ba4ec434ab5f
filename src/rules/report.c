// SPDX-License-Identifier: Apache-2.0
// What all reports on rules share.
#include "rules/report.h"

#include "rules/explain.h"

#include <inttypes.h>

enum { FLUSH_BYTES = 1 << 16 };

void ov_report_flush(struct ov_report *report, bool is_last) {
    struct ov_buf *out = &report->out;
    if (out->size > 0 && (is_last || out->size >= FLUSH_BYTES)) {
        report->send(report->arg, ov_buf_span(out));
        ov_buf_reset(out);
    }
}

void ov_report_count(const struct ov_ruleset *set, size_t *ret_faults, size_t *ret_skips) {
    size_t skips = 0;
    for (size_t i = 0; i < set->problem_count; i++) {
        skips += set->problems[i].is_skip ? 1 : 0;
    }
    *ret_skips = skips;
    *ret_faults = set->problem_count - skips;
}

struct ov_span ov_hash_rule_line(const struct ov_ruleset *set, const struct ov_hash_rule *hash) {
    return ov_span_part(set->files[hash->file].bytes, hash->line_at, hash->line_size);
}

struct ov_span ov_hash_rule_name(const struct ov_ruleset *set, const struct ov_hash_rule *hash) {
    return ov_span_part(ov_hash_rule_line(set, hash), hash->name_at, hash->name_size);
}

const char *ov_hash_rule_scope_text(const struct ov_hash_rule *hash) {
    static const char *const texts[] = {"file hash", "section hash", "import hash", "allowed file"};
    return texts[hash->scope];
}

const char *ov_hash_rule_kind_text(const struct ov_hash_rule *hash) {
    static const char *const texts[] = {"MD5", "SHA-1", "SHA-256"};
    return texts[hash->kind];
}

void ov_report_add_place(struct ov_report *report, const struct ov_ruleset *set,
                         struct ov_place place) {
    ov_text_add_printable(&report->out, ov_span_text(set->files[place.file].path));
    if (place.line > 0) {
        ov_buf_printf(&report->out, ":%" PRIu32, place.line);
    }
}
