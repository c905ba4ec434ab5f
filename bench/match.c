// SPDX-License-Identifier: Apache-2.0
//
// Our matcher in one process, without reading, typing, hashing or confinement around it.
//
//   match IMAGE.ovi PATTERNS.ndb TREE [ROUNDS [KERNELS]]
//
// The image is what `overt rules build` made of PATTERNS; rule N is line N. Every rule is reported
// once a file, so what is counted are (pattern, file) pairs. KERNELS is the name of a set of
// src/match/kernels.h; without it the best for this processor. Prints the fastest round.
#include "load.h"

#include "base/fd.h"
#include "match/matcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const struct bench_patterns *patterns;
    const struct bench_files *files;
    struct ov_matcher *matcher;
    struct ov_limits limits;
    struct bench_counts counts;
    struct ov_match_stats stats; // sums over the round
};

static void search_file(struct search *search, uint32_t number) {
    const struct bench_file *file = &search->files->list[number];
    struct ov_budget budget;
    ov_budget_init(&budget, &search->limits);
    struct ov_object object = {.bytes = ov_span_make(file->bytes, file->size), .budget = &budget};
    const struct ov_match *matches = NULL;
    size_t count = 0;
    enum ov_status status = ov_matcher_run(search->matcher, &object, &matches, &count);
    if (status != OV_OK) {
        bench_die(file->path, ov_status_text(status));
    }
    for (size_t i = 0; i < count; i++) {
        if (matches[i].rule >= search->patterns->count) {
            bench_die(file->path, "a rule that is none of the patterns");
        }
        uint32_t id = search->patterns->list[matches[i].rule].id;
        search->counts.pair_hash += bench_pair_hash(id, number);
    }
    search->counts.pairs += count;
    search->counts.matches += count;
    struct ov_match_stats stats = ov_matcher_stats(search->matcher);
    search->stats.windows += stats.windows;
    search->stats.triggered += stats.triggered;
    search->stats.searches += stats.searches;
}

static struct ov_matcher *open_matcher(struct ov_span bytes, struct ov_image *image,
                                       const struct ov_kernels *kernels) {
    char reason[OV_IMAGE_REASON_BYTES] = "";
    struct ov_matcher *matcher = NULL;
    if (ov_image_open(bytes, image, reason) != OV_OK ||
        ov_matcher_new(image, kernels, reason, &matcher) != OV_OK) {
        bench_die("image", reason);
    }
    return matcher;
}

int main(int argc, char **argv) {
    if (argc < 4 || argc > 6) {
        bench_die("match", "usage: match IMAGE.ovi PATTERNS.ndb TREE [ROUNDS [KERNELS]]");
    }
    const struct ov_kernels *kernels = argc == 6 ? ov_kernels_by_name(argv[5]) : ov_kernels_best();
    if (kernels == NULL) {
        bench_die(argv[5], "this processor has no such kernels");
    }
    struct ov_file_map map = {0};
    if (ov_file_map_open(argv[1], &map) != OV_OK) {
        bench_die(argv[1], "cannot be opened");
    }
    struct ov_image image;
    struct bench_patterns patterns = bench_patterns_read(argv[2]);
    struct bench_files files = bench_files_list(argv[3]);
    bench_files_load(&files);
    struct search search = {.patterns = &patterns, .files = &files};
    search.matcher = open_matcher(map.bytes, &image, kernels);
    if (image.header->rule_count != patterns.count) {
        bench_die(argv[1], "has not as many rules as there are patterns");
    }
    double best = 1e30;
    for (int round = argc > 4 ? atoi(argv[4]) : 1; round > 0; round--) {
        search.counts = (struct bench_counts){0};
        search.stats = (struct ov_match_stats){0};
        double before = bench_cpu_seconds();
        for (size_t i = 0; i < files.count; i++) {
            search_file(&search, (uint32_t)i);
        }
        double spent = bench_cpu_seconds() - before;
        best = spent < best ? spent : best;
    }
    printf("program=match-stats kernels=%s windows=%llu triggered=%llu searches=%llu\n",
           kernels->name, (unsigned long long)search.stats.windows,
           (unsigned long long)search.stats.triggered, (unsigned long long)search.stats.searches);
    bench_print("match", &files, best, &search.counts);
    ov_matcher_free(search.matcher);
    ov_file_map_close(&map);
    return 0;
}
