// SPDX-License-Identifier: Apache-2.0
// The checks of a client, in order: form, log and quorum, inclusion, release keys, age, rollback,
// newest.
#include "ledger/update.h"

#include "ledger/bundle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { DAY_SECONDS = 24 * 3600 };

struct check {
    const struct ov_update_input *input;
    struct ov_proof_checked *proven;
    struct ov_update update;
    char *reason;
};

static enum ov_status refuse(const struct check *check, enum ov_status status, const char *format,
                             ...) __attribute__((format(printf, 3, 4)));

static enum ov_status refuse(const struct check *check, enum ov_status status, const char *format,
                             ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(check->reason, OV_UPDATE_REASON_BYTES, format, args);
    va_end(args);
    return status;
}

// ---- 1 to 3: form, log, quorum, inclusion -------------------------------------------------------

static enum ov_status check_proof(struct check *check, struct ov_buf *leaf) {
    const struct ov_update_input *input = check->input;
    struct ov_proof proof;
    const char *why = "";
    if (ov_proof_read(input->proof, &proof) != OV_OK || !proof.has_extra) {
        return refuse(check, OV_DAMAGED, "the feed's proof is malformed");
    }
    TRY(ov_proof_add_extra(leaf, &proof));
    TRY(ov_buf_status(leaf));
    if (leaf->size > OV_LEAF_BYTES_MAX) {
        return refuse(check, OV_DAMAGED, "the release is larger than %d bytes", OV_LEAF_BYTES_MAX);
    }
    ov_leaf_hash(ov_buf_span(leaf), &check->update.leaf);
    enum ov_status status =
        ov_proof_check(input->proof, &check->update.leaf, input->policy, check->proven, &why);
    if (status != OV_OK) {
        return refuse(check, status, "not proven to stand in the log: %s", why);
    }
    const struct ov_checkpoint_opened *opened = &check->proven->opened;
    struct ov_span origin = opened->checkpoint.origin;
    (void)snprintf(check->update.origin, sizeof check->update.origin, "%.*s", (int)origin.size,
                   (const char *)origin.data);
    check->update.head = opened->checkpoint.head;
    check->update.index = check->proven->proof.index;
    check->update.witnesses = opened->witnesses;
    if (input->state->origin[0] != 0 && strcmp(input->state->origin, check->update.origin) != 0) {
        return refuse(check, OV_DENIED, "another log (%s) than before (%s)", check->update.origin,
                      input->state->origin);
    }
    return OV_OK;
}

// ---- 4: the release keys ------------------------------------------------------------------------

// The release that is active was signed by the keys that were believed when it was loaded; a
// rotation since then takes it away no more than it can be taken away by an update.
static bool is_active(const struct check *check) {
    const struct ov_feed_state *state = check->input->state;
    return state->seq > 0 && ov_tree_hash_is_equal(&check->update.leaf, &state->leaf);
}

static enum ov_status read_text(const struct check *check, struct ov_span leaf,
                                struct ov_span *ret_text) {
    const char *why = "";
    struct ov_note note;
    if (is_active(check) && ov_note_read(leaf, &note) == OV_OK) {
        *ret_text = note.text;
        return OV_OK;
    }
    enum ov_status status = ov_trust_check(check->input->trust, leaf, ret_text, &why);
    return status == OV_OK ? OV_OK : refuse(check, status, "the release: %s", why);
}

static enum ov_status check_release(struct check *check, struct ov_span leaf) {
    const struct ov_trust *trust = check->input->trust;
    struct ov_release *release = &check->update.release;
    struct ov_span text;
    TRY(read_text(check, leaf, &text));
    if (ov_release_read(text, release) != OV_OK) {
        return refuse(check, OV_DAMAGED, "the entry is no release of rules");
    }
    if (strcmp(release->feed.text, trust->feed.text) != 0) {
        return refuse(check, OV_DENIED, "a release of the feed %s, not of %s", release->feed.text,
                      trust->feed.text);
    }
    if (release->language > OV_RULES_LANGUAGE ||
        ov_version_compare(&release->engine_min, &check->input->engine) > 0) {
        return refuse(check, OV_UNSUPPORTED,
                      "release %" PRIu64 " needs Overt %" PRIu64 ".%" PRIu64 ".%" PRIu64
                      " or newer",
                      release->seq, release->engine_min.parts[0], release->engine_min.parts[1],
                      release->engine_min.parts[2]);
    }
    return OV_OK;
}

