// SPDX-License-Identifier: Apache-2.0
// Takes notes apart, looks for signatures, signs.
#include "ledger/note.h"

#include "base/cursor.h"
#include "base/utf8.h"
#include "ledger/encoding.h"

static const char dash[] = "\xe2\x80\x94 "; // an em dash and a blank

enum {
    ID_BYTES = 4,
    NOTE_BLOB_BYTES = ID_BYTES + OV_SIGNATURE_BYTES,
    COSIGNATURE_BLOB_BYTES = ID_BYTES + 8 + OV_SIGNATURE_BYTES,
};

// ---- reading ------------------------------------------------------------------------------------

// signed-note, "Format": valid UTF-8, of the ASCII controls LF alone.
static bool is_text(struct ov_span bytes) {
    size_t at = 0;
    while (at < bytes.size) {
        unsigned length = ov_utf8_length(ov_span_from(bytes, at));
        if (length == 0 || (bytes.data[at] < ' ' && bytes.data[at] != '\n')) {
            return false;
        }
        at += length;
    }
    return true;
}

// The id is in the first eight characters; a signature of at least one byte follows it.
static enum ov_status read_id(struct ov_span base64, uint32_t *ret_id) {
    uint8_t start[6];
    size_t size = 0;
    if (ov_base64_read(base64, start, 0, &size) != OV_LIMIT) { // well formed and not empty
        return OV_DAMAGED;
    }
    TRY(ov_base64_read(ov_span_part(base64, 0, 8), start, sizeof start, &size));
    if (size <= ID_BYTES) {
        return OV_DAMAGED;
    }
    struct ov_cursor cursor = ov_cursor_init(ov_span_make(start, size));
    *ret_id = ov_cursor_u32be(&cursor);
    return OV_OK;
}

static enum ov_status read_line(struct ov_span line, struct ov_note_line *ret_line) {
    if (!ov_span_has_prefix(line, dash)) {
        return OV_DAMAGED;
    }
    ret_line->base64 = ov_span_from(line, sizeof dash - 1);
    TRY(ov_word_take(&ret_line->base64, &ret_line->name));
    return ov_key_name_is_good(ret_line->name) ? read_id(ret_line->base64, &ret_line->id)
                                               : OV_DAMAGED;
}

static enum ov_status read_lines(struct ov_span bytes, struct ov_note *note) {
    struct ov_cursor cursor = ov_cursor_init(bytes);
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span line;
        size_t start = cursor.at;
        if (note->line_count == OV_NOTE_LINES_MAX) {
            return OV_DAMAGED;
        }
        TRY(ov_line_read(&cursor, &line));
        TRY(read_line(line, &note->lines[note->line_count]));
        note->lines[note->line_count++].bytes = ov_span_part(bytes, start, line.size + 1);
    }
    return note->line_count > 0 ? OV_OK : OV_DAMAGED;
}

// Where the text ends: behind the first LF of the last two that follow each other. 0 without any.
static size_t find_end_of_text(struct ov_span bytes) {
    struct ov_span blank = ov_span_text("\n\n");
    size_t end = 0, at = ov_span_search(bytes, 0, blank);
    while (at < bytes.size) {
        end = at + 1;
        at = ov_span_search(bytes, end, blank);
    }
    return end;
}

enum ov_status ov_note_read(struct ov_span bytes, struct ov_note *ret_note) {
    struct ov_note note = {0};
    if (bytes.size > OV_NOTE_BYTES_MAX || !is_text(bytes)) {
        return OV_DAMAGED;
    }
    size_t end = find_end_of_text(bytes);
    if (end == 0) {
        return OV_DAMAGED;
    }
    note.text = ov_span_part(bytes, 0, end);
    TRY(read_lines(ov_span_from(bytes, end + 1), &note));
    *ret_note = note;
    return OV_OK;
}

enum ov_status ov_note_read_lines(struct ov_span bytes, struct ov_note *ret_note) {
    struct ov_note note = {0};
    if (bytes.size > OV_NOTE_BYTES_MAX || !is_text(bytes)) {
        return OV_DAMAGED;
    }
    TRY(read_lines(bytes, &note));
    *ret_note = note;
    return OV_OK;
}

enum ov_status ov_note_check_text(struct ov_span text) {
    bool is_good = text.size > 0 && text.data[text.size - 1] == '\n' && is_text(text);
    return is_good ? OV_OK : OV_INVALID;
}

// ---- verifying ----------------------------------------------------------------------------------

