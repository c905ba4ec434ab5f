// SPDX-License-Identifier: Apache-2.0
// bzip2 as NSIS and ALZip write it: a mark says whether a block follows, and there are no sums.
// What is left is that of bzip2 (its format has no other specification than the program).
#include "format/codec/bare_bzip2.h"

#include "format/codec/lz.h"

#include <limits.h>

enum {
    BLOCK_BYTES_MAX = 900000,
    GROUP_SYMBOLS = 50,
    TABLES_MIN = 2,
    TABLES_MAX = 6,
    SELECTORS_MAX = 18002,
    CODE_BITS_MAX = 20,
    SYMBOLS_MAX = 258,
    RUN_LENGTH = 4, // after so many equal bytes comes a count of more
};

// A canonical code of up to 20 bits.
struct code {
    uint32_t first[CODE_BITS_MAX + 2]; // the first code of each length
    uint16_t counts[CODE_BITS_MAX + 2];
    uint16_t symbols[SYMBOLS_MAX];
};

struct unpacker {
    struct ov_bits bits;
    struct ov_window window;
    struct code codes[TABLES_MAX];
    uint8_t selectors[SELECTORS_MAX];
    uint8_t values[256]; // bytes in use, by move-to-front
    uint32_t value_count, table_count, selector_count;
    uint32_t origin;                 // of the sorted rotations
    uint32_t links[BLOCK_BYTES_MAX]; // bytes, and above them the next place
    uint32_t block_bytes;
};

static enum ov_status build_code(const uint8_t *lengths, uint32_t count, struct code *ret_code) {
    struct code code = {0};
    for (uint32_t i = 0; i < count; i++) {
        code.counts[lengths[i]]++;
    }
    uint32_t first = 0, at = 0;
    for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
        first = (first + (bits > 1 ? code.counts[bits - 1] : 0)) << 1;
        code.first[bits] = first;
        if (first + code.counts[bits] > (uint32_t)1 << bits) {
            return OV_DAMAGED;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (lengths[i] == bits) {
                code.symbols[at++] = (uint16_t)i;
            }
        }
    }
    *ret_code = code;
    return OV_OK;
}

// The next symbol, or -1.
static int read_symbol(struct ov_bits *bits, const struct code *code) {
    uint32_t value = 0, before = 0;
    for (unsigned length = 1; length <= CODE_BITS_MAX; length++) {
        value = value << 1 | ov_bits_take(bits, 1);
        uint32_t offset = value - code->first[length];
        if (value >= code->first[length] && offset < code->counts[length]) {
            return code->symbols[before + offset];
        }
        before += code->counts[length];
    }
    return -1;
}

static void read_values(struct unpacker *in) {
    uint32_t ranges = ov_bits_take(&in->bits, 16);
    in->value_count = 0;
    for (unsigned i = 0; i < 16; i++) {
        uint32_t used = (ranges >> (15 - i) & 1) != 0 ? ov_bits_take(&in->bits, 16) : 0;
        for (unsigned k = 0; k < 16; k++) {
            if ((used >> (15 - k) & 1) != 0) {
                in->values[in->value_count++] = (uint8_t)(i * 16 + k);
            }
        }
    }
}

static enum ov_status read_selectors(struct unpacker *in) {
    in->table_count = ov_bits_take(&in->bits, 3);
    in->selector_count = ov_bits_take(&in->bits, 15);
    if (in->table_count < TABLES_MIN || in->table_count > TABLES_MAX || in->selector_count == 0) {
        return OV_DAMAGED;
    }
    uint8_t order[TABLES_MAX] = {0, 1, 2, 3, 4, 5};
    for (uint32_t i = 0; i < in->selector_count; i++) {
        unsigned place = 0;
        while (ov_bits_take(&in->bits, 1) != 0) {
            if (++place >= in->table_count) {
                return OV_DAMAGED;
            }
        }
        uint8_t table = order[place];
        memmove(&order[1], &order[0], place);
        order[0] = table;
        if (i < SELECTORS_MAX) { // more than a block needs are allowed, and not used
            in->selectors[i] = table;
        }
    }
    in->selector_count = in->selector_count < SELECTORS_MAX ? in->selector_count : SELECTORS_MAX;
    return OV_OK;
}

static enum ov_status read_code(struct unpacker *in, struct code *ret_code) {
    uint8_t lengths[SYMBOLS_MAX];
    uint32_t count = in->value_count + 2;
    unsigned length = ov_bits_take(&in->bits, 5);
    for (uint32_t i = 0; i < count; i++) {
        while (ov_bits_take(&in->bits, 1) != 0) {
            length += ov_bits_take(&in->bits, 1) == 0 ? 1 : UINT_MAX;
            if (length < 1 || length > CODE_BITS_MAX) {
                return OV_DAMAGED;
            }
        }
        if (length < 1 || length > CODE_BITS_MAX || in->bits.is_past) {
            return OV_DAMAGED;
        }
        lengths[i] = (uint8_t)length;
    }
    return build_code(lengths, count, ret_code);
}

static bool put_run(struct unpacker *in, uint32_t count) {
    if (count > BLOCK_BYTES_MAX - in->block_bytes) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        in->links[in->block_bytes++] = in->values[0];
    }
    return true;
}

