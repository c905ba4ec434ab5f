// SPDX-License-Identifier: Apache-2.0
// Frames of the file `pending`.
#include "journal/frames.h"

#include "base/crc32c.h"

static void add_u8s(struct ov_buf *buf, uint32_t value, unsigned count) {
    while (count-- > 0) {
        ov_buf_add_u8(buf, (uint8_t)(value >> 8 * count));
    }
}

void ov_frame_add(struct ov_buf *buf, struct ov_span entry) {
    add_u8s(buf, (uint32_t)entry.size, 2);
    add_u8s(buf, ov_crc32c(entry), 4);
    ov_buf_add(buf, entry.data, entry.size);
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
