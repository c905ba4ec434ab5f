// SPDX-License-Identifier: Apache-2.0
// Frames of the file `pending`.
#include "journal/frames.h"

#include "base/crc32c.h"

#include <endian.h>

size_t ov_frame_begin(struct ov_buf *buf) {
    size_t at = buf->size;
    (void)ov_buf_extend(buf, OV_FRAME_HEAD_BYTES);
    return at;
}

struct ov_span ov_frame_entry(const struct ov_buf *buf, size_t at) {
    return ov_span_from(ov_buf_span(buf), at + OV_FRAME_HEAD_BYTES);
}

void ov_frame_end(struct ov_buf *buf, size_t at) {
    struct ov_span entry = ov_frame_entry(buf, at);
    uint16_t size = htobe16((uint16_t)entry.size);
    uint32_t crc = htobe32(ov_crc32c(entry));
    if (!buf->has_failed) {
        memcpy(buf->data + at, &size, sizeof size);
        memcpy(buf->data + at + sizeof size, &crc, sizeof crc);
    }
}

void ov_frame_add(struct ov_buf *buf, struct ov_span entry) {
    size_t at = ov_frame_begin(buf);
    ov_buf_add(buf, entry.data, entry.size);
    ov_frame_end(buf, at);
}

enum ov_status ov_frame_read(struct ov_cursor *cursor, struct ov_span *ret_entry) {
    struct ov_cursor ahead = *cursor;
    if (ov_cursor_left(&ahead) == 0) {
        return OV_END;
    }
    uint16_t size = ov_cursor_u16be(&ahead);
    uint32_t crc = ov_cursor_u32be(&ahead);
    struct ov_span entry = ov_cursor_bytes(&ahead, size);
    if (ov_cursor_status(&ahead) != OV_OK || size == 0 || ov_crc32c(entry) != crc) {
        return OV_DAMAGED;
    }
    *cursor = ahead;
    *ret_entry = entry;
    return OV_OK;
}

enum ov_status ov_frame_next(struct ov_cursor *cursor, struct ov_span *ret_entry) {
    if (ov_cursor_left(cursor) == 0) {
        return OV_END;
    }
    uint16_t size = ov_cursor_u16be(cursor);
    (void)ov_cursor_u32be(cursor);
    *ret_entry = ov_cursor_bytes(cursor, size);
    return ov_cursor_status(cursor) == OV_OK ? OV_OK : OV_DAMAGED;
}

bool ov_frame_is_any_behind(const struct ov_cursor *cursor) {
    const struct ov_span mark = ov_span_text("overt-journal/v1 ");
    size_t at = cursor->at + OV_FRAME_HEAD_BYTES + 1;
    for (; (at = ov_span_search(cursor->bytes, at, mark)) < cursor->bytes.size; at++) {
        struct ov_cursor ahead = *cursor;
        struct ov_span entry;
        ov_cursor_seek(&ahead, at - OV_FRAME_HEAD_BYTES);
        if (ov_frame_read(&ahead, &entry) == OV_OK) {
            return true;
        }
    }
    return false;
}
