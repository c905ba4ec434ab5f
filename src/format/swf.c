// SPDX-License-Identifier: Apache-2.0
// Flash files (SWF File Format Specification 19, chapter 2): all but the header may be packed.
#include "format/codec/codec.h"
#include "format/format.h"

enum {
    HEADER_BYTES = 8, // signature, version, size of the plain file
    LZMA_AT = 12,     // after the size of the packed bytes
};

// The plain file, header and all, is a member: rules for Flash look at it as they would at one that
// was never packed.
static enum ov_status walk_swf(struct ov_cursor *in, struct ov_walk *walk) {
    uint8_t kind = ov_cursor_u8(in);
    ov_cursor_skip(in, 2);
    uint8_t version = ov_cursor_u8(in);
    uint32_t plain_bytes = ov_cursor_u32le(in);
    if (kind == 'F') {
        return OV_OK;
    }
    if (in->has_failed || plain_bytes < HEADER_BYTES) {
        return OV_DAMAGED;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    ov_buf_add_text(&plain, "FWS");
    ov_buf_add_u8(&plain, version);
    ov_buf_add_u32le(&plain, plain_bytes);
    TRY(ov_buf_status(&plain));
    size_t used;
    enum ov_status status =
        kind == 'C' ? ov_codec_unpack(OV_CODEC_ZLIB, ov_span_from(in->bytes, HEADER_BYTES), walk,
                                      &plain, &used)
                    : ov_codec_unlzma(ov_span_from(in->bytes, LZMA_AT), plain_bytes - HEADER_BYTES,
                                      walk, &plain);
    if (status == OV_MEMORY || plain.size == HEADER_BYTES) {
        return status;
    }
    // The body was given all the room there is; the header stands before it.
    struct ov_span member = ov_span_part(ov_buf_span(&plain), 0, ov_walk_room(walk));
    if (member.size < plain.size) {
        ov_walk_note_cut(walk);
    }
    TRY(ov_walk_member(walk, member, ov_span_make(NULL, 0), OV_FILETYPE_SWF));
    return status;
}

static const struct ov_magic magics_swf[] = {OV_MAGIC(0, "FWS"), OV_MAGIC(0, "CWS"),
                                             OV_MAGIC(0, "ZWS")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_SWF, OV_MAGICS(magics_swf), .walk = walk_swf},
};

OV_FORMAT_SET(swf, formats);
