// SPDX-License-Identifier: Apache-2.0
// The gram frequency model, linked in as data.
#include "rules/grams.h"

#include "match/layout.h"

#include "rules/grams_file.h" // generated: OV_GRAMS_FILE, where the table lies
#include "rules/grams_table.h"

// The file is taken in by the assembler: a megabyte of C initialiser would help nobody.
__asm__(".section .rodata\n"
        ".balign 16\n"
        "ov_grams_data:\n"
        ".incbin \"" OV_GRAMS_FILE "\"\n"
        ".previous\n");

extern const struct grams_table ov_grams_data __attribute__((visibility("hidden")));

static unsigned read_cell(const uint8_t *cells, uint32_t cell) {
    return cells[cell / 2] >> (cell % 2 * 4) & 15;
}

// A level as a frequency. Below the floor: taken as a sixteenth of it.
static double frequency_of(unsigned level, unsigned floor) {
    double count = level == 0 ? floor / 16.0 : (double)((uint64_t)floor << (level - 1)) * 1.4;
    return count / (double)ov_grams_data.trained_bytes;
}

static double estimate(uint64_t gram, const uint8_t *cells, unsigned log2, unsigned floor) {
    uint32_t at[2];
    grams_cells(gram, log2, at);
    unsigned first = read_cell(cells, at[0]);
    unsigned second = read_cell(cells, at[1]);
    return frequency_of(first < second ? first : second, floor);
}

double ov_gram3_frequency(const uint8_t bytes[3]) {
    uint64_t gram = 0;
    memcpy(&gram, bytes, 3);
    return estimate(ov_fold(gram), ov_grams_data.cells3, GRAMS3_LOG2, GRAMS3_FLOOR);
}

double ov_gram4_frequency(const uint8_t bytes[4]) {
    uint64_t gram = 0;
    memcpy(&gram, bytes, 4);
    return estimate(ov_fold(gram), ov_grams_data.cells4, GRAMS4_LOG2, GRAMS4_FLOOR);
}

double ov_gram6_frequency(const uint8_t bytes[6]) {
    uint64_t gram = 0;
    memcpy(&gram, bytes, 6);
    return estimate(ov_fold(gram), ov_grams_data.cells6, GRAMS6_LOG2, GRAMS6_FLOOR);
}

double ov_byte_frequency(uint8_t byte) {
    return (double)(ov_grams_data.byte_counts[byte] + 1) / (double)ov_grams_data.trained_bytes;
}
