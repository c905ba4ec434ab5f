// SPDX-License-Identifier: Apache-2.0
//
// Whether a client may load a release: the checks of docs/formats/release.md, "What a client
// checks", in their order, and what each refusal says.
//
// Works on bytes that are at hand alone: no network, no files, no clock of its own. Allocates
// nothing that it keeps.
#pragma once

#include "ledger/policy.h"
#include "ledger/proof.h"
#include "ledger/release.h"
#include "ledger/trust.h"

enum {
    OV_UPDATE_LATER_MAX = 4096, // entries after the release's that a client looks through
    OV_UPDATE_REASON_BYTES = 768,
    OV_UPDATE_SKEW_SECONDS = 3600, // by which clocks may differ
};

// What a client has seen of a feed, behind which nothing may go back. All zero before the first.
struct ov_feed_state {
    char origin[OV_KEY_NAME_BYTES_MAX + 1]; // empty before the first update
    struct ov_tree_head head;               // of the log
    uint64_t seq;                           // of the release that is active; 0: none
    struct ov_tree_hash leaf;               // of that release
    uint64_t index;                         // where it stands in the log
    uint64_t time;                          // the latest quorum time ever seen
};

// All spans and pointers are borrowed.
struct ov_update_input {
    const struct ov_policy *policy;
    const struct ov_trust *trust;
    const struct ov_feed_state *state;
    struct ov_span proof;        // feed/NAME/latest.tlog-proof: the release is its `extra`
    const struct ov_span *later; // the entries after the release's, in order
    size_t later_count;
    struct ov_span leaf_hashes; // of every entry, 32 bytes each, or empty
    uint64_t now;               // POSIX seconds
    struct ov_version engine;   // ours
    bool is_kept; // a proof that was accepted before: how old it is, what was seen since, and what
                  // came later are not asked
};

// How it was seen that the log only grew.
enum ov_update_growth {
    OV_GROWTH_FIRST,     // nothing was known before
    OV_GROWTH_SAME,      // the same tree
    OV_GROWTH_TREE,      // the old tree is the beginning of the new one: computed
    OV_GROWTH_WITNESSES, // the quorum of witnesses says so
};

struct ov_update {
    struct ov_release release;
    struct ov_tree_hash leaf;
    uint64_t index; // of the release
    struct ov_tree_head head;
    char origin[OV_KEY_NAME_BYTES_MAX + 1];
    uint64_t witnesses; // bit i: witness i of the policy has cosigned
    uint64_t time;      // what freshness rests on: the quorum's time, else the signers'
    uint64_t age_seconds;
    bool is_stale; // older than the trust file's warn-age
    bool is_news;  // another release than the active one
    bool is_active_withdrawn;
    enum ov_update_growth growth;
    uint64_t later_from; // with OV_END: the first entry that is needed and was not given
};

// Checks a release. OV_OK: it may be loaded once its bundle is right (ov_update_check_bundle).
// OV_END: right so far, but the entries from `later_from` on, or the leaf hashes of all entries
// when later_from is head.size, are needed to go on; of *ret_update only head, later_from and the
// release are meant then. Otherwise refused, and `ret_reason` (OV_UPDATE_REASON_BYTES) says why,
// for people: OV_DAMAGED what is malformed, OV_DENIED what is not proven, OV_UNSUPPORTED what needs
// a newer engine.
enum ov_status ov_update_check(const struct ov_update_input *input, struct ov_update *ret_update,
                               char *ret_reason);

// That these bytes are the bundle that the release names: size, SHA-256, form. As above.
enum ov_status ov_update_check_bundle(const struct ov_release *release, struct ov_span bundle,
                                      char *ret_reason);
