// SPDX-License-Identifier: Apache-2.0
//
// Hyperscan on the same patterns and files: the fastest known matcher for many patterns, as a peer.
//
//   hyperscan [--once] PATTERNS.ndb TREE [ROUNDS]
//
// Each pattern becomes a regular expression of escaped bytes. Block mode, one file at a time. With
// --once each pattern is reported once a file (HS_FLAG_SINGLEMATCH), as a scanner would ask for.
// Compiling is timed apart. Prints the fastest round.
#include "load.h"

#include <hs/hs.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const struct bench_patterns *patterns;
    uint32_t *seen; // 1 + the last file in which the pattern was found
    uint32_t file;
    struct bench_counts counts;
};

static void *must(void *p) {
    if (p == NULL) {
        bench_die("memory", "not enough");
    }
    return p;
}

// A byte with a mask as an expression: \xHH, a dot, or a class of the 16 values of a nibble.
static char *put_cell(char *to, uint8_t value, uint8_t mask) {
    if (mask == 0xff) {
        return to + sprintf(to, "\\x%02x", value);
    }
    if (mask == 0) {
        *to++ = '.';
        return to;
    }
    if (mask == 0xf0) {
        return to + sprintf(to, "[\\x%02x-\\x%02x]", value, value | 0x0f);
    }
    *to++ = '[';
    for (unsigned high = 0; high < 256; high += 16) {
        to += sprintf(to, "\\x%02x", high | value);
    }
    *to++ = ']';
    return to;
}

static char *make_expression(const struct bench_pattern *p) {
    char *text = must(malloc((size_t)p->size * 68 + 1));
    char *to = text;
    for (uint32_t i = 0; i < p->size; i++) {
        to = put_cell(to, p->value[i], p->mask[i]);
    }
    *to = 0;
    return text;
}

static hs_database_t *compile(const struct bench_patterns *patterns, bool is_once) {
    const char **texts = must(calloc(patterns->count, sizeof *texts));
    unsigned *flags = must(calloc(patterns->count, sizeof *flags));
    unsigned *ids = must(calloc(patterns->count, sizeof *ids));
    for (size_t i = 0; i < patterns->count; i++) {
        texts[i] = make_expression(&patterns->list[i]);
        flags[i] = HS_FLAG_DOTALL | (is_once ? HS_FLAG_SINGLEMATCH : 0);
        ids[i] = (unsigned)i;
    }
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    if (hs_compile_multi(texts, flags, ids, (unsigned)patterns->count, HS_MODE_BLOCK, NULL,
                         &database, &error) != HS_SUCCESS) {
        bench_die("hyperscan", error->message);
    }
    for (size_t i = 0; i < patterns->count; i++) {
        free((void *)texts[i]);
    }
    free(texts);
    free(flags);
    free(ids);
    return database;
}

static int note_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *arg) {
    (void)from;
    (void)to;
    (void)flags;
    struct search *search = arg;
    search->counts.matches++;
    if (search->seen[id] != search->file + 1) {
        search->seen[id] = search->file + 1;
        search->counts.pairs++;
        search->counts.pair_hash += bench_pair_hash(search->patterns->list[id].id, search->file);
    }
    return 0;
}

static void run_round(const hs_database_t *database, hs_scratch_t *scratch,
                      const struct bench_files *files, struct search *search) {
    memset(search->seen, 0, search->patterns->count * sizeof *search->seen);
    search->counts = (struct bench_counts){0};
    for (size_t i = 0; i < files->count; i++) {
        search->file = (uint32_t)i;
        if (hs_scan(database, (const char *)files->list[i].bytes, (unsigned)files->list[i].size, 0,
                    scratch, note_match, search) != HS_SUCCESS) {
            bench_die(files->list[i].path, "hs_scan failed");
        }
    }
}

int main(int argc, char **argv) {
    bool is_once = argc > 1 && strcmp(argv[1], "--once") == 0;
    argv += is_once;
    argc -= is_once;
    if (argc != 3 && argc != 4) {
        bench_die("hyperscan", "usage: hyperscan [--once] PATTERNS.ndb TREE [ROUNDS]");
    }
    struct bench_patterns patterns = bench_patterns_read(argv[1]);
    double before = bench_cpu_seconds();
    hs_database_t *database = compile(&patterns, is_once);
    size_t database_bytes = 0;
    hs_database_size(database, &database_bytes);
    printf("program=hyperscan-compile patterns=%zu cpu=%.4f bytes=%zu peak=%" PRIu64 "\n",
           patterns.count, bench_cpu_seconds() - before, database_bytes, bench_peak_bytes());
    hs_scratch_t *scratch = NULL;
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) {
        bench_die("hyperscan", "no scratch memory");
    }
    struct bench_files files = bench_files_list(argv[2]);
    bench_files_load(&files);
    struct search search = {.patterns = &patterns,
                            .seen = must(calloc(patterns.count, sizeof *search.seen))};
    double best = 1e30;
    for (int round = argc == 4 ? atoi(argv[3]) : 1; round > 0; round--) {
        before = bench_cpu_seconds();
        run_round(database, scratch, &files, &search);
        double spent = bench_cpu_seconds() - before;
        best = spent < best ? spent : best;
    }
    bench_print("hyperscan", &files, best, &search.counts);
    return 0;
}
