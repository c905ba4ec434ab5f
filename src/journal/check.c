// SPDX-License-Identifier: Apache-2.0
// Verifies a journal: the tree, what was signed, and what is pending.
#include "journal/check_inside.h"

#include "journal/frames.h"
#include "journal/runs.h"
#include "ledger/checkpoint.h"
#include "ledger/log.h"
#include "ledger/note.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PENDING_MAX = 1024,
    TRIES_MAX = 5, // at a journal that goes on meanwhile
};

static void hand_on(const struct ov_checking *checking, uint64_t seq, const char *why) {
    struct ov_journal_problem problem = {.seq = seq, .why = why};
    if (checking->check->on_problem != NULL) {
        checking->check->on_problem(checking->check->arg, &problem);
    }
}

static void hand_on_all(struct ov_checking *checking) {
    for (size_t i = 0; i < checking->held_count; i++) {
        hand_on(checking, checking->held[i].seq, checking->held[i].why);
    }
    checking->held_count = 0;
}

void ov_check_tell(struct ov_checking *checking, uint64_t seq, const char *why) {
    if (++checking->report->problem_count > OV_CHECK_HELD_MAX) {
        hand_on_all(checking);
        hand_on(checking, seq, why);
        return;
    }
    struct ov_check_held *held = &checking->held[checking->held_count++];
    held->seq = seq;
    (void)snprintf(held->why, sizeof held->why, "%s", why);
}

static void append_leaf(struct ov_checking *checking, const struct ov_tree_hash *leaf) {
    ov_tree_append(&checking->tree, leaf);
}

struct sealed {
    struct ov_checking *checking;
    struct ov_log_audit audit;
};

// ---- the checkpoint -----------------------------------------------------------------------------

static enum ov_status read_checkpoint(struct ov_checking *checking) {
    static struct ov_note note;
    struct ov_checkpoint checkpoint;
    if (ov_note_read(ov_buf_span(&checking->snapshot.checkpoint), &note) != OV_OK ||
        ov_checkpoint_read(note.text, &checkpoint) != OV_OK || checkpoint.extensions.size > 0 ||
        !ov_key_name_is_good(checkpoint.origin)) {
        ov_check_tell(checking, UINT64_MAX, "the checkpoint is malformed");
        return OV_DAMAGED;
    }
    checking->report->head = checkpoint.head;
    memset(checking->report->origin, 0, sizeof checking->report->origin);
    memcpy(checking->report->origin, checkpoint.origin.data, checkpoint.origin.size);
    return OV_OK;
}

static enum ov_status take_snapshot(struct ov_checking *checking) {
    struct ov_journal_snapshot snapshot;
    TRY(ov_run_list(checking->check->folder, &checking->under_way));
    TRY(ov_journal_snapshot_take(checking->check->folder, &snapshot));
    ov_journal_snapshot_release(&checking->snapshot);
    checking->snapshot = snapshot;
    return OV_OK;
}

// Others have sealed meanwhile, which removes files of the checkpoint that was read: goes on to the
// one that is there now. What was read stands in it as well, since a journal only grows.
static enum ov_status on_outrun(void *arg, struct ov_tree_head *ret_head) {
    struct ov_checking *checking = ((struct sealed *)arg)->checking;
    if (!ov_journal_snapshot_is_old(checking->check->folder, &checking->snapshot)) {
        return OV_END;
    }
    TRY(take_snapshot(checking));
    TRY(read_checkpoint(checking));
    *ret_head = checking->report->head;
    return OV_OK;
}

// ---- what is sealed -----------------------------------------------------------------------------

static void note_kept(struct ov_checking *checking) {
    const struct ov_tree_head *kept = checking->check->kept;
    if (kept != NULL && checking->tree.size == kept->size) {
        ov_tree_root(&checking->tree, &checking->kept_root);
        checking->has_kept_root = true;
    }
}

static enum ov_status on_sealed(void *arg, uint64_t index, struct ov_span entry) {
    struct sealed *sealed = (struct sealed *)arg;
    struct ov_checking *checking = sealed->checking;
    ov_check_entry(checking, index, entry);
    append_leaf(checking, &sealed->audit.leaf);
    note_kept(checking);
    return checking->status;
}

// Entries that are known by their hash alone. Whether they may be, is known at the end.
static enum ov_status on_missing(void *arg, uint64_t number, const struct ov_tile_hashes *hashes) {
    struct ov_checking *checking = ((struct sealed *)arg)->checking;
    uint64_t from = number * OV_TILE_WIDTH;
    for (unsigned i = 0; i < OV_TILE_WIDTH; i++) {
        append_leaf(checking, &hashes->hashes[i]);
        note_kept(checking);
    }
    for (size_t i = 0; i < checking->runs.room; i++) {
        struct ov_run_slot *slot = &checking->runs.slots[i];
        slot->is_cut |= slot->is_open;
        slot->may_have_ended |= slot->is_open;
    }
    checking->is_behind_missing = true;
    checking->faded_count = checking->runs.open_count;
    checking->report->entry_count += OV_TILE_WIDTH;
    checking->report->removed_count += OV_TILE_WIDTH;
    return ov_ranges_add(&checking->missing, from, from + OV_TILE_WIDTH);
}

