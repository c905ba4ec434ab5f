// SPDX-License-Identifier: Apache-2.0
// Archives of cpio: old binary in both byte orders, portable text (odc), newc and its checked twin.
//
// cpio(5) of FreeBSD and the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
#include "format/codec/digits.h"
#include "format/format.h"

enum {
    MAGIC_BYTES = 6,
    BINARY_HEADER_BYTES = 26,
    ODC_HEADER_BYTES = 76,
    NEWC_HEADER_BYTES = 110,
    BINARY_MAGIC = 070707,
};

struct header {
    uint64_t name_bytes, size;
    unsigned align;   // of the name's and of the data's end, from the header's first byte
    uint64_t data_at; // from the header's first byte
};

// ---- headers -----------------------------------------------------------------------------------

static uint64_t round_up(uint64_t value, unsigned align) {
    return (value + align - 1) / align * align;
}

static uint16_t read_word(struct ov_cursor *in, bool is_big) {
    return is_big ? ov_cursor_u16be(in) : ov_cursor_u16le(in);
}

// Magic, device, inode, mode, uid, gid, links, rdev, time (2), name size, size (2): words of two
// bytes, of which the higher comes first where there are two.
static bool read_binary(struct ov_span bytes, struct header *ret_header) {
    struct ov_cursor in = ov_cursor_init(bytes);
    bool is_big = ov_cursor_u16be(&in) == BINARY_MAGIC;
    ov_cursor_seek(&in, 0);
    if (read_word(&in, is_big) != BINARY_MAGIC) {
        return false;
    }
    ov_cursor_skip(&in, 18);
    uint16_t name_bytes = read_word(&in, is_big);
    uint32_t high = read_word(&in, is_big);
    uint32_t size = high << 16 | read_word(&in, is_big);
    *ret_header = (struct header){.name_bytes = name_bytes,
                                  .size = size,
                                  .align = 2,
                                  .data_at = round_up(BINARY_HEADER_BYTES + name_bytes, 2)};
    return !in.has_failed;
}

static bool read_odc(struct ov_span bytes, struct header *ret_header) {
    struct header header = {.align = 1};
    if (!ov_span_has_prefix(bytes, "070707") || bytes.size < ODC_HEADER_BYTES ||
        !ov_digits_read(ov_span_part(bytes, 59, 6), 8, &header.name_bytes) ||
        !ov_digits_read(ov_span_part(bytes, 65, 11), 8, &header.size)) {
        return false;
    }
    header.data_at = ODC_HEADER_BYTES + header.name_bytes;
    *ret_header = header;
    return true;
}

static bool read_newc(struct ov_span bytes, struct header *ret_header) {
    struct header header = {.align = 4};
    bool is_newc = ov_span_has_prefix(bytes, "070701") || ov_span_has_prefix(bytes, "070702");
    if (!is_newc || bytes.size < NEWC_HEADER_BYTES ||
        !ov_digits_read(ov_span_part(bytes, 94, 8), 16, &header.name_bytes) ||
        !ov_digits_read(ov_span_part(bytes, 54, 8), 16, &header.size)) {
        return false;
    }
    header.data_at = round_up(NEWC_HEADER_BYTES + header.name_bytes, 4);
    *ret_header = header;
    return true;
}

static bool read_header(struct ov_span bytes, struct header *ret_header) {
    return read_newc(bytes, ret_header) || read_odc(bytes, ret_header) ||
           read_binary(bytes, ret_header);
}

// ---- the walk ----------------------------------------------------------------------------------

static struct ov_span read_name(struct ov_span bytes, const struct header *header) {
    uint64_t at = header->align == 1   ? ODC_HEADER_BYTES
                  : header->align == 2 ? BINARY_HEADER_BYTES
                                       : NEWC_HEADER_BYTES;
    struct ov_span name = ov_span_part(bytes, at, header->name_bytes);
    return ov_span_part(name, 0, ov_span_find(name, 0, 0));
}

// The next place at which the text of a header may begin, or the end.
static size_t find_text_magic(struct ov_span bytes, size_t from) {
    for (size_t at = ov_span_find(bytes, from, '0'); at < bytes.size;
         at = ov_span_find(bytes, at + 1, '0')) {
        if (ov_span_has_prefix(ov_span_from(bytes, at), "07070")) {
            return at;
        }
    }
    return bytes.size;
}

// What stands behind the last member of an archive is mostly zeros. An image for the kernel goes on
// with another archive, which may be compressed: that is told as a member of its own.
static enum ov_status tell_rest(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span rest = ov_span_from(in->bytes, in->at);
    size_t zeros = 0;
    while (zeros < rest.size && rest.data[zeros] == 0) {
        zeros++;
    }
    struct header header;
    rest = ov_span_from(rest, zeros);
    if (read_header(rest, &header)) {
        ov_cursor_skip(in, zeros);
        return OV_OK;
    }
    ov_cursor_skip(in, ov_cursor_left(in));
    return rest.size > 0 ? ov_walk_stored(walk, rest, ov_span_make(NULL, 0)) : OV_OK;
}

// One member; the cursor stands at its header, and then behind its data.
static enum ov_status tell_member(struct ov_cursor *in, struct ov_walk *walk,
                                  const struct header *header, bool *ret_is_cut) {
    struct ov_span bytes = ov_span_from(in->bytes, in->at);
    struct ov_span name = read_name(bytes, header);
    uint64_t end = header->data_at + round_up(header->size, header->align);
    *ret_is_cut = header->data_at + header->size > bytes.size;
    ov_cursor_skip(in, end < bytes.size ? end : bytes.size);
    if (ov_span_is_text(name, "TRAILER!!!") && header->size == 0) {
        return tell_rest(in, walk);
    }
    return ov_walk_stored(walk, ov_span_part(bytes, header->data_at, header->size), name);
}

static enum ov_status walk_cpio(struct ov_cursor *in, struct ov_walk *walk) {
    bool is_damaged = false;
    while (ov_cursor_left(in) > 0) {
        TRY(ov_walk_has_time(walk));
        struct header header;
        if (read_header(ov_span_from(in->bytes, in->at), &header)) {
            bool is_cut = false;
            TRY(tell_member(in, walk, &header, &is_cut));
            is_damaged = is_damaged || is_cut;
        } else {
            // As GNU cpio does: what is no header is passed over.
            ov_cursor_seek(in, find_text_magic(in->bytes, in->at + 1));
            is_damaged = true;
        }
    }
    return is_damaged ? OV_DAMAGED : OV_OK;
}

static const struct ov_magic magics_crc[] = {OV_MAGIC(0, "070702")};
static const struct ov_magic magics_newc[] = {OV_MAGIC(0, "070701")};
static const struct ov_magic magics_odc[] = {OV_MAGIC(0, "070707")};
static const struct ov_magic magics_old[] = {OV_MAGIC(0, "\xc7\x71"), OV_MAGIC(0, "\x71\xc7")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_CPIO_CRC, OV_MAGICS(magics_crc), .walk = walk_cpio},
    {.type = OV_FILETYPE_CPIO_NEWC, OV_MAGICS(magics_newc), .walk = walk_cpio},
    {.type = OV_FILETYPE_CPIO_ODC, OV_MAGICS(magics_odc), .walk = walk_cpio},
    {.type = OV_FILETYPE_CPIO_OLD, OV_MAGICS(magics_old), .walk = walk_cpio},
};

OV_FORMAT_SET(cpio, formats);
