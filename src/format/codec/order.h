// SPDX-License-Identifier: Apache-2.0
//
// Reads integers whose byte order the file itself declares.
//
// For formats that exist in both orders (ELF, Mach-O). Worker process only.
#pragma once

#include "base/cursor.h"

static inline uint16_t ov_order_u16(struct ov_cursor *in, bool is_big) {
    return is_big ? ov_cursor_u16be(in) : ov_cursor_u16le(in);
}

static inline uint32_t ov_order_u32(struct ov_cursor *in, bool is_big) {
    return is_big ? ov_cursor_u32be(in) : ov_cursor_u32le(in);
}

static inline uint64_t ov_order_u64(struct ov_cursor *in, bool is_big) {
    return is_big ? ov_cursor_u64be(in) : ov_cursor_u64le(in);
}

// A field as wide as the file's addresses: 8 bytes when `is_wide`, else 4.
static inline uint64_t ov_order_word(struct ov_cursor *in, bool is_big, bool is_wide) {
    return is_wide ? ov_order_u64(in, is_big) : ov_order_u32(in, is_big);
}
