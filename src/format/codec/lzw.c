// SPDX-License-Identifier: Apache-2.0
// Files of compress (.Z): codes of 9 to 16 bits, the lowest bit first.
//
// Welch, "A Technique for High-Performance Data Compression", 1984; compress(1) of 4.3BSD, whose
// codes come in groups of eight: when their width changes, the rest of a group is passed over.
#include "format/codec/codec.h"

enum {
    HEADER_BYTES = 3,
    BITS_MASK = 0x1f,
    IS_BLOCK = 0x80, // the code 256 empties the table
    BITS_MIN = 9,
    BITS_MAX = 16,
    CLEAR = 256,
    CODES_MAX = 1 << BITS_MAX,
    CODES_A_LOOK = 4096, // at the clock
    NO_CODE = CODES_MAX,
};

struct lzw {
    struct ov_span in;
    uint64_t bit_at, group_at;
    unsigned bits, bits_max;
    uint32_t next_code; // of the next new text
    uint32_t last_code;
    bool is_block;
    uint16_t before[CODES_MAX]; // the text of a code: that of another one and a byte
    uint8_t byte[CODES_MAX];
    uint32_t length[CODES_MAX];
};

static void align_group(struct lzw *lzw) {
    uint64_t group = (uint64_t)lzw->bits * 8;
    uint64_t used = lzw->bit_at - lzw->group_at;
    lzw->bit_at = lzw->group_at + (used + group - 1) / group * group;
    lzw->group_at = lzw->bit_at;
}

// The next code; false at the end of the input.
static bool read_code(struct lzw *lzw, uint32_t *ret_code) {
    if (lzw->bits < lzw->bits_max && lzw->next_code > (1u << lzw->bits) - 1) {
        align_group(lzw);
        lzw->bits++;
    }
    struct ov_span left = ov_span_from(lzw->in, lzw->bit_at / 8);
    unsigned shift = lzw->bit_at % 8;
    if (left.size * 8 < shift + lzw->bits) {
        return false;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < 3 && i < left.size; i++) {
        value |= (uint32_t)left.data[i] << 8 * i;
    }
    *ret_code = value >> shift & ((1u << lzw->bits) - 1);
    lzw->bit_at += lzw->bits;
    return true;
}

static void clear_table(struct lzw *lzw) {
    align_group(lzw);
    lzw->bits = BITS_MIN;
    lzw->next_code = CLEAR; // one lower than at the start: the next text is that of no code
}

// Writes the text of a code; a code that is not yet there means the last text and its first byte.
static enum ov_status write_text(struct lzw *lzw, uint32_t code, size_t room,
                                 struct ov_buf *plain) {
    bool is_new = code == lzw->next_code;
    uint32_t known = is_new ? lzw->last_code : code;
    uint32_t length = lzw->length[known] + is_new;
    uint8_t *out = ov_buf_reserve(plain, length);
    if (out == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t at = lzw->length[known]; at > 0; at--) {
        out[at - 1] = lzw->byte[known];
        known = lzw->before[known];
    }
    if (is_new) {
        out[length - 1] = out[0];
    }
    if (lzw->last_code != NO_CODE && lzw->next_code < 1u << lzw->bits_max) {
        lzw->before[lzw->next_code] = (uint16_t)lzw->last_code;
        lzw->byte[lzw->next_code] = out[0];
        lzw->length[lzw->next_code++] = lzw->length[lzw->last_code] + 1;
    }
    lzw->last_code = code;
    ov_buf_commit(plain, length < room ? length : room);
    return length <= room ? OV_OK : OV_LIMIT;
}

static enum ov_status run(struct lzw *lzw, struct ov_walk *walk, struct ov_buf *plain) {
    size_t room = ov_walk_room(walk);
    uint32_t code = 0;
    for (uint64_t count = 0; read_code(lzw, &code); count++) {
        if (count % CODES_A_LOOK == 0) {
            TRY(ov_walk_has_time(walk));
        }
        if (code == CLEAR && lzw->is_block && lzw->last_code != NO_CODE) {
            clear_table(lzw);
            continue;
        }
        bool is_first = lzw->last_code == NO_CODE;
        if (is_first ? code >= CLEAR : code > lzw->next_code) {
            return OV_DAMAGED;
        }
        enum ov_status status = write_text(lzw, code, room - plain->size, plain);
        if (status == OV_LIMIT) {
            ov_walk_note_cut(walk);
        }
        TRY(status);
    }
    return OV_OK;
}

enum ov_status ov_lzw_unpack(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain) {
    struct lzw *lzw = ov_arena_alloc(walk->arena, sizeof *lzw);
    if (lzw == NULL) {
        return OV_MEMORY;
    }
    uint8_t flags = packed.size >= HEADER_BYTES ? packed.data[HEADER_BYTES - 1] : 0;
    lzw->in = ov_span_from(packed, HEADER_BYTES);
    lzw->bits = BITS_MIN;
    lzw->bits_max = flags & BITS_MASK;
    lzw->is_block = (flags & IS_BLOCK) != 0;
    lzw->next_code = lzw->is_block ? CLEAR + 1 : CLEAR;
    lzw->last_code = NO_CODE;
    if (lzw->bits_max < BITS_MIN || lzw->bits_max > BITS_MAX) {
        return OV_DAMAGED;
    }
    for (uint32_t i = 0; i < CLEAR; i++) {
        lzw->byte[i] = (uint8_t)i;
        lzw->length[i] = 1;
    }
    return run(lzw, walk, plain);
}
