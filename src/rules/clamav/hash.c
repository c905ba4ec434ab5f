// SPDX-License-Identifier: Apache-2.0
// Hash databases: `hash:size:name[:min[:max]]`, or size first for sections. There may be millions
// of lines, so a line costs one row and no other memory.
#include "rules/clamav/readers.h"

#include "base/hex.h"

enum {
    FIELDS = 5,          // at most, in one line
    ANY_SIZE_LEVEL = 73, // `*` as size must ask for this functionality level
    BYTES_PER_LINE = 48, // a guess that makes room for a file's rows in one go
    MAX_LINE = UINT16_MAX,
};

struct hash_line {
    struct ov_place place;
    struct ov_span text;
    struct ov_span digest, size, name;
    struct ov_span levels[2];
    size_t field_count;
};

static enum ov_status tell(struct ov_ruleset *set, const struct hash_line *line,
                           const char *reason) {
    return ov_ruleset_add_problem(set, line->place, line->name, false, reason);
}

// Digits at the start, as atoi reads them; clamscan asks for no more in these files.
static int read_level(struct ov_span text) {
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    int level = 0;
    (void)ov_number_read_int(ov_span_part(text, 0, digits), &level);
    return level;
}

// Whether the rule is meant for our functionality level; otherwise that is noted.
static enum ov_status check_levels(struct ov_ruleset *set, const struct hash_line *line,
                                   bool *ret_is_ours) {
    int min = line->field_count > 3 ? read_level(line->levels[0]) : 0;
    int max = line->field_count > 4 ? read_level(line->levels[1]) : OV_RULE_LEVEL;
    *ret_is_ours = min <= OV_RULE_LEVEL && max >= OV_RULE_LEVEL;
    if (*ret_is_ours) {
        return OV_OK;
    }
    return ov_ruleset_add_problemf(set, line->place, line->name, true,
                                   "for functionality levels %d to %d, and this is %d", min, max,
                                   OV_RULE_LEVEL);
}

// Whether the size can be read; otherwise the problem is noted.
static enum ov_status read_size(struct ov_ruleset *set, const struct hash_line *line,
                                enum ov_hash_scope scope, uint32_t *ret_size) {
    if (ov_span_is_text(line->size, "*")) {
        int level = line->field_count > 3 ? read_level(line->levels[0]) : 0;
        if (scope != OV_HASH_IMPORTS && level < ANY_SIZE_LEVEL) {
            return tell(set, line,
                        "the size `*` needs a minimum functionality level of 73 or more");
        }
        *ret_size = OV_HASH_ANY_SIZE;
        return OV_OK;
    }
    uint64_t size = 0;
    if (!ov_decimal_read(line->size, UINT32_MAX - 1, &size) || size == 0) {
        return ov_ruleset_add_problemf(set, line->place, line->name, false,
                                       "field %d: a size from 1 to 4294967294 or `*` expected",
                                       scope == OV_HASH_SECTION ? 1 : 2);
    }
    *ret_size = (uint32_t)size;
    return OV_OK;
}

// Whether the digest can be read; otherwise the problem is noted.
static enum ov_status read_digest(struct ov_ruleset *set, const struct hash_line *line,
                                  struct ov_hash_rule *row, bool *ret_is_read) {
    size_t size = line->digest.size / 2;
    bool is_known = line->digest.size == 32 || line->digest.size == 40 || line->digest.size == 64;
    if (!is_known) {
        return ov_ruleset_add_problemf(set, line->place, line->name, false,
                                       "column %zu: a hash has 32, 40 or 64 hex digits, not %zu",
                                       (size_t)(line->digest.data - line->text.data) + 1,
                                       line->digest.size);
    }
    if (ov_hex_read(line->digest, row->digest, size) != OV_OK) {
        size_t at = 0;
        while (at + 1 < line->digest.size && ov_hex_digit(line->digest.data[at]) >= 0) {
            at++;
        }
        return ov_ruleset_add_problemf(set, line->place, line->name, false,
                                       "column %zu: hex digit expected in the hash",
                                       (size_t)(line->digest.data - line->text.data) + at + 1);
    }
    row->kind = size == 16 ? OV_HASH_MD5 : size == 20 ? OV_HASH_SHA1 : OV_HASH_SHA256;
    *ret_is_read = true;
    return OV_OK;
}

static enum ov_status read_line(struct ov_ruleset *set, const struct hash_line *line,
                                enum ov_hash_scope scope) {
    if (line->field_count < 3) {
        return tell(set, line, "three fields expected: hash, size and name");
    }
    if (line->field_count > FIELDS) {
        return tell(set, line, "more than five fields");
    }
    if (line->text.size > MAX_LINE) {
        return tell(set, line, "the line is longer than 65535 bytes");
    }
    bool is_ours = line->field_count == 3;
    if (!is_ours) {
        TRY(check_levels(set, line, &is_ours));
    }
    if (is_ours && line->name.size == 0) {
        return tell(set, line, "field 3: the name is empty");
    }
    uint32_t size = 0;
    if (is_ours) {
        TRY(read_size(set, line, scope, &size));
    }
    if (size == 0) {
        return OV_OK;
    }
    struct ov_hash_rule *row;
    TRY(ov_ruleset_add_hash(set, &row));
    bool is_read = false;
    TRY(read_digest(set, line, row, &is_read));
    if (!is_read) {
        set->hash_count--;
        return OV_OK;
    }
    struct ov_span name = ov_rule_name_cut(line->name);
    row->size = size;
    row->file = line->place.file;
    row->line = line->place.line;
    row->line_at = (uint32_t)(line->text.data - set->files[row->file].bytes.data);
    row->line_size = (uint16_t)line->text.size;
    row->name_at = (uint16_t)(name.data - line->text.data);
    row->name_size = (uint16_t)name.size;
    row->scope = (uint8_t)scope;
    return OV_OK;
}

enum ov_status ov_clamav_read_hashes(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    enum ov_hash_scope scope = (enum ov_hash_scope)mode;
    struct ov_lines lines = {.bytes = set->files[file].bytes};
    if (lines.bytes.size > UINT32_MAX) {
        return ov_ruleset_add_problem(set, (struct ov_place){.file = file}, (struct ov_span){0},
                                      false, "a hash database of more than 4 GiB");
    }
    TRY(ov_ruleset_reserve_hashes(set, lines.bytes.size / BYTES_PER_LINE));
    bool is_size_first = scope == OV_HASH_SECTION;
    struct hash_line line = {0};
    while (ov_lines_next(&lines, &line.text)) {
        struct ov_span fields[FIELDS] = {0};
        line.field_count = ov_fields_split(line.text, ':', fields, FIELDS);
        line.place = (struct ov_place){.file = file, .line = lines.number};
        line.digest = fields[is_size_first ? 1 : 0];
        line.size = fields[is_size_first ? 0 : 1];
        line.name = fields[2];
        line.levels[0] = fields[3];
        line.levels[1] = fields[4];
        TRY(read_line(set, &line, scope));
    }
    return OV_OK;
}
