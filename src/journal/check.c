// SPDX-License-Identifier: Apache-2.0
// Verifies a journal: tree, keys, and the order of its entries.
#include "journal/check.h"

#include "journal/frames.h"
#include "journal/ranges.h"
#include "journal/run_table.h"
#include "journal/runs.h"
#include "journal/snapshot.h"
#include "ledger/checkpoint.h"
#include "ledger/log.h"
#include "ledger/note.h"

#include <stdio.h>
#include <stdlib.h>

#define NS_IN_SECOND 1000000000ull
#define SLACK_NS     (2 * NS_IN_SECOND)
#define GAP_NS       (11 * 60 * NS_IN_SECOND)
#define LEAP_NS      (24 * 3600 * NS_IN_SECOND)

enum {
    HELD_MAX = 1024, // problems that are not told before it is known that all is of one moment
    PENDING_MAX = 1024,
    TRIES_MAX = 5, // at a journal that goes on meanwhile
};

struct held {
    uint64_t seq;
    char why[OV_CHECK_WHY_BYTES];
};

struct checking {
    const struct ov_journal_check *check;
    struct ov_journal_report *report;
    struct ov_entry last;
    struct ov_key newest; // of the epoch
    uint64_t epoch;
    uint64_t expected_seq;
    uint64_t latest_ns; // of this boot so far
    struct ov_run_table runs;
    struct ov_journal_snapshot snapshot;
    struct held held[HELD_MAX]; // problems
    size_t held_count;
    enum ov_status status; // of the first failure of ours
    bool has_first_pending;
    struct ov_entry first_pending; // that the checkpoint does not cover
    struct ov_tree tree;           // of the entries before the one that is looked at
    bool has_kept_root;
    struct ov_tree_hash kept_root; // of as many entries
    struct ov_ranges missing;      // entries of which there are hashes alone
    struct ov_ranges removed;      // and those that an entry says were removed
    bool is_behind_missing;        // the next entry is the first behind some
    size_t faded_count;            // open runs that may have ended in them
};

static void hand_on(const struct checking *checking, uint64_t seq, const char *why) {
    struct ov_journal_problem problem = {.seq = seq, .why = why};
    if (checking->check->on_problem != NULL) {
        checking->check->on_problem(checking->check->arg, &problem);
    }
}

static void hand_on_all(struct checking *checking) {
    for (size_t i = 0; i < checking->held_count; i++) {
        hand_on(checking, checking->held[i].seq, checking->held[i].why);
    }
    checking->held_count = 0;
}

// Held back at first: it may be that somebody wrote between two looks of ours.
static void tell(struct checking *checking, uint64_t seq, const char *why) {
    if (++checking->report->problem_count > HELD_MAX) {
        hand_on_all(checking);
        hand_on(checking, seq, why);
        return;
    }
    struct held *held = &checking->held[checking->held_count++];
    held->seq = seq;
    (void)snprintf(held->why, sizeof held->why, "%s", why);
}

// ---- entries ------------------------------------------------------------------------------------

// What the key before, or the first itself, says of this epoch's key and of all that came before.
static bool is_signed_epoch(const struct checking *checking, const struct ov_entry *entry,
                            const struct ov_key *signer) {
    OV_CLEANUP(ov_buf_release) struct ov_buf message = {0};
    uint8_t signature[OV_SIGNATURE_BYTES];
    struct ov_tree_hash root;
    struct ov_tree_hash said;
    struct ov_span vkey;
    struct ov_span value;
    size_t size = 0;
    ov_tree_root(&checking->tree, &root);
    bool is_read = ov_entry_value(entry->body, "key", 0, &vkey) == OV_OK &&
                   ov_entry_value(entry->body, "root", 0, &value) == OV_OK &&
                   ov_tree_hash_read(value, &said) == OV_OK &&
                   ov_entry_value(entry->body, "by", 0, &value) == OV_OK &&
                   ov_base64_read(value, signature, sizeof signature, &size) == OV_OK;
    if (!is_read || !ov_tree_hash_is_equal(&root, &said)) {
        return false;
    }
    ov_entry_epoch_message(&message, vkey, entry->seq, &root);
    return ov_buf_status(&message) == OV_OK &&
           ov_key_verify(signer, ov_buf_span(&message), signature) == OV_OK;
}

