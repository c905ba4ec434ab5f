// SPDX-License-Identifier: Apache-2.0
// What a file of evidence proves.
#include "journal/evidence_check.h"

#include "journal/evidence_inside.h"
#include "journal/range_proof.h"

#include <stdlib.h>

#define SLACK_NS 2000000000ull

void ov_evidence_step_of(const struct ov_evidence_checking *checking, const char *what,
                         enum ov_proven result, const char *why, struct ov_span name) {
    const struct ov_evidence_step step = {
        .result = result, .what = what, .why = result == OV_PROVEN ? NULL : why, .name = name};
    checking->check->on_step(checking->check->arg, &step);
}

void ov_evidence_step(const struct ov_evidence_checking *checking, const char *what,
                      enum ov_proven result, const char *why) {
    ov_evidence_step_of(checking, what, result, why, ov_span_make(NULL, 0));
}

// ---- entries ------------------------------------------------------------------------------------

static enum ov_status grow(struct ov_evidence_checking *checking) {
    size_t room = checking->room * 2 + 256;
    uint64_t *indices = realloc(checking->indices, room * sizeof *indices);
    checking->indices = indices != NULL ? indices : checking->indices;
    struct ov_tree_hash *hashes = realloc(checking->hashes, room * sizeof *hashes);
    checking->hashes = hashes != NULL ? hashes : checking->hashes;
    struct ov_span *entries = realloc(checking->entries, room * sizeof *entries);
    checking->entries = entries != NULL ? entries : checking->entries;
    if (indices == NULL || hashes == NULL || entries == NULL) {
        return OV_MEMORY;
    }
    checking->room = room;
    return OV_OK;
}

static enum ov_status add_entry(struct ov_evidence_checking *checking, uint64_t index,
                                struct ov_span bytes) {
    if (checking->count == checking->room) {
        TRY(grow(checking));
    }
    checking->indices[checking->count] = index;
    checking->entries[checking->count] = bytes;
    ov_leaf_hash(bytes, &checking->hashes[checking->count]);
    checking->count++;
    return OV_OK;
}

static enum ov_status add_range(struct ov_evidence_checking *checking) {
    const struct ov_evidence *evidence = checking->evidence;
    struct ov_cursor cursor = ov_cursor_init(evidence->entries);
    struct ov_span bytes;
    uint64_t index = evidence->from;
    enum ov_status status = ov_evidence_entry(&cursor, &bytes);
    for (; status == OV_OK; status = ov_evidence_entry(&cursor, &bytes)) {
        TRY(index <= evidence->to ? OV_OK : OV_DAMAGED);
        TRY(add_entry(checking, index++, bytes));
    }
    TRY(status == OV_END ? OV_OK : status);
    return index == evidence->to + 1 ? OV_OK : OV_DAMAGED;
}

static bool is_other(const struct ov_evidence *evidence, const struct ov_entry *entry) {
    bool is_export = entry->type == OV_ENTRY_EXPORT && entry->seq == evidence->export_seq;
    bool is_outside = entry->seq < evidence->from || entry->seq > evidence->to;
    return is_outside && (is_export || entry->type == OV_ENTRY_EPOCH);
}

// The others say themselves where they stand; the proof holds them to it.
static enum ov_status add_all(struct ov_evidence_checking *checking) {
    const struct ov_evidence *evidence = checking->evidence;
    struct ov_cursor cursor = ov_cursor_init(evidence->others);
    struct ov_span bytes;
    struct ov_entry entry;
    bool has_range = false;
    enum ov_status status = ov_evidence_entry(&cursor, &bytes);
    for (; status == OV_OK; status = ov_evidence_entry(&cursor, &bytes)) {
        TRY(ov_entry_read(bytes, &entry));
        TRY(is_other(evidence, &entry) ? OV_OK : OV_DAMAGED);
        if (entry.seq >= evidence->from && !has_range) {
            TRY(add_range(checking));
            has_range = true;
        }
        TRY(add_entry(checking, entry.seq, bytes));
    }
    TRY(status == OV_END ? OV_OK : status);
    return has_range ? OV_OK : add_range(checking);
}

bool ov_evidence_get(const struct ov_evidence_checking *checking, size_t n,
                     struct ov_entry *ret_entry) {
    return checking->indices[n] >= checking->evidence->from &&
           checking->indices[n] <= checking->evidence->to &&
           ov_entry_read(checking->entries[n], ret_entry) == OV_OK;
}

static void check_place(struct ov_evidence_checking *checking) {
    const struct ov_range_leaves leaves = {checking->indices, checking->hashes, checking->count};
    struct ov_tree_hash root;
    const struct ov_tree_head *head = &checking->checkpoint.head;
    bool is_so = ov_range_root(head->size, &leaves, checking->evidence->proof, &root) == OV_OK &&
                 ov_tree_hash_is_equal(&root, &head->root);
    ov_evidence_step(checking,
                     "the entries stand at these places of the checkpoint's tree, none is missing",
                     is_so ? OV_PROVEN : OV_FAILED, "they do not lead to its root");
}

