// SPDX-License-Identifier: Apache-2.0
// The texts of withdrawals, engines and new keys.
#include "ledger/bundle.h"
#include "ledger/leaf_lines.h"

// ---- withdrawals --------------------------------------------------------------------------------

static bool is_reason(struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return text.size > 0 && text.size <= OV_REASON_BYTES_MAX;
}

enum ov_status ov_withdrawal_read(struct ov_span text, struct ov_withdrawal *ret_withdrawal) {
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_withdrawal withdrawal;
    TRY(ov_leaf_take_first(&cursor, OV_LINE_WITHDRAWAL));
    TRY(ov_leaf_take_feed(&cursor, &withdrawal.feed));
    TRY(ov_leaf_take_number(&cursor, "seq", &withdrawal.seq));
    TRY(ov_leaf_take_number(&cursor, "time", &withdrawal.time));
    TRY(ov_leaf_take(&cursor, "reason", &withdrawal.reason));
    TRY(ov_leaf_end(&cursor));
    if (withdrawal.seq == 0 || !is_reason(withdrawal.reason)) {
        return OV_DAMAGED;
    }
    *ret_withdrawal = withdrawal;
    return OV_OK;
}

void ov_withdrawal_add(struct ov_buf *buf, const struct ov_withdrawal *withdrawal) {
    ov_buf_printf(buf, OV_LINE_WITHDRAWAL "\nfeed %s\n", withdrawal->feed.text);
    ov_leaf_add_number(buf, "seq", withdrawal->seq);
    ov_leaf_add_number(buf, "time", withdrawal->time);
    ov_buf_add_text(buf, "reason ");
    ov_buf_add(buf, withdrawal->reason.data, withdrawal->reason.size);
    ov_buf_add_u8(buf, '\n');
}

// ---- engines ------------------------------------------------------------------------------------

static enum ov_status read_file(struct ov_cursor *cursor, struct ov_engine_file *ret_file) {
    struct ov_engine_file file;
    struct ov_span rest;
    TRY(ov_leaf_take(cursor, "file sha256", &rest));
    TRY(ov_leaf_take_sha256(&rest, file.sha256));
    TRY(ov_leaf_take_word_number(&rest, &file.bytes));
    file.name = rest;
    if (!ov_bundle_name_is_valid(file.name)) {
        return OV_DAMAGED;
    }
    *ret_file = file;
    return OV_OK;
}

enum ov_status ov_engine_read(struct ov_span text, struct ov_engine *ret_engine) {
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_engine engine = {0};
    struct ov_span version;
    TRY(ov_leaf_take_first(&cursor, OV_LINE_ENGINE));
    TRY(ov_leaf_take(&cursor, "version", &version));
    TRY(ov_version_read(version, &engine.version));
    TRY(ov_leaf_take_number(&cursor, "time", &engine.time));
    do {
        TRY(engine.file_count < OV_ENGINE_FILES_MAX ? OV_OK : OV_LIMIT);
        TRY(read_file(&cursor, &engine.files[engine.file_count++]));
    } while (ov_cursor_left(&cursor) > 0);
    *ret_engine = engine;
    return OV_OK;
}

void ov_engine_add(struct ov_buf *buf, const struct ov_engine *engine) {
    ov_buf_add_text(buf, OV_LINE_ENGINE "\nversion ");
    ov_version_add(buf, &engine->version);
    ov_buf_add_u8(buf, '\n');
    ov_leaf_add_number(buf, "time", engine->time);
    for (uint32_t i = 0; i < engine->file_count; i++) {
        const struct ov_engine_file *file = &engine->files[i];
        ov_buf_add_text(buf, "file sha256 ");
        ov_leaf_add_sha256(buf, file->sha256);
        ov_buf_printf(buf, " %llu ", (unsigned long long)file->bytes);
        ov_buf_add(buf, file->name.data, file->name.size);
        ov_buf_add_u8(buf, '\n');
    }
}

// ---- new keys -----------------------------------------------------------------------------------

// A line of one of the two files: "trust LINE", or "trust" alone for an empty one.
static bool take_line(struct ov_span line, const char *keyword, struct ov_span *ret_rest) {
    if (ov_span_is_text(line, keyword)) {
        *ret_rest = ov_span_from(line, line.size);
        return true;
    }
    return ov_line_take(line, keyword, ret_rest) == OV_OK && ret_rest->size > 0;
}

// First all lines of trust, then all of policy, at least one of each.
static enum ov_status check_lines(struct ov_span lines) {
    struct ov_cursor cursor = ov_cursor_init(lines);
    struct ov_span line;
    struct ov_span rest;
    size_t counts[2] = {0, 0};
    enum ov_status status = ov_line_read(&cursor, &line);
    for (; status == OV_OK; status = ov_line_read(&cursor, &line)) {
        bool is_policy = take_line(line, "policy", &rest);
        if (!is_policy && (counts[1] > 0 || !take_line(line, "trust", &rest))) {
            return OV_DAMAGED;
        }
        counts[is_policy]++;
    }
    return status == OV_END && counts[0] > 0 && counts[1] > 0 ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_rotation_read(struct ov_span text, struct ov_rotation *ret_rotation) {
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_rotation rotation;
    TRY(ov_leaf_take_first(&cursor, OV_LINE_ROTATION));
    TRY(ov_leaf_take_feed(&cursor, &rotation.feed));
    TRY(ov_leaf_take_number(&cursor, "version", &rotation.version));
    TRY(ov_leaf_take_number(&cursor, "time", &rotation.time));
    rotation.lines = ov_span_from(text, cursor.at);
    TRY(check_lines(rotation.lines));
    *ret_rotation = rotation;
    return OV_OK;
}

void ov_rotation_add_file(struct ov_buf *buf, const struct ov_rotation *rotation,
                          const char *keyword) {
    struct ov_cursor cursor = ov_cursor_init(rotation->lines);
    struct ov_span line;
    struct ov_span rest;
    while (ov_line_read(&cursor, &line) == OV_OK) {
        if (take_line(line, keyword, &rest)) {
            ov_buf_add(buf, rest.data, rest.size);
            ov_buf_add_u8(buf, '\n');
        }
    }
}

static enum ov_status add_lines(struct ov_buf *buf, struct ov_span file, const char *keyword) {
    struct ov_cursor cursor = ov_cursor_init(file);
    struct ov_span line;
    enum ov_status status = ov_line_read(&cursor, &line);
    for (; status == OV_OK; status = ov_line_read(&cursor, &line)) {
        ov_buf_add_text(buf, keyword);
        if (line.size > 0) {
            ov_buf_add_u8(buf, ' ');
            ov_buf_add(buf, line.data, line.size);
        }
        ov_buf_add_u8(buf, '\n');
    }
    return status == OV_END ? OV_OK : status;
}

enum ov_status ov_rotation_add(struct ov_buf *buf, const struct ov_rotation *rotation,
                               struct ov_span trust, struct ov_span policy) {
    ov_buf_printf(buf, OV_LINE_ROTATION "\nfeed %s\n", rotation->feed.text);
    ov_leaf_add_number(buf, "version", rotation->version);
    ov_leaf_add_number(buf, "time", rotation->time);
    TRY(add_lines(buf, trust, "trust"));
    return add_lines(buf, policy, "policy");
}
