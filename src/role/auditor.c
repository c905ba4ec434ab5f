// SPDX-License-Identifier: Apache-2.0
// The questions of a monitor, and what their answers are held to.
#include "role/auditor.h"

#include "ledger/proof.h"
#include "ledger/update.h"
#include "role/caged.h"

#include <stdio.h>
#include <string.h>

// Of the statuses that the parsers of ledger/ give; whatever else was said is a breach.
static bool is_status(enum ov_status status) {
    return (unsigned)status <= OV_PEER;
}

static void copy_text(char *to, size_t size, struct ov_span text) {
    size_t length = text.size < size ? text.size : size - 1;
    if (length > 0) {
        memcpy(to, text.data, length);
    }
    to[length] = '\0';
}

static void end_text(char *text, size_t size) {
    text[size - 1] = '\0';
}

// ---- checkpoints --------------------------------------------------------------------------------

struct head_question {
    struct ov_span bytes; // a checkpoint, or a proof
    const struct ov_policy *policy;
    const char *origin;
};

static void take_opened(const struct head_question *asked,
                        const struct ov_checkpoint_opened *opened, struct ov_auditor_head *head) {
    if (!ov_span_is_text(opened->checkpoint.origin, asked->origin)) {
        head->status = OV_DENIED;
        copy_text(head->why, sizeof head->why, ov_span_text("is the checkpoint of another log"));
        return;
    }
    head->head = opened->checkpoint.head;
    head->witnesses = opened->witnesses;
    memcpy(head->times, opened->times, sizeof head->times);
    head->is_quorum_met = opened->is_quorum_met;
    head->quorum_time = opened->quorum_time;
}

static void open_head(const void *question, void *answer) {
    static struct ov_checkpoint_opened opened;
    const struct head_question *asked = question;
    struct ov_auditor_head *head = answer;
    const char *why = "";
    head->status = ov_checkpoint_open(asked->bytes, asked->policy, &opened, &why);
    if (head->status == OV_OK) {
        take_opened(asked, &opened, head);
    } else {
        copy_text(head->why, sizeof head->why, ov_span_text(why));
    }
}

static enum ov_status check_proof(const struct head_question *asked,
                                  struct ov_proof_checked *checked, struct ov_tree_hash *leaf,
                                  const char **why) {
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    *why = "is no proof";
    TRY(ov_proof_read(asked->bytes, &checked->proof));
    TRY(ov_proof_add_extra(&entry, &checked->proof));
    ov_leaf_hash(ov_buf_span(&entry), leaf);
    return ov_proof_check(asked->bytes, leaf, asked->policy, checked, why);
}

static void open_proof(const void *question, void *answer) {
    static struct ov_proof_checked checked;
    const struct head_question *asked = question;
    struct ov_auditor_head *head = answer;
    const char *why = "";
    head->status = check_proof(asked, &checked, &head->leaf, &why);
    if (head->status == OV_OK) {
        head->index = checked.proof.index;
        head->checkpoint_at = asked->bytes.size - checked.proof.checkpoint.size; // it comes last
        take_opened(asked, &checked.opened, head);
    } else {
        copy_text(head->why, sizeof head->why, ov_span_text(why));
    }
}

static enum ov_status ask_for_head(ov_caged_fn *work, const struct head_question *question,
                                   struct ov_auditor_head *ret_head) {
    struct ov_auditor_head head = {0};
    TRY(ov_caged_ask(OV_ROLE_AUDITOR, work, question, &head, sizeof head));
    if (!is_status(head.status) || head.is_quorum_met > 1 || head.head.size > OV_NUMBER_MAX ||
        head.checkpoint_at > question->bytes.size) {
        return OV_PEER;
    }
    end_text(head.why, sizeof head.why);
    *ret_head = head;
    return OV_OK;
}

enum ov_status ov_auditor_open(struct ov_span note, const struct ov_policy *policy,
                               const char *origin, struct ov_auditor_head *ret_head) {
    struct head_question question = {.bytes = note, .policy = policy, .origin = origin};
    return ask_for_head(open_head, &question, ret_head);
}

enum ov_status ov_auditor_open_proof(struct ov_span proof, const struct ov_policy *policy,
                                     const char *origin, struct ov_auditor_head *ret_head) {
    struct head_question question = {.bytes = proof, .policy = policy, .origin = origin};
    return ask_for_head(open_proof, &question, ret_head);
}

// ---- entries ------------------------------------------------------------------------------------

struct entries_question {
    const struct ov_span *entries;
    size_t count;
    const struct ov_trust *trust;
};

static enum ov_status read_withdrawal(struct ov_span text, struct ov_auditor_entry *entry) {
    struct ov_withdrawal withdrawal;
    TRY(ov_withdrawal_read(text, &withdrawal));
    entry->feed = withdrawal.feed;
    entry->seq = withdrawal.seq;
    entry->time = withdrawal.time;
    copy_text(entry->reason, sizeof entry->reason, withdrawal.reason);
    return OV_OK;
}

static enum ov_status read_engine(struct ov_span text, struct ov_auditor_entry *entry) {
    static struct ov_engine engine;
    TRY(ov_engine_read(text, &engine));
    entry->engine = engine.version;
    entry->time = engine.time;
    entry->file_count = engine.file_count;
    return OV_OK;
}

static enum ov_status read_rotation(struct ov_span text, struct ov_auditor_entry *entry) {
    struct ov_rotation rotation;
    TRY(ov_rotation_read(text, &rotation));
    entry->feed = rotation.feed;
    entry->version = rotation.version;
    entry->time = rotation.time;
    return OV_OK;
}

