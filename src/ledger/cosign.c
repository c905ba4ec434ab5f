// SPDX-License-Identifier: Apache-2.0
// Reads and writes what logs and witnesses say to each other.
#include "ledger/cosign.h"

#include "base/cursor.h"

#include <assert.h>

static_assert((int)OV_COSIGN_HASHES_MAX <= (int)OV_TREE_PROOF_MAX, "a proof holds them");

static enum ov_status read_old_size(struct ov_cursor *cursor, uint64_t *ret_size) {
    struct ov_span line, rest;
    TRY(ov_line_read(cursor, &line));
    TRY(ov_line_take(line, "old", &rest));
    return ov_number_read(rest, ret_size);
}

static enum ov_status read_hashes(struct ov_cursor *cursor, struct ov_tree_proof *proof) {
    struct ov_span line;
    TRY(ov_line_read(cursor, &line));
    while (line.size > 0) {
        if (proof->count == OV_COSIGN_HASHES_MAX) {
            return OV_DAMAGED;
        }
        TRY(ov_tree_hash_read(line, &proof->hashes[proof->count]));
        proof->count++;
        TRY(ov_line_read(cursor, &line));
    }
    return OV_OK;
}

enum ov_status ov_cosign_request_read(struct ov_span body, struct ov_cosign_request *ret_request) {
    struct ov_cosign_request request = {0};
    struct ov_cursor cursor = ov_cursor_init(body);
    if (body.size > OV_COSIGN_BYTES_MAX || read_old_size(&cursor, &request.old_size) != OV_OK ||
        read_hashes(&cursor, &request.proof) != OV_OK) {
        return OV_DAMAGED;
    }
    request.checkpoint = ov_span_from(body, cursor.at);
    *ret_request = request;
    return OV_OK;
}

void ov_cosign_request_add(struct ov_buf *buf, const struct ov_cosign_request *request) {
    ov_buf_printf(buf, "old %lu\n", request->old_size);
    for (size_t i = 0; i < request->proof.count; i++) {
        ov_tree_hash_add(buf, &request->proof.hashes[i]);
        ov_buf_add_u8(buf, '\n');
    }
    ov_buf_add_u8(buf, '\n');
    ov_buf_add(buf, request->checkpoint.data, request->checkpoint.size);
}

enum ov_status ov_cosign_size_read(struct ov_span body, uint64_t *ret_size) {
    struct ov_cursor cursor = ov_cursor_init(body);
    struct ov_span line;
    if (ov_line_read(&cursor, &line) != OV_OK || ov_cursor_left(&cursor) > 0) {
        return OV_DAMAGED;
    }
    return ov_number_read(line, ret_size);
}

enum ov_status ov_cosign_take(struct ov_span body, struct ov_span checkpoint_text,
                              const struct ov_key *witness, struct ov_buf *buf,
                              uint64_t *ret_time) {
    struct ov_note note;
    struct ov_note_found found;
    if (body.size > OV_COSIGN_ANSWER_BYTES_MAX) {
        return OV_DAMAGED;
    }
    TRY(ov_note_read_lines(body, &note));
    note.text = checkpoint_text;
    TRY(ov_note_verify_one(&note, witness, &found));
    if (!found.has_signed || witness->type != OV_KEY_COSIGNATURE) {
        return OV_DENIED;
    }
    struct ov_span line = ov_note_find(&note, witness)->bytes;
    ov_buf_add(buf, line.data, line.size);
    *ret_time = found.time;
    return ov_buf_status(buf);
}
