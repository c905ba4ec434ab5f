// SPDX-License-Identifier: Apache-2.0
// Databases of file types: `Kind:Offset:Hex:Description:Required:Type[:min[:max]]` (.ftm).
#include "rules/clamav/parser.h"
#include "rules/clamav/readers.h"

#include "base/filetype.h"
#include "base/hex.h"

enum {
    FIELDS = 8,
    FIELDS_MIN = 6,
    WINDOW_BYTES = 1024, // clamscan looks for these magics at the start of a file alone
};

enum { KIND_FIXED = 0, KIND_SEARCHED = 1, KIND_PARTITION = 4 };

static enum ov_status read_levels(struct ov_parser *parser, const struct ov_span *fields,
                                  size_t count) {
    int level[2] = {0, INT32_MAX};
    for (size_t i = 0; i < count; i++) {
        if (!ov_number_read_int(fields[i], &level[i])) {
            return ov_parser_fail(parser, fields[i].data,
                                  "field %zu: a functionality level expected", i + FIELDS_MIN + 1);
        }
    }
    if (level[0] > OV_RULE_LEVEL || level[1] < OV_RULE_LEVEL) {
        return ov_parser_skip(parser, "for functionality levels %d to %d, and this is %d", level[0],
                              level[1], OV_RULE_LEVEL);
    }
    return OV_OK;
}

static enum ov_status read_type(struct ov_parser *parser, struct ov_span text, size_t field,
                                uint16_t *ret_type) {
    enum ov_filetype type = ov_filetype_from_name(text);
    if (type == OV_FILETYPE_NONE) {
        return ov_parser_skip(parser, "field %zu: a file type that is not known here", field);
    }
    *ret_type = (uint16_t)type;
    return OV_OK;
}

// Those that are searched for, or tell partitions, stand in Overt's own list alone.
static enum ov_status check_kind(struct ov_parser *parser, struct ov_span text) {
    int kind = -1;
    if (!ov_number_read_int(text, &kind)) {
        return ov_parser_fail(parser, text.data, "field 1: a number expected");
    }
    if (kind == KIND_SEARCHED || kind == KIND_PARTITION) {
        return ov_parser_skip(parser, "a mark that is %s: the built-in list is used",
                              kind == KIND_SEARCHED ? "searched for" : "for partitions");
    }
    return kind == KIND_FIXED ? OV_OK
                              : ov_parser_skip(parser, "for kind %d, which is not known", kind);
}

static enum ov_status read_bytes(struct ov_parser *parser, struct ov_span hex,
                                 struct ov_type_magic *magic) {
    size_t size = hex.size / 2;
    void *memory;
    if (size == 0 || size > WINDOW_BYTES || hex.size % 2 != 0) {
        return ov_parser_fail(parser, hex.data, "field 3: 1 to %d bytes in hex digits expected",
                              WINDOW_BYTES);
    }
    TRY(ov_parser_alloc(parser, size, 1, &memory));
    if (ov_hex_read(hex, memory, size) != OV_OK) {
        return ov_parser_fail(parser, hex.data, "field 3: hex digits expected");
    }
    magic->bytes = memory;
    magic->size = (uint16_t)size;
    return OV_OK;
}

static enum ov_status read_magic(struct ov_parser *parser, struct ov_span *ret_name,
                                 struct ov_type_magic *magic) {
    struct ov_span fields[FIELDS] = {0};
    size_t count = ov_fields_split(parser->line, ':', fields, FIELDS);
    uint16_t required;
    int offset = 0;
    *ret_name = fields[3];
    if (count < FIELDS_MIN || count > FIELDS) {
        return ov_parser_fail(parser, NULL, "six to eight fields expected, not %zu", count);
    }
    TRY(read_levels(parser, fields + FIELDS_MIN, count - FIELDS_MIN));
    TRY(check_kind(parser, fields[0]));
    TRY(read_type(parser, fields[4], 5, &required));
    TRY(read_type(parser, fields[5], 6, &magic->type));
    if (!ov_number_read_int(fields[1], &offset) || offset < 0) {
        return ov_parser_fail(parser, fields[1].data, "field 2: an offset expected");
    }
    magic->offset = (uint32_t)offset;
    return read_bytes(parser, fields[2], magic);
}

static enum ov_status read_line(struct ov_parser *parser, unsigned mode, struct ov_place place) {
    (void)mode;
    struct ov_type_magic magic = {0};
    struct ov_span name = {0};
    enum ov_status status = read_magic(parser, &name, &magic);
    return status == OV_OK ? ov_ruleset_add_magic(parser->set, &magic)
                           : ov_parser_note(parser, status, place, name);
}

enum ov_status ov_clamav_read_magics(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    return ov_parser_read_lines(set, file, mode, read_line);
}
