// SPDX-License-Identifier: Apache-2.0
// Reads the paths of a log's folder, part by part.
#include "serve/path.h"

#include "base/cursor.h"
#include "ledger/release.h"

enum {
    DIGEST_DIGITS = 64,
    LEVEL_MAX = 63,   // tlog-tiles: 0 to 63
    WIDTH_MAX = 255,  // of a partial tile
    GROUP_DIGITS = 3, // of a tile's number
    GROUPS_MAX = 7,   // 2^63 leaves are fewer than 10^17 tiles
};

struct parts {
    struct ov_span items[OV_LOG_PATH_PARTS_MAX];
    size_t count;
};

// Splits at slashes. No part is empty, so neither `//` nor a slash at the end gets through.
static bool split_path(struct ov_span target, struct parts *ret_parts) {
    struct ov_cursor cursor = ov_cursor_init(target);
    if (target.size == 0 || ov_cursor_u8(&cursor) != '/' || target.data[target.size - 1] == '/') {
        return false;
    }
    ret_parts->count = 0;
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span part = ov_cursor_until(&cursor, '/');
        if (part.size == 0 || ret_parts->count == OV_LOG_PATH_PARTS_MAX) {
            return false;
        }
        ret_parts->items[ret_parts->count++] = part;
    }
    return ret_parts->count > 0;
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static bool has_digits_alone(struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
    }
    return text.size > 0;
}

// A number of at most three digits, without a zero in front, from `least` to `most`.
static bool is_small_number(struct ov_span text, unsigned least, unsigned most) {
    unsigned number = 0;
    if (!has_digits_alone(text) || text.size > 3 || (text.size > 1 && text.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        number = number * 10 + (text.data[i] - (unsigned)'0');
    }
    return number >= least && number <= most;
}

// Cuts `suffix` off the end.
static bool take_suffix(struct ov_span *text, const char *suffix) {
    size_t size = strlen(suffix);
    if (text->size < size || !ov_span_is_text(ov_span_from(*text, text->size - size), suffix)) {
        return false;
    }
    *text = ov_span_part(*text, 0, text->size - size);
    return true;
}

// A tile's number: groups of three digits, each but the last with an x in front; 1234067 is
// x001/x234/067. The first of several groups is not x000, which would be a second spelling.
static bool is_tile_number(const struct ov_span *groups, size_t count) {
    if (count == 0 || count > GROUPS_MAX || (count > 1 && ov_span_is_text(groups[0], "x000"))) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct ov_span group = groups[i];
        if (i + 1 < count) {
            if (group.data[0] != 'x') {
                return false;
            }
            group = ov_span_from(group, 1);
        }
        if (group.size != GROUP_DIGITS || !has_digits_alone(group)) {
            return false;
        }
    }
    return true;
}

static bool is_tile(const struct parts *parts) {
    struct ov_span groups[OV_LOG_PATH_PARTS_MAX];
    if (parts->count < 3 || (!is_small_number(parts->items[1], 0, LEVEL_MAX) &&
                             !ov_span_is_text(parts->items[1], "entries"))) {
        return false;
    }
    size_t count = parts->count - 2;
    memcpy(groups, &parts->items[2], count * sizeof groups[0]);
    if (count > 1 && take_suffix(&groups[count - 2], ".p")) {
        if (!is_small_number(groups[count - 1], 1, WIDTH_MAX)) {
            return false;
        }
        count--;
    }
    return is_tile_number(groups, count);
}

// Lower case alone: one spelling.
static bool is_digest(struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.data[i]) && (text.data[i] < 'a' || text.data[i] > 'f')) {
            return false;
        }
    }
    return text.size == DIGEST_DIGITS;
}

static bool is_bundle(const struct parts *parts) {
    struct ov_span name = parts->items[1];
    return parts->count == 2 && take_suffix(&name, ".zst") && is_digest(name);
}

static bool is_delta(const struct parts *parts) {
    struct ov_span name = parts->items[1];
    return parts->count == 2 && take_suffix(&name, ".zst") && name.size == 2 * DIGEST_DIGITS + 1 &&
           name.data[DIGEST_DIGITS] == '-' && is_digest(ov_span_part(name, 0, DIGEST_DIGITS)) &&
           is_digest(ov_span_from(name, DIGEST_DIGITS + 1));
}

// Of the newest release, or of the rotation that brings version N: policy-N.
static bool is_proof(const struct parts *parts) {
    static const char rotation[] = "policy-";
    struct ov_feed_name feed;
    uint64_t version;
    if (parts->count != 3 || ov_feed_name_read(parts->items[1], &feed) != OV_OK) {
        return false;
    }
    struct ov_span name = parts->items[2];
    if (!take_suffix(&name, ".tlog-proof")) {
        return false;
    }
    return ov_span_is_text(name, "latest") ||
           (ov_span_has_prefix(name, rotation) &&
            ov_number_read(ov_span_from(name, sizeof rotation - 1), &version) == OV_OK);
}

static const struct {
    const char *first; // part of the path
    enum ov_log_path_kind kind;
    bool (*is_right)(const struct parts *parts); // NULL: the first is all
} shapes[] = {
    {"checkpoint", OV_LOG_PATH_CHECKPOINT, NULL}, {"log.policy", OV_LOG_PATH_SETTING, NULL},
    {"log.vkey", OV_LOG_PATH_SETTING, NULL},      {"overt.trust", OV_LOG_PATH_SETTING, NULL},
    {"tile", OV_LOG_PATH_TILE, is_tile},          {"bundle", OV_LOG_PATH_BUNDLE, is_bundle},
    {"delta", OV_LOG_PATH_BUNDLE, is_delta},      {"feed", OV_LOG_PATH_PROOF, is_proof},
};

enum ov_status ov_log_path_read(struct ov_span target, struct ov_log_path *ret_path) {
    struct parts parts = {0};
    if (target.size > OV_LOG_PATH_BYTES || !split_path(target, &parts)) {
        return OV_DAMAGED;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (!ov_span_is_text(parts.items[0], shapes[i].first)) {
            continue;
        }
        bool is_right = shapes[i].is_right != NULL ? shapes[i].is_right(&parts) : parts.count == 1;
        if (!is_right) {
            return OV_DAMAGED;
        }
        struct ov_span name = ov_span_from(target, 1);
        ret_path->kind = shapes[i].kind;
        memcpy(ret_path->name, name.data, name.size);
        ret_path->name[name.size] = '\0';
        return OV_OK;
    }
    return OV_DAMAGED;
}

enum ov_status ov_origin_path_read(struct ov_span target, struct ov_span *ret_hex) {
    struct parts parts = {0};
    if (target.size > OV_LOG_PATH_BYTES || !split_path(target, &parts) || parts.count != 2 ||
        !is_digest(parts.items[0]) || !ov_span_is_text(parts.items[1], "checkpoint")) {
        return OV_DAMAGED;
    }
    *ret_hex = parts.items[0];
    return OV_OK;
}
