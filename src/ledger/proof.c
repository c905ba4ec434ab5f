// SPDX-License-Identifier: Apache-2.0
// Reads, writes and checks proofs that an entry is in a log.
#include "ledger/proof.h"

#include "base/cursor.h"

static const char headline[] = "c2sp.org/tlog-proof@v1";

// ---- the form -----------------------------------------------------------------------------------

// How many bytes well-formed base64 stands for.
static size_t decoded_size(struct ov_span base64) {
    size_t padding = base64.size - ov_span_find(base64, 0, '=');
    return base64.size / 4 * 3 - padding;
}

static enum ov_status take_extra(struct ov_span base64, struct ov_proof *proof) {
    size_t size = 0;
    if (ov_base64_read(base64, NULL, 0, &size) != OV_LIMIT) { // well formed and not empty
        return OV_DAMAGED;
    }
    if (decoded_size(base64) > OV_PROOF_EXTRA_BYTES_MAX) {
        return OV_DAMAGED;
    }
    proof->has_extra = true;
    proof->extra = base64;
    return OV_OK;
}

// The lines before the hashes: headline, extra, index.
static enum ov_status read_head(struct ov_cursor *cursor, struct ov_proof *proof) {
    struct ov_span line, rest;
    TRY(ov_line_read(cursor, &line));
    if (!ov_span_is_text(line, headline)) {
        return OV_DAMAGED;
    }
    TRY(ov_line_read(cursor, &line));
    if (ov_line_take(line, "extra", &rest) == OV_OK) {
        TRY(take_extra(rest, proof));
        TRY(ov_line_read(cursor, &line));
    }
    TRY(ov_line_take(line, "index", &rest));
    return ov_number_read(rest, &proof->index);
}

static enum ov_status read_hashes(struct ov_cursor *cursor, struct ov_tree_proof *path) {
    struct ov_span line;
    TRY(ov_line_read(cursor, &line));
    while (line.size > 0) {
        if (path->count == OV_PROOF_HASHES_MAX) {
            return OV_DAMAGED;
        }
        TRY(ov_tree_hash_read(line, &path->hashes[path->count]));
        path->count++;
        TRY(ov_line_read(cursor, &line));
    }
    return OV_OK;
}

enum ov_status ov_proof_read(struct ov_span bytes, struct ov_proof *ret_proof) {
    struct ov_proof proof = {0};
    struct ov_cursor cursor = ov_cursor_init(bytes);
    if (read_head(&cursor, &proof) != OV_OK || read_hashes(&cursor, &proof.path) != OV_OK ||
        bytes.size - proof.extra.size > OV_PROOF_BYTES_MAX) {
        return OV_DAMAGED;
    }
    proof.checkpoint = ov_span_from(bytes, cursor.at);
    *ret_proof = proof;
    return OV_OK;
}

enum ov_status ov_proof_add_extra(struct ov_buf *buf, const struct ov_proof *proof) {
    if (!proof->has_extra) {
        return OV_OK;
    }
    size_t size = decoded_size(proof->extra);
    uint8_t *room = ov_buf_extend(buf, size);
    if (room == NULL) {
        return OV_MEMORY;
    }
    return ov_base64_read(proof->extra, room, size, &size);
}

void ov_proof_add(struct ov_buf *buf, const struct ov_proof *proof, struct ov_span extra) {
    ov_buf_printf(buf, "%s\n", headline);
    if (extra.size > 0) {
        ov_buf_add_text(buf, "extra ");
        ov_base64_add(buf, extra);
        ov_buf_add_u8(buf, '\n');
    }
    ov_buf_printf(buf, "index %lu\n", proof->index);
    for (size_t i = 0; i < proof->path.count; i++) {
        ov_tree_hash_add(buf, &proof->path.hashes[i]);
        ov_buf_add_u8(buf, '\n');
    }
    ov_buf_add_u8(buf, '\n');
    ov_buf_add(buf, proof->checkpoint.data, proof->checkpoint.size);
}

// ---- the check ----------------------------------------------------------------------------------

static enum ov_status fail(enum ov_status status, const char *why, const char **ret_why) {
    *ret_why = why;
    return status;
}

static enum ov_status check_inclusion(const struct ov_proof *proof, const struct ov_tree_hash *leaf,
                                      const struct ov_tree_head *head, const char **ret_why) {
    if (proof->index >= head->size) {
        return fail(OV_DENIED, "the proof is of a place that the log does not have yet", ret_why);
    }
    if (ov_inclusion_verify(proof->index, leaf, &proof->path, head) != OV_OK) {
        return fail(OV_DENIED, "the entry is not in the log where the proof says", ret_why);
    }
    return OV_OK;
}

enum ov_status ov_proof_check(struct ov_span bytes, const struct ov_tree_hash *leaf,
                              const struct ov_policy *policy, struct ov_proof_checked *ret_checked,
                              const char **ret_why) {
    struct ov_proof_checked checked = {0};
    if (ov_proof_read(bytes, &checked.proof) != OV_OK) {
        return fail(OV_DAMAGED, "it is no proof of a log (c2sp.org/tlog-proof@v1)", ret_why);
    }
    TRY(ov_checkpoint_open_witnessed(checked.proof.checkpoint, policy, &checked.opened, ret_why));
    TRY(check_inclusion(&checked.proof, leaf, &checked.opened.checkpoint.head, ret_why));
    *ret_checked = checked;
    return OV_OK;
}
