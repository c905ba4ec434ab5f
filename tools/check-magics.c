// SPDX-License-Identifier: Apache-2.0
// Fails the build when two formats claim the same bytes: check-magics STAMP.
//
// A magic may be the beginning of another: the longer one is tried first. Equal ones need a closer
// look (is_sure) in every format that has them but the last.
#include "format/format.h"

#include <stdio.h>
#include <string.h>

static bool is_equal(const struct ov_magic *a, const struct ov_magic *b) {
    return a->offset == b->offset && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static int check_pair(const char *word, const struct ov_format *a, const char *other,
                      const struct ov_format *b) {
    int clashes = 0;
    for (uint32_t i = 0; i < a->magic_count; i++) {
        for (uint32_t k = 0; k < b->magic_count; k++) {
            if (is_equal(&a->magics[i], &b->magics[k]) && a->is_sure == NULL) {
                (void)fprintf(stderr,
                              "src/format/%s.c and %s.c claim the same bytes: magic %u of %s and "
                              "magic %u of %s; give the first a closer look (is_sure)\n",
                              word, other, i, ov_filetype_name(a->type), k,
                              ov_filetype_name(b->type));
                clashes++;
            }
        }
    }
    return clashes;
}

static int check_after(uint32_t set, uint32_t format) {
    const struct ov_format_set *sets = ov_format_sets[set];
    int clashes = 0;
    for (uint32_t s = set; s < ov_format_set_count; s++) {
        for (uint32_t i = s == set ? format + 1 : 0; i < ov_format_sets[s]->count; i++) {
            clashes += check_pair(sets->word, &sets->formats[format], ov_format_sets[s]->word,
                                  &ov_format_sets[s]->formats[i]);
        }
    }
    return clashes;
}

int main(int argc, char **argv) {
    int clashes = 0;
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            clashes += check_after(s, i);
        }
    }
    FILE *stamp = clashes == 0 && argc == 2 ? fopen(argv[1], "w") : NULL;
    return stamp != NULL && fclose(stamp) == 0 ? 0 : 1;
}
