// SPDX-License-Identifier: Apache-2.0
//
// Whose rules a client loads: the release keys of a feed, how many of them must have signed, and
// how old the log's word may be. The root of trust, beside the log's policy; never fetched with a
// feed.
//
//     overt-trust/v1
//     feed NAME
//     version N
//     release VKEY            one line or more
//     threshold K
//     warn-age-days N         0: never
//     max-age-days N          0: never
//
// docs/formats/policy.md says what each means. Empty lines and lines that begin with '#' are left
// out. A plain value that owns nothing.
#pragma once

#include "ledger/key.h"
#include "ledger/policy.h"
#include "ledger/release.h"

enum { OV_TRUST_KEYS_MAX = 16, OV_TRUST_BYTES_MAX = 1 << 16 };

struct ov_trust {
    struct ov_feed_name feed;
    uint64_t version; // of this file; a rotation brings the next one
    struct ov_key keys[OV_TRUST_KEYS_MAX];
    size_t key_count;
    unsigned threshold; // of them, 1 to key_count
    uint64_t warn_age_days;
    uint64_t max_age_days;
};

// Reads the whole text. OV_DAMAGED with *ret_error filled.
enum ov_status ov_trust_read(struct ov_span text, struct ov_trust *ret_trust,
                             struct ov_policy_error *ret_error);
void ov_trust_add(struct ov_buf *buf, const struct ov_trust *trust);

// Whether an entry is a note that the threshold of these keys has signed; its text, which lies in
// `entry`, goes to *ret_text. OV_DAMAGED: no note, or too large (ov_leaf_is_large). OV_DENIED: too
// few have signed, or a signature of one is false. *ret_why is a constant phrase for people, set on
// failure alone.
enum ov_status ov_trust_check(const struct ov_trust *trust, struct ov_span entry,
                              struct ov_span *ret_text, const char **ret_why);
