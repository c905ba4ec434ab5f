// SPDX-License-Identifier: Apache-2.0
// LZW of GIF and TIFF.
#include "format/picture/codes.h"

enum { BITS_MAX = 12, TABLE = 1 << BITS_MAX, NO_CODE = TABLE, CODES_A_LOOK = 1 << 16 };

struct table {
    const struct ov_codes *codes;
    uint64_t bit_at;
    unsigned bits;
    uint32_t next, last;    // code of the next new text; the code before
    uint16_t before[TABLE]; // the text of a code: that of another one and a byte
    uint8_t byte[TABLE], first[TABLE];
    uint32_t length[TABLE];
    uint8_t *out;
    uint64_t at, count;
};

static bool read_code(struct table *table, uint32_t *ret_code) {
    struct ov_span left = ov_span_from(table->codes->in, table->bit_at / 8);
    unsigned shift = table->bit_at % 8;
    if ((uint64_t)left.size * 8 < shift + table->bits) {
        return false;
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t byte = i < left.size ? left.data[i] : 0;
        value |= byte << (table->codes->is_tiff ? 16 - 8 * i : 8 * i);
    }
    value >>= table->codes->is_tiff ? 24 - shift - table->bits : shift;
    *ret_code = value & ((1u << table->bits) - 1);
    table->bit_at += table->bits;
    return true;
}

static void clear_table(struct table *table) {
    table->bits = table->codes->literal_bits + 1;
    table->next = (1u << table->codes->literal_bits) + 2;
    table->last = NO_CODE;
}

// The text goes to the output from its end to its start, as far as there is room.
static void write_text(struct table *table, uint32_t code, uint8_t behind) {
    bool is_new = code == table->next;
    uint32_t known = is_new ? table->last : code;
    uint64_t end = table->at + table->length[known];
    if (is_new && end < table->count) {
        table->out[end] = behind;
    }
    for (uint64_t at = end; at > table->at; at--) {
        if (at - 1 < table->count) {
            table->out[at - 1] = table->byte[known];
        }
        known = table->before[known];
    }
    table->at = end + is_new < table->count ? end + is_new : table->count;
}

static enum ov_status take_code(struct table *table, uint32_t code) {
    bool is_known = code < table->next || (code == table->next && table->last != NO_CODE);
    uint32_t clear = 1u << table->codes->literal_bits;
    if (!is_known || (table->last == NO_CODE && code > clear + 1)) {
        return OV_DAMAGED;
    }
    uint8_t first = table->first[code == table->next ? table->last : code];
    bool is_full = table->next >= TABLE;
    if (is_full && code == table->next) {
        return OV_DAMAGED;
    }
    write_text(table, code, first);
    if (table->last != NO_CODE && !is_full) {
        uint32_t next = table->next++;
        table->before[next] = (uint16_t)table->last;
        table->byte[next] = first;
        table->first[next] = table->first[table->last];
        table->length[next] = table->length[table->last] + 1;
        bool is_wider = table->next + table->codes->is_tiff >= 1u << table->bits;
        table->bits += is_wider && table->bits < BITS_MAX;
    }
    table->last = code;
    return OV_OK;
}

enum ov_status ov_codes_unpack(const struct ov_codes *codes, struct ov_picture *picture,
                               uint8_t *ret_out, uint64_t count) {
    struct table table = {.codes = codes, .count = count};
    table.out = ret_out;
    uint32_t clear = 1u << codes->literal_bits, code;
    for (uint32_t i = 0; i < clear; i++) {
        table.byte[i] = table.first[i] = (uint8_t)i;
        table.length[i] = 1;
    }
    clear_table(&table);
    for (uint64_t codes_read = 0; table.at < count; codes_read++) {
        if (codes_read % CODES_A_LOOK == 0 && !ov_budget_has_time(picture->budget)) {
            return OV_LIMIT;
        }
        if (!read_code(&table, &code) || code == clear + 1) {
            return OV_DAMAGED;
        }
        if (code == clear) {
            clear_table(&table);
        } else {
            TRY(take_code(&table, code));
        }
    }
    return OV_OK;
}
