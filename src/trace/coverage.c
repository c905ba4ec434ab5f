// SPDX-License-Identifier: Apache-2.0
// Bytes that counters and bitmaps of pages stand for (docs/formats/trace.md, "The model").
#include "trace/builder.h"

enum { BITS = 8 * OV_TRACE_COVERAGE_BYTES, PAGES_A_CALL = 2 };

uint64_t ov_trace_sum(uint64_t a, uint64_t b) {
    uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t multiply(uint64_t a, uint64_t b) {
    uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static bool is_set(const uint8_t coverage[OV_TRACE_COVERAGE_BYTES], unsigned bit) {
    return (coverage[bit / 8] >> bit % 8 & 1) != 0;
}

uint64_t ov_trace_covered_bytes(const uint8_t coverage[OV_TRACE_COVERAGE_BYTES], uint64_t scale,
                                uint64_t page_bytes, uint64_t size_bytes) {
    uint64_t bit_bytes = multiply(scale, page_bytes);
    uint64_t covered = 0;
    for (unsigned bit = 0; bit < BITS; bit++) {
        uint64_t from = multiply(bit, bit_bytes);
        uint64_t to = bit == BITS - 1 ? size_bytes : multiply(bit + 1, bit_bytes);
        to = to < size_bytes ? to : size_bytes;
        if (is_set(coverage, bit) && from < to) {
            covered += to - from;
        }
    }
    return covered;
}

// The bits of a scale as those of a larger one.
static void fold(uint8_t coverage[OV_TRACE_COVERAGE_BYTES], uint64_t times) {
    uint8_t folded[OV_TRACE_COVERAGE_BYTES] = {0};
    for (unsigned bit = 0; bit < BITS; bit++) {
        uint64_t at = bit / times;
        if (is_set(coverage, bit)) {
            folded[at / 8] |= (uint8_t)(1 << at % 8);
        }
    }
    // The last bit stands for all behind it, which in the larger scale are many bits.
    if (times > 1 && is_set(coverage, BITS - 1)) {
        for (uint64_t at = (BITS - 1) / times; at < BITS; at++) {
            folded[at / 8] |= (uint8_t)(1 << at % 8);
        }
    }
    memcpy(coverage, folded, sizeof folded);
}

void ov_trace_coverage_join(uint8_t coverage[OV_TRACE_COVERAGE_BYTES], uint64_t *scale,
                            const uint8_t more[OV_TRACE_COVERAGE_BYTES], uint64_t more_scale) {
    uint8_t other[OV_TRACE_COVERAGE_BYTES];
    memcpy(other, more, sizeof other);
    if (*scale < more_scale) {
        fold(coverage, more_scale / *scale);
        *scale = more_scale;
    } else if (more_scale < *scale) {
        fold(other, *scale / more_scale);
    }
    for (size_t i = 0; i < OV_TRACE_COVERAGE_BYTES; i++) {
        coverage[i] |= other[i];
    }
}

uint64_t ov_trace_written_bytes(const struct ov_trace_file *file, uint64_t page_bytes) {
    uint64_t explained =
        ov_trace_sum(file->write_bytes / page_bytes, multiply(PAGES_A_CALL, file->write_count));
    uint64_t pages = file->dirty_pages > explained ? file->dirty_pages - explained : 0;
    uint64_t mapped = multiply(pages, page_bytes);
    mapped = mapped < file->size_bytes ? mapped : file->size_bytes;
    return ov_trace_sum(file->write_bytes, mapped);
}