static void check_missing(struct ov_checking *checking) {
    for (size_t i = 0; i < checking->missing.count; i++) {
        const struct ov_range *range = &checking->missing.items[i];
        if (!ov_ranges_have(&checking->removed, range)) {
            ov_check_tell(
                checking, range->from,
                "entries from here on are missing, and none that is sealed says that they were "
                "removed");
        }
    }
}

static void check_kept(struct ov_checking *checking) {
    const struct ov_tree_head *kept = checking->check->kept;
    if (kept == NULL || kept->size == 0) {
        return;
    }
    if (checking->report->head.size < kept->size) {
        ov_check_tell(checking, UINT64_MAX,
                      "rolled back: fewer entries than the checkpoint that was kept");
    } else if (!checking->has_kept_root ||
               !ov_tree_hash_is_equal(&checking->kept_root, &kept->root)) {
        ov_check_tell(checking, UINT64_MAX,
                      "another journal than that of the checkpoint that was kept");
    }
}

static enum ov_status check_sealed(struct ov_checking *checking) {
    char why[OV_CHECK_WHY_BYTES];
    struct sealed sealed = {.checking = checking,
                            .audit = {.on_entry = on_sealed,
                                      .on_missing = on_missing,
                                      .on_outrun = on_outrun,
                                      .arg = &sealed}};
    struct ov_log_audit *audit = &sealed.audit;
    enum ov_status status = ov_log_audit(checking->check->folder, &checking->report->head, audit);
    if (status == OV_OK || status == OV_MEMORY) {
        return status;
    }
    (void)snprintf(why, sizeof why, "%s %s", audit->flaw.path.text,
                   audit->flaw.why != NULL ? audit->flaw.why : "is not as it was signed");
    ov_check_tell(checking, UINT64_MAX, why);
    return OV_OK;
}

// ---- what is pending ----------------------------------------------------------------------------

// Whoever writes seals what waits for longer than OV_JOURNAL_SEAL_SECONDS before anything is added.
static void check_seal(struct ov_checking *checking, const struct ov_entry *entry, uint64_t place) {
    const struct ov_entry *first = &checking->first_pending;
    if (place == 0) {
        checking->first_pending = *entry;
        checking->has_first_pending = true;
    } else if (place == PENDING_MAX) {
        ov_check_tell(checking, entry->seq, "more than 1024 entries wait for a checkpoint");
    } else if (checking->has_first_pending &&
               memcmp(first->boot, entry->boot, sizeof entry->boot) == 0 &&
               entry->mono_ns > first->mono_ns &&
               entry->mono_ns - first->mono_ns > OV_CHECK_GAP_NS) {
        ov_check_tell(checking, entry->seq,
                      "entries wait for a checkpoint for more than 11 minutes");
        checking->has_first_pending = false; // told once
    }
}

static void take_pending(struct ov_checking *checking, uint64_t seq, struct ov_span bytes) {
    struct ov_entry entry;
    struct ov_tree_hash leaf;
    ov_check_entry(checking, seq, bytes);
    ov_leaf_hash(bytes, &leaf);
    append_leaf(checking, &leaf);
    if (ov_entry_read(bytes, &entry) == OV_OK) {
        entry.seq = seq;
        entry.body = ov_span_make(NULL, 0);
        check_seal(checking, &entry, seq - checking->report->head.size);
    }
}

static enum ov_status check_pending(struct ov_checking *checking) {
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&checking->snapshot.pending));
    uint64_t seq = checking->report->head.size;
    struct ov_span bytes;
    enum ov_status status = ov_frame_read(&cursor, &bytes);
    for (; status == OV_OK; status = ov_frame_read(&cursor, &bytes)) {
        struct ov_entry entry;
        bool is_sealed = ov_entry_read(bytes, &entry) == OV_OK && entry.seq < seq &&
                         checking->report->entry_count == checking->report->head.size;
        if (!is_sealed) {
            take_pending(checking, seq++, bytes);
        }
    }
    if (status == OV_DAMAGED) {
        ov_check_tell(checking, UINT64_MAX, "the file pending ends in what is no entry");
    }
    return checking->status;
}

// ---- at a glance --------------------------------------------------------------------------------

static uint64_t count_pending(const struct ov_journal_snapshot *snapshot, uint64_t sealed) {
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&snapshot->pending));
    struct ov_span bytes;
    while (ov_frame_read(&cursor, &bytes) == OV_OK) {
        struct ov_entry entry;
        bool is_next = ov_entry_read(bytes, &entry) == OV_OK && entry.seq == sealed;
        sealed += is_next;
    }
    return sealed;
}

