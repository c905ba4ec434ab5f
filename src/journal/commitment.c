// SPDX-License-Identifier: Apache-2.0
// Salts and commitments.
#include "journal/commitment.h"

#include <endian.h>

static void add_text(struct ov_digest *digest, const char *text) {
    ov_digest_update(digest, ov_span_text(text));
}

void ov_salts_init(const uint8_t names_key[OV_NAMES_KEY_BYTES], const struct ov_entry_run *run,
                   struct ov_salts *ret_salts) {
    ov_digest_init(OV_HASH_SHA256, &ret_salts->start);
    add_text(&ret_salts->start, "overt-salt/v1\n");
    ov_digest_update(&ret_salts->start, ov_span_make(names_key, OV_NAMES_KEY_BYTES));
    ov_digest_update(&ret_salts->start, ov_span_make(run->bytes, sizeof run->bytes));
    ret_salts->behind = ret_salts->start;
    ov_digest_update(&ret_salts->behind, ov_span_make((const uint8_t[2]){0, 0}, 2));
}

// Two zeros are in the first block already, but for numbers that nobody has ever counted to.
void ov_salts_get(const struct ov_salts *salts, uint64_t number, struct ov_salt *ret_salt) {
    const uint64_t big_endian = htobe64(number);
    const unsigned known = number >> 48 == 0 ? 2 : 0;
    struct ov_digest digest = known > 0 ? salts->behind : salts->start;
    uint8_t sha256[OV_SHA256_BYTES];
    ov_digest_update(&digest, ov_span_from(ov_span_make(&big_endian, sizeof big_endian), known));
    ov_digest_finish(&digest, sha256);
    memcpy(ret_salt->bytes, sha256, sizeof ret_salt->bytes);
}

void ov_salt_of(const uint8_t names_key[OV_NAMES_KEY_BYTES], const struct ov_entry_run *run,
                uint64_t number, struct ov_salt *ret_salt) {
    struct ov_salts salts;
    ov_salts_init(names_key, run, &salts);
    ov_salts_get(&salts, number, ret_salt);
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

static void get_two_salts(const struct ov_salts *salts, uint64_t first, struct ov_salt salt[2]) {
    const uint64_t numbers[2] = {htobe64(first), htobe64(first + 1)};
    struct ov_digest digests[2] = {salts->start, salts->start};
    uint8_t sha256[2][OV_SHA256_BYTES];
    size_t known = 0;
    if ((first + 1) >> 48 == 0) {
        digests[0] = digests[1] = salts->behind;
        known = 2;
    }
    const struct ov_span last[2] = {
        ov_span_from(ov_span_make(&numbers[0], sizeof numbers[0]), known),
        ov_span_from(ov_span_make(&numbers[1], sizeof numbers[1]), known)};
    ov_digest_finish_two((struct ov_digest *const[2]){&digests[0], &digests[1]}, last,
                         (uint8_t *const[2]){sha256[0], sha256[1]});
    for (unsigned i = 0; i < 2; i++) {
        memcpy(salt[i].bytes, sha256[i], sizeof salt[i].bytes);
    }
}

// There is one for every file of a scan.
void ov_commitment_of_two(const struct ov_salts *salts, uint64_t first,
                          const struct ov_span paths[2], struct ov_tree_hash ret_commitments[2]) {
    static const char start[] = "overt-name/v1\n";
    struct ov_salt salt[2];
    struct ov_digest digests[2];
    get_two_salts(salts, first, salt);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t head[sizeof start - 1 + OV_SALT_BYTES];
        memcpy(head, start, sizeof start - 1);
        memcpy(head + sizeof start - 1, salt[i].bytes, OV_SALT_BYTES);
        ov_digest_init(OV_HASH_SHA256, &digests[i]);
        ov_digest_update(&digests[i], ov_span_make(head, sizeof head));
    }
    ov_digest_finish_two((struct ov_digest *const[2]){&digests[0], &digests[1]}, paths,
                         (uint8_t *const[2]){ret_commitments[0].bytes, ret_commitments[1].bytes});
}
