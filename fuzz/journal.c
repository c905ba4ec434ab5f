// SPDX-License-Identifier: Apache-2.0
// rooms: journal
//
// The journal's entries and frames: what is read is written again as it was.
//
// Input: an entry; the same bytes are also read as the file `pending`.
#include "journal/entry.h"
#include "journal/frames.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static bool is_inside(struct ov_span part, struct ov_span whole) {
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

// Each line of a file, by itself.
static void check_files(const struct ov_entry *entry) {
    struct ov_span value;
    for (size_t i = 0; ov_entry_value(entry->body, "file", i, &value) == OV_OK && i < 64; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_entry_file file;
        expect(ov_entry_file_read(value, &file) == OV_OK);
        ov_entry_file_add(&out, &file);
        struct ov_span line = ov_buf_span(&out);
        expect(line.size == value.size + 6);
        expect(ov_span_is_equal(ov_span_part(line, 5, value.size), value));
    }
}

static void check_entry(struct ov_span bytes, const struct ov_entry *entry) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf frame = {0};
    struct ov_span back;
    expect(entry->type < OV_ENTRY_TYPES && is_inside(entry->body, bytes));
    ov_entry_add(&out, entry);
    expect(ov_span_is_equal(ov_buf_span(&out), bytes));
    for (size_t i = 0; i < bytes.size; i++) { // fit for terminals
        expect(bytes.data[i] == '\n' || (bytes.data[i] >= ' ' && bytes.data[i] <= '~'));
    }
    if (entry->type == OV_ENTRY_FILES) {
        check_files(entry);
    }
    ov_frame_add(&frame, bytes);
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&frame));
    expect(ov_frame_read(&cursor, &back) == OV_OK && ov_span_is_equal(back, bytes));
    expect(ov_frame_read(&cursor, &back) == OV_END);
}

static void check_frames(struct ov_span bytes) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_cursor cursor = ov_cursor_init(bytes);
    struct ov_span entry;
    enum ov_status status = ov_frame_read(&cursor, &entry);
    for (; status == OV_OK; status = ov_frame_read(&cursor, &entry)) {
        expect(entry.size > 0 && is_inside(entry, bytes));
        ov_frame_add(&out, entry);
    }
    expect(ov_span_is_equal(ov_buf_span(&out), ov_span_part(bytes, 0, cursor.at)));
    expect((status == OV_END) == (cursor.at == bytes.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size);
    struct ov_entry entry;
    if (ov_entry_read(bytes, &entry) == OV_OK) {
        check_entry(bytes, &entry);
    }
    check_frames(bytes);
    return 0;
}
