// SPDX-License-Identifier: Apache-2.0
// Walks the lines of an entry of files.
#include "journal/entry_files.h"

#include "base/hex.h"

struct ov_entry_files ov_entry_files_of(const struct ov_entry *entry) {
    struct ov_entry_files files = {.cursor = ov_cursor_init(entry->body)};
    (void)ov_cursor_until(&files.cursor, '\n'); // count
    return files;
}

enum ov_status ov_entry_files_next(struct ov_entry_files *files, struct ov_entry_file *ret_file,
                                   struct ov_span *ret_found_lines) {
    struct ov_cursor *cursor = &files->cursor;
    struct ov_span line;
    struct ov_span words;
    enum ov_status status = ov_line_read(cursor, &line);
    if (status != OV_OK || ov_line_take(line, "file", &words) != OV_OK) {
        return status == OV_OK ? OV_DAMAGED : status;
    }
    TRY(ov_entry_file_read(words, ret_file));
    size_t begin = cursor->at;
    struct ov_cursor ahead = *cursor;
    while (ov_line_read(&ahead, &line) == OV_OK && ov_span_has_prefix(line, "found ")) {
        *cursor = ahead;
    }
    *ret_found_lines = ov_span_part(cursor->bytes, begin, cursor->at - begin);
    return OV_OK;
}

enum ov_status ov_entry_found_take(struct ov_span *lines, struct ov_entry_found *ret_found) {
    struct ov_cursor cursor = ov_cursor_init(*lines);
    struct ov_span line;
    struct ov_span words;
    struct ov_entry_found found;
    TRY(ov_line_read(&cursor, &line));
    TRY(ov_line_take(line, "found", &words));
    TRY(ov_word_take(&words, &found.rule));
    TRY(ov_word_take(&words, &found.set));
    TRY(ov_word_take(&words, &found.members));
    found.offset = words;
    *lines = ov_span_from(*lines, cursor.at);
    *ret_found = found;
    return OV_OK;
}

void ov_entry_text_decode(struct ov_buf *buf, struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%' && ov_hex_read(ov_span_part(text, i + 1, 2), &byte, 1) == OV_OK) {
            i += 2;
        }
        ov_buf_add_u8(buf, byte);
    }
}
