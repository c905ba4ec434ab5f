// SPDX-License-Identifier: Apache-2.0
// Programs packed by FSG (Fast Small Good) 1.31, 1.33 and 2.0: aPLib streams, one for each section
// or one for all of them.
#include "format/packed.h"

enum { STREAM_MIN = 0x19 };

// The two sections that a packed program has: an empty one for the plain program, and the packed
// one.
struct fsg {
    const struct ov_packed *packed;
    const struct ov_packed_section *plain, *data;
    uint32_t source, entry; // addresses of the first stream, and of the original start
};

// An address that the stub has as an absolute number.
static uint32_t read_address(const struct fsg *fsg, struct ov_span bytes, uint64_t at) {
    return ov_packed_u32(bytes, at) - fsg->packed->image_base;
}

static bool is_in_data(const struct fsg *fsg, uint32_t address, uint32_t bytes) {
    return ov_packed_holds(fsg->data->address, fsg->data->raw_bytes, address, bytes);
}

// The packed section from an address in it on.
static struct ov_span find_data(const struct fsg *fsg, uint32_t address) {
    return ov_span_from(ov_packed_raw(fsg->packed, fsg->data), address - fsg->data->address);
}

// ---- 2.0 ---------------------------------------------------------------------------------------

// XCHG ESP takes the registers from a stack in the file: destination, source, and the address of
// the array in which the old entry point stands.
static bool find_200(struct fsg *fsg) {
    enum { STACK_BYTES = 32, ARRAY_BYTES = 16 };
    const struct ov_span stub = fsg->packed->stub;
    uint32_t pointer = read_address(fsg, stub, 2);
    if (!ov_span_has_prefix(stub, "\x87\x25") || !is_in_data(fsg, pointer, 4)) {
        return false;
    }
    uint32_t stack_at = read_address(fsg, find_data(fsg, pointer), 0);
    if (!is_in_data(fsg, stack_at, STACK_BYTES)) {
        return false;
    }
    struct ov_span stack = find_data(fsg, stack_at);
    fsg->source = read_address(fsg, stack, 4);
    uint32_t array_at = read_address(fsg, stack, 16);
    bool is_right = read_address(fsg, stack, 0) == fsg->plain->address &&
                    is_in_data(fsg, fsg->source, 1) && is_in_data(fsg, array_at, ARRAY_BYTES);
    fsg->entry = is_right ? read_address(fsg, find_data(fsg, array_at), 12) : 0;
    return is_right;
}

static enum ov_status unpack_200(const struct fsg *fsg, struct ov_walk *walk,
                                 struct ov_buf *memory) {
    struct ov_cursor in = ov_cursor_init(find_data(fsg, fsg->source));
    struct ov_place place = ov_place_init(memory, 0, memory->size);
    enum ov_status status = ov_aplib_unpack(&in, walk, &place);
    if (status == OV_LIMIT) {
        return status;
    }
    const struct ov_pe_piece piece = {.address = fsg->plain->address,
                                      .virtual_bytes = fsg->plain->virtual_bytes,
                                      .bytes = ov_buf_span(memory)};
    const struct ov_pe_pieces pieces = {
        .pieces = &piece, .count = 1, .image_base = fsg->packed->image_base, .entry = fsg->entry};
    TRY(ov_pe_tell(&pieces, walk));
    return status;
}

// ---- all ---------------------------------------------------------------------------------------

static bool find_sections(struct fsg *fsg) {
    const struct ov_packed *packed = fsg->packed;
    for (uint32_t i = 0; i + 1 < packed->section_count; i++) {
        fsg->plain = &packed->sections[i];
        fsg->data = &packed->sections[i + 1];
        if (fsg->plain->raw_bytes == 0 && fsg->plain->virtual_bytes > 0 &&
            fsg->data->raw_bytes > STREAM_MIN && fsg->data->virtual_bytes > 0) {
            return fsg->plain->virtual_bytes > fsg->data->raw_bytes;
        }
    }
    return false;
}

enum ov_status ov_fsg_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    struct fsg fsg = {.packed = packed};
    if (!find_sections(&fsg) || !find_200(&fsg)) {
        return OV_UNSUPPORTED;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf memory = {0};
    TRY(ov_packed_room(walk, fsg.plain->virtual_bytes, &memory));
    return unpack_200(&fsg, walk, &memory);
}