static enum ov_status read_release(struct ov_span text, struct ov_auditor_entry *entry) {
    TRY(ov_release_read(text, &entry->release));
    entry->feed = entry->release.feed;
    entry->seq = entry->release.seq;
    entry->time = entry->release.time;
    return OV_OK;
}

static enum ov_status read_text(struct ov_span text, struct ov_auditor_entry *entry) {
    switch (entry->kind) {
    case OV_LEAF_RULESET:
        return read_release(text, entry);
    case OV_LEAF_WITHDRAWAL:
        return read_withdrawal(text, entry);
    case OV_LEAF_ENGINE:
        return read_engine(text, entry);
    case OV_LEAF_ROTATION:
        return read_rotation(text, entry);
    case OV_LEAF_OTHER:
        break;
    }
    return OV_OK;
}

static void check_signatures(struct ov_span bytes, const struct ov_trust *trust,
                             struct ov_auditor_entry *entry) {
    struct ov_span text;
    const char *why = "";
    bool is_of_feed = trust != NULL && (entry->kind == OV_LEAF_ENGINE ||
                                        strcmp(entry->feed.text, trust->feed.text) == 0);
    if (is_of_feed) {
        bool is_met = ov_trust_check(trust, bytes, &text, &why) == OV_OK;
        entry->signatures = is_met ? OV_SIGNATURES_MET : OV_SIGNATURES_UNMET;
        copy_text(entry->why, sizeof entry->why, ov_span_text(is_met ? "" : why));
    }
}

static void read_entry(struct ov_span bytes, const struct ov_trust *trust,
                       struct ov_auditor_entry *entry) {
    static struct ov_note note;
    entry->kind = ov_leaf_kind_of(bytes);
    if (entry->kind == OV_LEAF_OTHER) {
        return;
    }
    entry->form = bytes.size <= OV_LEAF_BYTES_MAX ? ov_note_read(bytes, &note) : OV_DAMAGED;
    if (entry->form != OV_OK) {
        entry->form = OV_DAMAGED;
        copy_text(entry->why, sizeof entry->why, ov_span_text("is no signed note, or too large"));
    } else if (read_text(note.text, entry) != OV_OK) {
        entry->form = OV_DAMAGED;
        copy_text(entry->why, sizeof entry->why, ov_span_text("has not the lines of its kind"));
    } else {
        check_signatures(bytes, trust, entry);
    }
}

static void read_entries(const void *question, void *answer) {
    const struct entries_question *asked = question;
    struct ov_auditor_entry *entries = answer;
    for (size_t i = 0; i < asked->count; i++) {
        read_entry(asked->entries[i], asked->trust, &entries[i]);
    }
}

static bool is_feed_name(struct ov_feed_name *name) {
    struct ov_feed_name read;
    end_text(name->text, sizeof name->text);
    return ov_feed_name_read(ov_span_text(name->text), &read) == OV_OK;
}

// Numbers and names of a release end up in the monitor's state.
static bool is_sound_release(struct ov_auditor_entry *entry) {
    return is_feed_name(&entry->feed) && is_feed_name(&entry->release.feed) &&
           entry->seq <= OV_NUMBER_MAX && entry->release.seq == entry->seq &&
           entry->release.bundle_bytes <= OV_NUMBER_MAX;
}

static bool is_sound(struct ov_auditor_entry *entry) {
    bool is_whole = (unsigned)entry->kind <= OV_LEAF_ROTATION && is_status(entry->form) &&
                    (unsigned)entry->signatures < OV_SIGNATURES_COUNT;
    return is_whole &&
           (entry->kind != OV_LEAF_RULESET || entry->form != OV_OK || is_sound_release(entry));
}

enum ov_status ov_auditor_read(const struct ov_span *entries, size_t count,
                               const struct ov_trust *trust, struct ov_auditor_entry *ret_entries) {
    struct entries_question question = {.entries = entries, .count = count, .trust = trust};
    memset(ret_entries, 0, count * sizeof *ret_entries);
    TRY(ov_caged_ask(OV_ROLE_AUDITOR, read_entries, &question, ret_entries,
                     count * sizeof *ret_entries));
    for (size_t i = 0; i < count; i++) {
        struct ov_auditor_entry *entry = &ret_entries[i];
        if (!is_sound(entry)) {
            return OV_PEER;
        }
        end_text(entry->feed.text, sizeof entry->feed.text);
        end_text(entry->release.feed.text, sizeof entry->release.feed.text);
        end_text(entry->reason, sizeof entry->reason);
        end_text(entry->why, sizeof entry->why);
    }
    return OV_OK;
}

// ---- bundles ------------------------------------------------------------------------------------

struct bundle_question {
    const struct ov_release *release;
    struct ov_span bundle;
};

struct bundle_answer {
    enum ov_status status;
    char why[OV_UPDATE_REASON_BYTES];
};

static void check_bundle(const void *question, void *answer) {
    const struct bundle_question *asked = question;
    struct bundle_answer *told = answer;
    told->status = ov_update_check_bundle(asked->release, asked->bundle, told->why);
}

enum ov_status ov_auditor_check_bundle(const struct ov_release *release, struct ov_span bundle,
                                       enum ov_status *ret_status, char *ret_why) {
    struct bundle_question question = {.release = release, .bundle = bundle};
    struct bundle_answer answer = {0};
    TRY(ov_caged_ask(OV_ROLE_AUDITOR, check_bundle, &question, &answer, sizeof answer));
    if (!is_status(answer.status)) {
        return OV_PEER;
    }
    end_text(answer.why, sizeof answer.why);
    copy_text(ret_why, OV_AUDITOR_WHY_BYTES, ov_span_text(answer.why));
    *ret_status = answer.status;
    return OV_OK;
}
