// SPDX-License-Identifier: Apache-2.0
// TIFF: a chain of directories of fields, whose values lie anywhere (TIFF 6.0, section 2).
#include "format/image/image.h"

enum {
    ENTRY_BYTES = 12,
    VALUE_BYTES = 4, // larger values lie elsewhere
};

// A picture on its way: its bytes, and in which order those of a number stand.
struct tiff {
    struct ov_cursor in;
    bool is_big;
    enum ov_heuristic broken;
};

static uint32_t read_u16(struct tiff *tiff) {
    return tiff->is_big ? ov_cursor_u16be(&tiff->in) : ov_cursor_u16le(&tiff->in);
}

static uint32_t read_u32(struct tiff *tiff) {
    return tiff->is_big ? ov_cursor_u32be(&tiff->in) : ov_cursor_u32le(&tiff->in);
}

// How many bytes one value of that type has; of a type that is not known, none.
static uint64_t value_bytes(uint32_t type) {
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

static bool stop(struct tiff *tiff, enum ov_heuristic broken) {
    tiff->broken = broken;
    return false;
}

// Reads one directory and goes to the next. False: there is none.
static bool read_directory(struct tiff *tiff) {
    struct ov_cursor *in = &tiff->in;
    uint32_t count = read_u16(tiff);
    if (in->has_failed) {
        return stop(tiff, OV_HEURISTIC_MEDIA_TIFF_NO_COUNT);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (ov_cursor_left(in) < ENTRY_BYTES) {
            return stop(tiff, OV_HEURISTIC_MEDIA_TIFF_ENTRY);
        }
        ov_cursor_skip(in, 2); // tag
        uint32_t type = read_u16(tiff);
        uint64_t bytes = value_bytes(type) * read_u32(tiff);
        uint64_t at = read_u32(tiff);
        if (bytes > VALUE_BYTES && at + bytes > in->bytes.size) {
            return stop(tiff, OV_HEURISTIC_MEDIA_TIFF_OUT_OF_FILE);
        }
    }
    uint64_t end = in->at;
    uint32_t next = read_u32(tiff);
    if (in->has_failed) {
        return stop(tiff, OV_HEURISTIC_MEDIA_TIFF_NO_NEXT);
    }
    if (next != 0 && next <= end) { // so that the chain ends, too
        return stop(tiff, OV_HEURISTIC_MEDIA_TIFF_ORDER);
    }
    ov_cursor_seek(in, next);
    return next != 0;
}

enum ov_status ov_tiff_walk(struct ov_cursor *in, struct ov_walk *walk) {
    struct tiff tiff = {.in = *in, .broken = OV_HEURISTIC_NONE};
    tiff.is_big = ov_cursor_u8(&tiff.in) == 'M';
    ov_cursor_skip(&tiff.in, 3);
    uint32_t first = read_u32(&tiff);
    bool has_more = !tiff.in.has_failed && first != 0;
    if (!has_more) {
        tiff.broken =
            tiff.in.has_failed ? OV_HEURISTIC_MEDIA_TIFF_NO_OFFSET : OV_HEURISTIC_MEDIA_TIFF_OFFSET;
    }
    ov_cursor_seek(&tiff.in, first);
    while (has_more) {
        TRY(ov_walk_has_time(walk));
        has_more = read_directory(&tiff);
    }
    if (tiff.broken == OV_HEURISTIC_NONE) {
        return OV_OK;
    }
    ov_walk_alert(walk, tiff.broken);
    return OV_DAMAGED;
}
