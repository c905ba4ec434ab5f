// SPDX-License-Identifier: Apache-2.0
// Regular expression subsignatures (PCRE2). They are compiled here only to see that they can be.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules/clamav/subsig.h"

#include "rules/clamav/expr.h"
#include "rules/clamav/offset.h"
#include "rules/clamav/pcre.h"

#include <pcre2.h>

struct flag {
    char letter;
    uint32_t bit;     // OV_REGEX_*
    uint32_t options; // of PCRE2
};

static const struct flag flags[] = {
    {'g', OV_REGEX_GLOBAL, 0},
    {'r', OV_REGEX_ROLLING, 0},
    {'e', OV_REGEX_ENCOMPASS, 0},
    {'i', OV_REGEX_CASELESS, PCRE2_CASELESS},
    {'s', OV_REGEX_DOTALL, PCRE2_DOTALL},
    {'m', OV_REGEX_MULTILINE, PCRE2_MULTILINE},
    {'x', OV_REGEX_EXTENDED, PCRE2_EXTENDED},
    {'A', OV_REGEX_ANCHORED, PCRE2_ANCHORED},
    {'E', OV_REGEX_DOLLAR_END, PCRE2_DOLLAR_ENDONLY},
    {'U', OV_REGEX_UNGREEDY, PCRE2_UNGREEDY},
};

static enum ov_status read_flags(struct ov_parser *parser, struct ov_span text, uint32_t *ret_bits,
                                 uint32_t *ret_options) {
    for (size_t i = 0; i < text.size; i++) {
        size_t k = 0;
        while (k < sizeof flags / sizeof flags[0] && flags[k].letter != (char)text.data[i]) {
            k++;
        }
        if (k == sizeof flags / sizeof flags[0]) {
            return ov_parser_fail(parser, text.data + i,
                                  "unknown flag of a regular expression (known: gresimxAEU)");
        }
        *ret_bits |= flags[k].bit;
        *ret_options |= flags[k].options;
    }
    return OV_OK;
}

static enum ov_status read_trigger(struct ov_parser *parser, struct ov_span text, uint32_t index,
                                   struct ov_sub *ret_sub) {
    uint32_t highest = 0;
    TRY(ov_clamav_expr_read(parser, text, &ret_sub->trigger, &highest));
    if (highest >= index) {
        return ov_parser_fail(parser, text.data,
                              "the trigger must name earlier subsignatures only, not %u", highest);
    }
    return OV_OK;
}

// Splits off `/regex/flags::modifiers`. The regular expression reaches to the last slash. Modifiers
// such as `::i` change nothing in clamscan 1.4.6, so they change nothing here.
static enum ov_status read_tail(struct ov_parser *parser, struct ov_span text,
                                struct ov_sub *ret_sub) {
    size_t last = text.size;
    while (last > 1 && text.data[last - 1] != '/') {
        last--;
    }
    if (last <= 1) {
        return ov_parser_fail(parser, text.data, "no second `/` after the one");
    }
    ret_sub->regex = ov_span_part(text, 1, last - 2);
    if (ret_sub->regex.size == 0) {
        return ov_parser_fail(parser, text.data, "the regular expression is empty");
    }
    struct ov_span letters = ov_span_make(text.data + last, text.size - last);
    size_t colon = ov_span_find(letters, 0, ':');
    uint32_t options = 0;
    TRY(read_flags(parser, ov_span_part(letters, 0, colon), &ret_sub->regex_flags, &options));
    return ov_clamav_pcre_try(parser, ret_sub->regex, options, NULL);
}

enum ov_status ov_clamav_regex_read(struct ov_parser *parser, struct ov_span text, uint32_t target,
                                    uint32_t index, struct ov_sub *ret_sub) {
    size_t slash = ov_span_find(text, 0, '/');
    struct ov_span trigger = ov_span_part(text, 0, slash);
    size_t colon = ov_span_find(trigger, 0, ':');
    if (colon < trigger.size) {
        TRY(ov_clamav_offset_read(parser, ov_span_part(trigger, 0, colon), target,
                                  &ret_sub->offset));
        trigger = ov_span_make(trigger.data + colon + 1, trigger.size - colon - 1);
    }
    if (trigger.size == 0) {
        return ov_parser_fail(parser, text.data + slash,
                              "a regular expression needs a trigger before its `/`");
    }
    ret_sub->kind = OV_SUB_REGEX;
    TRY(read_trigger(parser, trigger, index, ret_sub));
    return read_tail(parser, ov_span_make(text.data + slash, text.size - slash), ret_sub);
}