enum ov_status ov_journal_glance(int folder, struct ov_tree_head *ret_head, uint64_t *ret_entries) {
    OV_CLEANUP(ov_journal_snapshot_release) struct ov_journal_snapshot snapshot = {0};
    struct ov_tree_head head;
    TRY(ov_journal_snapshot_take(folder, &snapshot));
    TRY(ov_journal_snapshot_head(&snapshot, &head));
    *ret_head = head;
    *ret_entries = count_pending(&snapshot, head.size);
    return OV_OK;
}

// ---- the whole ----------------------------------------------------------------------------------

// Once all sealed entries are known: the newest epoch that is sealed must have signed.
static void check_signature(struct ov_checking *checking) {
    const struct ov_key *key = &checking->newest;
    static struct ov_note note;
    struct ov_note_found found;
    if (checking->report->epoch_count == 0 ||
        ov_note_read(ov_buf_span(&checking->snapshot.checkpoint), &note) != OV_OK ||
        ov_note_verify_one(&note, key, &found) != OV_OK || !found.has_signed ||
        strcmp(key->name, checking->report->origin) != 0) {
        ov_check_tell(checking, UINT64_MAX,
                      "the checkpoint is not signed by the newest epoch's key");
    }
}

// A run that is under way does not end yet.
static bool is_under_way(const struct ov_checking *checking, const struct ov_entry_run *run) {
    struct ov_span known = ov_buf_span(&checking->under_way);
    for (size_t at = 0; at < known.size; at += OV_RUN_BYTES) {
        if (memcmp(ov_span_from(known, at).data, run->bytes, OV_RUN_BYTES) == 0) {
            return true;
        }
    }
    return ov_run_is_held(checking->check->folder, run);
}

static enum ov_status check_runs(struct ov_checking *checking) {
    struct ov_run_table *runs = &checking->runs;
    for (size_t i = 0; i < runs->room && runs->open_count > 0; i++) {
        struct ov_run_slot *slot = &runs->slots[i];
        if (slot->is_open && (slot->may_have_ended || is_under_way(checking, &slot->run))) {
            ov_run_table_end(runs, slot);
        }
    }
    size_t count = runs->open_count;
    checking->report->open_count = count;
    uint64_t *seqs = ov_run_table_list_open(runs);
    if (seqs == NULL && count > 0) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        ov_check_tell(checking, seqs[i], "a run that does not end");
    }
    free(seqs);
    return OV_OK;
}

static enum ov_status verify(struct ov_checking *checking) {
    enum ov_status status = take_snapshot(checking);
    if (status == OV_DAMAGED) {
        ov_check_tell(checking, UINT64_MAX, "the checkpoint or what is pending is no journal's");
        return OV_OK;
    }
    TRY(status);
    status = read_checkpoint(checking);
    if (status != OV_OK) {
        return status == OV_DAMAGED ? OV_OK : status;
    }
    TRY(check_sealed(checking));
    check_missing(checking);
    check_signature(checking);
    check_kept(checking);
    TRY(check_pending(checking));
    return check_runs(checking);
}

static void release_checking(struct ov_checking *checking) {
    ov_ranges_release(&checking->missing);
    ov_ranges_release(&checking->removed);
    ov_run_table_release(&checking->runs);
    ov_buf_release(&checking->under_way);
    ov_journal_snapshot_release(&checking->snapshot);
    free(checking);
}

// One look. *ret_is_old: something did not hold, and others have written meanwhile.
static enum ov_status verify_once(const struct ov_journal_check *check, bool is_last,
                                  struct ov_journal_report *ret_report, bool *ret_is_old) {
    struct ov_checking *checking = calloc(1, sizeof *checking);
    if (checking == NULL) {
        return OV_MEMORY;
    }
    *ret_report = (struct ov_journal_report){0};
    checking->check = check;
    checking->report = ret_report;
    ov_tree_init(&checking->tree);
    enum ov_status status = verify(checking);
    bool is_told = ret_report->problem_count > OV_CHECK_HELD_MAX || check->on_entry != NULL;
    *ret_is_old = status == OV_OK && !is_last && !is_told && ret_report->problem_count > 0 &&
                  ov_journal_snapshot_is_old(check->folder, &checking->snapshot);
    if (!*ret_is_old) {
        hand_on_all(checking);
    }
    release_checking(checking);
    return status;
}

enum ov_status ov_journal_verify(const struct ov_journal_check *check,
                                 struct ov_journal_report *ret_report) {
    bool is_old = true;
    enum ov_status status = OV_OK;
    for (unsigned i = 1; is_old && status == OV_OK; i++) {
        status = verify_once(check, i == TRIES_MAX, ret_report, &is_old);
    }
    return status;
}
