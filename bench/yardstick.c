// SPDX-License-Identifier: Apache-2.0
//
// How fast can one core read memory at all? The ceiling that the matchers' figures are held
// against.
//
// Adds up 512 MB, far more than any cache, and prints the fastest of five rounds.
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 512 << 20, ROUNDS = 5 };

// Eight independent sums of 64-bit words: the compiler makes vector loads of it.
static uint64_t sum_words(const uint64_t *words, size_t count) {
    uint64_t sums[8] = {0};
    for (size_t i = 0; i + 8 <= count; i += 8) {
        for (size_t k = 0; k < 8; k++) {
            sums[k] += words[i + k];
        }
    }
    uint64_t total = 0;
    for (size_t k = 0; k < 8; k++) {
        total += sums[k];
    }
    return total;
}

int main(void) {
    uint64_t *words = aligned_alloc(1 << 21, BYTES);
    if (words == NULL) {
        bench_die("memory", "not enough");
    }
    memset(words, 1, BYTES);
    double best = 1e30;
    uint64_t total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double before = bench_cpu_seconds();
        total += sum_words(words, BYTES / sizeof *words);
        double spent = bench_cpu_seconds() - before;
        best = spent < best ? spent : best;
    }
    printf("program=dram bytes=%d cpu=%.4f sum=%llu\n", BYTES, best, (unsigned long long)total);
    free(words);
    return 0;
}
