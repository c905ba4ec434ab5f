// SPDX-License-Identifier: Apache-2.0
// Programs packed by MEW 11: aPLib streams one behind the other, and perhaps LZMA in what they
// give.
//
// The stub lies between the headers. It takes a list from the packed section: the old entry point,
// then where each stream goes to, and the stream.
#include "format/codec/codec.h"
#include "format/exe/packed.h"

enum {
    STUB_AT = 0x154, // in the file; 4 bytes later when the program does not run on Windows 9x
    STUB_BYTES = 0xb0,
    CALL_AT = 0x7b, // in the stub: a call of the LZMA decoder, or something else
    LIST_HEAD_BYTES = 12,
    PAGE_BYTES = 0x1000,
};

struct mew {
    const struct ov_packed *packed;
    struct ov_walk *walk;
    const struct ov_packed_section *plain, *data;
    struct ov_span stub;
    uint32_t stub_at;
    uint32_t list_at;     // in the memory
    struct ov_buf memory; // of the plain section, then the packed one
    struct ov_pe_piece pieces[OV_PACKED_SECTIONS_MAX];
    uint32_t piece_count;
};

// Where an address that is written as an absolute number lies in the memory.
static uint32_t read_place(const struct mew *mew, uint64_t at) {
    uint32_t address = ov_packed_u32(ov_buf_span(&mew->memory), at);
    return address - mew->packed->image_base - mew->plain->address;
}

// ---- aPLib -------------------------------------------------------------------------------------

