// SPDX-License-Identifier: Apache-2.0
// What a file of evidence says of its own making, and what witnesses say of its journal.
#include "base/hex.h"
#include "journal/evidence_inside.h"

#define NS_IN_SECOND 1000000000ull

// ---- export -------------------------------------------------------------------------------------

static bool has_number(const struct ov_entry *entry, const char *keyword, uint64_t number) {
    struct ov_span value;
    uint64_t read;
    return ov_entry_value(entry->body, keyword, 0, &value) == OV_OK &&
           ov_number_read(value, &read) == OV_OK && read == number;
}

// Whether the n-th line of this keyword has the digest of the part.
static bool has_digest(const struct ov_entry *entry, const char *keyword, size_t n,
                       struct ov_span part) {
    char hex[2 * OV_SHA256_BYTES + 1] = "-";
    uint8_t sha256[OV_SHA256_BYTES];
    struct ov_span value;
    if (part.size > 0) {
        ov_sha256(part, sha256);
        ov_hex_write(ov_span_make(sha256, sizeof sha256), hex);
    }
    return ov_entry_value(entry->body, keyword, n, &value) == OV_OK && ov_span_is_text(value, hex);
}

static bool has_watches(const struct ov_entry *entry, const struct ov_evidence *evidence) {
    struct ov_span value;
    for (size_t i = 0; i < evidence->watch_count; i++) {
        if (!has_digest(entry, "watch", i, evidence->watches[i])) {
            return false;
        }
    }
    return ov_entry_value(entry->body, "watch", evidence->watch_count, &value) != OV_OK;
}

static const char *check_export(const struct ov_evidence_checking *checking) {
    const struct ov_evidence *evidence = checking->evidence;
    for (size_t i = 0; i < checking->count; i++) {
        struct ov_entry entry;
        if (checking->indices[i] != evidence->export_seq) {
            continue;
        }
        if (ov_entry_read(checking->entries[i], &entry) != OV_OK || entry.type != OV_ENTRY_EXPORT ||
            !has_number(&entry, "from", evidence->from) ||
            !has_number(&entry, "to", evidence->to)) {
            return "the entry says something else";
        }
        if (!has_digest(&entry, "manifest", 0, evidence->manifest)) {
            return "its manifest is not that of the file";
        }
        return has_watches(&entry, evidence) ? NULL : "its traces are not those of the file";
    }
    return "the entry that says so is not in the file";
}

void ov_evidence_check_export(struct ov_evidence_checking *checking) {
    const char *why = check_export(checking);
    ov_evidence_step(checking, "the journal says that this range was written to such a file",
                     why == NULL ? OV_PROVEN : OV_FAILED, why);
}

// ---- witnesses ----------------------------------------------------------------------------------

struct witnessed {
    struct ov_evidence_witness part;
    struct ov_note note;
    struct ov_checkpoint checkpoint;
    uint64_t times[OV_POLICY_WITNESSES_MAX];
    uint64_t witnesses;
};

static const char *check_older(const struct ov_evidence_checking *checking,
                               struct witnessed *witnessed) {
    const struct ov_checkpoint *newer = &checking->checkpoint;
    const struct ov_checkpoint *older = &witnessed->checkpoint;
    if (ov_evidence_witness_read(checking->evidence->witness, &witnessed->part) != OV_OK ||
        ov_note_read(witnessed->part.note, &witnessed->note) != OV_OK ||
        ov_checkpoint_read(witnessed->note.text, &witnessed->checkpoint) != OV_OK ||
        older->extensions.size > 0 || older->head.size == 0) {
        return "it is no checkpoint";
    }
    if (!ov_span_is_equal(older->origin, newer->origin)) {
        return "it is that of another journal";
    }
    if (ov_evidence_count_epochs(checking, &witnessed->note) == 0) {
        return "it is not signed by an epoch's key";
    }
    bool is_so = ov_consistency_verify(&older->head, &newer->head, &witnessed->part.proof) == OV_OK;
    return is_so ? NULL : "the journal does not begin with it";
}

// Whether no cosignature of a known witness is false.
static bool take_cosignatures(const struct ov_policy *policy, struct witnessed *witnessed) {
    for (size_t i = 0; i < policy->witness_count; i++) {
        struct ov_note_found found = {0};
        if (ov_note_verify_one(&witnessed->note, &policy->witnesses[i].key, &found) != OV_OK) {
            return false;
        }
        witnessed->times[i] = found.has_signed ? found.time : 0;
        witnessed->witnesses |= (uint64_t)found.has_signed << i;
    }
    return true;
}

static enum ov_proven check_quorum(const struct ov_evidence_checking *checking,
                                   struct witnessed *witnessed, const char **ret_why) {
    const struct ov_policy *policy = checking->check->policy;
    if (policy == NULL) {
        *ret_why = "--policy was not given";
        return OV_NOT_PROVEN;
    }
    if (!take_cosignatures(policy, witnessed)) {
        *ret_why = "a cosignature is false";
        return OV_FAILED;
    }
    if (policy->quorum == OV_QUORUM_NONE) {
        *ret_why = "the policy asks for no witness";
        return OV_NOT_PROVEN;
    }
    *ret_why = "too few of them have";
    return ov_policy_is_met(policy, witnessed->witnesses) ? OV_PROVEN : OV_NOT_PROVEN;
}

static void check_clock(const struct ov_evidence_checking *checking, uint64_t size, uint64_t time) {
    bool is_ahead = false;
    for (size_t i = 0; i < checking->count; i++) {
        struct ov_entry entry;
        if (ov_evidence_get(checking, i, &entry) && entry.seq < size) {
            is_ahead |= entry.time_ns / NS_IN_SECOND > time;
        }
    }
    ov_evidence_step(checking, "the machine's clock was not ahead of the witnesses'",
                     is_ahead ? OV_NOT_PROVEN : OV_PROVEN, "an entry is later than they saw it");
}

void ov_evidence_check_witness(struct ov_evidence_checking *checking) {
    static struct witnessed witnessed;
    const char *why;
    if (checking->evidence->witness.size == 0) {
        return;
    }
    witnessed = (struct witnessed){0};
    why = check_older(checking, &witnessed);
    ov_evidence_step(checking, "what the witnesses saw is the beginning of this journal",
                     why == NULL ? OV_PROVEN : OV_FAILED, why);
    if (why != NULL) {
        return;
    }
    enum ov_proven result = check_quorum(checking, &witnessed, &why);
    ov_evidence_step(checking, "a quorum of the policy's witnesses saw it", result, why);
    if (result == OV_PROVEN) {
        uint64_t time = ov_policy_quorum_time(checking->check->policy, witnessed.times);
        checking->report->witness_size = witnessed.checkpoint.head.size;
        checking->report->witness_time = time;
        check_clock(checking, witnessed.checkpoint.head.size, time);
    }
}