static bool are_neighbours(const struct ov_entry *last, const struct ov_entry *entry) {
    return last->seq + 1 == entry->seq && memcmp(last->boot, entry->boot, sizeof last->boot) == 0;
}

static const char *check_form(const struct ov_entry *last, const struct ov_entry *entry,
                              uint64_t index) {
    if (entry->seq != index) {
        return "one has another number than its place";
    }
    bool is_back = are_neighbours(last, entry) && entry->mono_ns < last->mono_ns;
    return is_back ? "the time since the machine's start goes back" : NULL;
}

// A clock that was set back makes no entry false, but its times.
static void check_forms(struct ov_evidence_checking *checking) {
    struct ov_entry last = {.seq = OV_NUMBER_MAX};
    const char *why = NULL;
    bool is_set_back = false;
    for (size_t i = 0; i < checking->count && why == NULL; i++) {
        struct ov_entry entry;
        if (ov_entry_read(checking->entries[i], &entry) != OV_OK) {
            why = "one is no entry of a journal";
        } else {
            why = check_form(&last, &entry, checking->indices[i]);
            is_set_back |= are_neighbours(&last, &entry) && entry.time_ns + SLACK_NS < last.time_ns;
            last = entry;
        }
    }
    ov_evidence_step(checking, "each entry has its form and its number",
                     why == NULL ? OV_PROVEN : OV_FAILED, why);
    ov_evidence_step(checking, "the machine's clock did not go back between them",
                     is_set_back ? OV_NOT_PROVEN : OV_PROVEN, "it was set back");
}

// ---- keys ---------------------------------------------------------------------------------------

// The line `key` of an epoch's entry.
static enum ov_status read_epoch_key(const struct ov_entry *entry, struct ov_span *ret_vkey,
                                     struct ov_key *ret_key) {
    TRY(ov_entry_value(entry->body, "key", 0, ret_vkey));
    return ov_key_read(*ret_vkey, ret_key);
}

// Whether `signer` has signed this epoch's key and the tree before it; its root goes to *ret_root.
static bool is_signed_epoch(const struct ov_entry *entry, struct ov_span vkey,
                            const struct ov_key *signer, struct ov_tree_hash *ret_root) {
    OV_CLEANUP(ov_buf_release) struct ov_buf message = {0};
    uint8_t signature[OV_SIGNATURE_BYTES];
    struct ov_span value;
    size_t size = 0;
    if (ov_entry_value(entry->body, "root", 0, &value) != OV_OK ||
        ov_tree_hash_read(value, ret_root) != OV_OK ||
        ov_entry_value(entry->body, "by", 0, &value) != OV_OK ||
        ov_base64_read(value, signature, sizeof signature, &size) != OV_OK ||
        size != sizeof signature) {
        return false;
    }
    ov_entry_epoch_message(&message, vkey, entry->seq, ret_root);
    return ov_buf_status(&message) == OV_OK &&
           ov_key_verify(signer, ov_buf_span(&message), signature) == OV_OK;
}

// The first stands alone; of each other the tree before it is a beginning of the checkpoint's.
static bool is_in_line(struct ov_evidence_checking *checking, const struct ov_entry *entry,
                       const struct ov_tree_hash *root, struct ov_cursor *follows) {
    const struct ov_tree_head before = {.size = entry->seq, .root = *root};
    struct ov_tree_proof proof;
    if (entry->seq == 0) {
        struct ov_tree empty;
        struct ov_tree_hash nothing;
        ov_tree_init(&empty);
        ov_tree_root(&empty, &nothing);
        return ov_tree_hash_is_equal(root, &nothing);
    }
    return ov_evidence_follow(follows, &proof) == OV_OK &&
           ov_consistency_verify(&before, &checking->checkpoint.head, &proof) == OV_OK;
}

static bool take_epoch(struct ov_evidence_checking *checking, const struct ov_entry *entry,
                       struct ov_cursor *follows) {
    struct ov_evidence_keys *keys = &checking->keys;
    struct ov_span value;
    struct ov_span vkey;
    struct ov_tree_hash root;
    struct ov_key key;
    uint64_t number;
    if (ov_entry_value(entry->body, "number", 0, &value) != OV_OK ||
        ov_number_read(value, &number) != OV_OK || number != keys->count ||
        read_epoch_key(entry, &vkey, &key) != OV_OK ||
        !ov_span_is_text(checking->checkpoint.origin, key.name) ||
        (number == 0) != (entry->seq == 0) ||
        !is_signed_epoch(entry, vkey, number == 0 ? &key : &keys->newest, &root) ||
        !is_in_line(checking, entry, &root, follows)) {
        return false;
    }
    const struct ov_key *known = checking->check->key;
    keys->is_known = keys->is_known || (known != NULL && ov_key_is_same_material(&key, known));
    keys->is_first_told =
        number == 0 ? ov_span_is_equal(vkey, checking->evidence->first_key) : keys->is_first_told;
    keys->newest = key;
    keys->count++;
    return true;
}

