// SPDX-License-Identifier: Apache-2.0
// The header blocks of tar.
#include "format/archive/tar_header.h"

#include "format/codec/digits.h"

enum {
    NAME_BYTES = 100,
    SIZE_AT = 124,
    SIZE_BYTES = 12,
    SUM_AT = 148,
    SUM_BYTES = 8,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    PREFIX_AT = 345,
    PREFIX_BYTES = 155,
    STAR_PREFIX_BYTES = 131, // star keeps times behind it
    STAR_MARK_AT = 508,
    BINARY_MARK = 0x80,
};

bool ov_tar_number(struct ov_span field, uint64_t *ret_value) {
    if (field.size == 0 || (field.data[0] & BINARY_MARK) == 0) {
        return ov_digits_read(field, 8, ret_value);
    }
    uint64_t value = field.data[0] & 0x3f; // bit 6 is the sign: no size is negative
    for (size_t i = 1; i < field.size; i++) {
        if ((value >> 56) != 0) {
            return false;
        }
        value = value << 8 | field.data[i];
    }
    *ret_value = value;
    return (field.data[0] & 0x40) == 0;
}

// Both sums that programs have written: of unsigned and, by old ones, of signed bytes.
static bool has_sum(struct ov_span block) {
    uint64_t declared = 0;
    if (!ov_digits_read(ov_span_part(block, SUM_AT, SUM_BYTES), 8, &declared)) {
        return false;
    }
    uint32_t sum = SUM_BYTES * ' ', high = 0;
    for (size_t i = 0; i < OV_TAR_BLOCK_BYTES; i++) {
        bool is_sum = i - SUM_AT < SUM_BYTES;
        sum += is_sum ? 0 : block.data[i];
        high += is_sum ? 0 : block.data[i] >> 7;
    }
    return declared == sum || declared + 256 * (uint64_t)high == sum;
}

static struct ov_span read_text(struct ov_span block, size_t at, size_t size) {
    struct ov_span field = ov_span_part(block, at, size);
    return ov_span_part(field, 0, ov_span_find(field, 0, 0));
}

// GNU tar's own magic is "ustar  ", and it has other things where the prefix stands.
static struct ov_span read_prefix(struct ov_span block) {
    if (!ov_span_is_equal(ov_span_part(block, MAGIC_AT, 6), ov_span_make("ustar", 6))) {
        return ov_span_make(NULL, 0);
    }
    bool is_star = ov_span_has_prefix(ov_span_from(block, STAR_MARK_AT), "tar");
    return read_text(block, PREFIX_AT, is_star ? STAR_PREFIX_BYTES : PREFIX_BYTES);
}

bool ov_tar_header_read(struct ov_span block, struct ov_tar_header *ret_header) {
    if (block.size < OV_TAR_BLOCK_BYTES || !has_sum(block)) {
        return false;
    }
    struct ov_tar_header header = {.block = block,
                                   .name = read_text(block, 0, NAME_BYTES),
                                   .prefix = read_prefix(block),
                                   .type = block.data[TYPE_AT]};
    (void)ov_tar_number(ov_span_part(block, SIZE_AT, SIZE_BYTES), &header.size);
    *ret_header = header;
    return true;
}
