// SPDX-License-Identifier: Apache-2.0
// The checks of a rotation, in order: form, log and quorum, inclusion, the old release keys, what
// it says, the new files, the new release keys.
#include "ledger/rotation_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct check {
    const struct ov_rotation_input *input;
    struct ov_proof_checked *proven;
    struct ov_trust *new_trust;
    struct ov_policy *new_policy;
    struct ov_rotation_found found;
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

void ov_rotation_found_release(struct ov_rotation_found *found) {
    ov_buf_release(&found->trust);
    ov_buf_release(&found->policy);
}

// ---- what the old policy and the old keys say ---------------------------------------------------

// Same origin, and not another tree of a size that was seen.
static enum ov_status check_log(const struct check *check) {
    const struct ov_feed_state *state = check->input->state;
    const struct ov_checkpoint *checkpoint = &check->proven->opened.checkpoint;
    if (state->origin[0] != 0 && !ov_span_is_text(checkpoint->origin, state->origin)) {
        return refuse(
            check, OV_DENIED, "the rotation stands in another log (%.*s) than before (%s)",
            (int)checkpoint->origin.size, (const char *)checkpoint->origin.data, state->origin);
    }
    if (checkpoint->head.size == state->head.size &&
        !ov_tree_hash_is_equal(&checkpoint->head.root, &state->head.root)) {
        return refuse(check, OV_DENIED,
                      "split view: the rotation stands in another tree of the same %" PRIu64
                      " entries",
                      state->head.size);
    }
    return OV_OK;
}

static enum ov_status check_proof(struct check *check, struct ov_buf *entry) {
    struct ov_span bytes = check->input->proof;
    struct ov_proof proof;
    struct ov_tree_hash leaf;
    const char *why = "";
    if (ov_proof_read(bytes, &proof) != OV_OK || !proof.has_extra) {
        return refuse(check, OV_DAMAGED, "the rotation's proof is malformed");
    }
    TRY(ov_proof_add_extra(entry, &proof));
    TRY(ov_buf_status(entry));
    ov_leaf_hash(ov_buf_span(entry), &leaf);
    enum ov_status status = ov_proof_check(bytes, &leaf, check->input->policy, check->proven, &why);
    if (status != OV_OK) {
        return refuse(check, status, "the rotation is not proven to stand in the log: %s", why);
    }
    check->found.index = proof.index;
    return check_log(check);
}

// ---- what it says -------------------------------------------------------------------------------

static enum ov_status check_time(const struct check *check, const struct ov_rotation *rotation) {
    const struct ov_rotation_input *input = check->input;
    uint64_t now = input->now > input->state->time ? input->now : input->state->time;
    if (rotation->time > now + OV_UPDATE_SKEW_SECONDS ||
        check->proven->opened.quorum_time > now + OV_UPDATE_SKEW_SECONDS) {
        return refuse(check, OV_DENIED,
                      "the rotation is dated in the future: this machine's clock is wrong, or "
                      "theirs");
    }
    return OV_OK;
}

static enum ov_status check_words(struct check *check, struct ov_span text,
                                  struct ov_rotation *ret_rotation) {
    const struct ov_trust *trust = check->input->trust;
    if (ov_rotation_read(text, ret_rotation) != OV_OK) {
        return refuse(check, OV_DAMAGED, "the entry is no rotation in the form overt-policy/v1");
    }
    if (strcmp(ret_rotation->feed.text, trust->feed.text) != 0) {
        return refuse(check, OV_DENIED, "a rotation of the feed %s, not of %s",
                      ret_rotation->feed.text, trust->feed.text);
    }
    if (ret_rotation->version != trust->version + 1) {
        return refuse(check, OV_DENIED,
                      "a rotation to version %" PRIu64 " of the trust file; this is version "
                      "%" PRIu64 ", and the next one alone may follow",
                      ret_rotation->version, trust->version);
    }
    check->found.version = ret_rotation->version;
    check->found.time = ret_rotation->time;
    return check_time(check, ret_rotation);
}

