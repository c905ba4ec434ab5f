// SPDX-License-Identifier: Apache-2.0
// ALZ archives of ALZip (the layout that unalz reads; its maker never wrote it down).
#include "format/codec/bare_bzip2.h"
#include "format/codec/codec.h"
#include "format/format.h"

enum {
    MARK_FILE = 0x015a4c42, // "BLZ" and a number, and so on
    MARK_DIRECTORY = 0x015a4c43,
    MARK_END = 0x025a4c43,
    START_BYTES = 8,
    DIRECTORY_BYTES = 8,
    CRYPT_BYTES = 12,
    SIZE_BYTES_MAX = 8,

    ATTRIBUTE_FOLDER = 0x10,
    FLAG_ENCRYPTED = 1,

    METHOD_STORED = 0,
    METHOD_BZIP2 = 1,
    METHOD_DEFLATE = 2,
};

struct header {
    struct ov_span name;
    bool is_folder, is_encrypted;
    uint8_t method;
    uint32_t checksum;
    uint64_t packed_bytes, plain_bytes;
};

// A number of as many bytes as the header says.
static uint64_t read_size(struct ov_cursor *in, unsigned bytes) {
    uint64_t size = 0;
    for (unsigned i = 0; i < bytes; i++) {
        size |= (uint64_t)ov_cursor_u8(in) << 8 * i;
    }
    return size;
}

// Reads a header behind its mark.
static bool read_header(struct ov_cursor *in, struct header *ret) {
    uint16_t name_bytes = ov_cursor_u16le(in);
    struct header header = {.is_folder = (ov_cursor_u8(in) & ATTRIBUTE_FOLDER) != 0};
    ov_cursor_skip(in, 4); // time
    uint8_t flags = ov_cursor_u8(in);
    ov_cursor_skip(in, 1);
    header.is_encrypted = (flags & FLAG_ENCRYPTED) != 0;
    unsigned size_bytes = flags >> 4;
    if (size_bytes > 0) {
        header.method = ov_cursor_u8(in);
        ov_cursor_skip(in, 1);
        header.checksum = ov_cursor_u32le(in);
        header.packed_bytes =
            read_size(in, size_bytes & SIZE_BYTES_MAX ? SIZE_BYTES_MAX : size_bytes);
        header.plain_bytes =
            read_size(in, size_bytes & SIZE_BYTES_MAX ? SIZE_BYTES_MAX : size_bytes);
    }
    header.name = ov_cursor_bytes(in, name_bytes);
    ov_cursor_skip(in, header.is_encrypted ? CRYPT_BYTES : 0);
    *ret = header;
    return !in->has_failed && name_bytes > 0 && size_bytes <= SIZE_BYTES_MAX;
}

static enum ov_status unpack(const struct header *header, struct ov_span packed,
                             struct ov_walk *walk, struct ov_buf *plain) {
    size_t used;
    switch (header->method) {
    case METHOD_DEFLATE:
        return ov_codec_unpack(OV_CODEC_DEFLATE, packed, walk, plain, &used);
    case METHOD_BZIP2:
        // ALZip leaves out what it does not need; other archivers did not.
        return ov_span_has_prefix(packed, "BZh")
                   ? ov_codec_unpack(OV_CODEC_BZIP2, packed, walk, plain, &used)
                   : ov_bare_bunzip2(OV_BARE_BZIP2_ALZ, packed, walk, plain);
    default:
        return OV_UNSUPPORTED;
    }
}

struct alz {
    struct ov_cursor *in;
    struct ov_walk *walk;
    bool has_encrypted;
    enum ov_status status; // the first that was not OV_OK
};

static void note(struct alz *alz, enum ov_status status) {
    alz->status = alz->status == OV_OK ? status : alz->status;
}

static enum ov_status tell_plain(struct alz *alz, const struct header *header,
                                 struct ov_span stored) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .name = header->name,
                             .packed_bytes = header->packed_bytes,
                             .plain_bytes = header->plain_bytes,
                             .checksum = header->checksum,
                             .is_encrypted = header->is_encrypted};
    if (header->is_encrypted) {
        return ov_walk_child(alz->walk, &child);
    }
    enum ov_status status = OV_OK;
    if (header->method == METHOD_STORED) {
        size_t room = ov_walk_room(alz->walk);
        // Of two sizes the smaller one, as clamscan has it.
        stored = ov_span_part(stored, 0, header->plain_bytes);
        child.bytes = ov_span_part(stored, 0, room);
        if (stored.size > room) {
            ov_walk_note_cut(alz->walk);
        }
    } else {
        status = unpack(header, stored, alz->walk, &plain);
        child.bytes = ov_buf_span(&plain);
    }
    if (status == OV_MEMORY) {
        return status;
    }
    note(alz, status);
    return ov_walk_child(alz->walk, &child);
}

static enum ov_status tell_file(struct alz *alz) {
    struct header header;
    if (!read_header(alz->in, &header)) {
        note(alz, OV_DAMAGED);
        return OV_OK;
    }
    size_t left = ov_cursor_left(alz->in);
    bool is_short = header.packed_bytes > left;
    struct ov_span stored = ov_cursor_bytes(alz->in, is_short ? left : header.packed_bytes);
    if (header.is_folder && stored.size == 0) {
        return OV_OK;
    }
    if (header.is_encrypted && !alz->has_encrypted) {
        ov_walk_fact(alz->walk, OV_FACT_ENCRYPTED);
        alz->has_encrypted = true;
    }
    TRY(tell_plain(alz, &header, stored));
    note(alz, is_short ? OV_DAMAGED : OV_OK);
    return OV_OK;
}

// Goes to the next place that could be a file's header. False when there is none.
static bool find_file(struct ov_cursor *in, size_t from) {
    size_t at = ov_span_search(in->bytes, from, ov_span_make("BLZ\x01", 4));
    in->has_failed = false;
    ov_cursor_seek(in, at);
    return at < in->bytes.size;
}

static enum ov_status walk_alz(struct ov_cursor *in, struct ov_walk *walk) {
    struct alz alz = {.in = in, .walk = walk};
    ov_cursor_seek(in, START_BYTES);
    while (true) {
        TRY(ov_walk_has_time(walk));
        size_t at = in->at;
        uint32_t mark = ov_cursor_u32le(in);
        if (mark == MARK_FILE) {
            TRY(tell_file(&alz));
        } else if (mark == MARK_DIRECTORY) {
            ov_cursor_skip(in, DIRECTORY_BYTES);
        } else if (mark == MARK_END) {
            return alz.status;
        } else {
            in->has_failed = true;
        }
        if (in->has_failed) {
            note(&alz, OV_DAMAGED);
            if (!find_file(in, at + 1)) {
                return alz.status;
            }
        }
    }
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "ALZ\x01")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ALZ, OV_MAGICS(magics), .walk = walk_alz},
};

OV_FORMAT_SET(alz, formats);
