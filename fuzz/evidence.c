// SPDX-License-Identifier: Apache-2.0
// rooms: journal
//
// Files of evidence: what is read is written again as it was, and whatever stands in one, checking
// it ends and tells each step once.
//
// Input: a file; or, after a zero byte, from, to and the export (a byte each, the latter two from
// there on) and the parts that are not made of others, each with its length (u16, big-endian), the
// last of them behind a byte that says which: then the form is ours, and the parts hostile.
#include "journal/evidence_check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static void count_step(void *arg, const struct ov_evidence_step *step) {
    size_t *count = arg;
    expect(step->what != NULL && (step->result == OV_PROVEN) == (step->why == NULL));
    ++*count;
}

static void check(struct ov_span bytes, const struct ov_evidence *evidence) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_key key;
    size_t steps = 0;
    struct ov_evidence_report report = {0};
    struct ov_evidence_check check = {.arg = &steps, .on_step = count_step};
    ov_evidence_add(&out, evidence);
    expect(ov_span_is_equal(ov_buf_span(&out), bytes));
    if (ov_key_read(evidence->first_key, &key) == OV_OK) {
        check.key = &key;
    }
    enum ov_status status = ov_evidence_verify(evidence, &check, &report);
    expect(report.proven_lists == 0 && report.witness_size == 0); // there is no policy
    expect(status == OV_OK ? steps >= 8 : status == OV_DAMAGED && steps == 0);
}

static struct ov_span take(struct ov_cursor *cursor) {
    return ov_cursor_bytes(cursor, ov_cursor_u16be(cursor));
}

// A file of these parts. A line's end would end the line that the key stands in.
static bool make(struct ov_span bytes, struct ov_buf *ret_file) {
    struct ov_cursor cursor = ov_cursor_init(bytes);
    static struct ov_evidence evidence;
    evidence = (struct ov_evidence){.from = ov_cursor_u8(&cursor)};
    evidence.to = evidence.from + ov_cursor_u8(&cursor);
    evidence.export_seq = evidence.from + ov_cursor_u8(&cursor);
    evidence.first_key = take(&cursor);
    evidence.checkpoint = take(&cursor);
    evidence.entries = take(&cursor);
    evidence.others = take(&cursor);
    evidence.proof = take(&cursor);
    evidence.follows = take(&cursor);
    evidence.names = take(&cursor);
    evidence.manifest = take(&cursor);
    evidence.witness = take(&cursor);
    while (ov_cursor_left(&cursor) > 0) {
        unsigned kind = ov_cursor_u8(&cursor) % 4;
        struct ov_span part = take(&cursor);
        if (kind == 0 && evidence.release_count < OV_EVIDENCE_RELEASES_MAX) {
            evidence.releases[evidence.release_count++] = part;
        } else if (kind == 1 && evidence.list_count < OV_EVIDENCE_RELEASES_MAX) {
            evidence.lists[evidence.list_count++] = part;
        } else if (kind == 2 && evidence.rule_count < OV_EVIDENCE_RULES_MAX) {
            evidence.rules[evidence.rule_count++] = part;
        } else if (kind == 3 && evidence.watch_count < OV_EVIDENCE_WATCHES_MAX) {
            evidence.watches[evidence.watch_count++] = part;
        }
    }
    ov_evidence_add(ret_file, &evidence);
    struct ov_span key = evidence.first_key;
    return ov_span_find(key, 0, '\n') == key.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    OV_CLEANUP(ov_buf_release) struct ov_buf file = {0};
    static struct ov_evidence evidence;
    struct ov_span bytes = ov_span_make(data, size);
    bool is_parts = size > 0 && data[0] == 0;
    bool is_good = is_parts && make(ov_span_from(bytes, 1), &file);
    if (is_parts) {
        bytes = ov_buf_span(&file);
    }
    enum ov_status status = ov_evidence_read(bytes, &evidence);
    expect(status == OV_OK || (status == OV_DAMAGED && !is_good));
    if (status == OV_OK) {
        check(bytes, &evidence);
    }
    return 0;
}