// ---- 5: age -------------------------------------------------------------------------------------

static bool is_same_tree(const struct ov_tree_head *a, const struct ov_tree_head *b) {
    return a->size == b->size && ov_tree_hash_is_equal(&a->root, &b->root);
}

// A machine's clock may be wrong; that it is later than what witnesses once said is certain.
static enum ov_status check_age(struct check *check) {
    const struct ov_update_input *input = check->input;
    const struct ov_feed_state *state = input->state;
    struct ov_update *update = &check->update;
    bool has_quorum = input->policy->quorum != OV_QUORUM_NONE;
    uint64_t now = input->now > state->time ? input->now : state->time;
    uint64_t time = has_quorum ? check->proven->opened.quorum_time : update->release.time;
    if (time > now + OV_UPDATE_SKEW_SECONDS ||
        update->release.time > time + OV_UPDATE_SKEW_SECONDS) {
        return refuse(check, OV_DENIED,
                      "dated in the future: this machine's clock is wrong, or theirs");
    }
    if (is_same_tree(&update->head, &state->head) && time < state->time) {
        time = state->time; // an older copy of what is known to be the newest
    }
    update->time = time;
    update->age_seconds = now > time ? now - time : 0;
    uint64_t days = update->age_seconds / DAY_SECONDS;
    const struct ov_trust *trust = input->trust;
    update->is_stale = trust->warn_age_days > 0 && days >= trust->warn_age_days;
    if (trust->max_age_days > 0 && days >= trust->max_age_days) {
        return refuse(check, OV_DENIED,
                      "the feed's last word is %" PRIu64 " days old, and may be %" PRIu64
                      " (max-age-days): somebody holds newer ones back, or nobody publishes",
                      days, trust->max_age_days);
    }
    return OV_OK;
}

// ---- 6: nothing goes back -----------------------------------------------------------------------

static struct ov_tree_hash hash_at(struct ov_span hashes, uint64_t index) {
    struct ov_tree_hash hash;
    memcpy(hash.bytes, ov_span_part(hashes, (size_t)index * OV_SHA256_BYTES, OV_SHA256_BYTES).data,
           sizeof hash.bytes);
    return hash;
}

// Builds the tree of all leaf hashes and holds it against both heads.
static enum ov_status check_tree(struct check *check) {
    struct ov_span hashes = check->input->leaf_hashes;
    const struct ov_tree_head *old_head = &check->input->state->head;
    const struct ov_tree_head *head = &check->update.head;
    struct ov_tree tree;
    struct ov_tree_hash root;
    ov_tree_init(&tree);
    for (uint64_t i = 0; i < head->size; i++) {
        struct ov_tree_hash hash = hash_at(hashes, i);
        ov_tree_append(&tree, &hash);
        if (tree.size == old_head->size) {
            ov_tree_root(&tree, &root);
            if (!ov_tree_hash_is_equal(&root, &old_head->root)) {
                return refuse(check, OV_DENIED,
                              "split view: the log does not begin with the %" PRIu64
                              " entries that were seen before",
                              old_head->size);
            }
        }
    }
    ov_tree_root(&tree, &root);
    if (!ov_tree_hash_is_equal(&root, &head->root)) {
        return refuse(check, OV_DENIED, "the log's tiles do not lead to its signed root");
    }
    check->update.growth = old_head->size == 0 ? OV_GROWTH_FIRST : OV_GROWTH_TREE;
    return OV_OK;
}

