// SPDX-License-Identifier: Apache-2.0
// Everything that a hijacked fetcher may say, and jobs and addresses, to their decoders.
// rooms: wire base
#include "wire/fetch.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ov_fetch_item items[] = {
    {.most_bytes = 1000},
    {.most_bytes = 1000, .may_miss = true},
    {.most_bytes = 1000, .is_post = true},
};
enum { ITEMS = sizeof items / sizeof items[0] };

// What was accepted is within bounds, and encodes to the same bytes: no field escapes the checks.
static void try_answer(struct ov_span message) {
    struct ov_fetch_answer answer;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_fetch_answer_decode(message, items, ITEMS, &answer) != OV_OK) {
        return;
    }
    if (answer.number >= ITEMS || answer.end >= OV_FETCH_END_COUNT || answer.size_bytes > 1000 ||
        answer.http_status > 599 || answer.error > 4095) {
        abort();
    }
    ov_fetch_answer_encode(&answer, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

static void try_ready(struct ov_span message) {
    struct ov_fetch_ready ready;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_fetch_ready_decode(message, &ready) != OV_OK) {
        return;
    }
    ov_fetch_ready_encode(&ready, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

static void try_bytes(struct ov_span message) {
    struct ov_fetch_bytes bytes;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_fetch_bytes_decode(message, ITEMS, &bytes) != OV_OK) {
        return;
    }
    if ((bytes.number >= ITEMS && bytes.number != OV_FETCH_BYTES_END) || bytes.sent > INT64_MAX ||
        bytes.received > INT64_MAX) {
        abort();
    }
    ov_fetch_bytes_encode(&bytes, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

// There is one way to write a job.
static void try_job(struct ov_span text) {
    struct ov_fetch_job job;
    struct ov_fetch_item *read = NULL;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_fetch_job_decode(text, &job, &read) != OV_OK) {
        return;
    }
    ov_fetch_job_encode(&job, &again);
    for (uint32_t i = 0; i < job.item_count; i++) {
        ov_fetch_item_encode(&read[i], &again);
    }
    free(read);
    if (!ov_span_is_equal(text, ov_buf_span(&again))) {
        abort();
    }
}

// An address that was accepted is made of its parts and of nothing that another reader could take
// for something else.
static void try_address(struct ov_span text) {
    struct ov_fetch_url url;
    if (ov_fetch_url_parse(text, &url) != OV_OK) {
        return;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f ||
            strchr("@?#%\\", text.data[i]) != NULL) {
            abort();
        }
    }
    if (url.host.size == 0 || url.port == 0 ||
        (url.path.size > 0 &&
         (url.path.data[0] != '/' ||
          ov_span_search(url.path, 0, ov_span_text("/../")) != url.path.size))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size);
    try_answer(bytes);
    try_ready(bytes);
    try_bytes(bytes);
    try_job(bytes);
    try_address(bytes);
    return 0;
}
