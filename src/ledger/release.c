// SPDX-License-Identifier: Apache-2.0
// The text of a release, and what all entries of ours are made of.
#include "ledger/release.h"

#include "base/hex.h"
#include "ledger/leaf_lines.h"

#include <stdio.h>

static const struct {
    enum ov_leaf_kind kind;
    const char *line;
} kinds[] = {
    {OV_LEAF_RULESET, OV_LINE_RULESET},
    {OV_LEAF_WITHDRAWAL, OV_LINE_WITHDRAWAL},
    {OV_LEAF_ENGINE, OV_LINE_ENGINE},
    {OV_LEAF_ROTATION, OV_LINE_ROTATION},
};

enum ov_leaf_kind ov_leaf_kind_of(struct ov_span entry) {
    struct ov_span line = ov_span_part(entry, 0, ov_span_find(entry, 0, '\n'));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (ov_span_is_text(line, kinds[i].line)) {
            return kinds[i].kind;
        }
    }
    return OV_LEAF_OTHER;
}

bool ov_leaf_is_large(struct ov_span entry) {
    bool is_rotation = ov_leaf_kind_of(entry) == OV_LEAF_ROTATION;
    return entry.size > (is_rotation ? OV_ROTATION_BYTES_MAX : OV_LEAF_BYTES_MAX);
}

// ---- names and versions ---------------------------------------------------------------------

enum ov_status ov_feed_name_read(struct ov_span text, struct ov_feed_name *ret_name) {
    if (text.size == 0 || text.size > OV_FEED_BYTES || text.data[0] == '-') {
        return OV_DAMAGED;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-') {
            return OV_DAMAGED;
        }
    }
    memcpy(ret_name->text, text.data, text.size);
    ret_name->text[text.size] = 0;
    return OV_OK;
}

enum ov_status ov_version_read(struct ov_span text, struct ov_version *ret_version) {
    struct ov_version version;
    for (unsigned i = 0; i < OV_VERSION_PARTS; i++) {
        bool is_last = i + 1 == OV_VERSION_PARTS;
        size_t size = ov_span_find(text, 0, '.');
        if ((size == text.size) != is_last) {
            return OV_DAMAGED;
        }
        TRY(ov_number_read(ov_span_part(text, 0, size), &version.parts[i]));
        text = ov_span_from(text, size + 1);
    }
    *ret_version = version;
    return OV_OK;
}

void ov_version_add(struct ov_buf *buf, const struct ov_version *version) {
    for (unsigned i = 0; i < OV_VERSION_PARTS; i++) {
        ov_buf_printf(buf, i == 0 ? "%llu" : ".%llu", (unsigned long long)version->parts[i]);
    }
}

int ov_version_compare(const struct ov_version *a, const struct ov_version *b) {
    for (unsigned i = 0; i < OV_VERSION_PARTS; i++) {
        if (a->parts[i] != b->parts[i]) {
            return a->parts[i] < b->parts[i] ? -1 : 1;
        }
    }
    return 0;
}

// ---- lines ------------------------------------------------------------------------------------

enum ov_status ov_leaf_take(struct ov_cursor *cursor, const char *keyword,
                            struct ov_span *ret_value) {
    struct ov_span line;
    enum ov_status status = ov_line_read(cursor, &line);
    return status == OV_OK ? ov_line_take(line, keyword, ret_value) : OV_DAMAGED;
}

enum ov_status ov_leaf_take_number(struct ov_cursor *cursor, const char *keyword,
                                   uint64_t *ret_number) {
    struct ov_span value;
    TRY(ov_leaf_take(cursor, keyword, &value));
    return ov_number_read(value, ret_number);
}

enum ov_status ov_leaf_take_feed(struct ov_cursor *cursor, struct ov_feed_name *ret_feed) {
    struct ov_span value;
    TRY(ov_leaf_take(cursor, "feed", &value));
    return ov_feed_name_read(value, ret_feed);
}