static enum ov_status check_growth(struct check *check) {
    const struct ov_update_input *input = check->input;
    const struct ov_tree_head *old_head = &input->state->head;
    struct ov_update *update = &check->update;
    if (update->head.size < old_head->size) {
        return refuse(check, OV_DENIED,
                      "rollback: the log had %" PRIu64 " entries before, and shows %" PRIu64,
                      old_head->size, update->head.size);
    }
    if (update->head.size == old_head->size && !is_same_tree(&update->head, old_head)) {
        return refuse(check, OV_DENIED, "split view: another tree of the same %" PRIu64 " entries",
                      old_head->size);
    }
    if (input->leaf_hashes.size > 0) {
        bool is_whole = input->leaf_hashes.size / OV_SHA256_BYTES == update->head.size;
        return is_whole ? check_tree(check)
                        : refuse(check, OV_DAMAGED, "the log's tiles are not of its size");
    }
    if (old_head->size == 0 || update->head.size == old_head->size) {
        update->growth = old_head->size == 0 ? OV_GROWTH_FIRST : OV_GROWTH_SAME;
        return OV_OK;
    }
    update->growth = OV_GROWTH_WITNESSES;
    update->later_from = update->head.size;
    return input->policy->quorum != OV_QUORUM_NONE ? OV_OK : OV_END; // nobody's word for it
}

static enum ov_status check_order(struct check *check) {
    const struct ov_feed_state *state = check->input->state;
    const struct ov_release *release = &check->update.release;
    bool is_same = is_active(check);
    check->update.is_news = !is_same;
    if (state->seq == 0) {
        return OV_OK;
    }
    if (release->seq < state->seq) {
        return refuse(check, OV_DENIED,
                      "rollback: release %" PRIu64 ", but %" PRIu64 " is active already",
                      release->seq, state->seq);
    }
    if (release->seq == state->seq && !is_same) {
        return refuse(check, OV_DENIED, "split view: another release %" PRIu64 " than the active",
                      release->seq);
    }
    bool follows =
        release->seq != state->seq + 1 || ov_tree_hash_is_equal(&release->previous, &state->leaf);
    bool is_behind = release->seq == state->seq || check->update.index > state->index;
    if (!follows || !is_behind) {
        return refuse(check, OV_DENIED,
                      "split view: release %" PRIu64 " does not follow release %" PRIu64
                      " that is active",
                      release->seq, state->seq);
    }
    return OV_OK;
}

// ---- 7: the newest ------------------------------------------------------------------------------

static enum ov_status look_at_later(struct check *check, struct ov_span entry) {
    const struct ov_trust *trust = check->input->trust;
    struct ov_update *update = &check->update;
    struct ov_span text;
    const char *why = "";
    union {
        struct ov_release release;
        struct ov_withdrawal withdrawal;
    } later;
    enum ov_leaf_kind kind = ov_leaf_kind_of(entry);
    if ((kind != OV_LEAF_RULESET && kind != OV_LEAF_WITHDRAWAL) ||
        ov_trust_check(trust, entry, &text, &why) != OV_OK) {
        return OV_OK; // nobody's whose word counts
    }
    if (kind == OV_LEAF_RULESET && ov_release_read(text, &later.release) == OV_OK &&
        strcmp(later.release.feed.text, trust->feed.text) == 0 &&
        later.release.seq > update->release.seq) {
        return refuse(check, OV_DENIED,
                      "not the newest: release %" PRIu64 " stands in the log, %" PRIu64
                      " was handed out",
                      later.release.seq, update->release.seq);
    }
    if (kind == OV_LEAF_WITHDRAWAL && ov_withdrawal_read(text, &later.withdrawal) == OV_OK &&
        strcmp(later.withdrawal.feed.text, trust->feed.text) == 0) {
        update->is_active_withdrawn |= later.withdrawal.seq == check->input->state->seq;
        if (later.withdrawal.seq == update->release.seq) {
            return refuse(check, OV_DENIED, "release %" PRIu64 " was withdrawn: %.*s",
                          update->release.seq, (int)later.withdrawal.reason.size,
                          (const char *)later.withdrawal.reason.data);
        }
    }
    return OV_OK;
}

