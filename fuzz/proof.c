// SPDX-License-Identifier: Apache-2.0
// rooms: ledger
//
// Proofs that an entry is in a log: what is read is written again, byte for byte, and what holds is
// inside the tree.
//
// Input: a policy, a line "#", a line with the entry, and the proof.
#include "ledger/proof.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static void check_form(struct ov_span bytes, const struct ov_proof *proof) {
    OV_CLEANUP(ov_buf_release) struct ov_buf extra = {0}, out = {0};
    expect(ov_proof_add_extra(&extra, proof) == OV_OK);
    expect((extra.size > 0) == proof->has_extra && extra.size <= OV_PROOF_EXTRA_BYTES_MAX);
    ov_proof_add(&out, proof, ov_buf_span(&extra));
    expect(ov_span_is_equal(ov_buf_span(&out), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size), mark = ov_span_text("\n#\n");
    size_t end = ov_span_search(bytes, 0, mark) + 1;
    struct ov_span rest = ov_span_from(bytes, end + 2);
    size_t line = ov_span_find(rest, 0, '\n');
    struct ov_span text = ov_span_from(rest, line + 1);
    struct ov_policy_error error;
    static struct ov_policy policy;
    static struct ov_proof_checked checked;
    static struct ov_proof proof;
    struct ov_tree_hash leaf;
    const char *why = NULL;
    bool is_proof = ov_proof_read(text, &proof) == OV_OK;
    if (is_proof) {
        check_form(text, &proof);
    }
    if (ov_policy_read(ov_span_part(bytes, 0, end), &policy, &error) != OV_OK) {
        return 0;
    }
    ov_leaf_hash(ov_span_part(rest, 0, line + 1), &leaf);
    enum ov_status status = ov_proof_check(text, &leaf, &policy, &checked, &why);
    expect((status == OV_OK) == (why == NULL));
    expect(is_proof || status == OV_DAMAGED);
    expect(status != OV_OK || (checked.opened.is_quorum_met &&
                               checked.proof.index < checked.opened.checkpoint.head.size));
    return 0;
}
