// SPDX-License-Identifier: Apache-2.0
// What is demanded of each entry of a journal after those before it: epochs, runs, clocks.
#include "journal/check_inside.h"

#include "ledger/tile.h"

#include <string.h>

#define NS_IN_SECOND 1000000000ull
#define SLACK_NS     (2 * NS_IN_SECOND)
#define LEAP_NS      (24 * 3600 * NS_IN_SECOND)

// ---- epochs -------------------------------------------------------------------------------------

// What the key before, or the first itself, says of this epoch's key and of all that came before.
static bool is_signed_epoch(const struct ov_checking *checking, const struct ov_entry *entry,
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

static void check_epoch(struct ov_checking *checking, const struct ov_entry *entry) {
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
        ov_check_tell(checking, entry->seq, "an epoch that the key before it has not signed");
    }
    uint64_t expected = entry->seq == 0 ? 0 : checking->epoch + 1;
    if (number != expected) {
        ov_check_tell(checking, entry->seq, "an epoch that does not follow the one before");
    }
    if (entry->seq == 0 && first != NULL && !ov_key_is_same_material(&key, first)) {
        ov_check_tell(checking, 0, "the first epoch's key is not the one that is known");
    }
    checking->epoch = number;
    checking->newest = key;
    checking->report->epoch_count++;
}

// ---- runs ---------------------------------------------------------------------------------------

// That a run was cut off is said by the next who opens the journal.
static bool is_cut_off(const struct ov_entry *entry) {
    struct ov_span role;
    return entry->type == OV_ENTRY_CRASH &&
           ov_entry_value(entry->body, "role", 0, &role) == OV_OK && ov_span_is_text(role, "overt");
}

static void check_start(struct ov_checking *checking, const struct ov_entry *entry,
                        struct ov_run_slot *slot) {
    checking->report->run_count++;
    if (slot != NULL) {
        ov_check_tell(checking, entry->seq, "a run that begins twice");
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
static void check_sent(struct ov_checking *checking, const struct ov_entry *entry,
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
        ov_check_tell(checking, entry->seq, "what was sent is not the sum of the run's entries");
    }
}

// A run whose beginning was removed.
static struct ov_run_slot *open_cut_run(struct ov_checking *checking,
                                        const struct ov_entry *entry) {
    if (ov_run_table_add(&checking->runs, &entry->run, entry->seq) != OV_OK) {
        checking->status = OV_MEMORY;
        return NULL;
    }
    struct ov_run_slot *slot = ov_run_table_find(&checking->runs, &entry->run);
    slot->is_cut = true;
    return slot;
}

static void check_run(struct ov_checking *checking, const struct ov_entry *entry) {
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
            ov_check_tell(checking, entry->seq,
                          "an entry of a run that has not begun, or has ended");
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

// ---- clocks, and what was removed ---------------------------------------------------------------

static void check_clocks(struct ov_checking *checking, const struct ov_entry *entry) {
    const struct ov_entry *last = &checking->last;
    if (checking->report->entry_count == 1 ||
        memcmp(entry->boot, last->boot, sizeof entry->boot) != 0) {
        checking->latest_ns = entry->time_ns;
        return;
    }
    if (entry->mono_ns < last->mono_ns) {
        ov_check_tell(checking, entry->seq, "the time since the machine's start went back");
    }
    bool is_back = entry->time_ns + SLACK_NS < checking->latest_ns;
    if (is_back) {
        ov_check_tell(checking, entry->seq, "the clock was set back");
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
    if (passed_ns > OV_CHECK_GAP_NS) {
        ov_check_tell(checking, entry->seq,
                      "nothing was written for more than 11 minutes of a run");
    }
    if (entry->time_ns > last->time_ns && entry->time_ns - last->time_ns > LEAP_NS &&
        entry->time_ns - last->time_ns - LEAP_NS > passed_ns) {
        ov_check_tell(checking, entry->seq,
                      "the clock was set forward by more than a day of a run");
    }
}

// Whole bundles before the entry itself; that it is sealed is seen to by whoever counts on it.
static void check_removed(struct ov_checking *checking, const struct ov_entry *entry) {
    uint64_t from = number_of(entry, "from");
    uint64_t to = number_of(entry, "to");
    if (from % OV_TILE_WIDTH != 0 || to % OV_TILE_WIDTH != 0 || from >= to || to > entry->seq) {
        ov_check_tell(checking, entry->seq, "it removes what cannot be removed");
    } else if (ov_ranges_add(&checking->removed, from, to) != OV_OK) {
        checking->status = OV_MEMORY;
    }
}

// ---- the whole ----------------------------------------------------------------------------------

static void count_files(struct ov_checking *checking, const struct ov_entry *entry) {
    if (entry->type == OV_ENTRY_FILES) {
        checking->report->file_count += number_of(entry, "count");
    }
}

void ov_check_entry(struct ov_checking *checking, uint64_t seq, struct ov_span bytes) {
    struct ov_entry entry;
    checking->report->entry_count++;
    if (ov_entry_read(bytes, &entry) != OV_OK) {
        ov_check_tell(checking, seq, "no entry of a journal");
        return;
    }
    if (entry.seq != seq) {
        ov_check_tell(checking, seq, "an entry with another number");
        entry.seq = seq;
    }
    if (seq == 0 && entry.type != OV_ENTRY_EPOCH) {
        ov_check_tell(checking, seq, "the first entry begins no epoch");
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
