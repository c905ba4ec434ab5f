// SPDX-License-Identifier: Apache-2.0
// How large a dictionary a stream asks for (The .xz File Format 1.1.0, 3.1 and 5.3.1; the manual of
// lzip, "File format").
#include "format/codec/dictionary.h"

#include <zlib.h>

enum {
    HEAD_BYTES = 2048, // more than any header has
    XZ_HEADER_BYTES = 12,
    XZ_HAS_PACKED = 0x40,
    XZ_HAS_PLAIN = 0x80,
    XZ_FILTERS_MASK = 3,
    XZ_NUMBER_BYTES_MAX = 9,
    FILTER_LZMA2 = 0x21,
    LZMA2_LARGEST = 40,
    LZMA2_LEAST = 8, // 64 KB
    LZMA2_MOST = 31, // 192 MB
    LZMA_SIZE_AT = 1,
    LZIP_SIZE_AT = 5,
    LZIP_QUARTER = 4 << 5, // less so much of a power of two
};

// An integer of seven bits to the byte.
static uint64_t read_number(struct ov_cursor *in) {
    uint64_t value = 0;
    for (unsigned i = 0; i < XZ_NUMBER_BYTES_MAX; i++) {
        uint8_t byte = ov_cursor_u8(in);
        value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    return value;
}

// The header of the first block, without its checksum; empty when there is none.
static struct ov_span find_block_header(struct ov_span stream) {
    struct ov_cursor in = ov_cursor_init(ov_span_from(stream, XZ_HEADER_BYTES));
    uint8_t size = ov_cursor_u8(&in); // 0: the index, that is, no block
    size_t bytes = ((size_t)size + 1) * 4;
    bool is_there = size != 0 && in.bytes.size >= bytes;
    return ov_span_part(in.bytes, 0, is_there ? bytes - 4 : 0);
}

// Where in such a header the size of the dictionary stands; 0: nowhere.
static size_t find_lzma2(struct ov_span header) {
    struct ov_cursor in = ov_cursor_init(header);
    ov_cursor_skip(&in, 1);
    uint8_t flags = ov_cursor_u8(&in);
    for (unsigned i = 0; i < 2; i++) {
        if ((flags & (i == 0 ? XZ_HAS_PACKED : XZ_HAS_PLAIN)) != 0) {
            (void)read_number(&in);
        }
    }
    for (unsigned i = 0; i <= (flags & XZ_FILTERS_MASK); i++) {
        uint64_t filter = read_number(&in), size = read_number(&in);
        if (filter == FILTER_LZMA2 && size == 1 && ov_cursor_left(&in) > 0) {
            return in.at;
        }
        ov_cursor_skip(&in, size);
    }
    return 0;
}

// Powers of two, and those and a half.
static uint64_t size_of_code(unsigned code) {
    return (uint64_t)(2 | (code & 1)) << (code / 2 + 11);
}

static unsigned code_for(uint64_t bytes) {
    unsigned code = LZMA2_LEAST;
    while (code < LZMA2_MOST && size_of_code(code) < bytes) {
        code++;
    }
    return code;
}

uint64_t ov_dictionary_enough(uint64_t plain_bytes) {
    return size_of_code(code_for(plain_bytes));
}

static uint64_t read_xz(struct ov_span stream) {
    struct ov_span header = find_block_header(stream);
    size_t at = find_lzma2(header);
    struct ov_cursor in = ov_cursor_init(header);
    ov_cursor_seek(&in, at);
    unsigned code = ov_cursor_u8(&in);
    if (at == 0 || code > LZMA2_LARGEST) {
        return 0;
    }
    return code == LZMA2_LARGEST ? UINT32_MAX : size_of_code(code);
}

uint64_t ov_dictionary_bytes(enum ov_codec codec, struct ov_span stream) {
    struct ov_cursor in = ov_cursor_init(stream);
    uint64_t code;
    switch (codec) {
    case OV_CODEC_XZ:
        return read_xz(stream);
    case OV_CODEC_LZMA:
        ov_cursor_skip(&in, LZMA_SIZE_AT);
        return ov_cursor_u32le(&in);
    case OV_CODEC_LZIP:
        ov_cursor_skip(&in, LZIP_SIZE_AT);
        code = ov_cursor_u8(&in);
        return ((uint64_t)1 << (code & 31)) / 16 * (16 - (code >> 5));
    default:
        return 0;
    }
}

// Writes a number at a place in a buffer.
static void put_u32le(struct ov_buf *buf, size_t at, uint32_t value) {
    for (unsigned i = 0; i < 4; i++) {
        buf->data[at + i] = (uint8_t)(value >> 8 * i);
    }
}

enum ov_status ov_dictionary_fit(enum ov_codec codec, struct ov_span stream, uint64_t enough,
                                 struct ov_buf *ret_head) {
    struct ov_span first = ov_span_part(stream, 0, HEAD_BYTES);
    ov_buf_reset(ret_head);
    ov_buf_add(ret_head, first.data, first.size);
    TRY(ov_buf_status(ret_head));
    struct ov_span head = ov_buf_span(ret_head); // the stream may change, the copy does not
    unsigned code = code_for(enough);
    if (ov_dictionary_bytes(codec, head) <= size_of_code(code)) {
        return OV_OK;
    }
    if (codec == OV_CODEC_LZMA) {
        put_u32le(ret_head, LZMA_SIZE_AT, (uint32_t)size_of_code(code));
    } else if (codec == OV_CODEC_LZIP) {
        unsigned power = code / 2 + 12;
        ret_head->data[LZIP_SIZE_AT] =
            (uint8_t)(code % 2 == 0 ? power : (power + 1) | LZIP_QUARTER);
    } else {
        struct ov_span header = find_block_header(head);
        ret_head->data[XZ_HEADER_BYTES + find_lzma2(header)] = (uint8_t)code;
        uint32_t checksum = (uint32_t)crc32_z(0, header.data, header.size);
        put_u32le(ret_head, XZ_HEADER_BYTES + header.size, checksum);
    }
    return OV_OK;
}
