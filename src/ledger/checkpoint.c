// SPDX-License-Identifier: Apache-2.0
// Reads and writes checkpoints, and opens them by a policy.
#include "ledger/checkpoint.h"

#include "base/cursor.h"

// ---- the text -----------------------------------------------------------------------------------

static enum ov_status check_extensions(struct ov_span extensions) {
    struct ov_cursor cursor = ov_cursor_init(extensions);
    struct ov_span line;
    while (ov_cursor_left(&cursor) > 0) {
        TRY(ov_line_read(&cursor, &line));
        if (line.size == 0) {
            return OV_DAMAGED;
        }
    }
    return OV_OK;
}

enum ov_status ov_checkpoint_read(struct ov_span text, struct ov_checkpoint *ret_checkpoint) {
    struct ov_checkpoint checkpoint = {0};
    struct ov_cursor cursor = ov_cursor_init(text);
    struct ov_span size = {0}, root = {0};
    if (ov_line_read(&cursor, &checkpoint.origin) != OV_OK || checkpoint.origin.size == 0 ||
        ov_line_read(&cursor, &size) != OV_OK || ov_line_read(&cursor, &root) != OV_OK) {
        return OV_DAMAGED;
    }
    TRY(ov_number_read(size, &checkpoint.head.size));
    TRY(ov_tree_hash_read(root, &checkpoint.head.root));
    checkpoint.extensions = ov_span_from(text, cursor.at);
    TRY(check_extensions(checkpoint.extensions));
    *ret_checkpoint = checkpoint;
    return OV_OK;
}

void ov_checkpoint_add(struct ov_buf *buf, const struct ov_checkpoint *checkpoint) {
    ov_buf_add(buf, checkpoint->origin.data, checkpoint->origin.size);
    ov_buf_printf(buf, "\n%lu\n", checkpoint->head.size);
    ov_tree_hash_add(buf, &checkpoint->head.root);
    ov_buf_add_u8(buf, '\n');
    ov_buf_add(buf, checkpoint->extensions.data, checkpoint->extensions.size);
}

// ---- opening ------------------------------------------------------------------------------------

static enum ov_status fail(enum ov_status status, const char *why, const char **ret_why) {
    *ret_why = why;
    return status;
}

static bool is_empty_with_another_root(const struct ov_tree_head *head) {
    struct ov_tree_hash empty;
    ov_sha256(ov_span_text(""), empty.bytes);
    return head->size == 0 && !ov_tree_hash_is_equal(&head->root, &empty);
}

static enum ov_status read_form(struct ov_span bytes, struct ov_checkpoint_opened *opened,
                                const char **ret_why) {
    if (ov_note_read(bytes, &opened->note) != OV_OK) {
        return fail(OV_DAMAGED, "the checkpoint is no signed note", ret_why);
    }
    if (ov_checkpoint_read(opened->note.text, &opened->checkpoint) != OV_OK) {
        return fail(OV_DAMAGED, "the note's text is no checkpoint", ret_why);
    }
    if (opened->checkpoint.extensions.size > 0) {
        return fail(OV_UNSUPPORTED, "the checkpoint has extension lines, which nobody can audit",
                    ret_why);
    }
    if (is_empty_with_another_root(&opened->checkpoint.head)) {
        return fail(OV_DAMAGED, "the checkpoint gives an empty tree a root that is not its own",
                    ret_why);
    }
    return OV_OK;
}

// A failure of a look for one key's signature.
static enum ov_status tell_verify(enum ov_status status, const char *false_one,
                                  const char **ret_why) {
    return fail(status, status == OV_DENIED ? false_one : ov_status_text(status), ret_why);
}

// Some log key that is named as the origin must have signed; no known key's line may be false.
static enum ov_status verify_logs(const struct ov_policy *policy,
                                  struct ov_checkpoint_opened *opened, const char **ret_why) {
    bool is_signed = false, is_known = false;
    for (size_t i = 0; i < policy->log_count; i++) {
        const struct ov_key *key = &policy->logs[i].key;
        bool is_of_origin = ov_span_is_text(opened->checkpoint.origin, key->name);
        struct ov_note_found found;
        enum ov_status status = ov_note_verify_one(&opened->note, key, &found);
        if (status != OV_OK) {
            return tell_verify(status, "the log's signature is false", ret_why);
        }
        is_known |= is_of_origin;
        if (is_of_origin && found.has_signed && !is_signed) {
            is_signed = true;
            opened->log_index = i;
        }
    }
    if (!is_signed) {
        return fail(OV_DENIED,
                    is_known ? "the log has not signed the checkpoint"
                             : "the checkpoint is of another log than those of the policy",
                    ret_why);
    }
    return OV_OK;
}

static enum ov_status verify_witnesses(const struct ov_policy *policy,
                                       struct ov_checkpoint_opened *opened, const char **ret_why) {
    for (size_t i = 0; i < policy->witness_count; i++) {
        struct ov_note_found found;
        enum ov_status status =
            ov_note_verify_one(&opened->note, &policy->witnesses[i].key, &found);
        if (status != OV_OK) {
            return tell_verify(status, "a witness's cosignature is false", ret_why);
        }
        if (found.has_signed) {
            opened->witnesses |= 1ull << i;
            opened->times[i] = found.time;
        }
    }
    return OV_OK;
}

enum ov_status ov_checkpoint_open(struct ov_span bytes, const struct ov_policy *policy,
                                  struct ov_checkpoint_opened *ret_opened, const char **ret_why) {
    struct ov_checkpoint_opened opened = {0};
    TRY(read_form(bytes, &opened, ret_why));
    TRY(verify_logs(policy, &opened, ret_why));
    TRY(verify_witnesses(policy, &opened, ret_why));
    opened.is_quorum_met = ov_policy_is_met(policy, opened.witnesses);
    opened.quorum_time = ov_policy_quorum_time(policy, opened.times);
    *ret_opened = opened;
    return OV_OK;
}

enum ov_status ov_checkpoint_open_witnessed(struct ov_span bytes, const struct ov_policy *policy,
                                            struct ov_checkpoint_opened *ret_opened,
                                            const char **ret_why) {
    struct ov_checkpoint_opened opened;
    TRY(ov_checkpoint_open(bytes, policy, &opened, ret_why));
    if (!opened.is_quorum_met) {
        return fail(OV_DENIED, "too few witnesses have cosigned the checkpoint: no quorum",
                    ret_why);
    }
    *ret_opened = opened;
    return OV_OK;
}