// tlog-cosignature, "Format": what an Ed25519 cosigner signs.
static void add_timed_message(struct ov_buf *buf, struct ov_span text, uint64_t time) {
    ov_buf_printf(buf, "cosignature/v1\ntime %lu\n", time);
    ov_buf_add(buf, text.data, text.size);
}

static enum ov_status verify_timed(struct ov_span text, const struct ov_key *key, uint64_t time,
                                   const uint8_t *signature) {
    OV_CLEANUP(ov_buf_release) struct ov_buf message = {0};
    add_timed_message(&message, text, time);
    TRY(ov_buf_status(&message));
    return ov_key_verify(key, ov_buf_span(&message), signature);
}

// A line that has the key's name and id.
static enum ov_status verify_line(struct ov_span text, const struct ov_note_line *line,
                                  const struct ov_key *key, uint64_t *ret_time) {
    uint8_t blob[COSIGNATURE_BLOB_BYTES];
    size_t size = 0;
    if (ov_base64_read(line->base64, blob, sizeof blob, &size) != OV_OK) {
        return OV_DENIED; // longer than any of ours
    }
    struct ov_cursor cursor = ov_cursor_init(ov_span_make(blob, size));
    ov_cursor_skip(&cursor, ID_BYTES);
    if (key->type == OV_KEY_NOTE) {
        *ret_time = 0;
        return size == NOTE_BLOB_BYTES ? ov_key_verify(key, text, blob + ID_BYTES) : OV_DENIED;
    }
    uint64_t time = ov_cursor_u64be(&cursor);
    if (size != COSIGNATURE_BLOB_BYTES || time == 0 || time > OV_NUMBER_MAX) {
        return OV_DENIED;
    }
    TRY(verify_timed(text, key, time, blob + ID_BYTES + 8));
    *ret_time = time;
    return OV_OK;
}

const struct ov_note_line *ov_note_find(const struct ov_note *note, const struct ov_key *key) {
    for (size_t i = 0; i < note->line_count; i++) {
        const struct ov_note_line *line = &note->lines[i];
        if (line->id == key->id && ov_span_is_text(line->name, key->name)) {
            return line;
        }
    }
    return NULL;
}

enum ov_status ov_note_verify_one(const struct ov_note *note, const struct ov_key *key,
                                  struct ov_note_found *ret_found) {
    struct ov_note_found found = {0};
    const struct ov_note_line *line = ov_note_find(note, key);
    if (line != NULL && ov_key_can_verify(key)) {
        TRY(verify_line(note->text, line, key, &found.time));
        found.has_signed = true;
    }
    *ret_found = found;
    return OV_OK;
}

enum ov_status ov_note_verify(const struct ov_note *note, const struct ov_key *keys,
                              size_t key_count, struct ov_note_found *ret_found) {
    struct ov_note_found found;
    bool is_signed = false;
    for (size_t i = 0; i < key_count; i++) {
        TRY(ov_note_verify_one(note, &keys[i], &found));
        is_signed |= found.has_signed;
        ret_found[i] = found;
    }
    return is_signed ? OV_OK : OV_DENIED;
}

// ---- signing ------------------------------------------------------------------------------------

void ov_note_add_text(struct ov_buf *buf, struct ov_span text) {
    ov_buf_add(buf, text.data, text.size);
    ov_buf_add_u8(buf, '\n');
}

static void add_u64be(struct ov_buf *buf, uint64_t value) {
    for (unsigned shift = 64; shift > 0; shift -= 8) {
        ov_buf_add_u8(buf, (uint8_t)(value >> (shift - 8)));
    }
}

void ov_note_sign(struct ov_buf *buf, struct ov_span text, const struct ov_signer *signer,
                  uint64_t time) {
    OV_CLEANUP(ov_buf_release) struct ov_buf blob = {0}, message = {0};
    uint8_t signature[OV_SIGNATURE_BYTES] = {0};
    uint32_t id = signer->key.id;
    ov_buf_add(
        &blob,
        (uint8_t[]){(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id},
        ID_BYTES);
    if (signer->key.type == OV_KEY_COSIGNATURE) {
        add_u64be(&blob, time);
        add_timed_message(&message, text, time);
        text = ov_buf_span(&message);
    }
    ov_signer_sign(signer, text, signature);
    ov_buf_add(&blob, signature, sizeof signature);
    buf->has_failed |= blob.has_failed || message.has_failed;
    ov_buf_printf(buf, "%s%s ", dash, signer->key.name);
    ov_base64_add(buf, ov_buf_span(&blob));
    ov_buf_add_u8(buf, '\n');
}
