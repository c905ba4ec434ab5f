// SPDX-License-Identifier: Apache-2.0
//
// The heartbeat of a run that lasts: every 10 minutes a look at ourselves (role/selfwatch.h), what
// it found, an entry `heartbeat`, and a seal.
//
// A command that lasts asks ov_journal_beat_is_due now and then, and calls ov_journal_beat when
// nothing else is asked of the keeper; and ov_journal_beat_last before its entry `stop`.
#pragma once

#include "role/keeper.h"
#include "role/selfwatch.h"

struct ov_journal_beat {
    struct ov_keeper *keeper;   // NULL: findings are told and not written down
    struct ov_selfwatch *watch; // NULL: there is no /proc
    uint64_t began_ns;
    uint64_t first_look_ns; // when what is there already is taken note of
    uint64_t due_ns;
    bool has_looked;
    bool has_written;
    unsigned own_count;    // findings about our own processes: they should not go on like this
    enum ov_status status; // of writing findings down
};

// Takes note of our program. Never fails: without /proc there are heartbeats without looks.
void ov_journal_beat_open(struct ov_keeper *keeper, struct ov_journal_beat *ret_beat);
void ov_journal_beat_close(struct ov_journal_beat *beat);

bool ov_journal_beat_is_due(const struct ov_journal_beat *beat);

// Does what is due. On failure the journal cannot be written, and the keeper has the reason.
enum ov_status ov_journal_beat(struct ov_journal_beat *beat);

// Looks once more, at as much as a run of this length is worth. As above.
enum ov_status ov_journal_beat_last(struct ov_journal_beat *beat);
