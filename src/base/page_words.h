// SPDX-License-Identifier: Apache-2.0
//
// Words of a page and the white space between them, up to the next byte that means something there:
// "<", "&", a return, zero, any other control character, and what is not ASCII.
//
// Letters become small. All ways give the same; the choice is made once, at run time, from the
// processor's features.
#pragma once

#include "base/span.h"

// More than the words is written to.
enum { OV_PAGE_WORDS_SLACK = 64 };

struct ov_page_words {
    size_t read, written;
    bool has_gap;        // white space was among them
    bool is_after_space; // at their end
};

// Takes words from the first `size` bytes of `io_page`, where line feeds become spaces, and writes
// them to `ret_out`: text with one space for each white space; code with none, and with double
// quotes alone. `ret_out` has room for OV_PAGE_WORDS_SLACK bytes more than the page.
typedef struct ov_page_words ov_page_words_fn(uint8_t *io_page, size_t size, bool is_code,
                                              uint8_t *ret_out);

ov_page_words_fn ov_page_words_plain;
ov_page_words_fn ov_page_words_avx512; // x86-64 only; needs F, BW, VL, VBMI2

// The fastest that this processor has.
ov_page_words_fn *ov_page_words_best(void);
