// SPDX-License-Identifier: Apache-2.0
// Squeezing text, 64 bytes at a time (Intel SDM, volume 2: VPCOMPRESSB, PEXT).
#include "base/squeeze.h"

#include <immintrin.h>

enum { BLOCK_BYTES = 64 };

// The lowest `count` bits; up to 64 of them.
static inline uint64_t low_bits(size_t count) {
    return count >= BLOCK_BYTES ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}

// White space as a space, letters small; which are white space.
static inline __m512i fold(__m512i raw, __mmask64 *ret_spaces) {
    const __m512i space = _mm512_set1_epi8(' ');
    __mmask64 tabs =
        _mm512_cmple_epu8_mask(_mm512_sub_epi8(raw, _mm512_set1_epi8(9)), _mm512_set1_epi8(4));
    __mmask64 upper =
        _mm512_cmplt_epu8_mask(_mm512_sub_epi8(raw, _mm512_set1_epi8('A')), _mm512_set1_epi8(26));
    *ret_spaces = tabs | _mm512_cmpeq_epi8_mask(raw, space);
    __m512i small = _mm512_mask_add_epi8(raw, upper, raw, _mm512_set1_epi8(0x20));
    return _mm512_mask_mov_epi8(small, tabs, space);
}

size_t ov_squeeze_avx512(struct ov_span text, uint8_t *ret_out) {
    const __m512i space = _mm512_set1_epi8(' ');
    size_t size = 0;
    uint64_t was_space = 0; // 1: the last byte that had a place here was white space
    for (size_t at = 0; at < text.size; at += BLOCK_BYTES) {
        uint64_t there = low_bits(text.size - at);
        __mmask64 spaces;
        __m512i bytes = fold(_mm512_maskz_loadu_epi8(there, text.data + at), &spaces);
        // Signed: below space stand the other control characters and what is not ASCII.
        uint64_t kept = there & ~_mm512_cmplt_epi8_mask(bytes, space);
        if (kept != there) { // neighbours are those without what is dropped
            bytes = _mm512_maskz_compress_epi8(kept, bytes);
            spaces = _pext_u64(spaces, kept);
            there = low_bits((size_t)_mm_popcnt_u64(kept));
        }
        uint64_t stays = there & ~(spaces & (spaces << 1 | was_space));
        _mm512_storeu_si512(ret_out + size, _mm512_maskz_compress_epi8(stays, bytes));
        size += (size_t)_mm_popcnt_u64(stays);
        was_space = there == 0 ? was_space : spaces >> (63 - (unsigned)__builtin_clzll(there)) & 1;
    }
    return size;
}
