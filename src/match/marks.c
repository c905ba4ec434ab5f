// SPDX-License-Identifier: Apache-2.0
// One pass for a few short strings: a kernel that looks at three bytes, then each string by itself.
#include "match/marks.h"

bool ov_marks_add(struct ov_marks *marks, struct ov_span mark) {
    if (marks->count == OV_MARKS_MAX || mark.size < OV_MARK_MIN_BYTES) {
        return false;
    }
    marks->marks[marks->count++] = mark;
    return true;
}

static void allow(struct ov_mark_table *table, unsigned position, unsigned byte, uint8_t bucket) {
    table->sets[position][byte] |= bucket;
    table->low_bits[position][byte & 63] |= bucket;
    table->nibbles[0][position][byte & 15] |= bucket;
    table->nibbles[1][position][byte >> 4] |= bucket;
}

void ov_marks_finish(struct ov_marks *marks) {
    for (uint32_t i = 0; i < marks->count; i++) {
        const struct ov_span *mark = &marks->marks[i];
        marks->of_first[mark->data[0]] |= (uint64_t)1 << i;
        // Short ones allow every third byte, so they share a bucket with none of the others.
        uint8_t bucket = (uint8_t)(mark->size < OV_MARK_POSITIONS ? 1u << 7 : 1u << i % 7);
        for (unsigned k = 0; k < OV_MARK_POSITIONS; k++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                if (k >= mark->size || mark->data[k] == byte) {
                    allow(&marks->table, k, byte, bucket);
                }
            }
        }
    }
}

static void tell_marks(const struct ov_mark_search *search, struct ov_span object, size_t at) {
    uint64_t marks = search->marks->of_first[object.data[at]];
    for (; marks != 0; marks &= marks - 1) {
        uint32_t number = (uint32_t)__builtin_ctzll(marks);
        struct ov_span mark = search->marks->marks[number];
        if (ov_span_is_equal(ov_span_part(object, at, mark.size), mark)) {
            search->sink(search->sink_arg, number, at);
        }
    }
}

void ov_marks_look(const struct ov_mark_search *search, const struct ov_kernels *kernels,
                   struct ov_span object, const struct ov_mark_piece *piece, uint32_t *scratch) {
    uint32_t count = kernels->marks(&search->marks->table, piece->data, piece->size, scratch);
    for (uint32_t i = 0; i < count; i++) {
        tell_marks(search, object, piece->at + scratch[i]);
    }
}
