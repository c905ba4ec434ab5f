// SPDX-License-Identifier: Apache-2.0
// Frames and their chain.
#include "trace/frame.h"

#include "trace/record.h"

static void write_length(size_t size, uint8_t ret_bytes[OV_TRACE_LENGTH_BYTES]) {
    for (unsigned i = 0; i < OV_TRACE_LENGTH_BYTES; i++) {
        ret_bytes[i] = (uint8_t)(size >> 8 * (OV_TRACE_LENGTH_BYTES - 1 - i));
    }
}

static void take_chain_on(uint8_t chain[OV_SHA256_BYTES],
                          const uint8_t length[OV_TRACE_LENGTH_BYTES], struct ov_span record) {
    struct ov_digest digest;
    ov_digest_init(OV_HASH_SHA256, &digest);
    ov_digest_update(&digest, ov_span_make(chain, OV_SHA256_BYTES));
    ov_digest_update(&digest, ov_span_make(length, OV_TRACE_LENGTH_BYTES));
    ov_digest_update(&digest, record);
    ov_digest_finish(&digest, chain);
}

void ov_trace_chain_start(uint8_t ret_chain[OV_SHA256_BYTES]) {
    ov_sha256(ov_span_text(OV_TRACE_MAGIC), ret_chain);
}

void ov_trace_frame_add(struct ov_buf *buf, struct ov_span record, uint8_t chain[OV_SHA256_BYTES]) {
    uint8_t length[OV_TRACE_LENGTH_BYTES];
    write_length(record.size, length);
    take_chain_on(chain, length, record);
    ov_buf_add(buf, length, sizeof length);
    ov_buf_add(buf, chain, OV_TRACE_CHECK_BYTES);
    ov_buf_add(buf, record.data, record.size);
}

enum ov_status ov_trace_frame_read(struct ov_cursor *cursor, uint8_t chain[OV_SHA256_BYTES],
                                   struct ov_span *ret_record, const char **ret_why) {
    struct ov_cursor ahead = *cursor;
    uint8_t next[OV_SHA256_BYTES];
    uint8_t length[OV_TRACE_LENGTH_BYTES];
    if (ov_cursor_left(&ahead) == 0) {
        return OV_END;
    }
    uint32_t size = ov_cursor_u32be(&ahead);
    struct ov_span check = ov_cursor_bytes(&ahead, OV_TRACE_CHECK_BYTES);
    struct ov_span record = ov_cursor_bytes(&ahead, size);
    if (ov_cursor_left(cursor) >= OV_TRACE_LENGTH_BYTES &&
        (size == 0 || size > OV_TRACE_RECORD_BYTES_MAX)) {
        *ret_why = "its length is out of bounds";
        return OV_DAMAGED;
    }
    if (ov_cursor_status(&ahead) != OV_OK) {
        *ret_why = "it is cut short";
        return OV_DAMAGED;
    }
    memcpy(next, chain, sizeof next);
    write_length(size, length);
    take_chain_on(next, length, record);
    if (!ov_span_is_equal(check, ov_span_make(next, OV_TRACE_CHECK_BYTES))) {
        *ret_why = "its check is not the chain's";
        return OV_DAMAGED;
    }
    memcpy(chain, next, sizeof next);
    *cursor = ahead;
    *ret_record = record;
    return OV_OK;
}