static enum ov_status check_newest(struct check *check) {
    const struct ov_update_input *input = check->input;
    struct ov_update *update = &check->update;
    static struct ov_tree_hash hashes[OV_UPDATE_LATER_MAX];
    uint64_t later_count = update->head.size - update->index - 1;
    if (later_count > OV_UPDATE_LATER_MAX) {
        return refuse(check, OV_DENIED,
                      "the log has %" PRIu64 " entries after the release, and %d "
                      "are looked through",
                      later_count, OV_UPDATE_LATER_MAX);
    }
    if (input->later_count == 0 && later_count > 0) {
        update->later_from = update->index + 1;
        return OV_END;
    }
    for (size_t i = 0; i < input->later_count && i < later_count; i++) {
        ov_leaf_hash(input->later[i], &hashes[i]);
    }
    if (input->later_count != later_count ||
        ov_tail_verify(update->index, update->head.size, &check->proven->proof.path, hashes,
                       input->later_count) != OV_OK) {
        return refuse(check, OV_DENIED, "the entries after the release are not those of the log");
    }
    for (size_t i = 0; i < input->later_count; i++) {
        TRY(look_at_later(check, input->later[i]));
    }
    return OV_OK;
}

// ---- all ----------------------------------------------------------------------------------------

static enum ov_status check_all(struct check *check, struct ov_buf *leaf) {
    TRY(check_proof(check, leaf));
    TRY(check_release(check, ov_buf_span(leaf)));
    if (check->input->is_kept) {
        return OV_OK;
    }
    TRY(check_age(check));
    TRY(check_growth(check));
    TRY(check_order(check));
    return check_newest(check);
}

enum ov_status ov_update_check(const struct ov_update_input *input, struct ov_update *ret_update,
                               char *ret_reason) {
    static struct ov_proof_checked proven; // too large for a stack
    OV_CLEANUP(ov_buf_release) struct ov_buf leaf = {0};
    struct check check = {.input = input, .proven = &proven, .reason = ret_reason};
    ret_reason[0] = 0;
    enum ov_status status = check_all(&check, &leaf);
    if (status == OV_OK || status == OV_END) {
        *ret_update = check.update;
    } else if (ret_reason[0] == 0) {
        (void)refuse(&check, status, "%s", ov_status_text(status));
    }
    ret_update->is_active_withdrawn = check.update.is_active_withdrawn;
    return status;
}

// ---- 8: the bundle ------------------------------------------------------------------------------

enum ov_status ov_update_check_bundle(const struct ov_release *release, struct ov_span bundle,
                                      char *ret_reason) {
    struct check check = {.reason = ret_reason};
    ret_reason[0] = 0;
    uint8_t sha256[OV_SHA256_BYTES];
    if (bundle.size != release->bundle_bytes) {
        return refuse(&check, OV_DENIED, "the bundle has %zu bytes, the release names %" PRIu64,
                      bundle.size, release->bundle_bytes);
    }
    ov_sha256(bundle, sha256);
    if (memcmp(sha256, release->bundle_sha256, sizeof sha256) != 0) {
        return refuse(&check, OV_DENIED,
                      "the bundle is not the one that the release names "
                      "(SHA-256)");
    }
    struct ov_bundle reader = ov_bundle_init(bundle);
    struct ov_bundle_file file;
    enum ov_status status = ov_bundle_next(&reader, &file);
    while (status == OV_OK) {
        status = ov_bundle_next(&reader, &file);
    }
    return status == OV_END ? OV_OK : refuse(&check, OV_DAMAGED, "the bundle's form is not right");
}
