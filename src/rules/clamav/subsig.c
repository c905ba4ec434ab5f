// SPDX-License-Identifier: Apache-2.0
// Subsignatures of logical rules.
#include "rules/clamav/subsig.h"

#include "base/hex.h"
#include "rules/clamav/hexpattern.h"
#include "rules/clamav/offset.h"

enum { MACRO_GROUPS = 32, IMAGE_HASH_BYTES = 8 };

static const char image_hash_prefix[] = "fuzzy_img#";

static struct ov_span cut_front(struct ov_span text, size_t size) {
    return ov_span_make(text.data + size, text.size - size);
}

// The index of the first `::`, or text.size.
static size_t find_colons(struct ov_span text) {
    size_t at = ov_span_find(text, 0, ':');
    while (at + 1 < text.size && text.data[at + 1] != ':') {
        at = ov_span_find(text, at + 1, ':');
    }
    return at + 1 < text.size ? at : text.size;
}

// `[offset:]hex[::modifiers]`
static enum ov_status read_body(struct ov_parser *parser, struct ov_span text, uint32_t target,
                                struct ov_sub *ret_sub) {
    unsigned modifiers = 0;
    size_t colons = find_colons(text);
    if (colons < text.size) {
        struct ov_span letters = cut_front(text, colons + 2);
        text.size = colons;
        if (find_colons(letters) < letters.size) {
            letters.size = 0; // clamscan obeys no modifier when there are two lots of them
        }
        TRY(ov_clamav_modifiers_read(parser, letters, &modifiers));
    }
    size_t colon = ov_span_find(text, 0, ':');
    if (colon < text.size) {
        TRY(ov_clamav_offset_read(parser, ov_span_part(text, 0, colon), target, &ret_sub->offset));
        text = cut_front(text, colon + 1);
    }
    ret_sub->kind = OV_SUB_BODY;
    return ov_clamav_hex_read(parser, text, modifiers, &ret_sub->patterns, &ret_sub->pattern_count);
}

static bool take(struct ov_span *text, uint8_t character) {
    bool is_there = text->size > 0 && text->data[0] == character;
    *text = cut_front(*text, is_there ? 1 : 0);
    return is_there;
}

static bool take_number(struct ov_span *text, uint32_t *ret_number) {
    while (take(text, ' ')) {
    }
    uint64_t number = 0;
    size_t at = 0;
    for (; at < text->size && text->data[at] >= '0' && text->data[at] <= '9'; at++) {
        number = number > UINT32_MAX ? number : number * 10 + (text->data[at] - '0');
    }
    *text = cut_front(*text, at);
    *ret_number = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    return at > 0;
}

// `${min-max}group$`
static enum ov_status read_macro(struct ov_parser *parser, struct ov_span text,
                                 struct ov_sub *ret_sub) {
    struct ov_span rest = text;
    bool is_read = take(&rest, '$') && take(&rest, '{') &&
                   take_number(&rest, &ret_sub->macro_min) && take(&rest, '-') &&
                   take_number(&rest, &ret_sub->macro_max) && take(&rest, '}') &&
                   take_number(&rest, &ret_sub->macro_group) && take(&rest, '$') && rest.size == 0;
    if (!is_read) {
        return ov_parser_fail(parser, text.data, "a macro such as ${6-7}12$ expected");
    }
    if (ret_sub->macro_group >= MACRO_GROUPS) {
        return ov_parser_fail(parser, text.data, "macro group %u is higher than 31",
                              ret_sub->macro_group);
    }
    ret_sub->kind = OV_SUB_MACRO;
    return OV_OK;
}

// `fuzzy_img#hash[#distance]`
static enum ov_status read_image_hash(struct ov_parser *parser, struct ov_span text,
                                      struct ov_sub *ret_sub) {
    struct ov_span fields[3] = {0};
    size_t count = ov_fields_split(text, '#', fields, 3);
    uint8_t bytes[IMAGE_HASH_BYTES];
    if (ov_hex_read(fields[1], bytes, sizeof bytes) != OV_OK) {
        return ov_parser_fail(parser, fields[1].data, "an image hash of 16 hex digits expected");
    }
    uint64_t distance = 0;
    if (count > 2 && (!ov_decimal_read(fields[2], UINT32_MAX, &distance) || distance != 0)) {
        return ov_parser_fail(parser, fields[2].data, "the distance of an image hash must be 0");
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        ret_sub->image_hash = ret_sub->image_hash << 8 | bytes[i];
    }
    ret_sub->kind = OV_SUB_IMAGE_HASH;
    return OV_OK;
}

static bool is_compare(struct ov_span text) {
    size_t first = ov_span_find(text, 0, '#');
    return ov_span_find(text, 0, '(') < text.size && ov_span_find(text, first + 1, '#') < text.size;
}

enum ov_status ov_clamav_subsig_read(struct ov_parser *parser, struct ov_span text, uint32_t target,
                                     uint32_t index, struct ov_sub *ret_sub) {
    struct ov_sub sub = {.offset = {.kind = OV_OFFSET_ANY}, .source = text};
    if (ov_span_has_prefix(text, "$")) {
        TRY(read_macro(parser, text, &sub));
    } else if (ov_span_find(text, 0, '/') < text.size) {
        TRY(ov_clamav_regex_read(parser, text, target, index, &sub));
    } else if (is_compare(text)) {
        TRY(ov_clamav_compare_read(parser, text, &sub));
    } else if (ov_span_has_prefix(text, image_hash_prefix)) {
        TRY(read_image_hash(parser, text, &sub));
    } else {
        TRY(read_body(parser, text, target, &sub));
    }
    *ret_sub = sub;
    return OV_OK;
}
