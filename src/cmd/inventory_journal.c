// SPDX-License-Identifier: Apache-2.0
// Acts of a plan, in the journal.
#include "cmd/inventory_journal.h"

#include "base/fd.h"
#include "base/say.h"
#include "cmd/journal_action.h"
#include "cmd/journal_run.h"

#include <stdlib.h>

struct ov_plan_journal {
    struct ov_keeper keeper;
    int names;
    struct ov_action action; // the last one
};

enum ov_status ov_plan_journal_begin(struct ov_plan_journal **ret_journal) {
    struct ov_plan_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) {
        return OV_MEMORY;
    }
    journal->keeper.channel = journal->names = -1;
    enum ov_status status =
        ov_journal_run_begin("inventory-apply", &journal->keeper, &journal->names);
    if (status != OV_OK) {
        free(journal);
        return status;
    }
    *ret_journal = journal;
    return OV_OK;
}

enum ov_status ov_plan_journal_intend(struct ov_plan_journal *journal, const char *word,
                                      const char *what) {
    if (journal == NULL) {
        return OV_OK;
    }
    journal->action = (struct ov_action){.keeper = &journal->keeper,
                                         .names = journal->names,
                                         .word = word,
                                         .path = ov_span_text(what)};
    enum ov_status status = ov_action_intend(&journal->action);
    if (status != OV_OK) {
        ov_say_error("journal", journal->keeper.reason, "--no-journal goes without");
    }
    return status;
}

void ov_plan_journal_tell(struct ov_plan_journal *journal, bool is_done) {
    if (journal != NULL) {
        ov_action_end(&journal->action, is_done);
    }
}

enum ov_status ov_plan_journal_end(struct ov_plan_journal *journal, int code) {
    if (journal == NULL) {
        return OV_OK;
    }
    const struct ov_run_end end = {.code = code, .errors = code == 0 ? 0 : 1};
    ov_fd_close(&journal->names);
    enum ov_status status = ov_journal_run_end(&journal->keeper, &end);
    free(journal);
    return status;
}