static void check_epoch(struct checking *checking, const struct ov_entry *entry) {
    const struct ov_key *first = checking->check->first;
    struct ov_span value;
    uint64_t number = 0;
    struct ov_key key;
    (void)!ov_entry_value(entry->body, "number", 0, &value); // its form was read
    (void)!ov_number_read(value, &number);
    (void)!ov_entry_value(entry->body, "key", 0, &value);
    if (ov_key_read(value, &key) != OV_OK) {
        return;
    }
    bool has_before = checking->report->epoch_count > 0;
    if (!is_signed_epoch(checking, entry, has_before ? &checking->newest : &key)) {
        tell(checking, entry->seq, "an epoch that the key before it has not signed");
    }
    uint64_t expected = entry->seq == 0 ? 0 : checking->epoch + 1;
    if (number != expected) {
        tell(checking, entry->seq, "an epoch that does not follow the one before");
    }
    if (entry->seq == 0 && first != NULL && !ov_key_is_same_material(&key, first)) {
        tell(checking, 0, "the first epoch's key is not the one that is known");
    }
    checking->epoch = number;
    checking->newest = key;
    checking->report->epoch_count++;
}

// That a run was cut off is said by the next who opens the journal.
static bool is_cut_off(const struct ov_entry *entry) {
    struct ov_span role;
    return entry->type == OV_ENTRY_CRASH &&
           ov_entry_value(entry->body, "role", 0, &role) == OV_OK && ov_span_is_text(role, "overt");
}

static void check_start(struct checking *checking, const struct ov_entry *entry,
                        struct ov_run_slot *slot) {
    checking->report->run_count++;
    if (slot != NULL) {
        tell(checking, entry->seq, "a run that begins twice");
        ov_run_table_reopen(&checking->runs, slot, slot->is_open ? slot->seq : entry->seq);
    } else if (ov_run_table_add(&checking->runs, &entry->run, entry->seq) != OV_OK) {
        checking->status = OV_MEMORY;
    }
}

static uint64_t number_of(const struct ov_entry *entry, const char *keyword) {
    struct ov_span value;
    uint64_t number = 0;
    bool is_there = ov_entry_value(entry->body, keyword, 0, &value) == OV_OK;
    return is_there && ov_number_read(value, &number) == OV_OK ? number : 0;
}

// What a run says that it sent is the sum of its entries `sent`, unless it does not know.
static void check_sent(struct checking *checking, const struct ov_entry *entry,
                       struct ov_run_slot *slot) {
    struct ov_span value;
    if (slot->is_cut) {
        return;
    }
    if (entry->type == OV_ENTRY_SENT) {
        slot->sent_bytes += number_of(entry, "bytes");
    } else if (entry->type == OV_ENTRY_STOP &&
               ov_entry_value(entry->body, "sent", 0, &value) == OV_OK &&
               !ov_span_is_text(value, "-") && number_of(entry, "sent") != slot->sent_bytes) {
        tell(checking, entry->seq, "what was sent is not the sum of the run's entries");
    }
}

// A run whose beginning was removed.
static struct ov_run_slot *open_cut_run(struct checking *checking, const struct ov_entry *entry) {
    if (ov_run_table_add(&checking->runs, &entry->run, entry->seq) != OV_OK) {
        checking->status = OV_MEMORY;
        return NULL;
    }
    struct ov_run_slot *slot = ov_run_table_find(&checking->runs, &entry->run);
    slot->is_cut = true;
    return slot;
}

static void check_run(struct checking *checking, const struct ov_entry *entry) {
    if (ov_entry_run_is_none(&entry->run)) {
        return;
    }
    struct ov_run_slot *slot = ov_run_table_find(&checking->runs, &entry->run);
    if (entry->type == OV_ENTRY_START) {
        check_start(checking, entry, slot);
        return;
    }
    if (slot == NULL && checking->missing.count > 0 && !is_cut_off(entry)) {
        slot = open_cut_run(checking, entry);
    }
    if (slot == NULL || !slot->is_open) {
        if (!is_cut_off(entry)) { // which may be said twice, or of one that wrote nothing yet
            tell(checking, entry->seq, "an entry of a run that has not begun, or has ended");
        }
        return;
    }
    checking->faded_count -= slot->may_have_ended;
    slot->may_have_ended = false;
    check_sent(checking, entry, slot);
    if (entry->type == OV_ENTRY_STOP || is_cut_off(entry)) {
        ov_run_table_end(&checking->runs, slot);
    }
}

