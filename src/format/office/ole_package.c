// SPDX-License-Identifier: Apache-2.0
// Two bytes, the label and the path as C strings, eight bytes, a temporary path, size and bytes.
#include "format/office/ole_package.h"

bool ov_ole_package_read(struct ov_span packed, struct ov_span *ret_file, struct ov_span *ret_label,
                         uint32_t *ret_size) {
    struct ov_cursor in = ov_cursor_init(packed);
    ov_cursor_skip(&in, 2);
    struct ov_span label = ov_cursor_until(&in, 0);
    (void)ov_cursor_until(&in, 0);
    ov_cursor_skip(&in, 8);
    (void)ov_cursor_until(&in, 0);
    uint32_t size = ov_cursor_u32le(&in);
    if (in.has_failed || size == 0) {
        return false;
    }
    *ret_file = ov_span_part(packed, in.at, size);
    *ret_label = label;
    *ret_size = size;
    return true;
}