enum ov_status ov_leaf_take_first(struct ov_cursor *cursor, const char *expected) {
    struct ov_span line;
    enum ov_status status = ov_line_read(cursor, &line);
    return status == OV_OK && ov_span_is_text(line, expected) ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_leaf_take_sha256(struct ov_span *rest, uint8_t *ret_sha256) {
    struct ov_span word;
    TRY(ov_word_take(rest, &word));
    for (size_t i = 0; i < word.size; i++) { // one spelling: lower case
        if (word.data[i] >= 'A' && word.data[i] <= 'F') {
            return OV_DAMAGED;
        }
    }
    return ov_hex_read(word, ret_sha256, OV_SHA256_BYTES);
}

enum ov_status ov_leaf_take_word_number(struct ov_span *rest, uint64_t *ret_number) {
    struct ov_span word;
    TRY(ov_word_take(rest, &word));
    return ov_number_read(word, ret_number);
}

enum ov_status ov_leaf_end(const struct ov_cursor *cursor) {
    return ov_cursor_left(cursor) == 0 ? OV_OK : OV_DAMAGED;
}

// ---- releases -----------------------------------------------------------------------------------

static enum ov_status read_previous(struct ov_cursor *cursor, struct ov_release *release) {
    struct ov_span value;
    TRY(ov_leaf_take(cursor, "previous", &value));
    release->has_previous = !ov_span_is_text(value, "none");
    if (release->has_previous != (release->seq > 1)) {
        return OV_DAMAGED;
    }
    return release->has_previous ? ov_tree_hash_read(value, &release->previous) : OV_OK;
}

static enum ov_status read_language(struct ov_cursor *cursor, struct ov_release *release) {
    static const char prefix[] = "overt-rules/";
    struct ov_span value;
    TRY(ov_leaf_take(cursor, "lang", &value));
    if (!ov_span_has_prefix(value, prefix)) {
        return OV_DAMAGED;
    }
    TRY(ov_number_read(ov_span_from(value, sizeof prefix - 1), &release->language));
    TRY(ov_leaf_take(cursor, "engine-min", &value));
    return ov_version_read(value, &release->engine_min);
}

static enum ov_status read_bundle(struct ov_cursor *cursor, struct ov_release *release) {
    struct ov_span rest;
    TRY(ov_leaf_take(cursor, "bundle sha256", &rest));
    TRY(ov_leaf_take_sha256(&rest, release->bundle_sha256));
    return ov_number_read(rest, &release->bundle_bytes);
}

static enum ov_status read_rules(struct ov_cursor *cursor, struct ov_release *release) {
    struct ov_span rest;
    TRY(ov_leaf_take(cursor, "rules", &rest));
    TRY(ov_leaf_take_word_number(&rest, &release->rule_count));
    TRY(ov_tree_hash_read(rest, &release->rule_root));
    TRY(ov_leaf_take(cursor, "changes added", &rest));
    TRY(ov_leaf_take_word_number(&rest, &release->added_count));
    struct ov_span word;
    TRY(ov_word_take(&rest, &word));
    TRY(ov_span_is_text(word, "removed") ? OV_OK : OV_DAMAGED);
    return ov_number_read(rest, &release->removed_count);
}

enum ov_status ov_release_read(struct ov_span text, struct ov_release *ret_release) {
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_release release = {0};
    TRY(ov_leaf_take_first(&cursor, OV_LINE_RULESET));
    TRY(ov_leaf_take_feed(&cursor, &release.feed));
    TRY(ov_leaf_take_number(&cursor, "seq", &release.seq));
    TRY(release.seq > 0 ? OV_OK : OV_DAMAGED);
    TRY(read_previous(&cursor, &release));
    TRY(ov_leaf_take_number(&cursor, "time", &release.time));
    TRY(read_language(&cursor, &release));
    TRY(read_bundle(&cursor, &release));
    TRY(read_rules(&cursor, &release));
    TRY(ov_leaf_end(&cursor));
    *ret_release = release;
    return OV_OK;
}

void ov_leaf_add_number(struct ov_buf *buf, const char *keyword, uint64_t number) {
    ov_buf_printf(buf, "%s %llu\n", keyword, (unsigned long long)number);
}

void ov_leaf_add_sha256(struct ov_buf *buf, const uint8_t *sha256) {
    char text[2 * OV_SHA256_BYTES + 1];
    ov_hex_write(ov_span_make(sha256, OV_SHA256_BYTES), text);
    ov_buf_add_text(buf, text);
}

void ov_release_add(struct ov_buf *buf, const struct ov_release *release) {
    ov_buf_printf(buf, OV_LINE_RULESET "\nfeed %s\n", release->feed.text);
    ov_leaf_add_number(buf, "seq", release->seq);
    ov_buf_add_text(buf, "previous ");
    if (release->has_previous) {
        ov_tree_hash_add(buf, &release->previous);
    } else {
        ov_buf_add_text(buf, "none");
    }
    ov_buf_add_u8(buf, '\n');
    ov_leaf_add_number(buf, "time", release->time);
    ov_buf_printf(buf, "lang overt-rules/%llu\nengine-min ", (unsigned long long)release->language);
    ov_version_add(buf, &release->engine_min);
    ov_buf_add_text(buf, "\nbundle sha256 ");
    ov_leaf_add_sha256(buf, release->bundle_sha256);
    ov_buf_printf(buf, " %llu\nrules %llu ", (unsigned long long)release->bundle_bytes,
                  (unsigned long long)release->rule_count);
    ov_tree_hash_add(buf, &release->rule_root);
    ov_buf_printf(buf, "\nchanges added %llu removed %llu\n",
                  (unsigned long long)release->added_count,
                  (unsigned long long)release->removed_count);
}
