// SPDX-License-Identifier: Apache-2.0
// Rules on what containers say of their members:
// `Name:Container:ContainerSize:NameRegex:PackedSize:
// PlainSize:Encrypted:Position:Checksum:Reserved[:min[:max]]` (.cdb), and the older .zmd and .rmd.
#include "rules/clamav/parser.h"
#include "rules/clamav/posix.h"
#include "rules/clamav/readers.h"

#include "base/filetype.h"
#include "base/hex.h"

enum { CDB_FIELDS = 12, CDB_FIELDS_MIN = 10, MD_FIELDS = 9 };

enum { MODE_ZIP = 1, MODE_RAR };

static bool is_any(struct ov_span text) {
    return ov_span_is_text(text, "*");
}

// clamscan takes the number for "any" that no file has as its size.
static struct ov_range make_range(uint32_t first, uint32_t second) {
    struct ov_range range = {.min = first, .max = second};
    if (first == UINT32_MAX) {
        range.min = 0;
    } else if (first != second && second == 0) {
        range.max = UINT32_MAX;
    }
    return range;
}

// `*`, `n` or `a-b`. A bound of 0 in a range is none.
static enum ov_status read_range(struct ov_parser *parser, struct ov_span text, size_t field,
                                 struct ov_range *ret_range) {
    struct ov_span parts[2] = {0};
    uint64_t bounds[2] = {0};
    size_t count = ov_fields_split(text, '-', parts, 2);
    if (is_any(text)) {
        *ret_range = make_range(UINT32_MAX, UINT32_MAX);
        return OV_OK;
    }
    bool is_read = count <= 2 && ov_decimal_read(parts[0], UINT32_MAX, &bounds[0]);
    bounds[1] = bounds[0];
    if (!is_read || (count == 2 && !ov_decimal_read(parts[1], UINT32_MAX, &bounds[1]))) {
        return ov_parser_fail(parser, text.data,
                              "field %zu: a number, a range such as 10-20 or `*` expected", field);
    }
    *ret_range = make_range((uint32_t)bounds[0], (uint32_t)bounds[1]);
    return OV_OK;
}

static enum ov_status read_encrypted(struct ov_parser *parser, struct ov_span text, size_t field,
                                     uint8_t *ret_encrypted) {
    if (is_any(text)) {
        *ret_encrypted = OV_ENCRYPTED_EITHER;
        return OV_OK;
    }
    if (!ov_span_is_text(text, "0") && !ov_span_is_text(text, "1")) {
        return ov_parser_fail(parser, text.data, "field %zu: 0, 1 or `*` expected", field);
    }
    *ret_encrypted = text.data[0] == '1';
    return OV_OK;
}

static enum ov_status read_name(struct ov_parser *parser, struct ov_span text,
                                struct ov_metadata *metadata) {
    return is_any(text)
               ? OV_OK
               : ov_clamav_posix_read(parser, text, &metadata->name, &metadata->is_name_caseless);
}

static enum ov_status read_container(struct ov_parser *parser, struct ov_span text,
                                     uint16_t *ret_container) {
    enum ov_filetype type = ov_filetype_from_name(text);
    if (!is_any(text) && type == OV_FILETYPE_NONE) {
        return ov_parser_fail(parser, text.data,
                              "field 2: the name of a file type or `*` expected");
    }
    *ret_container = (uint16_t)(type == OV_FILETYPE_ANY ? OV_FILETYPE_NONE : type);
    return OV_OK;
}

static enum ov_status read_levels(struct ov_parser *parser, const struct ov_span *fields,
                                  size_t count, struct ov_rule *rule) {
    int level[2] = {0, INT32_MAX};
    for (size_t i = 0; i < count; i++) {
        if (!ov_number_read_int(fields[i], &level[i])) {
            return ov_parser_fail(parser, fields[i].data,
                                  "field %zu: a functionality level expected",
                                  i + CDB_FIELDS_MIN + 1);
        }
    }
    if (level[0] > OV_RULE_LEVEL || level[1] < OV_RULE_LEVEL) {
        return ov_parser_skip(parser, "for functionality levels %d to %d, and this is %d", level[0],
                              level[1], OV_RULE_LEVEL);
    }
    rule->level_min = (uint32_t)level[0];
    rule->level_max = count > 1 ? (uint32_t)level[1] : UINT32_MAX;
    return OV_OK;
}

