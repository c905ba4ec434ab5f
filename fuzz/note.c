// SPDX-License-Identifier: Apache-2.0
// rooms: ledger
//
// Signed notes and keys: what is read lies in the bytes, in its place, and is written as it was.
//
// Input: a line with a vkey, then the note.
#include "ledger/encoding.h"
#include "ledger/note.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

// A key has one spelling.
static void check_key(struct ov_span vkey, const struct ov_key *key) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    if (ov_key_add(&out, key) == OV_OK) {
        expect(ov_span_is_equal(ov_buf_span(&out), vkey));
    }
}

// Text, blank line and signature lines are all there is.
static void check_note(struct ov_span bytes, const struct ov_note *note) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    expect(ov_note_check_text(note->text) == OV_OK);
    ov_note_add_text(&out, note->text);
    expect(note->line_count >= 1 && note->line_count <= OV_NOTE_LINES_MAX);
    for (size_t i = 0; i < note->line_count; i++) {
        const struct ov_note_line *line = &note->lines[i];
        expect(ov_key_name_is_good(line->name) && line->base64.size >= 8);
        ov_buf_add(&out, line->bytes.data, line->bytes.size);
    }
    expect(ov_span_is_equal(ov_buf_span(&out), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size);
    size_t end = ov_span_find(bytes, 0, '\n');
    struct ov_span vkey = ov_span_part(bytes, 0, end), text = ov_span_from(bytes, end + 1);
    OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
    struct ov_note_found found;
    struct ov_note note;
    struct ov_key key;
    bool has_key = ov_key_read(vkey, &key) == OV_OK;
    if (has_key) {
        check_key(vkey, &key);
    }
    (void)ov_signer_read(vkey, &signer);
    if (ov_note_read(text, &note) == OV_OK) {
        check_note(text, &note);
        if (has_key && ov_note_verify(&note, &key, 1, &found) == OV_OK) {
            expect(found.has_signed && (key.type == OV_KEY_COSIGNATURE) == (found.time != 0));
        }
    }
    if (ov_note_read_lines(text, &note) == OV_OK) {
        expect(note.text.size == 0);
    }
    return 0;
}
