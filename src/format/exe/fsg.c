// SPDX-License-Identifier: Apache-2.0
// Programs packed by FSG (Fast Small Good) 1.31, 1.33 and 2.0: aPLib streams, one for each section
// or one for all of them.
#include "format/exe/packed.h"

enum {
    STREAM_MIN = 0x19,
    SECTIONS_MAX = 95,
    LIST_BYTES_MAX = 4096, // of the list in the headers
};

// The two sections that a packed program has: an empty one for the plain program, and the packed
// one.
struct fsg {
    const struct ov_packed *packed;
    const struct ov_packed_section *plain, *data;
    uint32_t source, entry;        // addresses of the first stream, and of the original start
    uint32_t starts[SECTIONS_MAX]; // of the original sections, in the order of their streams
    uint32_t start_count;          // 0: one stream for all
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

// ---- 1.31 and 1.33 -----------------------------------------------------------------------------

static bool add_start(struct fsg *fsg, uint32_t address) {
    if (fsg->start_count == SECTIONS_MAX ||
        !ov_packed_holds(fsg->plain->address, fsg->plain->virtual_bytes, address, 1)) {
        return false;
    }
    fsg->starts[fsg->start_count++] = address;
    return true;
}

// The list between the headers and the packed section, at an address that is an offset as well.
static struct ov_span find_list(const struct fsg *fsg, uint32_t at) {
    uint32_t end = fsg->data->raw_offset;
    bool is_between = at < fsg->packed->header_bytes && at < fsg->packed->low && at < end;
    uint32_t bytes = is_between ? end - at : 0;
    return ov_span_part(fsg->packed->file, at, bytes < LIST_BYTES_MAX ? bytes : LIST_BYTES_MAX);
}

// MOV ESI takes a list: of functions, the destination, the source, and the addresses of further
// sections, with 1 added.
static bool find_133(struct fsg *fsg) {
    enum { JUMP_AT = 0xa1, STARTS_AT = 12 };
    const struct ov_span stub = fsg->packed->stub;
    struct ov_span list = find_list(fsg, read_address(fsg, stub, 1));
    if (!ov_span_has_prefix(stub, "\xbe") || list.size < STARTS_AT + 4 ||
        read_address(fsg, list, 4) != fsg->plain->address) {
        return false;
    }
    fsg->source = read_address(fsg, list, 8);
    fsg->entry = fsg->packed->entry + JUMP_AT + 6 + ov_packed_u32(stub, JUMP_AT + 2);
    bool is_good = is_in_data(fsg, fsg->source, 1) && add_start(fsg, fsg->plain->address);
    for (size_t at = STARTS_AT; is_good; at += 4) {
        if (at + 4 > list.size) {
            return false;
        }
        if (ov_packed_u32(list, at) == 0) {
            break;
        }
        is_good = add_start(fsg, read_address(fsg, list, at) - 1);
    }
    return is_good;
}

// MOV EBX, MOV EDI, MOV ESI take the list, the destination and the source. In the list stand the
// pages of further sections, with 2 added, up to a 1 or 2.
static bool find_131(struct fsg *fsg) {
    enum { JUMP_AT = 0xda, CALL_AT = 16, CALL_BYTES = 6 };
    struct ov_cursor stub = ov_cursor_init(fsg->packed->stub);
    bool is_right = ov_cursor_u8(&stub) == 0xbb;
    uint32_t base = fsg->packed->image_base;
    struct ov_cursor list = ov_cursor_init(find_list(fsg, ov_cursor_u32le(&stub) - base));
    is_right = ov_cursor_u8(&stub) == 0xbf && is_right;
    uint32_t target = ov_cursor_u32le(&stub) - base;
    is_right = ov_cursor_u8(&stub) == 0xbe && is_right;
    fsg->source = ov_cursor_u32le(&stub) - base;
    if (!is_right || target != fsg->plain->address || !is_in_data(fsg, fsg->source, 1)) {
        return false;
    }
    ov_cursor_seek(&stub, CALL_AT);
    uint32_t jump_at = JUMP_AT + (ov_cursor_u8(&stub) == 0xe8 ? CALL_BYTES : 0);
    fsg->entry = fsg->packed->entry + jump_at + 6 + ov_packed_u32(stub.bytes, jump_at + 2);
    bool is_good = add_start(fsg, target);
    for (uint32_t page; is_good && (page = ov_cursor_u16le(&list)) != 1 && page != 2;) {
        is_good = !list.has_failed && add_start(fsg, ((page - 2) << 12) - base);
    }
    ov_cursor_skip(&list, 4);
    return is_good && ov_cursor_u32le(&list) == 2;
}

// ---- all ---------------------------------------------------------------------------------------

// Unpacks each section behind the one before; they are not in the order of their addresses.
static enum ov_status unpack_sections(const struct fsg *fsg, struct ov_walk *walk,
                                      struct ov_buf *memory, struct ov_pe_piece *ret_pieces,
                                      uint32_t *ret_count) {
    struct ov_cursor in = ov_cursor_init(find_data(fsg, fsg->source));
    struct ov_place place = ov_place_init(memory, 0, memory->size);
    enum ov_status status = OV_OK;
    *ret_count = 0;
    for (uint32_t i = 0; i < fsg->start_count && status == OV_OK; i++) {
        struct ov_pe_piece piece = {.address = fsg->starts[i]};
        size_t begin = place.at;
        struct ov_place rest = ov_place_init(memory, begin, SIZE_MAX);
        status = ov_aplib_unpack(&in, walk, &rest);
        place.at += rest.at;
        piece.bytes = ov_span_part(ov_buf_span(memory), begin, rest.at);
        uint32_t at = (*ret_count)++;
        for (; at > 0 && ret_pieces[at - 1].address > piece.address; at--) {
            ret_pieces[at] = ret_pieces[at - 1];
        }
        ret_pieces[at] = piece;
    }
    uint32_t end = fsg->plain->address + fsg->plain->virtual_bytes;
    for (uint32_t i = *ret_count; i > 0; i--) {
        ret_pieces[i - 1].virtual_bytes = end - ret_pieces[i - 1].address;
        end = ret_pieces[i - 1].address;
    }
    return status;
}

static enum ov_status unpack_whole(const struct fsg *fsg, struct ov_walk *walk,
                                   struct ov_buf *memory, struct ov_pe_piece *ret_piece) {
    struct ov_cursor in = ov_cursor_init(find_data(fsg, fsg->source));
    struct ov_place place = ov_place_init(memory, 0, memory->size);
    enum ov_status status = ov_aplib_unpack(&in, walk, &place);
    *ret_piece = (struct ov_pe_piece){.address = fsg->plain->address,
                                      .virtual_bytes = fsg->plain->virtual_bytes,
                                      .bytes = ov_buf_span(memory)};
    return status;
}

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
    if (!find_sections(&fsg) || (!find_200(&fsg) && !find_133(&fsg) && !find_131(&fsg))) {
        return OV_UNSUPPORTED;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf memory = {0};
    TRY(ov_packed_room(walk, fsg.plain->virtual_bytes, &memory));
    struct ov_pe_piece list[SECTIONS_MAX];
    uint32_t count = 1;
    enum ov_status status = fsg.start_count == 0
                                ? unpack_whole(&fsg, walk, &memory, list)
                                : unpack_sections(&fsg, walk, &memory, list, &count);
    if (status == OV_LIMIT) {
        return status;
    }
    const struct ov_pe_pieces pieces = {
        .pieces = list, .count = count, .image_base = packed->image_base, .entry = fsg.entry};
    TRY(ov_pe_tell(&pieces, walk));
    return status;
}
