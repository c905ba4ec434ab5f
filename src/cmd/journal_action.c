// SPDX-License-Identifier: Apache-2.0
// Entries about what is done to files.
#include "cmd/journal_action.h"

#include "base/hex.h"
#include "cmd/journal_run.h"
#include "role/acts.h"

static void write_body(const struct ov_action *action, const char *result, struct ov_buf *body) {
    char digest[2 * OV_SHA256_BYTES + 1] = "-";
    if (action->sha256 != NULL) {
        ov_hex_write(ov_span_make(action->sha256, OV_SHA256_BYTES), digest);
    }
    ov_buf_printf(body, "word %s\nfile ", action->word);
    ov_tree_hash_add(body, &action->commitment);
    ov_buf_printf(body, "\nsha256 %s\nresult %s\n", digest, result);
}

enum ov_status ov_action_intend(struct ov_action *action) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch names = {0};
    if (action->keeper->pid == 0) {
        return OV_OK;
    }
    ov_journal_commit(action->keeper, action->path, &names, &action->commitment);
    ov_names_write(action->names, &names);
    write_body(action, "intended", &body);
    TRY(ov_buf_status(&body));
    TRY(ov_acts_send());
    TRY(ov_keeper_add(action->keeper, OV_ENTRY_ACTION, ov_buf_span(&body)));
    return ov_keeper_sync(action->keeper);
}

void ov_action_end(const struct ov_action *action, bool is_done) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    if (action->keeper->pid != 0) {
        write_body(action, is_done ? "done" : "failed", &body);
        ov_acts_add(OV_ENTRY_ACTION, ov_buf_span(&body));
    }
}