static void check_clocks(struct checking *checking, const struct ov_entry *entry) {
    const struct ov_entry *last = &checking->last;
    if (checking->report->entry_count == 1 ||
        memcmp(entry->boot, last->boot, sizeof entry->boot) != 0) {
        checking->latest_ns = entry->time_ns;
        return;
    }
    if (entry->mono_ns < last->mono_ns) {
        tell(checking, entry->seq, "the time since the machine's start went back");
    }
    bool is_back = entry->time_ns + SLACK_NS < checking->latest_ns;
    if (is_back) {
        tell(checking, entry->seq, "the clock was set back");
    }
    if (is_back || entry->time_ns > checking->latest_ns) {
        checking->latest_ns = entry->time_ns;
    }
    // Who opens the journal next says what a crash left, whenever that is.
    bool may_be_late = entry->type == OV_ENTRY_RECOVER || is_cut_off(entry);
    bool is_open = checking->runs.open_count > checking->faded_count && !may_be_late &&
                   !checking->is_behind_missing;
    if (!is_open || entry->mono_ns < last->mono_ns) {
        return;
    }
    uint64_t passed_ns = entry->mono_ns - last->mono_ns;
    if (passed_ns > GAP_NS) {
        tell(checking, entry->seq, "nothing was written for more than 11 minutes of a run");
    }
    if (entry->time_ns > last->time_ns && entry->time_ns - last->time_ns > LEAP_NS &&
        entry->time_ns - last->time_ns - LEAP_NS > passed_ns) {
        tell(checking, entry->seq, "the clock was set forward by more than a day of a run");
    }
}

// Whole bundles before the entry itself; that it is sealed is seen to by whoever counts on it.
static void check_removed(struct checking *checking, const struct ov_entry *entry) {
    uint64_t from = number_of(entry, "from");
    uint64_t to = number_of(entry, "to");
    if (from % OV_TILE_WIDTH != 0 || to % OV_TILE_WIDTH != 0 || from >= to || to > entry->seq) {
        tell(checking, entry->seq, "it removes what cannot be removed");
    } else if (ov_ranges_add(&checking->removed, from, to) != OV_OK) {
        checking->status = OV_MEMORY;
    }
}

static void count_files(struct checking *checking, const struct ov_entry *entry) {
    if (entry->type == OV_ENTRY_FILES) {
        checking->report->file_count += number_of(entry, "count");
    }
}

static void read_entry(struct checking *checking, uint64_t seq, struct ov_span bytes) {
    struct ov_entry entry;
    checking->report->entry_count++;
    if (ov_entry_read(bytes, &entry) != OV_OK) {
        tell(checking, seq, "no entry of a journal");
        return;
    }
    if (entry.seq != seq) {
        tell(checking, seq, "an entry with another number");
        entry.seq = seq;
    }
    if (seq == 0 && entry.type != OV_ENTRY_EPOCH) {
        tell(checking, seq, "the first entry begins no epoch");
    }
    check_clocks(checking, &entry);
    check_run(checking, &entry);
    if (entry.type == OV_ENTRY_EPOCH) {
        check_epoch(checking, &entry);
    }
    if (entry.type == OV_ENTRY_REMOVED) {
        check_removed(checking, &entry);
    }
    count_files(checking, &entry);
    checking->is_behind_missing = false;
    checking->last = entry;
    checking->last.body = ov_span_make(NULL, 0);
    if (checking->check->on_entry != NULL) {
        checking->check->on_entry(checking->check->arg, &entry);
    }
}

static void append_leaf(struct checking *checking, const struct ov_tree_hash *leaf) {
    ov_tree_append(&checking->tree, leaf);
}

