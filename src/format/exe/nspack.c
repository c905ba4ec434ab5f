// SPDX-License-Identifier: Apache-2.0
// Programs packed by NsPack: LZMA over the first section.
//
// The stub, which may lie behind a jump, tells where the stream is by a distance from itself.
#include "format/exe/packed.h"
#include "format/codec/raw_lzma.h"

enum {
    JUMP = 0xe9,
    JUMP_BYTES = 5,
    DISTANCE_AT = 17, // in the stub: what the place of the stream's distance is counted by
    DISTANCE_BASE = 0x54,
    OWN_ENTRY_AT = 0x27a, // in the stub: a jump to the plain program
    PACKED_BYTES_AT = 5,  // in the stream's head, behind its properties
    PLAIN_BYTES_AT = 9,
    HEAD_BYTES = 13,
    PROPERTIES_END = 9 * 5 * 5,
};

struct stub {
    uint32_t address;
    uint64_t offset; // in the file
};

// Where in the file an address is; false where no section has bytes for it.
static bool find_offset(const struct ov_packed *packed, uint32_t address, uint64_t *ret_offset) {
    for (uint32_t i = packed->section_count; i > 0; i--) {
        const struct ov_packed_section *section = &packed->sections[i - 1];
        if (ov_packed_holds(section->address, section->raw_bytes, address, 1)) {
            *ret_offset = (uint64_t)section->raw_offset + (address - section->address);
            return true;
        }
    }
    return false;
}

static bool find_stub(const struct ov_packed *packed, struct stub *ret_stub) {
    static const uint8_t begin[] = {0x9c, 0x60, 0xe8, 0, 0, 0, 0, 0x5d, 0xb8, 7, 0, 0, 0};
    struct stub stub = {.address = packed->entry, .offset = packed->entry_offset};
    if (packed->stub.size > JUMP_BYTES && packed->stub.data[0] == JUMP) {
        stub.address += JUMP_BYTES + ov_packed_u32(packed->stub, 1);
        if (!find_offset(packed, stub.address, &stub.offset)) {
            return false;
        }
    }
    *ret_stub = stub;
    return ov_span_is_equal(ov_span_part(packed->file, (size_t)stub.offset, sizeof begin),
                            ov_span_make(begin, sizeof begin));
}

// The stream with its head; a number before it is 0 where there is but one stream.
static struct ov_span find_stream(const struct ov_packed *packed, const struct stub *stub) {
    uint32_t back = DISTANCE_BASE - ov_packed_u32(packed->file, stub->offset + DISTANCE_AT);
    uint32_t begin =
        (uint32_t)stub->offset + ov_packed_u32(packed->file, (uint32_t)stub->offset - back);
    struct ov_span stream = ov_span_from(packed->file, begin);
    return ov_packed_u32(stream, 0) == 0 ? ov_span_from(stream, 4) : stream;
}

static uint32_t read_own_entry(const struct ov_packed *packed, const struct stub *stub) {
    uint64_t offset;
    uint32_t address = stub->address + OWN_ENTRY_AT;
    if (!find_offset(packed, address, &offset)) {
        return 0;
    }
    return address + JUMP_BYTES + ov_packed_u32(packed->file, offset + 1);
}

enum ov_status ov_nspack_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    struct stub stub;
    if (!find_stub(packed, &stub)) {
        return OV_UNSUPPORTED;
    }
    struct ov_span stream = find_stream(packed, &stub);
    uint32_t packed_bytes = ov_packed_u32(stream, PACKED_BYTES_AT);
    uint32_t plain_bytes = ov_packed_u32(stream, PLAIN_BYTES_AT);
    if (stream.size <= HEAD_BYTES || stream.data[0] >= PROPERTIES_END || plain_bytes == 0 ||
        packed_bytes <= HEAD_BYTES || plain_bytes != packed->sections[0].virtual_bytes) {
        return OV_UNSUPPORTED;
    }
    struct ov_raw_lzma lzma = {.literal_bits = stream.data[0] % 9u,
                               .literal_position_bits = stream.data[0] / 9u % 5,
                               .position_bits = stream.data[0] / 45u};
    OV_CLEANUP(ov_buf_release) struct ov_buf memory = {0};
    TRY(ov_packed_room(walk, plain_bytes, &memory));
    struct ov_cursor in = ov_cursor_init(ov_span_part(stream, HEAD_BYTES, packed_bytes));
    ov_cursor_skip(&in, 1);
    struct ov_place place = ov_place_init(&memory, 0, plain_bytes);
    enum ov_status status = ov_raw_lzma_unpack(&lzma, &in, walk, &place);
    if ((status != OV_OK && status != OV_DAMAGED) || place.at == 0) {
        return status;
    }
    struct ov_pe_piece piece = {.address = packed->sections[0].address,
                                .virtual_bytes = plain_bytes,
                                .bytes = ov_buf_span(&memory)};
    struct ov_pe_pieces pieces = {.pieces = &piece,
                                  .count = 1,
                                  .image_base = packed->image_base,
                                  .entry = read_own_entry(packed, &stub)};
    TRY(ov_pe_tell(&pieces, walk));
    return status;
}