// What was written up to `end` and is no section yet becomes one, up to the end of its last page.
static bool add_section(struct mew *mew, uint32_t *begin, size_t end) {
    end = (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (end < *begin || end > mew->plain->virtual_bytes ||
        mew->piece_count == OV_PACKED_SECTIONS_MAX) {
        return false;
    }
    uint32_t bytes = (uint32_t)(end - *begin);
    mew->pieces[mew->piece_count++] =
        (struct ov_pe_piece){.address = mew->plain->address + *begin,
                             .virtual_bytes = bytes,
                             .bytes = ov_span_part(ov_buf_span(&mew->memory), *begin, bytes)};
    *begin = (uint32_t)end;
    return true;
}

// Unpacks all streams and leaves `in` behind them. They may lie where another one goes to.
static enum ov_status unpack_streams(struct mew *mew, struct ov_cursor *in) {
    uint32_t begin = 0;
    uint32_t target = read_place(mew, mew->list_at + 8);
    ov_cursor_seek(in, (uint64_t)mew->list_at + LIST_HEAD_BYTES);
    for (;;) {
        TRY(ov_walk_has_time(mew->walk));
        struct ov_place place = ov_place_init(&mew->memory, target, SIZE_MAX);
        TRY(ov_aplib_unpack(in, mew->walk, &place));
        if (!add_section(mew, &begin, target + place.at)) {
            return OV_DAMAGED;
        }
        target = read_place(mew, in->at);
        if (ov_cursor_u32le(in) == 0) {
            return ov_cursor_status(in);
        }
    }
}

// ---- LZMA --------------------------------------------------------------------------------------

// A run of LZMA: how long it is, where it goes to, how long it is packed, its properties.
static enum ov_status unpack_run(struct mew *mew, struct ov_cursor *in, uint32_t plain_bytes,
                                 uint32_t *ret_target) {
    uint32_t target = read_place(mew, in->at);
    ov_cursor_skip(in, 4);
    uint32_t packed_bytes = ov_cursor_u32le(in);
    ov_cursor_skip(in, 1);
    struct ov_lzma_run run = {.packed = ov_span_from(in->bytes, in->at),
                              .properties = (2 * 5 + 0) * 9 + 4, // pb 2, lp 0, lc 4
                              .plain_bytes = plain_bytes};
    struct ov_place place = ov_place_init(&mew->memory, target, plain_bytes);
    if (in->has_failed || place.size != plain_bytes) {
        return OV_DAMAGED;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = ov_lzma_unpack(&run, mew->walk, &plain);
    if (plain.size > 0) {
        memcpy(place.data, plain.data, plain.size < place.size ? plain.size : place.size);
    }
    ov_cursor_skip(in, packed_bytes);
    *ret_target = target;
    return status;
}

// The targets of calls and jumps stand as distances from the start of the run, the highest byte
// first.
static void restore_calls(struct mew *mew, uint32_t target, uint32_t bytes) {
    enum { OPERAND_BYTES = 4 };
    struct ov_place code = ov_place_init(&mew->memory, target, bytes);
    for (uint32_t i = 0; i + 1 + OPERAND_BYTES < code.size; i++) {
        if (code.data[i] != 0xe8 && code.data[i] != 0xe9) {
            continue;
        }
        struct ov_cursor in = ov_cursor_init(ov_span_make(&code.data[i + 1], OPERAND_BYTES));
        uint32_t distance = ov_cursor_u32be(&in) - i - 1;
        for (unsigned k = 0; k < OPERAND_BYTES; k++) {
            code.data[i + 1 + k] = (uint8_t)(distance >> (8 * k));
        }
        i += OPERAND_BYTES;
    }
}

// Unpacks the runs of LZMA behind the streams: one whose calls are restored, or several, up to one
// without bytes.
static enum ov_status unpack_runs(struct mew *mew, struct ov_cursor *in, bool has_calls) {
    uint32_t call_bytes = has_calls ? ov_cursor_u32le(in) : 0;
    ov_cursor_skip(in, 4); // memory for the decoder
    for (;;) {
        uint32_t plain_bytes = ov_cursor_u32le(in);
        if (in->has_failed || plain_bytes == 0) {
            return ov_cursor_status(in);
        }
        uint32_t target;
        TRY(ov_walk_has_time(mew->walk));
        TRY(unpack_run(mew, in, plain_bytes, &target));
        if (has_calls) {
            restore_calls(mew, target, call_bytes);
            return OV_OK;
        }
    }
}

// ---- program -----------------------------------------------------------------------------------

static bool find_sections(struct mew *mew) {
    const struct ov_packed *packed = mew->packed;
    for (uint32_t i = 0; i + 1 < packed->section_count; i++) {
        mew->plain = &packed->sections[i];
        mew->data = &packed->sections[i + 1];
        if (mew->plain->raw_bytes == 0 && mew->plain->virtual_bytes > 0 &&
            mew->data->raw_bytes > 0 && mew->data->virtual_bytes >= mew->data->raw_bytes) {
            return true;
        }
    }
    return false;
}

// The program begins with a jump to the stub, and the stub with MOV ESI, the list.
static bool find_stub(struct mew *mew) {
    const struct ov_packed *packed = mew->packed;
    mew->stub_at = packed->entry + ov_packed_u32(packed->stub, 1) + 5;
    if (!ov_span_has_prefix(packed->stub, "\xe9") ||
        (mew->stub_at != STUB_AT && mew->stub_at != STUB_AT + 4)) {
        return false;
    }
    mew->stub = ov_span_part(packed->file, mew->stub_at, STUB_BYTES);
    uint32_t list = ov_packed_u32(mew->stub, 1) - packed->image_base;
    mew->list_at = list - mew->data->address + mew->plain->virtual_bytes;
    return mew->stub.size == STUB_BYTES &&
           ov_packed_holds(mew->data->address, mew->data->raw_bytes, list, LIST_HEAD_BYTES);
}

static enum ov_status unpack(struct mew *mew) {
    enum { SAVES_AT = 8, PUSH_EAX = 0x50 };
    struct ov_cursor in = ov_cursor_init(ov_buf_span(&mew->memory));
    TRY(unpack_streams(mew, &in));
    if (mew->stub.data[CALL_AT] != 0xe8) {
        return OV_OK;
    }
    // The decoder that also restores calls saves a register more.
    uint32_t decoder = mew->stub_at + CALL_AT + 5 + ov_packed_u32(mew->stub, CALL_AT + 1);
    uint64_t saves_at = (uint64_t)(decoder - mew->plain->address) + SAVES_AT;
    bool has_calls = (ov_packed_u32(in.bytes, saves_at) & 0xff) == PUSH_EAX;
    mew->pieces[0] =
        (struct ov_pe_piece){.address = mew->plain->address,
                             .virtual_bytes = mew->plain->virtual_bytes,
                             .bytes = ov_span_part(in.bytes, 0, mew->plain->virtual_bytes)};
    mew->piece_count = 1;
    return unpack_runs(mew, &in, has_calls);
}

static void release(struct mew *mew) {
    ov_buf_release(&mew->memory);
}

enum ov_status ov_mew_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    OV_CLEANUP(release) struct mew mew = {.packed = packed, .walk = walk};
    if (!find_sections(&mew) || !find_stub(&mew)) {
        return OV_UNSUPPORTED;
    }
    uint64_t size = (uint64_t)mew.plain->virtual_bytes + mew.data->virtual_bytes;
    TRY(ov_packed_room(walk, size, &mew.memory));
    struct ov_place data = ov_place_init(&mew.memory, mew.plain->virtual_bytes, SIZE_MAX);
    struct ov_span raw = ov_packed_raw(packed, mew.data);
    memcpy(data.data, raw.data, raw.size < data.size ? raw.size : data.size);
    uint32_t entry = read_place(&mew, mew.list_at + 4) + mew.plain->address;
    enum ov_status status = unpack(&mew);
    if (status == OV_LIMIT || status == OV_MEMORY || mew.piece_count == 0) {
        return status;
    }
    const struct ov_pe_pieces pieces = {.pieces = mew.pieces,
                                        .count = mew.piece_count,
                                        .image_base = packed->image_base,
                                        .entry = entry,
                                        .align = PAGE_BYTES};
    TRY(ov_pe_tell(&pieces, walk));
    return status;
}
