// SPDX-License-Identifier: Apache-2.0
// The compressions of UPX: NRV2B, 2D and 2E (Oberhumer's UCL library), LZMA; and the filter for
// x86.
//
// The NRV kinds share one stream: bits, in words of 32 that are loaded when the first bit of one is
// asked for, and between the words whole bytes. They differ in how offsets and lengths are written.
#include "format/codec/codec.h"
#include "format/codec/lz.h"
#include "format/exe/upx.h"

enum {
    OFFSET_TOP_MAX = 0x1000002, // of the upper part of an offset, with the 3 that is added to it
    LENGTH_MAX = 1 << 30,
    FAR_2B = 0xd00, // behind these a match is one byte longer
    FAR_2D = 0x500,
    TIME_CHECK_STEPS = 1 << 16,
};

struct nrv {
    struct ov_cursor in;
    uint32_t word;
    unsigned bits_left;
    unsigned method;
    uint32_t last_offset;
    struct ov_window window;
    uint64_t end; // no more than so many bytes
};

static uint32_t take_bit(struct nrv *nrv) {
    if (nrv->bits_left == 0) {
        nrv->word = ov_cursor_u32le(&nrv->in);
        nrv->bits_left = 32;
    }
    nrv->bits_left--;
    return nrv->word >> nrv->bits_left & 1;
}

// The upper part of an offset, which is 2 for "as before".
static uint32_t read_offset_top(struct nrv *nrv) {
    uint32_t top = 1;
    while (!nrv->in.has_failed && top <= OFFSET_TOP_MAX) {
        top = top * 2 + take_bit(nrv);
        if (take_bit(nrv) != 0) {
            break;
        }
        if (nrv->method != OV_UPX_NRV2B) {
            top = (top - 1) * 2 + take_bit(nrv);
        }
    }
    return top;
}

// A number that is written as pairs of a bit and a sign that it was the last; begins with 1.
static uint32_t read_open_length(struct nrv *nrv) {
    uint32_t length = 1;
    while (!nrv->in.has_failed && length < LENGTH_MAX) {
        length = length * 2 + take_bit(nrv);
        if (take_bit(nrv) != 0) {
            break;
        }
    }
    return length;
}

// The length of a match, less the one byte that each has. `first`: its first bit, where the offset
// brought one.
static uint32_t read_length(struct nrv *nrv, uint32_t first) {
    if (nrv->method == OV_UPX_NRV2E) {
        if (first != 0) {
            return 1 + take_bit(nrv);
        }
        if (take_bit(nrv) != 0) {
            return 3 + take_bit(nrv);
        }
        return read_open_length(nrv) + 3;
    }
    uint32_t length = first * 2 + take_bit(nrv);
    return length != 0 ? length : read_open_length(nrv) + 2;
}

// Reads a match and copies it. OV_END at the stream's end mark.
static enum ov_status copy_match(struct nrv *nrv) {
    bool is_2b = nrv->method == OV_UPX_NRV2B;
    uint32_t top = read_offset_top(nrv);
    uint32_t offset = nrv->last_offset;
    uint32_t first;
    if (top == 2) {
        first = take_bit(nrv);
    } else {
        uint32_t low = ov_cursor_u8(&nrv->in);
        offset = (top - 3) * 256 + low;
        if (offset == UINT32_MAX) {
            return nrv->in.has_failed ? OV_DAMAGED : OV_END;
        }
        first = is_2b ? take_bit(nrv) : 1 - (offset & 1);
        offset = (is_2b ? offset : offset >> 1) + 1;
        nrv->last_offset = offset;
    }
    uint32_t length = read_length(nrv, first);
    length += offset > (is_2b ? FAR_2B : FAR_2D);
    size_t written = ov_window_written(&nrv->window);
    if (nrv->in.has_failed || offset > written || length >= nrv->end - written) {
        return OV_DAMAGED;
    }
    return ov_window_copy(&nrv->window, offset, (size_t)length + 1) ? OV_OK : nrv->window.status;
}

