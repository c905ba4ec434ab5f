// SPDX-License-Identifier: Apache-2.0
// OneNote sections: the files and pictures that were put onto their pages.
#include "format/format.h"

enum {
    GUID_BYTES = 16,
    FORMAT_AT = 48, // which of two ways to store: [MS-ONESTORE] 2.3.1, 2.8.1
    STORE_HEADER_BYTES = 36,
    STREAM_AT = 68, // where the package of a section from the web begins
    START_16 = 0,   // how an object's header begins ([MS-FSSHTTPB] 2.2.1.5)
    END_8 = 1,
    START_32 = 2,
    LENGTH_FOLLOWS = 0x7fff,
    OBJECT_BLOB = 2,     // Object Data BLOB
    COMPACT_WHOLE = 0x80 // a number of eight bytes follows
};

// ---- on the desktop ----------------------------------------------------------------------------

// The next FileDataStoreObject ([MS-ONESTORE] 2.6.13) at or after `at`, or the end.
static size_t find_store(struct ov_span file, size_t at) {
    static const uint8_t guid[GUID_BYTES] = {0xe7, 0x16, 0xe3, 0xbd, 0x65, 0x26, 0x11, 0x45,
                                             0xa4, 0xc4, 0x8d, 0x4d, 0x0b, 0x7a, 0x9e, 0xac};
    struct ov_span rest = ov_span_from(file, at);
    const uint8_t *hit = rest.size > 0 ? memmem(rest.data, rest.size, guid, sizeof guid) : NULL;
    return hit != NULL ? at + (size_t)(hit - rest.data) : file.size;
}

// They stand anywhere, and the tables that lead to them are not needed to find them.
static enum ov_status tell_stores(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span none = ov_span_make(NULL, 0);
    bool is_cut = false;
    for (size_t at = find_store(in->bytes, 0); at < in->bytes.size;) {
        ov_cursor_seek(in, at + GUID_BYTES);
        uint64_t size = ov_cursor_u64le(in);
        at += STORE_HEADER_BYTES;
        struct ov_span file =
            ov_span_part(in->bytes, at, size < SIZE_MAX ? (size_t)size : SIZE_MAX);
        is_cut |= file.size < size;
        TRY(ov_walk_member(walk, file, none, OV_FILETYPE_NONE));
        // What claims to reach past the end hides no others.
        at = find_store(in->bytes, file.size < size ? at : at + file.size);
    }
    return is_cut ? OV_DAMAGED : OV_OK;
}

// ---- from the web ------------------------------------------------------------------------------

// A compact unsigned 64-bit integer ([MS-FSSHTTPB] 2.2.1.1): as many bytes as its first has zero
// bits at the low end, and one.
static uint64_t read_compact(struct ov_cursor *in) {
    unsigned first = ov_cursor_u8(in);
    if (first == 0) {
        return 0;
    }
    if (first == COMPACT_WHOLE) {
        return ov_cursor_u64le(in);
    }
    unsigned bytes = (unsigned)__builtin_ctz(first) + 1;
    uint64_t value = first;
    for (unsigned i = 1; i < bytes; i++) {
        value |= (uint64_t)ov_cursor_u8(in) << 8 * i;
    }
    return value >> bytes;
}

// The header of an object, or the end of one, which has no bytes.
static unsigned read_object(struct ov_cursor *in, uint64_t *ret_size) {
    unsigned low = ov_cursor_u8(in);
    *ret_size = 0;
    if ((low & 3) == END_8) {
        return 0;
    }
    low |= (unsigned)ov_cursor_u8(in) << 8;
    if ((low & 3) == START_16) {
        *ret_size = low >> 9;
        return low >> 3 & 0x3f;
    }
    if ((low & 3) != START_32) {
        return 0;
    }
    uint32_t header = low | (uint32_t)ov_cursor_u16le(in) << 16;
    *ret_size = header >> 17;
    if (*ret_size == LENGTH_FOLLOWS) {
        *ret_size = read_compact(in);
    }
    return header >> 3 & 0x3fff;
}

// Objects stand one behind another, those inside one behind its own bytes.
static enum ov_status tell_blobs(struct ov_cursor *in, struct ov_walk *walk) {
    ov_cursor_seek(in, STREAM_AT);
    while (ov_cursor_left(in) > 0) {
        TRY(ov_walk_has_time(walk));
        uint64_t size;
        unsigned object = read_object(in, &size);
        size_t at = in->at;
        ov_cursor_skip(in, size);
        if (object == OBJECT_BLOB && size > 0) {
            struct ov_cursor blob =
                ov_cursor_init(ov_span_part(in->bytes, at, size < SIZE_MAX ? size : SIZE_MAX));
            uint64_t bytes = read_compact(&blob);
            struct ov_span file =
                ov_span_part(blob.bytes, blob.at, bytes < SIZE_MAX ? bytes : SIZE_MAX);
            TRY(ov_walk_member(walk, file, ov_span_make(NULL, 0), OV_FILETYPE_NONE));
        }
    }
    return ov_cursor_status(in);
}

static enum ov_status walk_onenote(struct ov_cursor *in, struct ov_walk *walk) {
    static const uint8_t package[GUID_BYTES] = {0x2f, 0xe9, 0x8d, 0x63, 0xd4, 0xa6, 0xc1, 0x4b,
                                                0x9a, 0x36, 0xb3, 0xfc, 0x25, 0x11, 0xa5, 0xb7};
    struct ov_span format = ov_span_part(in->bytes, FORMAT_AT, GUID_BYTES);
    enum ov_status status = OV_OK;
    if (ov_span_is_equal(format, ov_span_make(package, sizeof package))) {
        status = tell_blobs(in, walk);
    }
    if (status != OV_OK && status != OV_DAMAGED) {
        return status;
    }
    struct ov_cursor again = ov_cursor_init(in->bytes);
    TRY(tell_stores(&again, walk));
    return status;
}

static const struct ov_magic magics_onenote[] = {
    OV_MAGIC(0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ONENOTE, OV_MAGICS(magics_onenote), .walk = walk_onenote},
};

OV_FORMAT_SET(onenote, formats);
