// SPDX-License-Identifier: Apache-2.0
// Signatures of programs and catalogs: whatever the bytes say, reading them ends, and what is told
// holds together.
// rooms: trust base
//
// Input: one byte of kind (0 a program, else a catalog), one byte that counts rules (at most four),
// each with one byte of flags, SHA-1 of subject and serial number, one byte of size times two, and
// a modulus; the rest is the signature. Without rules nothing can be trusted.
#include "trust/signed_data.h"

#include "base/cursor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULES_MAX = 4, TIME_MS = 2000 };

enum { FLAG_BLOCKED = 1, FLAG_ANY_SERIAL = 2, FLAG_CODE = 4, FLAG_TIME = 8, FLAG_SIGN = 16 };

static void read_rule(struct ov_cursor *in, struct ov_trust_rule *ret_rule) {
    uint8_t flags = ov_cursor_u8(in);
    struct ov_span subject = ov_cursor_bytes(in, OV_SHA1_BYTES);
    struct ov_span serial = ov_cursor_bytes(in, OV_SHA1_BYTES);
    *ret_rule = (struct ov_trust_rule){.is_blocked = (flags & FLAG_BLOCKED) != 0,
                                       .is_any_serial = (flags & FLAG_ANY_SERIAL) != 0,
                                       .can_sign_code = (flags & FLAG_CODE) != 0,
                                       .can_sign_time = (flags & FLAG_TIME) != 0,
                                       .can_sign_certificates = (flags & FLAG_SIGN) != 0};
    if (subject.size == OV_SHA1_BYTES && serial.size == OV_SHA1_BYTES) {
        memcpy(ret_rule->subject, subject.data, OV_SHA1_BYTES);
        memcpy(ret_rule->serial, serial.data, OV_SHA1_BYTES);
    }
    ret_rule->modulus = ov_cursor_bytes(in, 2 * (uint64_t)ov_cursor_u8(in));
}

// Whether `part` lies within `whole`.
static bool is_within(struct ov_span part, struct ov_span whole) {
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void check(const struct ov_signed *found, enum ov_status status,
                  const struct ov_trust_rules *rules, struct ov_span bytes) {
    bool has_trust = false;
    for (uint32_t i = 0; i < rules->count; i++) {
        has_trust = has_trust || !rules->items[i].is_blocked;
    }
    for (uint32_t i = 0; i < found->blocked_count; i++) {
        if (found->blocked[i] >= rules->count || !rules->items[found->blocked[i]].is_blocked) {
            abort();
        }
    }
    if (found->blocked_count > OV_CHAIN_BLOCKED_MAX || !is_within(found->content, bytes) ||
        (found->is_trusted && (status != OV_OK || !has_trust))) {
        abort();
    }
}

// Reads what was signed, as a program's and as a catalog's, trusted or not.
static void read_content(struct ov_span content, struct ov_span bytes) {
    struct ov_hash_list list;
    struct ov_listed_hash hash;
    (void)ov_signed_is_of(content, &bytes, 1);
    enum ov_status status = ov_hash_list_open(content, &list);
    while (status == OV_OK && (status = ov_hash_list_next(&list, &hash)) == OV_OK) {
        if (hash.digest.size != ov_sign_hash_bytes(hash.hash) || !is_within(hash.digest, bytes)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_cursor in = ov_cursor_init(ov_span_make(data, size));
    enum ov_signed_kind kind = ov_cursor_u8(&in) == 0 ? OV_SIGNED_PROGRAM : OV_SIGNED_CATALOG;
    struct ov_trust_rule items[RULES_MAX];
    struct ov_trust_rules rules = {.items = items, .count = ov_cursor_u8(&in) % (RULES_MAX + 1)};
    for (uint32_t i = 0; i < rules.count; i++) {
        read_rule(&in, &items[i]);
    }
    struct ov_limits limits = ov_limits_default();
    limits.time_ms = TIME_MS;
    struct ov_budget budget;
    ov_budget_init(&budget, &limits);
    struct ov_span bytes = ov_cursor_bytes(&in, ov_cursor_left(&in));
    struct ov_signed found = {0};
    enum ov_status status = ov_signed_read(bytes, kind, &rules, &budget, &found);
    check(&found, status, &rules, bytes);
    read_content(found.content, bytes);
    return 0;
}