// The checksum stands in field 9, and clamscan does not look at it.
static enum ov_status read_cdb(struct ov_parser *parser, struct ov_rule *rule,
                               struct ov_metadata *metadata) {
    struct ov_span fields[CDB_FIELDS] = {0};
    size_t count = ov_fields_split(parser->line, ':', fields, CDB_FIELDS);
    rule->name = fields[0];
    if (count < CDB_FIELDS_MIN || count > CDB_FIELDS) {
        return ov_parser_fail(parser, NULL, "ten to twelve fields expected, not %zu", count);
    }
    TRY(read_levels(parser, fields + CDB_FIELDS_MIN, count - CDB_FIELDS_MIN, rule));
    TRY(read_container(parser, fields[1], &metadata->container));
    TRY(read_range(parser, fields[2], 3, &metadata->container_size));
    TRY(read_name(parser, fields[3], metadata));
    TRY(read_range(parser, fields[4], 5, &metadata->packed_size));
    TRY(read_range(parser, fields[5], 6, &metadata->plain_size));
    TRY(read_encrypted(parser, fields[6], 7, &metadata->encrypted));
    return read_range(parser, fields[7], 8, &metadata->position);
}

// Up to eight hexadecimal digits, of which 0 asks for nothing.
static enum ov_status read_checksum(struct ov_parser *parser, struct ov_span text,
                                    struct ov_metadata *metadata) {
    for (size_t i = 0; i < text.size && !is_any(text); i++) {
        int digit = ov_hex_digit(text.data[i]);
        if (digit < 0 || i == 8) {
            return ov_parser_fail(parser, text.data, "field 6: a checksum or `*` expected");
        }
        metadata->checksum = metadata->checksum << 4 | (uint32_t)digit;
    }
    metadata->has_checksum = metadata->checksum != 0;
    return OV_OK;
}

static enum ov_status read_md(struct ov_parser *parser, struct ov_rule *rule,
                              struct ov_metadata *metadata) {
    struct ov_span fields[MD_FIELDS] = {0};
    size_t count = ov_fields_split(parser->line, ':', fields, MD_FIELDS);
    struct ov_range unused;
    rule->name = fields[0];
    if (count != MD_FIELDS) {
        return ov_parser_fail(parser, NULL, "nine fields expected, not %zu", count);
    }
    metadata->container_size = make_range(UINT32_MAX, UINT32_MAX);
    TRY(read_encrypted(parser, fields[1], 2, &metadata->encrypted));
    TRY(read_name(parser, fields[2], metadata));
    TRY(read_range(parser, fields[3], 4, &metadata->plain_size));
    TRY(read_range(parser, fields[4], 5, &metadata->packed_size));
    TRY(read_checksum(parser, fields[5], metadata));
    TRY(read_range(parser, fields[6], 7, &unused)); // method and depth: not looked at
    TRY(read_range(parser, fields[7], 8, &metadata->position));
    return read_range(parser, fields[8], 9, &unused);
}

static enum ov_status read_rule(struct ov_parser *parser, unsigned mode, struct ov_rule *rule) {
    void *memory;
    TRY(ov_parser_alloc(parser, 1, sizeof(struct ov_metadata), &memory));
    struct ov_metadata *metadata = memory;
    rule->kind = OV_RULE_METADATA;
    rule->metadata = metadata;
    if (mode != 0) {
        metadata->container = mode == MODE_ZIP ? OV_FILETYPE_ZIP : OV_FILETYPE_RAR;
    }
    TRY(mode == 0 ? read_cdb(parser, rule, metadata) : read_md(parser, rule, metadata));
    return rule->name.size > 0 ? OV_OK : ov_parser_fail(parser, NULL, "the name is empty");
}

static enum ov_status read_line(struct ov_parser *parser, unsigned mode, struct ov_place place) {
    struct ov_rule rule = {.place = place, .source = parser->line};
    return ov_parser_add_rule(parser, read_rule(parser, mode, &rule), &rule);
}

enum ov_status ov_clamav_read_metadata(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    return ov_parser_read_lines(set, file, mode, read_line);
}
