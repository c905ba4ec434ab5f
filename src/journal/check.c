// SPDX-License-Identifier: Apache-2.0
// Verifies a journal: tree, keys, and the order of its entries.
#include "journal/check.h"

#include "base/fd.h"
#include "journal/frames.h"
#include "ledger/checkpoint.h"
#include "ledger/log.h"
#include "ledger/note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_IN_SECOND 1000000000ull
#define SLACK_NS     (2 * NS_IN_SECOND)
#define GAP_NS       (11 * 60 * NS_IN_SECOND)

enum { RUNS_MAX = 1024, FILE_BYTES_MAX = 1 << 20 };

struct open_run {
    struct ov_entry_run run;
    uint64_t seq; // of its `start`
};

struct checking {
    const struct ov_journal_check *check;
    struct ov_journal_report *report;
    struct ov_entry last;
    struct ov_key newest; // of the epoch
    uint64_t epoch;
    uint64_t expected_seq;
    struct open_run runs[RUNS_MAX];
    size_t run_count;
    struct ov_tree tree; // of the entries before the one that is looked at
    bool has_kept_root;
    struct ov_tree_hash kept_root; // of as many entries
};

static void tell(struct checking *checking, uint64_t seq, const char *why) {
    struct ov_journal_problem problem = {.seq = seq, .why = why};
    checking->report->problem_count++;
    if (checking->check->on_problem != NULL) {
        checking->check->on_problem(checking->check->arg, &problem);
    }
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

static struct open_run *find_run(struct checking *checking, const struct ov_entry_run *run) {
    for (size_t i = 0; i < checking->run_count; i++) {
        if (memcmp(checking->runs[i].run.bytes, run->bytes, sizeof run->bytes) == 0) {
            return &checking->runs[i];
        }
    }
    return NULL;
}

// That a run was cut off is said by the next who opens the journal.
static bool is_cut_off(const struct ov_entry *entry) {
    struct ov_span role;
    return entry->type == OV_ENTRY_CRASH &&
           ov_entry_value(entry->body, "role", 0, &role) == OV_OK && ov_span_is_text(role, "overt");
}

static void check_run(struct checking *checking, const struct ov_entry *entry) {
    if (ov_entry_run_is_none(&entry->run)) {
        return;
    }
    struct open_run *open = find_run(checking, &entry->run);
    if (entry->type == OV_ENTRY_START) {
        checking->report->run_count++;
        if (open != NULL) {
            tell(checking, entry->seq, "a run that begins twice");
        } else if (checking->run_count < RUNS_MAX) {
            checking->runs[checking->run_count++] =
                (struct open_run){.run = entry->run, .seq = entry->seq};
        }
        return;
    }
    if (open == NULL) { // that it was cut off may be said twice, or of one that wrote nothing yet
        if (!is_cut_off(entry)) {
            tell(checking, entry->seq, "an entry of a run that has not begun, or has ended");
        }
    } else if (entry->type == OV_ENTRY_STOP || is_cut_off(entry)) {
        *open = checking->runs[--checking->run_count];
    }
}

static void check_clocks(struct checking *checking, const struct ov_entry *entry) {
    const struct ov_entry *last = &checking->last;
    if (entry->seq == 0 || memcmp(entry->boot, last->boot, sizeof entry->boot) != 0) {
        return;
    }
    if (entry->mono_ns < last->mono_ns) {
        tell(checking, entry->seq, "the time since the machine's start went back");
    }
    if (entry->time_ns + SLACK_NS < last->time_ns) {
        tell(checking, entry->seq, "the clock was set back");
    }
    bool is_open = checking->run_count > 0;
    if (is_open && entry->mono_ns > last->mono_ns && entry->mono_ns - last->mono_ns > GAP_NS) {
        tell(checking, entry->seq, "nothing was written for more than 11 minutes of a run");
    }
}

static void count_files(struct checking *checking, const struct ov_entry *entry) {
    struct ov_span value;
    uint64_t count = 0;
    if (entry->type == OV_ENTRY_FILES && ov_entry_value(entry->body, "count", 0, &value) == OV_OK &&
        ov_number_read(value, &count) == OV_OK) {
        checking->report->file_count += count;
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
    count_files(checking, &entry);
    checking->last = entry;
    checking->last.body = ov_span_make(NULL, 0);
    if (checking->check->on_entry != NULL) {
        checking->check->on_entry(checking->check->arg, &entry);
    }
}

static void take_entry(struct checking *checking, uint64_t seq, struct ov_span bytes) {
    struct ov_tree_hash leaf;
    read_entry(checking, seq, bytes);
    ov_leaf_hash(bytes, &leaf);
    ov_tree_append(&checking->tree, &leaf);
}

// ---- what is sealed -----------------------------------------------------------------------------

static enum ov_status on_sealed(void *arg, uint64_t index, struct ov_span entry) {
    struct checking *checking = arg;
    const struct ov_tree_head *kept = checking->check->kept;
    take_entry(checking, index, entry);
    if (kept != NULL && checking->tree.size == kept->size) {
        ov_tree_root(&checking->tree, &checking->kept_root);
        checking->has_kept_root = true;
    }
    return OV_OK;
}

static enum ov_status read_file(int folder, const char *name, struct ov_buf *ret_bytes) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    TRY(map.bytes.size <= FILE_BYTES_MAX ? OV_OK : OV_DAMAGED);
    ov_buf_add(ret_bytes, map.bytes.data, map.bytes.size);
    return ov_buf_status(ret_bytes);
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
    static char why[OV_CHECK_WHY_BYTES];
    struct ov_log_audit audit = {.on_entry = on_sealed, .arg = checking};
    enum ov_status status = ov_log_audit(checking->check->folder, &checking->report->head, &audit);
    if (status == OV_OK) {
        return OV_OK;
    }
    if (status == OV_MEMORY) {
        return status;
    }
    (void)snprintf(why, sizeof why, "%s %s", audit.flaw.path.text,
                   audit.flaw.why != NULL ? audit.flaw.why : "is not as it was signed");
    tell(checking, UINT64_MAX, why);
    return OV_OK;
}

// ---- what is pending ----------------------------------------------------------------------------

static enum ov_status check_pending(struct checking *checking) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(checking->check->folder, "pending", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? OV_OK : OV_SYSTEM;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    struct ov_cursor cursor = ov_cursor_init(map.bytes);
    uint64_t seq = checking->report->head.size;
    struct ov_span bytes;
    enum ov_status status = ov_frame_read(&cursor, &bytes);
    for (; status == OV_OK; status = ov_frame_read(&cursor, &bytes)) {
        struct ov_entry entry;
        bool is_sealed = ov_entry_read(bytes, &entry) == OV_OK && entry.seq < seq &&
                         checking->report->entry_count == checking->report->head.size;
        if (!is_sealed) {
            take_entry(checking, seq++, bytes);
        }
    }
    if (status == OV_DAMAGED) {
        tell(checking, UINT64_MAX, "the file pending ends in what is no entry");
    }
    return OV_OK;
}

// ---- at a glance --------------------------------------------------------------------------------

static enum ov_status count_pending(int folder, uint64_t sealed, uint64_t *ret_entries) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    OV_AUTO_FD fd = openat(folder, "pending", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *ret_entries = sealed;
    if (fd < 0) {
        return errno == ENOENT ? OV_OK : OV_SYSTEM;
    }
    TRY(ov_file_map_open_fd(fd, &map));
    struct ov_cursor cursor = ov_cursor_init(map.bytes);
    struct ov_span bytes;
    while (ov_frame_read(&cursor, &bytes) == OV_OK) {
        struct ov_entry entry;
        bool is_next = ov_entry_read(bytes, &entry) == OV_OK && entry.seq == *ret_entries;
        *ret_entries += is_next;
    }
    return OV_OK;
}

enum ov_status ov_journal_glance(int folder, struct ov_tree_head *ret_head, uint64_t *ret_entries) {
    static struct ov_note note;
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_checkpoint checkpoint;
    uint64_t entries;
    TRY(read_file(folder, "checkpoint", &bytes));
    TRY(ov_note_read(ov_buf_span(&bytes), &note));
    TRY(ov_checkpoint_read(note.text, &checkpoint));
    TRY(count_pending(folder, checkpoint.head.size, &entries));
    *ret_head = checkpoint.head;
    *ret_entries = entries;
    return OV_OK;
}

// ---- the whole ----------------------------------------------------------------------------------

static enum ov_status read_checkpoint(struct checking *checking, struct ov_buf *bytes,
                                      struct ov_note *ret_note) {
    struct ov_checkpoint checkpoint;
    TRY(read_file(checking->check->folder, "checkpoint", bytes));
    if (ov_note_read(ov_buf_span(bytes), ret_note) != OV_OK ||
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

static void check_runs(struct checking *checking) {
    for (size_t i = 0; i < checking->run_count; i++) {
        tell(checking, checking->runs[i].seq, "a run that does not end");
    }
}

static enum ov_status verify(struct checking *checking) {
    static struct ov_note note;
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    enum ov_status status = read_checkpoint(checking, &bytes, &note);
    if (status != OV_OK) {
        return status == OV_DAMAGED ? OV_OK : status;
    }
    TRY(check_sealed(checking));
    struct ov_key sealed_key = checking->newest;
    check_signature(checking, &note, &sealed_key);
    check_kept(checking);
    TRY(check_pending(checking));
    check_runs(checking);
    return OV_OK;
}

enum ov_status ov_journal_verify(const struct ov_journal_check *check,
                                 struct ov_journal_report *ret_report) {
    struct checking *checking = calloc(1, sizeof *checking);
    if (checking == NULL) {
        return OV_MEMORY;
    }
    *ret_report = (struct ov_journal_report){0};
    checking->check = check;
    checking->report = ret_report;
    ov_tree_init(&checking->tree);
    enum ov_status status = verify(checking);
    free(checking);
    return status;
}
