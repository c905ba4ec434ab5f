// SPDX-License-Identifier: Apache-2.0
// Ignore lists: `Name`, `Name:md5` (.ign2) or the old `database:line:Name` (.ign).
#include "rules/clamav/readers.h"

#include "base/digest.h"
#include "base/hex.h"

enum { FIELDS = 3 };

static enum ov_status read_line(struct ov_ruleset *set, struct ov_place place,
                                struct ov_span line) {
    struct ov_span fields[FIELDS] = {0};
    size_t count = ov_fields_split(line, ':', fields, FIELDS);
    struct ov_span name = fields[count == FIELDS ? 2 : 0];
    if (count > FIELDS) {
        return ov_ruleset_add_problem(set, place, name, false, "more than three fields");
    }
    if (name.size == 0) {
        return ov_ruleset_add_problem(set, place, name, false, "the name of the rule is empty");
    }
    if (count != 2) {
        return ov_ignore_add(&set->state->ignore, name, NULL);
    }
    uint8_t md5[OV_MD5_BYTES];
    if (ov_hex_read(fields[1], md5, sizeof md5) != OV_OK) {
        return ov_ruleset_add_problemf(set, place, name, false,
                                       "column %zu: an MD5 of 32 hex digits expected",
                                       (size_t)(fields[1].data - line.data) + 1);
    }
    return ov_ignore_add(&set->state->ignore, name, md5);
}

enum ov_status ov_clamav_read_ignores(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    (void)mode; // both forms are told apart by their fields
    struct ov_lines lines = {.bytes = set->files[file].bytes};
    struct ov_span line;
    while (ov_lines_next(&lines, &line)) {
        TRY(read_line(set, (struct ov_place){.file = file, .line = lines.number}, line));
    }
    return OV_OK;
}
