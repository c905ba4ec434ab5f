// SPDX-License-Identifier: Apache-2.0
// Trains the gram frequency table on a list of files: train-grams OUT < LIST.
//
// Run on software that the benches do not use (tools/corpus.sh makes both trees). Needs about 5 GB
// of memory for counters; takes a minute for 400 MB. The result is src/rules/grams.dat.
#include "base/fd.h"
#include "match/layout.h"
#include "rules/grams_table.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNTER_LOG2 = 30 };

static uint16_t *counters; // by hash: rare grams may share one, which the floor forgives
static struct grams_table table;

struct file_list {
    size_t count;
    struct ov_file_map *maps;
};

static uint64_t load_gram(const uint8_t *data, unsigned size) {
    uint64_t gram = 0;
    memcpy(&gram, data, size);
    return ov_fold(gram);
}

static uint16_t *find_counter(uint64_t gram) {
    uint64_t h = gram * 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return &counters[h >> (64 - COUNTER_LOG2)];
}

// Beyond 32768 a counter counts every 256th occurrence, by position: enough for a level.
static void count_grams(struct ov_span bytes, unsigned size) {
    for (size_t i = 0; i + size <= bytes.size; i++) {
        uint16_t *counter = find_counter(load_gram(bytes.data + i, size));
        if (*counter < 0x8000 || (i * 0x9e3779b1u >> 8 & 255) == 0) {
            *counter += *counter < UINT16_MAX;
        }
    }
}

static uint64_t count_of(uint16_t counter) {
    return counter < 0x8000 ? counter : 0x8000 + (uint64_t)(counter - 0x8000) * 256;
}

static void raise_cell(uint8_t *cells, uint32_t cell, unsigned level) {
    unsigned shift = cell % 2 * 4;
    unsigned held = cells[cell / 2] >> shift & 15;
    if (level > held) {
        cells[cell / 2] = (uint8_t)((cells[cell / 2] & ~(15u << shift)) | level << shift);
    }
}

static void store_grams(struct ov_span bytes, unsigned size, unsigned log2, uint64_t floor,
                        uint8_t *cells) {
    for (size_t i = 0; i + size <= bytes.size; i++) {
        uint64_t gram = load_gram(bytes.data + i, size);
        uint64_t count = count_of(*find_counter(gram));
        unsigned level = 0;
        while (level < 15 && count >= floor << level) {
            level++;
        }
        if (level > 0) {
            uint32_t at[2];
            grams_cells(gram, log2, at);
            raise_cell(cells, at[0], level);
            raise_cell(cells, at[1], level);
        }
    }
}

static void train(const struct file_list *list, unsigned size, unsigned log2, uint64_t floor,
                  uint8_t *cells) {
    memset(counters, 0, sizeof *counters << COUNTER_LOG2);
    for (size_t i = 0; i < list->count; i++) {
        count_grams(list->maps[i].bytes, size);
    }
    for (size_t i = 0; i < list->count; i++) {
        store_grams(list->maps[i].bytes, size, log2, floor, cells);
    }
}

static double fill_of(const uint8_t *cells, size_t bytes) {
    size_t used = 0;
    for (size_t i = 0; i < bytes; i++) {
        used += (cells[i] & 15) != 0;
        used += cells[i] >> 4 != 0;
    }
    return (double)used / (double)(bytes * 2);
}

static bool read_list(struct file_list *ret_list) {
    char path[4096];
    size_t room = 0;
    while (fgets(path, sizeof path, stdin) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        if (ret_list->count == room) {
            room = room == 0 ? 1024 : room * 2;
            ret_list->maps = realloc(ret_list->maps, room * sizeof *ret_list->maps);
            if (ret_list->maps == NULL) {
                return false;
            }
        }
        if (ov_file_map_open(path, &ret_list->maps[ret_list->count]) == OV_OK) {
            table.trained_bytes += ret_list->maps[ret_list->count++].bytes.size;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    struct file_list list = {0};
    counters = calloc((size_t)1 << COUNTER_LOG2, sizeof *counters);
    if (argc != 2 || counters == NULL || !read_list(&list)) {
        (void)fprintf(stderr, "usage: train-grams OUT < LIST_OF_FILES\n");
        return 2;
    }
    memcpy(table.magic, "OVGRAMS2", sizeof table.magic);
    for (size_t i = 0; i < list.count; i++) {
        for (size_t k = 0; k < list.maps[i].bytes.size; k++) {
            table.byte_counts[list.maps[i].bytes.data[k]]++;
        }
    }
    train(&list, 6, GRAMS6_LOG2, GRAMS6_FLOOR, table.cells6);
    train(&list, 4, GRAMS4_LOG2, GRAMS4_FLOOR, table.cells4);
    train(&list, 3, GRAMS3_LOG2, GRAMS3_FLOOR, table.cells3);
    (void)printf(
        "%zu files, %llu bytes; cells in use: six %.3f, four %.3f, three %.3f\n", list.count,
        (unsigned long long)table.trained_bytes, fill_of(table.cells6, sizeof table.cells6),
        fill_of(table.cells4, sizeof table.cells4), fill_of(table.cells3, sizeof table.cells3));
    FILE *out = fopen(argv[1], "wb");
    if (out == NULL || fwrite(&table, sizeof table, 1, out) != 1 || fclose(out) != 0) {
        perror(argv[1]);
        return 2;
    }
    return 0;
}
