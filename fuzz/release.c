// SPDX-License-Identifier: Apache-2.0
// What a feed is made of: bundles, the texts of entries, trust files. What is read and can be
// written again comes out as the same bytes.
// rooms: ledger
//
// Input: the bytes of any of them; each reader is asked.
#include "ledger/bundle.h"
#include "ledger/release.h"
#include "ledger/trust.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct ov_buf *out, struct ov_span bytes) {
    if (ov_buf_status(out) != OV_OK || !ov_span_is_equal(ov_buf_span(out), bytes)) {
        abort();
    }
}

static void read_bundle(struct ov_span bytes) {
    struct ov_bundle bundle = ov_bundle_init(bytes);
    struct ov_bundle_file file;
    enum ov_status status = ov_bundle_next(&bundle, &file);
    size_t total = 0;
    while (status == OV_OK) {
        total += file.bytes.size;
        status = ov_bundle_next(&bundle, &file);
    }
    if (total > bytes.size || (status == OV_END && bundle.at + 1024 != bytes.size)) {
        abort();
    }
}

static void read_rotation(struct ov_span bytes, struct ov_buf *out) {
    struct ov_rotation rotation;
    OV_CLEANUP(ov_buf_release) struct ov_buf trust = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf policy = {0};
    if (ov_rotation_read(bytes, &rotation) == OV_OK) {
        ov_rotation_add_file(&trust, &rotation, "trust");
        ov_rotation_add_file(&policy, &rotation, "policy");
        if (ov_rotation_add(out, &rotation, ov_buf_span(&trust), ov_buf_span(&policy)) != OV_OK) {
            abort();
        }
        check_same(out, bytes);
    }
}

static void read_entry(struct ov_span bytes, struct ov_buf *out) {
    union {
        struct ov_release release;
        struct ov_withdrawal withdrawal;
        struct ov_engine engine;
    } entry;
    switch (ov_leaf_kind_of(bytes)) {
    case OV_LEAF_RULESET:
        if (ov_release_read(bytes, &entry.release) == OV_OK) {
            ov_release_add(out, &entry.release);
            check_same(out, bytes);
        }
        break;
    case OV_LEAF_WITHDRAWAL:
        if (ov_withdrawal_read(bytes, &entry.withdrawal) == OV_OK) {
            ov_withdrawal_add(out, &entry.withdrawal);
            check_same(out, bytes);
        }
        break;
    case OV_LEAF_ENGINE:
        if (ov_engine_read(bytes, &entry.engine) == OV_OK) {
            ov_engine_add(out, &entry.engine);
            check_same(out, bytes);
        }
        break;
    case OV_LEAF_ROTATION:
        read_rotation(bytes, out);
        break;
    case OV_LEAF_OTHER:
        break;
    }
}

static void read_trust(struct ov_span bytes) {
    struct ov_trust trust;
    struct ov_trust again;
    struct ov_policy_error error = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    if (ov_trust_read(bytes, &trust, &error) != OV_OK) {
        if (error.why == NULL) {
            abort();
        }
        return;
    }
    ov_trust_add(&out, &trust); // without what it had of comments
    if (ov_trust_read(ov_buf_span(&out), &again, &error) != OV_OK ||
        again.key_count != trust.key_count || again.threshold != trust.threshold) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_span bytes = ov_span_make(data, size);
    read_bundle(bytes);
    read_entry(bytes, &out);
    read_trust(bytes);
    return 0;
}
