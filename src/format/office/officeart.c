// SPDX-License-Identifier: Apache-2.0
// Pictures among the records of OfficeArt ([MS-ODRAW]).
#include "format/office/officeart.h"

#include "format/codec/codec.h"

enum {
    HEADER_BYTES = 8,
    IS_CONTAINER = 0xf,
    STORE_ENTRY = 0xf007, // OfficeArtFBSE (2.2.32): these bytes, a name, a picture
    STORE_ENTRY_BYTES = 36,
    STORE_NAME_AT = 33, // in these bytes: how long the name is
    PICTURE_FIRST = 0xf018,
    PICTURE_LAST = 0xf117,
    ID_BYTES = 16,
    TAG_BYTES = 1,              // between the ids and a bitmap
    METAFILE_HEADER_BYTES = 34, // between the ids and a metafile (2.2.31)
    METAFILE_PACKING_AT = 32,
    METAFILE_IS_PLAIN = 0xfe,
};

// The instances that say that two ids stand in front, not one (2.2.24 to 2.2.30).
static bool has_two_ids(unsigned instance) {
    static const uint16_t instances[] = {0x217, 0x3d5, 0x46b, 0x543, 0x6e1, 0x6e3, 0x6e5, 0x7a9};
    for (size_t i = 0; i < sizeof instances / sizeof *instances; i++) {
        if (instances[i] == instance) {
            return true;
        }
    }
    return false;
}

static bool is_metafile(unsigned type) {
    return type >= 0xf01a && type <= 0xf01c; // EMF, WMF, PICT
}

static enum ov_status tell_metafile(struct ov_walk *walk, struct ov_span body) {
    struct ov_span none = ov_span_make(NULL, 0);
    struct ov_span file = ov_span_from(body, METAFILE_HEADER_BYTES);
    struct ov_cursor in = ov_cursor_init(body);
    ov_cursor_seek(&in, METAFILE_PACKING_AT);
    if (ov_cursor_u8(&in) == METAFILE_IS_PLAIN) {
        return ov_walk_member(walk, file, none, OV_FILETYPE_NONE);
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t used;
    enum ov_status status = ov_codec_unpack(OV_CODEC_ZLIB, file, walk, &plain, &used);
    if (status == OV_MEMORY) {
        return status;
    }
    TRY(ov_walk_member(walk, ov_buf_span(&plain), none, OV_FILETYPE_NONE));
    return status == OV_LIMIT ? ov_walk_has_time(walk) : OV_OK;
}

static enum ov_status tell_picture(struct ov_walk *walk, unsigned type, unsigned instance,
                                   struct ov_span body) {
    body = ov_span_from(body, has_two_ids(instance) ? (size_t)ID_BYTES * 2 : (size_t)ID_BYTES);
    if (is_metafile(type)) {
        return tell_metafile(walk, body);
    }
    struct ov_span file = ov_span_from(body, TAG_BYTES);
    return ov_walk_member(walk, file, ov_span_make(NULL, 0), OV_FILETYPE_NONE);
}

enum ov_status ov_officeart_tell(struct ov_walk *walk, struct ov_span records) {
    struct ov_cursor in = ov_cursor_init(records);
    while (ov_cursor_left(&in) >= HEADER_BYTES) {
        TRY(ov_walk_has_time(walk));
        unsigned kind = ov_cursor_u16le(&in);
        unsigned type = ov_cursor_u16le(&in);
        uint32_t size = ov_cursor_u32le(&in);
        struct ov_span body = ov_span_part(records, in.at, size);
        if (type == STORE_ENTRY) {
            unsigned name_bytes = body.size > STORE_NAME_AT ? body.data[STORE_NAME_AT] : 0;
            ov_cursor_skip(&in, STORE_ENTRY_BYTES + name_bytes);
        } else if (type >= PICTURE_FIRST && type <= PICTURE_LAST) {
            TRY(tell_picture(walk, type, kind >> 4, body));
            ov_cursor_skip(&in, size);
        } else if ((kind & 0xf) != IS_CONTAINER) {
            ov_cursor_skip(&in, size);
        }
    }
    return OV_OK;
}