// ---- what is sealed -----------------------------------------------------------------------------

struct sealed {
    struct checking *checking;
    struct ov_log_audit audit;
};

static void note_kept(struct checking *checking) {
    const struct ov_tree_head *kept = checking->check->kept;
    if (kept != NULL && checking->tree.size == kept->size) {
        ov_tree_root(&checking->tree, &checking->kept_root);
        checking->has_kept_root = true;
    }
}

static enum ov_status on_sealed(void *arg, uint64_t index, struct ov_span entry) {
    struct sealed *sealed = (struct sealed *)arg;
    struct checking *checking = sealed->checking;
    read_entry(checking, index, entry);
    append_leaf(checking, &sealed->audit.leaf);
    note_kept(checking);
    return checking->status;
}

// Entries that are known by their hash alone. Whether they may be, is known at the end.
static enum ov_status on_missing(void *arg, uint64_t number, const struct ov_tile_hashes *hashes) {
    struct checking *checking = ((struct sealed *)arg)->checking;
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

static void check_missing(struct checking *checking) {
    for (size_t i = 0; i < checking->missing.count; i++) {
        const struct ov_range *range = &checking->missing.items[i];
        if (!ov_ranges_have(&checking->removed, range)) {
            tell(checking, range->from,
                 "entries from here on are missing, and none that is sealed says that they were "
                 "removed");
        }
    }
}

static void check_kept(struct checking *checking) {
    const struct ov_tree_head *kept = checking->check->kept;
    if (kept == NULL || kept->size == 0) {
        return;
    }
    if (checking->report->head.size < kept->size) {
        tell(checking, UINT64_MAX, "rolled back: fewer entries than the checkpoint that was kept");
    } else if (!checking->has_kept_root ||
               !ov_tree_hash_is_equal(&checking->kept_root, &kept->root)) {
        tell(checking, UINT64_MAX, "another journal than that of the checkpoint that was kept");
    }
}

static enum ov_status check_sealed(struct checking *checking) {
    char why[OV_CHECK_WHY_BYTES];
    struct sealed sealed = {
        .checking = checking, .audit.on_entry = on_sealed, .audit.on_missing = on_missing};
    struct ov_log_audit *audit = &sealed.audit;
    audit->arg = &sealed;
    enum ov_status status = ov_log_audit(checking->check->folder, &checking->report->head, audit);
    if (status == OV_OK || status == OV_MEMORY) {
        return status;
    }
    (void)snprintf(why, sizeof why, "%s %s", audit->flaw.path.text,
                   audit->flaw.why != NULL ? audit->flaw.why : "is not as it was signed");
    tell(checking, UINT64_MAX, why);
    return OV_OK;
}

// ---- what is pending ----------------------------------------------------------------------------

// Whoever writes seals what waits for longer than OV_JOURNAL_SEAL_SECONDS before anything is added.
static void check_seal(struct checking *checking, const struct ov_entry *entry, uint64_t place) {
    const struct ov_entry *first = &checking->first_pending;
    if (place == 0) {
        checking->first_pending = *entry;
        checking->has_first_pending = true;
    } else if (place == PENDING_MAX) {
        tell(checking, entry->seq, "more than 1024 entries wait for a checkpoint");
    } else if (checking->has_first_pending &&
               memcmp(first->boot, entry->boot, sizeof entry->boot) == 0 &&
               entry->mono_ns > first->mono_ns && entry->mono_ns - first->mono_ns > GAP_NS) {
        tell(checking, entry->seq, "entries wait for a checkpoint for more than 11 minutes");
        checking->has_first_pending = false; // told once
    }
}

static void take_pending(struct checking *checking, uint64_t seq, struct ov_span bytes) {
    struct ov_entry entry;
    struct ov_tree_hash leaf;
    read_entry(checking, seq, bytes);
    ov_leaf_hash(bytes, &leaf);
    append_leaf(checking, &leaf);
    if (ov_entry_read(bytes, &entry) == OV_OK) {
        entry.seq = seq;
        entry.body = ov_span_make(NULL, 0);
        check_seal(checking, &entry, seq - checking->report->head.size);
    }
}

static enum ov_status check_pending(struct checking *checking) {
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
        tell(checking, UINT64_MAX, "the file pending ends in what is no entry");
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

static enum ov_status read_checkpoint(struct checking *checking, struct ov_note *ret_note) {
    struct ov_checkpoint checkpoint;
    if (ov_note_read(ov_buf_span(&checking->snapshot.checkpoint), ret_note) != OV_OK ||
        ov_checkpoint_read(ret_note->text, &checkpoint) != OV_OK ||
        checkpoint.extensions.size > 0 || !ov_key_name_is_good(checkpoint.origin)) {
        tell(checking, UINT64_MAX, "the checkpoint is malformed");
        return OV_DAMAGED;
    }
    checking->report->head = checkpoint.head;
    memcpy(checking->report->origin, checkpoint.origin.data, checkpoint.origin.size);
    return OV_OK;
}

// Once all entries are known: the newest epoch that is sealed must have signed.
static void check_signature(struct checking *checking, const struct ov_note *note,
                            const struct ov_key *key) {
    struct ov_note_found found;
    if (checking->report->epoch_count == 0 || ov_note_verify_one(note, key, &found) != OV_OK ||
        !found.has_signed || strcmp(key->name, checking->report->origin) != 0) {
        tell(checking, UINT64_MAX, "the checkpoint is not signed by the newest epoch's key");
    }
}

// A run that is under way does not end yet. `held` are those that were when the snapshot was taken.
static bool is_under_way(const struct checking *checking, struct ov_span held,
                         const struct ov_entry_run *run) {
    for (size_t at = 0; at < held.size; at += OV_RUN_BYTES) {
        if (memcmp(ov_span_from(held, at).data, run->bytes, OV_RUN_BYTES) == 0) {
            return true;
        }
    }
    return ov_run_is_held(checking->check->folder, run);
}

static enum ov_status check_runs(struct checking *checking, struct ov_span held) {
    struct ov_run_table *runs = &checking->runs;
    for (size_t i = 0; i < runs->room && runs->open_count > 0; i++) {
        struct ov_run_slot *slot = &runs->slots[i];
        if (slot->is_open && (slot->may_have_ended || is_under_way(checking, held, &slot->run))) {
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
        tell(checking, seqs[i], "a run that does not end");
    }
    free(seqs);
    return OV_OK;
}

static enum ov_status verify(struct checking *checking) {
    static struct ov_note note;
    OV_CLEANUP(ov_buf_release) struct ov_buf held = {0};
    TRY(ov_run_list(checking->check->folder, &held));
    enum ov_status status = ov_journal_snapshot_take(checking->check->folder, &checking->snapshot);
    if (status == OV_DAMAGED) {
        tell(checking, UINT64_MAX, "the checkpoint or what is pending is no journal's");
        return OV_OK;
    }
    TRY(status);
    status = read_checkpoint(checking, &note);
    if (status != OV_OK) {
        return status == OV_DAMAGED ? OV_OK : status;
    }
    TRY(check_sealed(checking));
    check_missing(checking);
    struct ov_key sealed_key = checking->newest;
    check_signature(checking, &note, &sealed_key);
    check_kept(checking);
    TRY(check_pending(checking));
    return check_runs(checking, ov_buf_span(&held));
}

static void release_checking(struct checking *checking) {
    ov_ranges_release(&checking->missing);
    ov_ranges_release(&checking->removed);
    ov_run_table_release(&checking->runs);
    ov_journal_snapshot_release(&checking->snapshot);
    free(checking);
}

// One look. *ret_is_old: something did not hold, and others have written meanwhile.
static enum ov_status verify_once(const struct ov_journal_check *check, bool is_last,
                                  struct ov_journal_report *ret_report, bool *ret_is_old) {
    struct checking *checking = calloc(1, sizeof *checking);
    if (checking == NULL) {
        return OV_MEMORY;
    }
    *ret_report = (struct ov_journal_report){0};
    checking->check = check;
    checking->report = ret_report;
    ov_tree_init(&checking->tree);
    enum ov_status status = verify(checking);
    bool is_told = ret_report->problem_count > HELD_MAX || check->on_entry != NULL;
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
