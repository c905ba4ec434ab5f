// SPDX-License-Identifier: Apache-2.0
// ARJ archives: files by methods 0 to 4 (ARJ TECHNOTE, "ARJ archive headers").
#include "format/codec/arj_unpack.h"
#include "format/format.h"

#include <zlib.h>

enum {
    START_BYTES = 4, // of a header: its mark and size
    HEADER_BYTES_MAX = 2600,
    FIRST_BYTES_MIN = 30,
    FLAG_ENCRYPTED = 1,
    FLAG_GOES_ON = 4, // in the next volume
    FLAG_BEGINS_BEFORE = 8,
    TYPE_MAIN = 2,
    SEARCHES = 4, // what looks like headers may be as much as this many times the file
};

struct arj {
    struct ov_cursor *in;
    struct ov_walk *walk;
    enum ov_status status; // the worst that was met
    uint64_t search_left;  // bytes that may still be read in search of headers
    bool is_encrypted;
};

struct header {
    struct ov_span name;
    uint8_t flags, method, type;
    uint32_t packed_bytes, plain_bytes, checksum;
    bool is_end;
};

static const struct ov_span mark = {(const uint8_t *)"\x60\xea", 2};

static void note(struct arj *arj, enum ov_status status) {
    bool is_worse = arj->status == OV_OK || arj->status == OV_UNSUPPORTED || status == OV_LIMIT;
    arj->status = status != OV_OK && is_worse ? status : arj->status;
}

// Reads a header and what extends it, up to the data. OV_DAMAGED: no header is there. A wrong
// checksum is forgiven where a header has to be, and not where one is being looked for.
static enum ov_status read_header(struct ov_cursor *in, bool is_strict, struct header *ret_header) {
    struct header header = {0};
    if (!ov_span_is_equal(ov_cursor_bytes(in, mark.size), mark)) {
        return OV_DAMAGED;
    }
    uint16_t size = ov_cursor_u16le(in);
    header.is_end = size == 0 && !in->has_failed;
    struct ov_span bytes = ov_cursor_bytes(in, size);
    uint32_t checksum = size > 0 ? ov_cursor_u32le(in) : 0;
    if (size > 0 && (bytes.size < FIRST_BYTES_MIN || size > HEADER_BYTES_MAX ||
                     (is_strict && crc32_z(0, bytes.data, bytes.size) != checksum))) {
        return OV_DAMAGED;
    }
    struct ov_cursor first = ov_cursor_init(bytes);
    uint8_t first_bytes = ov_cursor_u8(&first);
    ov_cursor_skip(&first, 3);
    header.flags = ov_cursor_u8(&first);
    header.method = ov_cursor_u8(&first);
    header.type = ov_cursor_u8(&first);
    ov_cursor_skip(&first, 5);
    header.packed_bytes = ov_cursor_u32le(&first);
    header.plain_bytes = ov_cursor_u32le(&first);
    header.checksum = ov_cursor_u32le(&first);
    ov_cursor_seek(&first, first_bytes);
    header.name = ov_cursor_until(&first, 0);
    uint16_t more = size > 0 ? ov_cursor_u16le(in) : 0;
    while (more != 0 && !in->has_failed) {
        ov_cursor_skip(in, (uint64_t)more + 4);
        more = ov_cursor_u16le(in);
    }
    *ret_header = header;
    return ov_cursor_status(in);
}

static struct ov_child describe(const struct header *header) {
    return (struct ov_child){.kind = OV_CHILD_MEMBER,
                             .name = header->name,
                             .packed_bytes = header->packed_bytes,
                             .plain_bytes = header->plain_bytes,
                             .checksum = header->checksum,
                             .is_encrypted = (header->flags & FLAG_ENCRYPTED) != 0};
}

static enum ov_status tell_file(struct arj *arj, const struct header *header) {
    struct ov_child child = describe(header);
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t left = ov_cursor_left(arj->in);
    bool is_short = header->packed_bytes > left;
    struct ov_span packed = ov_cursor_bytes(arj->in, is_short ? left : header->packed_bytes);
    enum ov_status status = OV_OK;
    if (child.is_encrypted) {
        if (!arj->is_encrypted) {
            ov_walk_fact(arj->walk, OV_FACT_ENCRYPTED);
        }
        arj->is_encrypted = true;
    } else {
        status = ov_arj_unpack(packed, header->method, header->plain_bytes, arj->walk, &plain);
        child.bytes = ov_buf_span(&plain);
    }
    if (status == OV_MEMORY) {
        return status;
    }
    bool is_part = (header->flags & (FLAG_GOES_ON | FLAG_BEGINS_BEFORE)) != 0;
    note(arj, status == OV_OK && (is_short || is_part) ? OV_DAMAGED : status);
    return ov_walk_child(arj->walk, &child);
}

// Goes on at the next header whose checksum is right. OV_END: there is none.
static enum ov_status find_header(struct arj *arj, size_t from) {
    struct ov_span file = arj->in->bytes;
    for (size_t at = ov_span_search(file, from, mark); at < file.size;
         at = ov_span_search(file, at + 1, mark)) {
        struct ov_cursor in = ov_cursor_init(file);
        struct header header;
        TRY(ov_walk_has_time(arj->walk));
        if (arj->search_left < HEADER_BYTES_MAX) {
            return OV_END;
        }
        ov_cursor_seek(&in, at);
        if (read_header(&in, true, &header) == OV_OK && !header.is_end) {
            *arj->in = ov_cursor_init(file);
            ov_cursor_seek(arj->in, at);
            return OV_OK;
        }
        arj->search_left -= in.at - at < HEADER_BYTES_MAX ? in.at - at : HEADER_BYTES_MAX;
    }
    return OV_END;
}

static enum ov_status walk_arj(struct ov_cursor *in, struct ov_walk *walk) {
    struct arj arj = {.in = in, .walk = walk};
    arj.search_left = (uint64_t)in->bytes.size * SEARCHES + HEADER_BYTES_MAX;
    while (true) {
        TRY(ov_walk_has_time(walk));
        size_t at = in->at;
        struct header header;
        if (read_header(in, false, &header) != OV_OK) {
            note(&arj, OV_DAMAGED); // even when nothing is left: an archive has an end
            enum ov_status status = find_header(&arj, at);
            if (status != OV_OK) {
                return status == OV_END ? arj.status : status;
            }
            continue;
        }
        if (header.is_end) {
            return arj.status;
        }
        if (header.type != TYPE_MAIN) {
            TRY(tell_file(&arj, &header));
        }
    }
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "\x60\xea")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ARJ, OV_MAGICS(magics), .walk = walk_arj},
};

OV_FORMAT_SET(arj, formats);
