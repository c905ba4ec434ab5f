// SPDX-License-Identifier: Apache-2.0
//
// The reference that the matchers' counts are held against: slow, exact, nothing shared with src/.
//
//   naive [--hits FILE] PATTERNS.ndb TREE
//
// Every pattern is filed under one of its four-byte runs; every position of every file is looked
// up; what is filed there is compared byte by byte. --hits writes the numbers of patterns that
// occur anywhere. The run of each pattern is the one that is least frequent in the files at hand,
// which changes how long it takes and not what it finds.
#include "load.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RUN = 4,
    TABLE_BITS = 22,
    TABLE = 1 << TABLE_BITS,
};

// Patterns filed under a slot: entries[start[slot]] up to entries[start[slot + 1]].
struct naive_index {
    uint32_t *start;
    struct naive_entry {
        uint32_t pattern; // index into the list
        uint32_t at;      // where in the pattern the run is
    } * entries;
};

static uint32_t slot_of(const uint8_t *bytes) {
    uint32_t v;
    memcpy(&v, bytes, RUN);
    return v * 0x9e3779b1u >> (32 - TABLE_BITS);
}

static void *must(void *p) {
    if (!p) {
        bench_die("memory", "not enough");
    }
    return p;
}

static uint32_t *count_runs(const struct bench_files *files) {
    uint32_t *count = must(calloc(TABLE, sizeof *count));
    for (size_t i = 0; i < files->count; i++) {
        for (size_t at = 0; at + RUN <= files->list[i].size; at++) {
            count[slot_of(files->list[i].bytes + at)]++;
        }
    }
    return count;
}

static bool is_fixed_run(const struct bench_pattern *p, uint32_t at) {
    for (uint32_t i = at; i < at + RUN; i++) {
        if (p->mask[i] != 0xff) {
            return false;
        }
    }
    return true;
}

static uint32_t choose_run(const struct bench_pattern *p, const uint32_t *frequency) {
    uint32_t best = UINT32_MAX, best_count = UINT32_MAX;
    for (uint32_t at = 0; at + RUN <= p->size; at++) {
        if (!is_fixed_run(p, at)) {
            continue;
        }
        uint32_t count = frequency[slot_of(p->value + at)];
        if (best == UINT32_MAX || count < best_count) {
            best = at;
            best_count = count;
        }
    }
    if (best == UINT32_MAX) {
        bench_die("pattern", "has no four fixed bytes in a row");
    }
    return best;
}

static struct naive_index build_index(const struct bench_patterns *patterns,
                                      const uint32_t *frequency) {
    struct naive_index index = {
        .start = must(calloc(TABLE + 2, sizeof *index.start)),
        .entries = must(calloc(patterns->count + 1, sizeof *index.entries)),
    };
    uint32_t *at = must(calloc(patterns->count + 1, sizeof *at));
    for (size_t i = 0; i < patterns->count; i++) {
        at[i] = choose_run(&patterns->list[i], frequency);
        index.start[slot_of(patterns->list[i].value + at[i]) + 2]++;
    }
    for (size_t i = 2; i < TABLE + 2; i++) {
        index.start[i] += index.start[i - 1];
    }
    for (size_t i = 0; i < patterns->count; i++) {
        uint32_t slot = slot_of(patterns->list[i].value + at[i]);
        index.entries[index.start[slot + 1]++] = (struct naive_entry){(uint32_t)i, at[i]};
    }
    free(at);
    return index;
}

static bool matches_at(const struct bench_pattern *p, const uint8_t *bytes) {
    for (uint32_t i = 0; i < p->size; i++) {
        if ((bytes[i] & p->mask[i]) != p->value[i]) {
            return false;
        }
    }
    return true;
}

// seen[pattern] is 1 + the last file in which it was found.
static void search_file(const struct bench_patterns *patterns, const struct naive_index *index,
                        const struct bench_files *files, uint32_t number, uint32_t *seen,
                        struct bench_counts *counts) {
    const struct bench_file *file = &files->list[number];
    for (size_t at = 0; at + RUN <= file->size; at++) {
        uint32_t slot = slot_of(file->bytes + at);
        for (uint32_t e = index->start[slot]; e < index->start[slot + 1]; e++) {
            const struct naive_entry *entry = &index->entries[e];
            const struct bench_pattern *p = &patterns->list[entry->pattern];
            if (at < entry->at || at - entry->at + p->size > file->size ||
                !matches_at(p, file->bytes + at - entry->at)) {
                continue;
            }
            counts->matches++;
            if (seen[entry->pattern] == number + 1) {
                continue;
            }
            seen[entry->pattern] = number + 1;
            counts->pairs++;
            counts->pair_hash += bench_pair_hash(p->id, number);
        }
    }
}

static void write_hits(const char *path, const struct bench_patterns *patterns,
                       const uint32_t *seen) {
    FILE *f = fopen(path, "w");
    if (!f) {
        bench_die(path, "cannot be written");
    }
    for (size_t i = 0; i < patterns->count; i++) {
        if (seen[i]) {
            fprintf(f, "%" PRIu32 "\n", patterns->list[i].id);
        }
    }
    if (fclose(f) != 0) {
        bench_die(path, "cannot be written");
    }
}

int main(int argc, char **argv) {
    const char *hits = NULL;
    if (argc == 5 && strcmp(argv[1], "--hits") == 0) {
        hits = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc != 3) {
        bench_die("naive", "usage: naive [--hits FILE] PATTERNS.ndb TREE");
    }
    struct bench_patterns patterns = bench_patterns_read(argv[1]);
    struct bench_files files = bench_files_list(argv[2]);
    bench_files_load(&files);
    double before = bench_cpu_seconds();
    uint32_t *frequency = count_runs(&files);
    struct naive_index index = build_index(&patterns, frequency);
    uint32_t *seen = must(calloc(patterns.count + 1, sizeof *seen));
    struct bench_counts counts = {0};
    for (size_t i = 0; i < files.count; i++) {
        search_file(&patterns, &index, &files, (uint32_t)i, seen, &counts);
    }
    bench_print("naive", &files, bench_cpu_seconds() - before, &counts);
    if (hits) {
        write_hits(hits, &patterns, seen);
    }
    return 0;
}
