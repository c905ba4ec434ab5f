// SPDX-License-Identifier: Apache-2.0
// Rule numbers back to names.
#include "catalog/names.h"

#include "base/cursor.h"
#include "base/heuristic.h"

#include <stdio.h>

// The section of that type, variant 0, or an empty span.
static struct ov_span find_section(struct ov_span image, uint32_t type) {
    struct ov_image_header header;
    memcpy(&header, image.data, sizeof header);
    struct ov_cursor cursor = ov_cursor_init(image);
    ov_cursor_seek(&cursor, sizeof header);
    for (uint32_t i = 0; i < header.section_count && i < OV_IMAGE_SECTIONS_MAX; i++) {
        struct ov_span bytes = ov_cursor_bytes(&cursor, sizeof(struct ov_image_section_record));
        struct ov_image_section_record record;
        if (bytes.size != sizeof record) {
            break;
        }
        memcpy(&record, bytes.data, sizeof record);
        if (record.type == type && record.variant == 0 && record.offset <= image.size &&
            record.bytes <= image.size - record.offset) {
            return ov_span_part(image, record.offset, record.bytes);
        }
    }
    return ov_span_make(NULL, 0);
}

enum ov_status ov_rule_names_open(struct ov_span image, struct ov_rule_names *ret_names) {
    struct ov_image_header header;
    if (image.size < sizeof header || memcmp(image.data, OV_IMAGE_MAGIC, 8) != 0) {
        return OV_DAMAGED;
    }
    memcpy(&header, image.data, sizeof header);
    struct ov_rule_names names = {
        .names = find_section(image, OV_SECTION_NAMES),
        .sources = find_section(image, OV_SECTION_SOURCES),
    };
    if (header.version != OV_IMAGE_VERSION || header.image_bytes != image.size ||
        __builtin_add_overflow(header.rule_count, header.hash_rule_count, &names.count) ||
        names.count > OV_HEURISTIC_FIRST) {
        return OV_DAMAGED;
    }
    memcpy(names.digest, header.digest, sizeof names.digest);
    *ret_names = names;
    return OV_OK;
}

// A number in base 128, low digits first (LEB128).
static uint32_t read_number(struct ov_cursor *cursor) {
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = ov_cursor_u8(cursor);
        value |= (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    cursor->has_failed = true;
    return 0;
}

// Reads the next name of a block over the one before it.
static bool read_name(struct ov_cursor *cursor, char *text, bool *ret_is_official) {
    uint32_t shared = ov_cursor_u8(cursor);
    uint32_t rest = read_number(cursor);
    *ret_is_official = (rest & 1) != 0;
    struct ov_span suffix = ov_cursor_bytes(cursor, rest >> 1);
    if (cursor->has_failed || shared > strlen(text) || shared + suffix.size > OV_NAME_BYTES_MAX) {
        return false;
    }
    if (suffix.size > 0) {
        memcpy(text + shared, suffix.data, suffix.size);
    }
    text[shared + suffix.size] = '\0';
    return true;
}

bool ov_rule_names_get(const struct ov_rule_names *names, uint32_t rule,
                       char ret_text[OV_NAME_TEXT_BYTES]) {
    enum ov_heuristic heuristic = ov_heuristic_of_rule(rule);
    if (heuristic != OV_HEURISTIC_NONE) {
        (void)snprintf(ret_text, OV_NAME_TEXT_BYTES, "%s", ov_heuristic_name(heuristic));
        return true;
    }
    char text[OV_NAME_TEXT_BYTES] = "";
    bool is_official = false;
    bool is_good = rule < names->count;
    struct ov_cursor cursor = ov_cursor_init(names->names);
    uint32_t count = ov_cursor_u32le(&cursor);
    (void)ov_cursor_u32le(&cursor);
    is_good = is_good && rule < count;
    ov_cursor_seek(&cursor, sizeof(struct ov_image_names) + (uint64_t)(rule / OV_NAME_BLOCK) * 4);
    ov_cursor_seek(&cursor, ov_cursor_u32le(&cursor));
    for (uint32_t i = 0; i <= rule % OV_NAME_BLOCK && is_good; i++) {
        is_good = read_name(&cursor, text, &is_official) && !cursor.has_failed;
    }
    (void)snprintf(ret_text, OV_NAME_TEXT_BYTES, "%s%s", is_good ? text : "?",
                   is_good && !is_official ? ".UNOFFICIAL" : "");
    return is_good;
}

struct ov_span ov_rule_names_source(const struct ov_rule_names *names, uint32_t rule) {
    struct ov_cursor cursor = ov_cursor_init(names->sources);
    uint32_t count = ov_cursor_u32le(&cursor);
    ov_cursor_seek(&cursor, sizeof(struct ov_image_sources));
    struct ov_span text = ov_span_make(NULL, 0);
    if (ov_heuristic_of_rule(rule) != OV_HEURISTIC_NONE) {
        return ov_span_text("heuristics");
    }
    uint64_t sources = ov_cursor_count(&cursor, count, sizeof(struct ov_image_source));
    for (uint64_t i = 0; i < sources && rule < names->count; i++) {
        uint32_t first = ov_cursor_u32le(&cursor);
        uint32_t at = ov_cursor_u32le(&cursor);
        uint32_t size = ov_cursor_u32le(&cursor);
        (void)ov_cursor_u32le(&cursor);
        if (first > rule) {
            break;
        }
        text = ov_span_part(names->sources, at, size);
    }
    return text;
}

enum ov_status ov_rule_names_source_at(const struct ov_rule_names *names, uint32_t index,
                                       struct ov_span *ret_source) {
    struct ov_cursor cursor = ov_cursor_init(names->sources);
    uint32_t count = ov_cursor_u32le(&cursor);
    ov_cursor_seek(&cursor, sizeof(struct ov_image_sources) +
                                (uint64_t)index * sizeof(struct ov_image_source));
    (void)ov_cursor_u32le(&cursor);
    uint32_t at = ov_cursor_u32le(&cursor);
    uint32_t size = ov_cursor_u32le(&cursor);
    if (index >= count || cursor.has_failed) {
        return OV_END;
    }
    *ret_source = ov_span_part(names->sources, at, size);
    return OV_OK;
}
