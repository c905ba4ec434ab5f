// SPDX-License-Identifier: Apache-2.0
// Salts and commitments.
#include "journal/commitment.h"

static void add_text(struct ov_digest *digest, const char *text) {
    ov_digest_update(digest, ov_span_text(text));
}

void ov_salt_of(const uint8_t names_key[OV_NAMES_KEY_BYTES], const struct ov_entry_run *run,
                uint64_t number, struct ov_salt *ret_salt) {
    struct ov_digest digest;
    uint8_t sha256[OV_SHA256_BYTES];
    uint8_t count[8];
    for (unsigned i = 0; i < sizeof count; i++) {
        count[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    ov_digest_init(OV_HASH_SHA256, &digest);
    add_text(&digest, "overt-salt/v1\n");
    ov_digest_update(&digest, ov_span_make(names_key, OV_NAMES_KEY_BYTES));
    ov_digest_update(&digest, ov_span_make(run->bytes, sizeof run->bytes));
    ov_digest_update(&digest, ov_span_make(count, sizeof count));
    ov_digest_finish(&digest, sha256);
    memcpy(ret_salt->bytes, sha256, sizeof ret_salt->bytes);
}

void ov_commitment_of(const struct ov_salt *salt, struct ov_span path,
                      struct ov_tree_hash *ret_commitment) {
    struct ov_digest digest;
    ov_digest_init(OV_HASH_SHA256, &digest);
    add_text(&digest, "overt-name/v1\n");
    ov_digest_update(&digest, ov_span_make(salt->bytes, sizeof salt->bytes));
    ov_digest_update(&digest, path);
    ov_digest_finish(&digest, ret_commitment->bytes);
}
