// SPDX-License-Identifier: Apache-2.0
// rooms: ledger
//
// What logs and witnesses send each other: a request is written as it was read, a witness without a
// state refuses it whatever it says, and of an answer nothing but a true line is taken.
//
// Input: a line with a vkey, then a request, which is tried as an answer, too.
#include "ledger/witness.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static void check_request(struct ov_span body) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_cosign_request request;
    if (ov_cosign_request_read(body, &request) == OV_OK) {
        ov_cosign_request_add(&out, &request);
        expect(ov_span_is_equal(ov_buf_span(&out), body));
    }
}

static void check_decision(struct ov_span body, const struct ov_key *key) {
    OV_CLEANUP(ov_witness_answer_release) struct ov_witness_answer answer;
    const struct ov_witness witness = {.logs = key, .log_count = key != NULL, .folder = -1};
    ov_witness_add_checkpoint(&witness, body, 1, &answer);
    bool is_lock = answer.status == 500; // all that can be told without a state is right
    expect(is_lock || answer.status == 400 || answer.status == 403 || answer.status == 404);
    expect(answer.why != NULL && answer.body.size > 0);
}

static void check_answer(struct ov_span body, const struct ov_key *key) {
    OV_CLEANUP(ov_buf_release) struct ov_buf line = {0};
    uint64_t time = 0;
    struct ov_span text = ov_span_text("log.example\n");
    if (ov_cosign_take(body, text, key, &line, &time) == OV_OK) {
        expect(time != 0 && line.size > 0);
    } else {
        expect(line.size == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size);
    size_t end = ov_span_find(bytes, 0, '\n');
    struct ov_span body = ov_span_from(bytes, end + 1);
    struct ov_key key;
    uint64_t number = 0;
    bool has_key = ov_key_read(ov_span_part(bytes, 0, end), &key) == OV_OK;
    check_request(body);
    check_decision(body, has_key ? &key : NULL);
    if (ov_cosign_size_read(body, &number) == OV_OK) {
        expect(number <= OV_NUMBER_MAX);
    }
    if (has_key) {
        check_answer(body, &key);
    }
    return 0;
}
