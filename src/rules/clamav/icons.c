// SPDX-License-Identifier: Apache-2.0
// Measures of icons: `Name:Group1:Group2:Hex` (.idb).
#include "rules/clamav/parser.h"
#include "rules/clamav/readers.h"

#include "base/hex.h"

enum {
    FIELDS = 4,
    DIGITS = 124,
    SHARES_MAX = 103, // of the three colours together: each is rounded for itself
    PERCENT_MAX = 100,
};

// The digits of a line, taken in numbers of two or three.
struct digits {
    struct ov_span text; // hex digits
    size_t at;
};

static uint16_t take_number(struct digits *digits, size_t count) {
    unsigned number = 0;
    for (; count > 0; count--) {
        number = number << 4 | (unsigned)ov_hex_digit(digits->text.data[digits->at++]);
    }
    return (uint16_t)number;
}

static enum ov_status read_spots(struct ov_parser *parser, struct digits *digits,
                                 enum ov_icon_kind kind, struct ov_icon *icon) {
    bool is_wide = kind == OV_ICON_COLORED || kind == OV_ICON_GRAY;
    unsigned most = icon->side - icon->side / 8u;
    for (unsigned i = 0; i < OV_ICON_SPOTS; i++) {
        const uint8_t *at = digits->text.data + digits->at;
        struct ov_icon_spot spot = {.level = take_number(digits, is_wide ? 3 : 2)};
        spot.x = (uint8_t)take_number(digits, 2);
        spot.y = (uint8_t)take_number(digits, 2);
        if (spot.level > OV_ICON_LEVEL_MAX || spot.x > most || spot.y > most) {
            return ov_parser_fail(parser, at, "field 4: a square lies outside of the icon");
        }
        icon->spots[kind][i] = spot;
    }
    return OV_OK;
}

static enum ov_status read_measures(struct ov_parser *parser, struct ov_span text,
                                    struct ov_icon *icon) {
    struct digits digits = {.text = text};
    for (size_t i = 0; i < text.size; i++) {
        if (ov_hex_digit(text.data[i]) < 0) {
            return ov_parser_fail(parser, text.data + i, "field 4: hex digits expected");
        }
    }
    if (text.size != DIGITS) {
        return ov_parser_fail(parser, text.data, "field 4: %d hex digits expected", DIGITS);
    }
    icon->side = (uint8_t)take_number(&digits, 2);
    if (icon->side != 16 && icon->side != 24 && icon->side != 32) {
        return ov_parser_fail(parser, text.data, "field 4: an icon of 10, 18 or 20 (hex) expected");
    }
    for (unsigned kind = 0; kind < OV_ICON_KINDS; kind++) {
        TRY(read_spots(parser, &digits, (enum ov_icon_kind)kind, icon));
    }
    icon->red = (uint8_t)take_number(&digits, 2);
    icon->green = (uint8_t)take_number(&digits, 2);
    icon->blue = (uint8_t)take_number(&digits, 2);
    icon->colored = (uint8_t)take_number(&digits, 2);
    if (icon->red + icon->green + icon->blue > SHARES_MAX || icon->colored > PERCENT_MAX) {
        return ov_parser_fail(parser, NULL, "field 4: more than all of the icon is coloured");
    }
    return OV_OK;
}

static enum ov_status read_icon(struct ov_parser *parser, struct ov_icon_rule *icon) {
    struct ov_span fields[FIELDS] = {0};
    size_t count = ov_fields_split(parser->line, ':', fields, FIELDS);
    icon->name = fields[0];
    if (count != FIELDS) {
        return ov_parser_fail(parser, NULL, "four fields expected, not %zu", count);
    }
    TRY(read_measures(parser, fields[3], &icon->icon));
    for (unsigned list = 0; list < OV_ICON_LISTS; list++) {
        enum ov_status status =
            ov_ruleset_add_icon_group(parser->set, list, fields[1 + list], &icon->groups[list]);
        if (status == OV_INVALID) {
            return ov_parser_fail(parser, fields[1 + list].data, "field %u: more than %d groups",
                                  2 + list, OV_ICON_GROUPS_MAX);
        }
        TRY(status);
    }
    return OV_OK;
}

static enum ov_status read_line(struct ov_parser *parser, unsigned mode, struct ov_place place) {
    (void)mode;
    struct ov_icon_rule icon = {.source = parser->line};
    enum ov_status status = read_icon(parser, &icon);
    return status == OV_OK ? ov_ruleset_add_icon(parser->set, &icon)
                           : ov_parser_note(parser, status, place, icon.name);
}

enum ov_status ov_clamav_read_icons(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    return ov_parser_read_lines(set, file, mode, read_line);
}
