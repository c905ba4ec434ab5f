// SPDX-License-Identifier: Apache-2.0
// Words of a page, byte by byte; and the choice of the way.
#include "base/page_words.h"

// White space but for the return.
static bool is_space(uint8_t byte) {
    return byte == ' ' || (uint8_t)(byte - 9) < 4;
}

static bool is_word(uint8_t byte) {
    return byte > ' ' && byte < 0x80 && byte != '<' && byte != '&';
}

struct ov_page_words ov_page_words_plain(uint8_t *io_page, size_t size, bool is_code,
                                         uint8_t *ret_out) {
    struct ov_page_words words = {0};
    for (size_t i = 0; i < size && (is_word(io_page[i]) || is_space(io_page[i])); i++) {
        uint8_t byte = io_page[i];
        bool is_blank = is_space(byte);
        bool is_upper = (uint8_t)(byte - 'A') < 26;
        bool stays = !is_blank || (!is_code && !words.is_after_space);
        uint8_t lower = is_upper ? byte | 0x20 : byte;
        lower = is_code && byte == '\'' ? '"' : lower;
        ret_out[words.written] = is_blank ? ' ' : lower;
        io_page[i] = byte == '\n' ? ' ' : byte;
        words.written += stays;
        words.read = i + 1;
        words.has_gap = words.has_gap || is_blank;
        words.is_after_space = is_blank;
    }
    return words;
}

ov_page_words_fn *ov_page_words_best(void) {
#if defined(__x86_64__)
    bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") &&
                      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    return has_avx512 ? ov_page_words_avx512 : ov_page_words_plain;
#else
    return ov_page_words_plain;
#endif
}
