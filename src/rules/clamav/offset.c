// SPDX-License-Identifier: Apache-2.0
// Offsets of ClamAV patterns.
#include "rules/clamav/offset.h"

enum { MACRO_GROUPS = 32, TARGET_PE = 1, TARGET_ELF = 6, TARGET_MACHO = 9 };

static struct ov_span cut_front(struct ov_span text, size_t size) {
    return ov_span_make(text.data + size, text.size - size);
}

// The digits at the start of *text, as sscanf's %u reads them, a minus sign included; false when
// there are none.
static bool take_number(struct ov_span *text, uint32_t *ret_number) {
    bool is_negative = ov_span_has_prefix(*text, "-");
    *text = cut_front(*text, is_negative ? 1 : 0);
    uint64_t number = 0;
    size_t at = 0;
    for (; at < text->size && text->data[at] >= '0' && text->data[at] <= '9'; at++) {
        number = number > UINT32_MAX ? number : number * 10 + (text->data[at] - '0');
    }
    *text = cut_front(*text, at);
    uint32_t value = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    *ret_number = is_negative ? -value : value;
    return at > 0;
}

// Digits alone, as atoi reads them: clamscan takes nothing for 0.
static bool read_value(struct ov_span text, struct ov_offset *ret_offset, int sign) {
    int value;
    if (!ov_number_read_int(text, &value)) {
        return false;
    }
    ret_offset->value = sign * (int64_t)(uint32_t)value;
    return true;
}

// `Sx+n` and `SEx`, after the S.
static bool read_section(struct ov_span text, struct ov_offset *ret_offset) {
    if (ov_span_has_prefix(text, "E")) {
        ret_offset->kind = OV_OFFSET_IN_SECTION;
        if (!read_value(cut_front(text, 1), ret_offset, 1)) {
            return false;
        }
        ret_offset->section = (uint32_t)ret_offset->value;
        ret_offset->value = 0;
        return true;
    }
    if (ov_span_has_prefix(text, "L+")) {
        ret_offset->kind = OV_OFFSET_LAST_SECTION;
        return read_value(cut_front(text, 2), ret_offset, 1);
    }
    ret_offset->kind = OV_OFFSET_SECTION;
    uint32_t value = 0;
    if (!take_number(&text, &ret_offset->section) || !ov_span_has_prefix(text, "+")) {
        return false;
    }
    text = cut_front(text, 1);
    bool is_read = take_number(&text, &value); // clamscan does not mind what follows
    ret_offset->value = value;
    return is_read;
}

static bool read_kind(struct ov_span text, struct ov_offset *ret_offset) {
    if (ov_span_has_prefix(text, "EP+") || ov_span_has_prefix(text, "EP-")) {
        ret_offset->kind = OV_OFFSET_ENTRY;
        return read_value(cut_front(text, 3), ret_offset, text.data[2] == '+' ? 1 : -1);
    }
    if (ov_span_has_prefix(text, "EOF-")) {
        ret_offset->kind = OV_OFFSET_EOF;
        return read_value(cut_front(text, 4), ret_offset, 1);
    }
    if (ov_span_has_prefix(text, "VI")) {
        ret_offset->kind = OV_OFFSET_VERSION;
        return true;
    }
    if (ov_span_has_prefix(text, "S")) {
        return read_section(cut_front(text, 1), ret_offset);
    }
    if (ov_span_has_prefix(text, "$")) {
        uint32_t group = 0;
        text = cut_front(text, 1);
        ret_offset->kind = OV_OFFSET_GROUP;
        bool is_read = take_number(&text, &group);
        ret_offset->value = group;
        return is_read && group < MACRO_GROUPS;
    }
    ret_offset->kind = OV_OFFSET_ABSOLUTE;
    return read_value(text, ret_offset, 1);
}

static bool is_executable(uint32_t target) {
    return target == TARGET_PE || target == TARGET_ELF || target == TARGET_MACHO;
}

enum ov_status ov_clamav_offset_read(struct ov_parser *parser, struct ov_span text, uint32_t target,
                                     struct ov_offset *ret_offset) {
    struct ov_offset offset = {.kind = OV_OFFSET_ANY};
    if (ov_span_is_text(text, "*")) {
        *ret_offset = offset;
        return OV_OK;
    }
    struct ov_span fields[2] = {0};
    size_t count = ov_fields_split(text, ',', fields, 2);
    int shift = 0;
    if (count > 2 || !ov_number_read_int(fields[1], &shift)) {
        return ov_parser_fail(parser, text.data, "a shift after the comma expected in the offset");
    }
    if (!read_kind(fields[0], &offset)) {
        return ov_parser_fail(parser, text.data, "unknown offset `%.*s`",
                              (int)(text.size < 40 ? text.size : 40), (const char *)text.data);
    }
    bool is_relative = offset.kind != OV_OFFSET_ABSOLUTE && offset.kind != OV_OFFSET_EOF &&
                       offset.kind != OV_OFFSET_GROUP;
    if (is_relative && !is_executable(target)) {
        return ov_parser_fail(parser, text.data,
                              "an offset that targets 1, 6 and 9 alone can have, not %u, stands",
                              target);
    }
    offset.shift = (uint32_t)shift;
    *ret_offset = offset;
    return OV_OK;
}