// ---- the new files ------------------------------------------------------------------------------

static enum ov_status check_new_trust(struct check *check) {
    const struct ov_trust *old = check->input->trust;
    const struct ov_trust *trust = check->new_trust;
    struct ov_policy_error error = {0};
    if (ov_trust_read(ov_buf_span(&check->found.trust), check->new_trust, &error) != OV_OK) {
        return refuse(check, OV_DAMAGED, "the rotation's trust file, line %zu: %s", error.line,
                      error.why);
    }
    if (strcmp(trust->feed.text, old->feed.text) != 0 || trust->version != check->found.version) {
        return refuse(check, OV_DENIED,
                      "the rotation's trust file is of the feed %s and version %" PRIu64
                      ", the rotation of %s and %" PRIu64,
                      trust->feed.text, trust->version, old->feed.text, check->found.version);
    }
    return OV_OK;
}

static enum ov_status check_new_policy(struct check *check) {
    struct ov_span origin = check->proven->opened.checkpoint.origin;
    struct ov_policy_error error = {0};
    if (ov_policy_read(ov_buf_span(&check->found.policy), check->new_policy, &error) != OV_OK) {
        return refuse(check, OV_DAMAGED, "the rotation's policy, line %zu: %s", error.line,
                      error.why);
    }
    for (size_t i = 0; i < check->new_policy->log_count; i++) {
        if (ov_span_is_text(origin, check->new_policy->logs[i].key.name)) {
            return OV_OK;
        }
    }
    return refuse(check, OV_DENIED, "the rotation's policy does not know this log any more (%.*s)",
                  (int)origin.size, (const char *)origin.data);
}

static enum ov_status check_files(struct check *check, const struct ov_rotation *rotation) {
    ov_rotation_add_file(&check->found.trust, rotation, "trust");
    ov_rotation_add_file(&check->found.policy, rotation, "policy");
    TRY(ov_buf_status(&check->found.trust));
    TRY(ov_buf_status(&check->found.policy));
    TRY(check_new_trust(check));
    return check_new_policy(check);
}

// ---- all ----------------------------------------------------------------------------------------

static enum ov_status check_signed(struct check *check, const struct ov_trust *trust,
                                   const char *whose, struct ov_span entry,
                                   struct ov_span *ret_text) {
    const char *why = "";
    enum ov_status status = ov_trust_check(trust, entry, ret_text, &why);
    return status == OV_OK ? OV_OK
                           : refuse(check, status, "the rotation, by the %s: %s", whose, why);
}

static enum ov_status check_all(struct check *check, struct ov_buf *entry) {
    struct ov_rotation rotation;
    struct ov_span text;
    TRY(check_proof(check, entry));
    TRY(check_signed(check, check->input->trust, "keys that are believed now", ov_buf_span(entry),
                     &text));
    TRY(check_words(check, text, &rotation));
    TRY(check_files(check, &rotation));
    return check_signed(check, check->new_trust, "new keys", ov_buf_span(entry), &text);
}

enum ov_status ov_rotation_check(const struct ov_rotation_input *input,
                                 struct ov_rotation_found *ret_found, char *ret_reason) {
    static struct ov_proof_checked proven; // too large for a stack, as the next two
    static struct ov_trust new_trust;
    static struct ov_policy new_policy;
    OV_CLEANUP(ov_buf_release) struct ov_buf entry = {0};
    struct check check = {.input = input,
                          .proven = &proven,
                          .new_trust = &new_trust,
                          .new_policy = &new_policy,
                          .reason = ret_reason};
    ret_reason[0] = 0;
    enum ov_status status = check_all(&check, &entry);
    if (status == OV_OK) {
        *ret_found = check.found;
        return OV_OK;
    }
    if (ret_reason[0] == 0) {
        (void)refuse(&check, status, "%s", ov_status_text(status));
    }
    ov_rotation_found_release(&check.found);
    return status;
}
