// SPDX-License-Identifier: Apache-2.0
// Words of a page, 64 bytes at a time (Intel SDM, volume 2: VPCOMPRESSB).
#include "base/page_words.h"

#include <immintrin.h>

enum { BLOCK_BYTES = 64 };

static inline uint64_t low_bits(size_t count) {
    return count >= BLOCK_BYTES ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}

static inline __mmask64 find(__m512i bytes, char wanted) {
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(wanted));
}

// White space as a space, letters small, and in code one kind of quotes.
static inline __m512i fold(__m512i raw, __mmask64 spaces, bool is_code) {
    __mmask64 upper =
        _mm512_cmplt_epu8_mask(_mm512_sub_epi8(raw, _mm512_set1_epi8('A')), _mm512_set1_epi8(26));
    __m512i small = _mm512_mask_add_epi8(raw, upper, raw, _mm512_set1_epi8(0x20));
    __mmask64 quotes = is_code ? find(raw, '\'') : 0;
    small = _mm512_mask_mov_epi8(small, quotes, _mm512_set1_epi8('"'));
    return _mm512_mask_mov_epi8(small, spaces, _mm512_set1_epi8(' '));
}

struct ov_page_words ov_page_words_avx512(uint8_t *io_page, size_t size, bool is_code,
                                          uint8_t *ret_out) {
    const __m512i space = _mm512_set1_epi8(' ');
    struct ov_page_words words = {0};
    uint64_t was_space = 0;
    size_t count = BLOCK_BYTES; // of the last block that are words or white space
    while (words.read < size && count == BLOCK_BYTES) {
        uint8_t *block = io_page + words.read;
        uint64_t there = low_bits(size - words.read);
        __m512i raw = _mm512_maskz_loadu_epi8(there, block);
        uint64_t spaces =
            _mm512_cmple_epu8_mask(_mm512_sub_epi8(raw, _mm512_set1_epi8(9)), _mm512_set1_epi8(3)) |
            find(raw, ' ');
        // Signed: what is not ASCII stands below space.
        uint64_t taken =
            spaces | (_mm512_cmpgt_epi8_mask(raw, space) & ~(find(raw, '<') | find(raw, '&')));
        taken &= there;
        count = taken == UINT64_MAX ? BLOCK_BYTES : (size_t)__builtin_ctzll(~taken);
        taken = low_bits(count);
        spaces &= taken;
        uint64_t feeds = find(raw, '\n') & taken;
        if (feeds != 0) {
            _mm512_mask_storeu_epi8(block, feeds, space);
        }
        uint64_t stays = taken & ~(is_code ? spaces : spaces & (spaces << 1 | was_space));
        __m512i folded = fold(raw, spaces, is_code);
        _mm512_storeu_si512(ret_out + words.written, _mm512_maskz_compress_epi8(stays, folded));
        words.written += (size_t)_mm_popcnt_u64(stays);
        words.read += count;
        words.has_gap = words.has_gap || spaces != 0;
        was_space = count == 0 ? was_space : spaces >> (count - 1) & 1;
    }
    words.is_after_space = was_space != 0;
    return words;
}
