// SPDX-License-Identifier: Apache-2.0
// ClamAV-VDB:TIME:VERSION:COUNT:LEVEL:MD5:SIGNATURE:BUILDER:SECONDS
#include "rules/feed/header.h"

#include "rules/reader.h"

enum { TIME = 1, VERSION, COUNT, LEVEL, MD5, SIGNATURE, BUILDER, SECONDS, FIELDS };

// Printable ASCII alone: nothing else is in those in use, and a NUL would end it for others.
static bool is_plain(struct ov_span line) {
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] < 0x20 || line.data[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

enum ov_status ov_feed_header_read(struct ov_span line, struct ov_feed_header *ret_header) {
    struct ov_span fields[FIELDS + 1] = {0};
    struct ov_feed_header header = {0};
    if (!ov_span_has_prefix(line, "ClamAV-VDB:")) {
        return OV_UNSUPPORTED;
    }
    size_t count = ov_fields_split(line, ':', fields, FIELDS + 1);
    if (count < SECONDS || count > FIELDS || !is_plain(line) ||
        !ov_decimal_read(fields[VERSION], UINT32_MAX, &header.version) ||
        !ov_decimal_read(fields[COUNT], UINT32_MAX, &header.rule_count) ||
        !ov_decimal_read(fields[LEVEL], UINT32_MAX, &header.level) ||
        (count == FIELDS && !ov_decimal_read(fields[SECONDS], UINT32_MAX, &header.time))) {
        return OV_DAMAGED;
    }
    header.md5 = fields[MD5];
    header.signature = fields[SIGNATURE];
    *ret_header = header;
    return OV_OK;
}

struct ov_span ov_feed_header_trim(struct ov_span block) {
    while (block.size > 0 &&
           (block.data[block.size - 1] == ' ' || block.data[block.size - 1] == '\n')) {
        block.size--;
    }
    return block;
}

bool ov_feed_header_is_same(const struct ov_feed_header *a, const struct ov_feed_header *b) {
    return a->version == b->version && a->rule_count == b->rule_count && a->level == b->level &&
           a->time == b->time;
}
