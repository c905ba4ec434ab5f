// SPDX-License-Identifier: Apache-2.0
// What a fetcher says, and what of it the broker believes.
#include "wire/fetch.h"

#include "base/cursor.h"
#include "wire/kinds.h"

enum { ERRNO_MAX = 4095 };

// ---- answer -----------------------------------------------------------------------------------

void ov_fetch_answer_encode(const struct ov_fetch_answer *answer, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_ANSWER);
    ov_buf_add_u32le(out, answer->number);
    ov_buf_add_u32le(out, answer->end);
    ov_buf_add_u32le(out, answer->http_status);
    ov_buf_add_u32le(out, answer->error);
    ov_buf_add_u64le(out, answer->size_bytes);
}

static bool is_between(uint32_t value, uint32_t least, uint32_t most) {
    return value >= least && value <= most;
}

// The end that an answer with this status has, once it has come as a whole.
enum ov_fetch_end ov_fetch_end_of(uint32_t http_status, bool is_post) {
    if (is_between(http_status, 300, 399)) {
        return OV_FETCH_REDIRECT;
    }
    if (is_post) {
        // Witnesses tell more in the body of an error (C2SP tlog-witness, "409 Conflict").
        return is_between(http_status, 200, 599) ? OV_FETCH_GOT : OV_FETCH_STATUS;
    }
    if (http_status == 404 || http_status == 410) {
        return OV_FETCH_MISSING;
    }
    return http_status == 200 ? OV_FETCH_GOT : OV_FETCH_STATUS;
}

static bool has_status(enum ov_fetch_end end) {
    return end >= OV_FETCH_GOT && end <= OV_FETCH_REDIRECT;
}

static bool is_sound(const struct ov_fetch_answer *answer, const struct ov_fetch_item *item) {
    bool may_have_error = answer->end == OV_FETCH_CONNECT || answer->end == OV_FETCH_STORE;
    if (answer->error > (may_have_error ? ERRNO_MAX : 0) ||
        answer->size_bytes > (answer->end == OV_FETCH_GOT ? item->most_bytes : 0)) {
        return false;
    }
    if (!has_status(answer->end)) {
        return answer->http_status == 0;
    }
    return is_between(answer->http_status, 100, 599) &&
           ov_fetch_end_of(answer->http_status, item->is_post) == answer->end;
}

enum ov_status ov_fetch_answer_decode(struct ov_span message, const struct ov_fetch_item *items,
                                      uint32_t item_count, struct ov_fetch_answer *ret_answer) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    struct ov_fetch_answer answer = {.number = ov_cursor_u32le(&in)};
    uint32_t end = ov_cursor_u32le(&in);
    answer.http_status = ov_cursor_u32le(&in);
    answer.error = ov_cursor_u32le(&in);
    answer.size_bytes = ov_cursor_u64le(&in);
    if (in.has_failed || ov_cursor_left(&in) != 0 || kind != OV_WIRE_ANSWER ||
        end >= OV_FETCH_END_COUNT || answer.number >= item_count) {
        return OV_PEER;
    }
    answer.end = (enum ov_fetch_end)end;
    if (!is_sound(&answer, &items[answer.number])) {
        return OV_PEER;
    }
    *ret_answer = answer;
    return OV_OK;
}

// ---- ready ------------------------------------------------------------------------------------

void ov_fetch_ready_encode(const struct ov_fetch_ready *ready, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_CONFINED);
    ov_buf_add_u32le(out, ready->layers);
    ov_buf_add(out, ready->refusals, sizeof ready->refusals);
}

enum ov_status ov_fetch_ready_decode(struct ov_span message, struct ov_fetch_ready *ret_ready) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    struct ov_fetch_ready ready = {.layers = ov_cursor_u32le(&in)};
    bool is_consistent = true;
    for (unsigned i = 0; i < OV_FETCH_LAYERS; i++) {
        ready.refusals[i] = ov_cursor_u8(&in);
        is_consistent =
            is_consistent && (ready.refusals[i] == 0 || (ready.layers & (1u << i)) == 0);
    }
    if (in.has_failed || ov_cursor_left(&in) != 0 || kind != OV_WIRE_CONFINED || !is_consistent ||
        ready.layers >> OV_FETCH_LAYERS != 0) {
        return OV_PEER;
    }
    *ret_ready = ready;
    return OV_OK;
}

// ---- bytes ------------------------------------------------------------------------------------

void ov_fetch_bytes_encode(const struct ov_fetch_bytes *bytes, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_BYTES);
    ov_buf_add_u32le(out, bytes->number);
    ov_buf_add_u64le(out, bytes->sent);
    ov_buf_add_u64le(out, bytes->received);
}

enum ov_status ov_fetch_bytes_decode(struct ov_span message, uint32_t item_count,
                                     struct ov_fetch_bytes *ret_bytes) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    struct ov_fetch_bytes bytes = {.number = ov_cursor_u32le(&in)};
    bytes.sent = ov_cursor_u64le(&in);
    bytes.received = ov_cursor_u64le(&in);
    uint64_t most = bytes.number == OV_FETCH_BYTES_END ? 0 : INT64_MAX;
    if (in.has_failed || ov_cursor_left(&in) != 0 || kind != OV_WIRE_BYTES ||
        (bytes.number >= item_count && bytes.number != OV_FETCH_BYTES_END) || bytes.sent > most ||
        bytes.received > most) {
        return OV_PEER;
    }
    *ret_bytes = bytes;
    return OV_OK;
}