// Reads the block's symbols: runs of the byte in front, and bytes that move to the front.
static enum ov_status read_block(struct unpacker *in) {
    uint32_t run = 0, weight = 1, left = 0, group = 0;
    const struct code *code = NULL;
    in->block_bytes = 0;
    while (true) {
        if (left == 0) {
            if (group == in->selector_count || in->bits.is_past) {
                return OV_DAMAGED;
            }
            code = &in->codes[in->selectors[group++]];
            left = GROUP_SYMBOLS;
        }
        left--;
        int symbol = read_symbol(&in->bits, code);
        if (symbol == 0 || symbol == 1) {
            run += weight << symbol;
            weight <<= 1;
            if (run > BLOCK_BYTES_MAX) {
                return OV_DAMAGED;
            }
            continue;
        }
        if (symbol < 0 || !put_run(in, run)) {
            return OV_DAMAGED;
        }
        run = 0;
        weight = 1;
        if ((uint32_t)symbol == in->value_count + 1) {
            return OV_OK;
        }
        uint8_t value = in->values[symbol - 1];
        memmove(&in->values[1], &in->values[0], (size_t)symbol - 1);
        in->values[0] = value;
        if (!put_run(in, 1)) {
            return OV_DAMAGED;
        }
    }
}

// Turns the sorted column into links: each place gets the number of the place that follows it.
static void link_block(struct unpacker *in) {
    uint32_t starts[256] = {0}, sum = 0;
    for (uint32_t i = 0; i < in->block_bytes; i++) {
        starts[in->links[i] & 0xff]++;
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        uint32_t count = starts[byte];
        starts[byte] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < in->block_bytes; i++) {
        uint8_t byte = (uint8_t)in->links[i];
        in->links[starts[byte]++] |= i << 8;
    }
}

// Follows the links and writes the bytes, with the runs that were shortened before the sorting.
static enum ov_status write_block(struct unpacker *in) {
    uint32_t place = in->links[in->origin] >> 8;
    unsigned equal = 0, last = 256;
    for (uint32_t i = 0; i < in->block_bytes; i++) {
        uint8_t byte = (uint8_t)in->links[place];
        place = in->links[place] >> 8;
        uint32_t count = equal == RUN_LENGTH ? byte : 1;
        uint8_t written = equal == RUN_LENGTH ? (uint8_t)last : byte;
        equal = equal == RUN_LENGTH ? 0 : byte == last ? equal + 1 : 1;
        last = equal == 0 ? 256 : byte;
        for (; count > 0; count--) {
            if (!ov_window_put(&in->window, written)) {
                return in->window.status;
            }
        }
    }
    return OV_OK;
}

static enum ov_status unpack_block(struct unpacker *in) {
    in->origin = ov_bits_take(&in->bits, 24);
    read_values(in);
    if (in->bits.is_past || in->value_count == 0) {
        return OV_DAMAGED;
    }
    TRY(read_selectors(in));
    for (uint32_t i = 0; i < in->table_count; i++) {
        TRY(read_code(in, &in->codes[i]));
    }
    for (uint32_t i = 0; i < in->selector_count; i++) {
        in->selectors[i] = in->selectors[i] < in->table_count ? in->selectors[i] : 0;
    }
    TRY(read_block(in));
    if (in->origin >= in->block_bytes) {
        return OV_DAMAGED;
    }
    link_block(in);
    return write_block(in);
}

// What stands before a block and at the end.
struct marks {
    unsigned bits; // a multiple of 8
    uint32_t block, end;
};

static const struct marks marks_of[] = {
    [OV_BARE_BZIP2_NSIS] = {8, 0x31, 0x17},
    [OV_BARE_BZIP2_ALZ] = {32, 0x444c5a01, 0x444c5a02},
};

static uint32_t read_mark(struct ov_bits *bits, const struct marks *marks) {
    uint32_t mark = 0;
    for (unsigned i = 0; i < marks->bits; i += 8) {
        mark = mark << 8 | ov_bits_take(bits, 8);
    }
    return mark;
}

enum ov_status ov_bare_bunzip2(enum ov_bare_bzip2 kind, struct ov_span packed, struct ov_walk *walk,
                               struct ov_buf *plain) {
    // Not in the walk's arena, which keeps everything until the walk ends: there are many streams.
    OV_CLEANUP(ov_buf_release) struct ov_buf memory = {0};
    struct unpacker *in = (void *)ov_buf_extend(&memory, sizeof *in);
    if (in == NULL) {
        return OV_MEMORY;
    }
    const struct marks *marks = &marks_of[kind];
    in->bits = ov_bits_init(packed, true);
    ov_window_init(&in->window, plain, walk);
    enum ov_status status = OV_OK;
    uint32_t mark = read_mark(&in->bits, marks);
    while (status == OV_OK && mark == marks->block) {
        status = ov_walk_has_time(walk);
        status = status == OV_OK ? unpack_block(in) : status;
        mark = status == OV_OK ? read_mark(&in->bits, marks) : 0;
    }
    ov_window_finish(&in->window);
    return status != OV_OK ? status : mark == marks->end ? OV_OK : OV_DAMAGED;
}
