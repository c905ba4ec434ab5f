// SPDX-License-Identifier: Apache-2.0
// Body rules: `Name:Target:Offset:Hex[:min[:max]]` (.ndb, .sdb) and the ancient `Name=Hex` (.db).
#include "rules/clamav/hexpattern.h"
#include "rules/clamav/offset.h"
#include "rules/clamav/readers.h"

enum {
    FIELDS = 6,
    TARGETS = 15,    // 0 to 14
    PLAIN_BYTES = 3, // a plain pattern for targets 0 and 1 must be as long
};

struct body_line {
    struct ov_span name, target, offset, hex;
    struct ov_span levels[2];
    size_t level_count;
};

static enum ov_status split_ndb(struct ov_parser *parser, struct body_line *ret_line) {
    struct ov_span fields[FIELDS] = {0};
    size_t count = ov_fields_split(parser->line, ':', fields, FIELDS);
    ret_line->name = fields[0];
    if (count < 4 || count > FIELDS) {
        return ov_parser_fail(parser, NULL, "four to six fields expected, not %zu", count);
    }
    ret_line->target = fields[1];
    ret_line->offset = fields[2];
    ret_line->hex = fields[3];
    ret_line->levels[0] = fields[4];
    ret_line->levels[1] = fields[5];
    ret_line->level_count = count - 4;
    return OV_OK;
}

static enum ov_status split_db(struct ov_parser *parser, struct body_line *ret_line) {
    size_t at = ov_span_find(parser->line, 0, '=');
    ret_line->name = ov_span_part(parser->line, 0, at);
    if (at >= parser->line.size) {
        return ov_parser_fail(parser, NULL, "`Name=Hex` expected, but there is no `=`");
    }
    ret_line->hex = ov_span_make(parser->line.data + at + 1, parser->line.size - at - 1);
    if (ov_span_has_prefix(ret_line->hex, "=")) {
        return ov_parser_skip(parser, "a second `=` follows; clamscan leaves such lines out");
    }
    ret_line->target = ov_span_text("0");
    ret_line->offset = ov_span_text("*");
    return OV_OK;
}

static enum ov_status read_levels(struct ov_parser *parser, const struct body_line *line,
                                  struct ov_rule *rule) {
    int level[2] = {0, INT32_MAX};
    for (size_t i = 0; i < line->level_count; i++) {
        if (!ov_number_read_int(line->levels[i], &level[i])) {
            return ov_parser_fail(parser, line->levels[i].data,
                                  "field %zu: a functionality level expected", i + 5);
        }
    }
    if (level[0] > OV_RULE_LEVEL || level[1] < OV_RULE_LEVEL) {
        return ov_parser_skip(parser, "for functionality levels %d to %d, and this is %d", level[0],
                              level[1], OV_RULE_LEVEL);
    }
    rule->level_min = (uint32_t)level[0];
    rule->level_max = line->level_count > 1 ? (uint32_t)level[1] : UINT32_MAX;
    return OV_OK;
}

static enum ov_status read_target(struct ov_parser *parser, struct ov_span text,
                                  uint32_t *ret_target) {
    if (ov_span_is_text(text, "*")) {
        *ret_target = 0;
        return OV_OK;
    }
    int target = -1;
    if (!ov_number_read_int(text, &target)) { // nothing is 0, as for clamscan
        return ov_parser_fail(parser, text.data, "field 2: a target number or `*` expected");
    }
    if (target < 0 || target >= TARGETS) {
        return ov_parser_skip(parser, "for target %d, which is not known", target);
    }
    *ret_target = (uint32_t)target;
    return OV_OK;
}

// clamscan keeps plain patterns for target 0 in a structure that needs three bytes, and those for
// target 1 that stand at one place.
static bool is_too_plain(const struct ov_sub *sub, uint32_t target) {
    const struct ov_seq *seq = &sub->patterns[0].seq;
    const struct ov_elem *elem = seq->elems;
    bool is_other = sub->offset.kind == OV_OFFSET_VERSION || sub->offset.kind == OV_OFFSET_GROUP;
    is_other =
        is_other || (target == 1 && (sub->offset.kind == OV_OFFSET_ANY || sub->offset.shift > 0));
    if (target > 1 || is_other || seq->count != 1 || elem->kind != OV_ELEM_BYTES ||
        elem->size >= PLAIN_BYTES) {
        return false;
    }
    return memchr(elem->mask, 0xff, 1) != NULL && memchr(elem->mask + 1, 0xff, 1) != NULL;
}

static enum ov_status read_sub(struct ov_parser *parser, const struct body_line *line,
                               uint32_t target, const struct ov_sub **ret_sub) {
    void *memory;
    TRY(ov_parser_alloc(parser, 1, sizeof(struct ov_sub), &memory));
    struct ov_sub *sub = memory;
    sub->kind = OV_SUB_BODY;
    sub->source = line->hex;
    TRY(ov_clamav_offset_read(parser, line->offset, target, &sub->offset));
    TRY(ov_clamav_hex_read(parser, line->hex, 0, &sub->patterns, &sub->pattern_count));
    if (is_too_plain(sub, target)) {
        return ov_parser_fail(parser, line->hex.data,
                              "three bytes or more expected, for this target,");
    }
    *ret_sub = sub;
    return OV_OK;
}

static enum ov_status read_rule(struct ov_parser *parser, unsigned mode, struct ov_rule *rule) {
    struct body_line line = {0};
    enum ov_status status = mode == 1 ? split_db(parser, &line) : split_ndb(parser, &line);
    rule->name = line.name;
    TRY(status);
    if (line.name.size == 0) {
        return ov_parser_fail(parser, NULL, "the name is empty");
    }
    TRY(read_levels(parser, &line, rule));
    TRY(read_target(parser, line.target, &rule->target));
    rule->kind = OV_RULE_BODY;
    rule->sub_count = 1;
    return read_sub(parser, &line, rule->target, &rule->subs);
}

static enum ov_status read_line(struct ov_parser *parser, unsigned mode, struct ov_place place) {
    struct ov_rule rule = {.place = place, .source = parser->line};
    return ov_parser_add_rule(parser, read_rule(parser, mode, &rule), &rule);
}

enum ov_status ov_clamav_read_bodies(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    return ov_parser_read_lines(set, file, mode, read_line);
}