static void check_chain(struct ov_evidence_checking *checking) {
    struct ov_cursor follows = ov_cursor_init(checking->evidence->follows);
    bool is_so = true;
    for (size_t i = 0; i < checking->count && is_so; i++) {
        struct ov_entry entry;
        if (ov_entry_read(checking->entries[i], &entry) == OV_OK && entry.type == OV_ENTRY_EPOCH) {
            is_so = take_epoch(checking, &entry, &follows);
        }
    }
    is_so = is_so && checking->keys.is_first_told && ov_cursor_left(&follows) == 0;
    checking->keys.is_chain = is_so;
    ov_evidence_step(
        checking,
        "each epoch's key, and the tree before it, is signed by the key before; from the first on",
        is_so ? OV_PROVEN : OV_FAILED, "an epoch is missing, or the key before did not sign it");
}

static bool is_signed_by(const struct ov_note *note, const struct ov_key *key) {
    struct ov_note_found found = {0};
    return ov_note_verify_one(note, key, &found) == OV_OK && found.has_signed;
}

size_t ov_evidence_count_epochs(const struct ov_evidence_checking *checking,
                                const struct ov_note *note) {
    size_t known = 0;
    for (size_t i = 0; i < checking->count; i++) {
        struct ov_entry entry;
        struct ov_span vkey;
        struct ov_key key;
        if (ov_entry_read(checking->entries[i], &entry) == OV_OK && entry.type == OV_ENTRY_EPOCH &&
            read_epoch_key(&entry, &vkey, &key) == OV_OK) {
            known += is_signed_by(note, &key);
        }
    }
    return known;
}

// Each line of the checkpoint must be a true signature of an epoch's key, once.
static bool are_lines_known(const struct ov_evidence_checking *checking) {
    return ov_evidence_count_epochs(checking, &checking->note) == checking->note.line_count;
}

static void check_signature(struct ov_evidence_checking *checking) {
    const char *why = NULL;
    if (!checking->keys.is_chain || !is_signed_by(&checking->note, &checking->keys.newest)) {
        why = "it is not signed by the newest epoch's key";
    } else if (!are_lines_known(checking)) {
        why = "it has a signature that is no epoch's";
    }
    ov_evidence_step(checking, "the checkpoint is signed by the newest epoch's key",
                     why == NULL ? OV_PROVEN : OV_FAILED, why);
}

static void check_anchor(struct ov_evidence_checking *checking) {
    const struct ov_key *known = checking->check->key;
    enum ov_proven result = OV_PROVEN;
    const char *why = NULL;
    if (known == NULL) {
        result = OV_NOT_PROVEN;
        why = "not anchored: no key of it was given (--key)";
    } else if (!checking->keys.is_known) {
        result = OV_FAILED;
        why = "the key that is known is none of this journal";
    } else if (!checking->keys.is_chain) {
        result = OV_FAILED;
        why = "the keys do not follow one another";
    }
    ov_evidence_step(checking, "the checkpoint is that of the journal whose key is known", result,
                     why);
}

// ---- names --------------------------------------------------------------------------------------

static void check_names(struct ov_evidence_checking *checking) {
    struct ov_evidence_names names;
    ov_evidence_names_init(checking->evidence->names, &names);
    for (size_t i = 0; i < checking->count; i++) {
        struct ov_entry entry;
        if (!ov_evidence_get(checking, i, &entry)) {
            continue;
        }
        struct ov_cursor body = ov_cursor_init(entry.body);
        struct ov_span line;
        struct ov_span path;
        struct ov_tree_hash commitment;
        while (ov_evidence_commitment(&body, &line, &commitment) == OV_OK) {
            (void)!ov_evidence_names_take(&names, &commitment, &path);
        }
    }
    ov_evidence_step(checking, "the names that are shown are those that the entries stand for",
                     ov_evidence_names_are_all(&names) ? OV_PROVEN : OV_FAILED,
                     "one is not what was committed to");
}

// ---- the whole ----------------------------------------------------------------------------------

static enum ov_status verify(struct ov_evidence_checking *checking) {
    if (ov_note_read(checking->evidence->checkpoint, &checking->note) != OV_OK ||
        ov_checkpoint_read(checking->note.text, &checking->checkpoint) != OV_OK ||
        checking->checkpoint.extensions.size > 0) {
        return OV_DAMAGED;
    }
    TRY(add_all(checking));
    check_place(checking);
    check_forms(checking);
    check_chain(checking);
    check_signature(checking);
    check_anchor(checking);
    check_names(checking);
    ov_evidence_check_export(checking);
    ov_evidence_check_witness(checking);
    TRY(ov_evidence_check_releases(checking));
    return ov_evidence_check_rules(checking);
}

enum ov_status ov_evidence_verify(const struct ov_evidence *evidence,
                                  const struct ov_evidence_check *check,
                                  struct ov_evidence_report *ret_report) {
    struct ov_evidence_checking *checking = calloc(1, sizeof *checking);
    if (checking == NULL) {
        return OV_MEMORY;
    }
    checking->evidence = evidence;
    checking->check = check;
    *ret_report = (struct ov_evidence_report){0};
    checking->report = ret_report;
    enum ov_status status = verify(checking);
    free(checking->indices);
    free(checking->hashes);
    free(checking->entries);
    free(checking->rules);
    free(checking);
    return status;
}
