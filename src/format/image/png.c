// SPDX-License-Identifier: Apache-2.0
// PNG: chunks of a length, a type, data and a checksum (W3C PNG, second edition, 5.3).
#include "format/image/image.h"

enum {
    SIGNATURE_BYTES = 8,
    HEADER_BYTES = 13, // of the chunk IHDR
    CHECKSUM_BYTES = 4,
    TYPE_BYTES = 4,
    SIZE_MAX31 = 0x7fffffff,
};

// Whether an IHDR chunk says what a picture may say: anything else ends the reading.
static bool is_header_sane(struct ov_span data) {
    struct ov_cursor in = ov_cursor_init(data);
    uint32_t width = ov_cursor_u32be(&in), height = ov_cursor_u32be(&in);
    return data.size == HEADER_BYTES && width != 0 && height != 0 && width <= SIZE_MAX31 &&
           height <= SIZE_MAX31;
}

// Reads one chunk. True: another one follows.
static bool read_chunk(struct ov_cursor *in, enum ov_heuristic *ret_broken) {
    uint32_t size = ov_cursor_u32be(in);
    if (size > SIZE_MAX31) {
        *ret_broken = OV_HEURISTIC_MEDIA_PNG_LENGTH;
        return false;
    }
    if (ov_cursor_left(in) < TYPE_BYTES) {
        *ret_broken = OV_HEURISTIC_MEDIA_PNG_NO_TYPE;
        return false;
    }
    struct ov_span type = ov_cursor_bytes(in, TYPE_BYTES);
    if (ov_cursor_left(in) < size) {
        *ret_broken = OV_HEURISTIC_MEDIA_PNG_CHUNK;
        return false;
    }
    struct ov_span data = ov_cursor_bytes(in, size);
    if (ov_span_is_text(type, "IHDR") && !is_header_sane(data)) {
        return false;
    }
    if (ov_cursor_left(in) < CHECKSUM_BYTES) {
        *ret_broken = OV_HEURISTIC_MEDIA_PNG_NO_CHECKSUM;
        return false;
    }
    ov_cursor_skip(in, CHECKSUM_BYTES);
    return !ov_span_is_text(type, "IEND");
}

enum ov_status ov_png_walk(struct ov_cursor *in, struct ov_walk *walk) {
    enum ov_heuristic broken = OV_HEURISTIC_NONE;
    struct ov_cursor at = *in;
    ov_cursor_seek(&at, SIGNATURE_BYTES);
    if (at.has_failed) {
        return OV_DAMAGED;
    }
    bool has_more = true;
    while (has_more && ov_cursor_left(&at) >= 4) {
        TRY(ov_walk_has_time(walk));
        has_more = read_chunk(&at, &broken);
    }
    if (broken != OV_HEURISTIC_NONE) {
        ov_walk_alert(walk, broken);
    }
    struct ov_span rest = ov_span_from(in->bytes, at.at);
    TRY(rest.size > 0 ? ov_walk_stored(walk, rest, ov_span_text("")) : OV_OK);
    return broken == OV_HEURISTIC_NONE && !has_more ? OV_OK : OV_DAMAGED;
}
