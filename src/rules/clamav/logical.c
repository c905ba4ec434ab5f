// SPDX-License-Identifier: Apache-2.0
// Logical rules: `Name;TargetDescription;Expression;Subsignature0;...` (.ldb, .ldu).
#include "rules/clamav/expr.h"
#include "rules/clamav/parser.h"
#include "rules/clamav/readers.h"
#include "rules/clamav/subsig.h"
#include "rules/clamav/tdb.h"

#include <stdio.h>

enum { SUBS_MAX = 64, HEAD_FIELDS = 3, FIELDS = HEAD_FIELDS + SUBS_MAX };

// Splits at semicolons, but not between the slashes of a regular expression.
static size_t split_rule(struct ov_span line, struct ov_span *ret_fields) {
    size_t count = 0;
    size_t from = 0;
    bool is_in_regex = false;
    for (size_t at = 0; at <= line.size; at++) {
        bool is_end = at == line.size || (line.data[at] == ';' && !is_in_regex);
        if (is_end) {
            if (count < FIELDS) {
                ret_fields[count] = ov_span_make(line.data + from, at - from);
            }
            count++;
            from = at + 1;
        } else if (line.data[at] == '/' && count >= HEAD_FIELDS && line.data[at - 1] != '\\') {
            is_in_regex = !is_in_regex;
        }
    }
    return count;
}

// A compare that refers to nothing can never be true, and would mislead whoever walks the tree.
static enum ov_status check_reference(struct ov_parser *parser, const struct ov_sub *sub,
                                      uint32_t index, size_t count) {
    if (sub->kind != OV_SUB_COMPARE || (sub->compare.sub < count && sub->compare.sub != index)) {
        return OV_OK;
    }
    return ov_parser_skip(parser, "%s: a byte compare of subsignature %u, which is %s",
                          parser->where, sub->compare.sub,
                          sub->compare.sub == index ? "itself" : "not there");
}

static enum ov_status read_subs(struct ov_parser *parser, const struct ov_span *fields,
                                size_t count, struct ov_rule *rule) {
    void *memory;
    TRY(ov_parser_alloc(parser, count, sizeof(struct ov_sub), &memory));
    struct ov_sub *subs = memory;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(parser->where, sizeof parser->where, "subsignature %u", i);
        TRY(ov_clamav_subsig_read(parser, fields[i], rule->target, i, &subs[i]));
        TRY(check_reference(parser, &subs[i], i, count));
    }
    rule->subs = subs;
    rule->sub_count = (uint32_t)count;
    return OV_OK;
}

static enum ov_status read_rule(struct ov_parser *parser, struct ov_rule *rule) {
    struct ov_span fields[FIELDS] = {0};
    size_t count = split_rule(parser->line, fields);
    rule->kind = OV_RULE_LOGICAL;
    rule->name = fields[0];
    if (rule->name.size == 0) {
        return ov_parser_fail(parser, NULL, "the name is empty");
    }
    if (count <= HEAD_FIELDS) {
        return ov_parser_fail(parser, NULL,
                              "four fields or more with `;` between expected, not %zu", count);
    }
    TRY(ov_clamav_tdb_read(parser, fields[1], rule));
    if (count > FIELDS) {
        return ov_parser_fail(parser, NULL, "%zu subsignatures are more than %d",
                              count - HEAD_FIELDS, SUBS_MAX);
    }
    uint32_t highest = 0;
    snprintf(parser->where, sizeof parser->where, "expression");
    TRY(ov_clamav_expr_read(parser, fields[2], &rule->expr, &highest));
    if (highest + 1 != count - HEAD_FIELDS) {
        return ov_parser_fail(parser, NULL,
                              "its highest index is %u, but there %s %zu subsignature%s", highest,
                              count - HEAD_FIELDS == 1 ? "is" : "are", count - HEAD_FIELDS,
                              count - HEAD_FIELDS == 1 ? "" : "s");
    }
    return read_subs(parser, fields + HEAD_FIELDS, count - HEAD_FIELDS, rule);
}

static enum ov_status read_line(struct ov_parser *parser, unsigned mode, struct ov_place place) {
    (void)mode; // the language has one form
    struct ov_rule rule = {.place = place, .source = parser->line};
    return ov_parser_add_rule(parser, read_rule(parser, &rule), &rule);
}

enum ov_status ov_clamav_read_logicals(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    return ov_parser_read_lines(set, file, mode, read_line);
}