static enum ov_status unpack_all(struct nrv *nrv, struct ov_walk *walk) {
    for (uint64_t step = 1;; step++) {
        if (step % TIME_CHECK_STEPS == 0) {
            TRY(ov_walk_has_time(walk));
        }
        if (take_bit(nrv) != 0) {
            uint8_t byte = ov_cursor_u8(&nrv->in);
            if (nrv->in.has_failed || ov_window_written(&nrv->window) >= nrv->end) {
                return OV_DAMAGED;
            }
            if (!ov_window_put(&nrv->window, byte)) {
                return nrv->window.status;
            }
            continue;
        }
        enum ov_status status = copy_match(nrv);
        if (status != OV_OK) {
            return status == OV_END ? OV_OK : status;
        }
    }
}

static enum ov_status unpack_nrv(const struct ov_upx_run *run, struct ov_walk *walk,
                                 struct ov_buf *plain) {
    struct nrv nrv = {.in = ov_cursor_init(run->packed),
                      .method = run->method,
                      .last_offset = 1,
                      .end = run->plain_bytes};
    ov_window_init(&nrv.window, plain, walk);
    enum ov_status status = unpack_all(&nrv, walk);
    ov_window_finish(&nrv.window);
    return status;
}

// Two bytes hold the parameters.
static enum ov_status unpack_lzma(const struct ov_upx_run *run, struct ov_walk *walk,
                                  struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(run->packed);
    unsigned position_bits = ov_cursor_u8(&in) & 7u;
    unsigned literal = ov_cursor_u8(&in);
    if (in.has_failed || (literal >> 4) > 4 || (literal & 15) > 8) {
        return OV_DAMAGED;
    }
    struct ov_lzma_run lzma = {
        .packed = ov_span_from(run->packed, in.at),
        .properties = (position_bits * 5 + (literal >> 4)) * 9 + (literal & 15),
        .plain_bytes = run->plain_bytes,
    };
    return ov_lzma_unpack(&lzma, walk, plain);
}

enum ov_status ov_upx_unpack(const struct ov_upx_run *run, struct ov_walk *walk,
                             struct ov_buf *plain) {
    switch (run->method) {
    case OV_UPX_NRV2B:
    case OV_UPX_NRV2D:
    case OV_UPX_NRV2E:
        return unpack_nrv(run, walk, plain);
    case OV_UPX_LZMA:
        return unpack_lzma(run, walk, plain);
    default:
        return OV_UNSUPPORTED;
    }
}

// ---- filter ------------------------------------------------------------------------------------

enum { FILTER_CTO = 0x26, FILTER_CTOK = 0x46, FILTER_CTOK_JUMPS = 0x49 };

static bool is_jump(const uint8_t *code, size_t at, size_t last, unsigned filter) {
    bool is_call = code[at] == 0xe8 || code[at] == 0xe9;
    bool is_conditional = filter == FILTER_CTOK_JUMPS && at > 0 && at != last &&
                          code[at - 1] == 0x0f && code[at] >= 0x80 && code[at] <= 0x8f;
    return is_call || is_conditional;
}

// The target of a call stands as an absolute number, the highest byte first, where that byte is the
// mark; elsewhere it was left alone.
void ov_upx_unfilter(uint8_t *code, size_t size, unsigned filter, uint8_t mark, uint32_t base) {
    enum { OPERAND_BYTES = 4 };
    if (filter != FILTER_CTO && filter != FILTER_CTOK && filter != FILTER_CTOK_JUMPS) {
        return;
    }
    size_t last = 0;
    for (size_t at = 0; at + 1 + OPERAND_BYTES < size; at++) {
        if (!is_jump(code, at, last, filter) || code[at + 1] != mark) {
            continue;
        }
        uint32_t target = (uint32_t)code[at + 2] << 16 | (uint32_t)code[at + 3] << 8 | code[at + 4];
        uint32_t distance = target - (uint32_t)(at + 1) - base;
        for (unsigned k = 0; k < OPERAND_BYTES; k++) {
            code[at + 1 + k] = (uint8_t)(distance >> (8 * k));
        }
        at += OPERAND_BYTES;
        last = at + 1;
    }
}
