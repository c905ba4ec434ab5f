// SPDX-License-Identifier: Apache-2.0
// Marks found by every set of kernels, held against a search byte by byte.
#include "match/marks.h"
#include "match/matcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 400, MARKS = 14, SIZE_MAX_BYTES = 3000, HITS_MAX = MARKS * SIZE_MAX_BYTES };

static uint64_t random_state = 20261122;

static uint32_t draw(uint32_t below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

struct hit {
    uint32_t mark;
    size_t at;
};

struct hits {
    struct hit at[HITS_MAX];
    size_t count;
};

static struct hits expected, actual;

static void add_hit(void *arg, uint32_t mark, size_t at) {
    struct hits *hits = arg;
    assert_true(hits->count < HITS_MAX);
    hits->at[hits->count++] = (struct hit){.mark = mark, .at = at};
}

static void find_slowly(const struct ov_marks *marks, struct ov_span object, struct hits *ret) {
    ret->count = 0;
    for (size_t at = 0; at < object.size; at++) {
        for (uint32_t i = 0; i < marks->count; i++) {
            if (ov_span_is_equal(ov_span_part(object, at, marks->marks[i].size), marks->marks[i])) {
                add_hit(ret, i, at);
            }
        }
    }
}

static void compare(const struct ov_marks *marks, const struct ov_kernels *kernels,
                    struct ov_span object) {
    static uint32_t scratch[OV_CHUNK_BYTES + 64];
    // The object with the slack that kernels may read, to the byte.
    size_t bytes = (object.size + 63) / 64 * 64 + 128;
    uint8_t *data = calloc(1, bytes);
    assert_non_null(data);
    memcpy(data, object.data, object.size);
    struct ov_mark_search search = {.marks = marks, .sink = add_hit, .sink_arg = &actual};
    struct ov_mark_piece piece = {.data = data, .size = (uint32_t)object.size};
    actual.count = 0;
    ov_marks_look(&search, kernels, object, &piece, scratch);
    assert_int_equal(actual.count, expected.count);
    for (size_t i = 0; i < expected.count; i++) {
        assert_int_equal(actual.at[i].at, expected.at[i].at);
        assert_int_equal(actual.at[i].mark, expected.at[i].mark);
    }
    free(data);
}

static void test_all_kernels_find_all_marks(void **state) {
    (void)state;
    static const char *const names[] = {"plain", "avx2", "avx512"};
    static struct ov_marks marks;
    static uint8_t strings[MARKS][8], bytes[SIZE_MAX_BYTES];
    size_t hits = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        marks = (struct ov_marks){0};
        uint32_t letters = round % 3 == 0 ? 256 : 2 + draw(6);
        for (unsigned i = 0; i < MARKS; i++) {
            for (unsigned k = 0; k < 8; k++) {
                strings[i][k] = (uint8_t)(draw(letters) * (256 / letters));
            }
            assert_true(ov_marks_add(&marks, ov_span_make(strings[i], 2 + draw(7))));
        }
        ov_marks_finish(&marks);
        size_t size = round < 200 ? round : draw(SIZE_MAX_BYTES);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(draw(letters) * (256 / letters));
        }
        for (size_t i = 0; i + 8 < size; i += 8 + draw(100)) {
            memcpy(bytes + i, strings[draw(MARKS)], 8);
        }
        struct ov_span object = ov_span_make(bytes, size);
        find_slowly(&marks, object, &expected);
        hits += expected.count;
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            const struct ov_kernels *kernels = ov_kernels_by_name(names[n]);
            if (kernels != NULL) {
                compare(&marks, kernels, object);
            }
        }
    }
    assert_true(hits > 1000);
}

static void test_refuses_what_stands_everywhere(void **state) {
    (void)state;
    struct ov_marks marks = {0};
    assert_false(ov_marks_add(&marks, ov_span_make("P", 1)));
    for (unsigned i = 0; i < OV_MARKS_MAX; i++) {
        assert_true(ov_marks_add(&marks, ov_span_make("PK", 2)));
    }
    assert_false(ov_marks_add(&marks, ov_span_make("PK", 2)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kernels_find_all_marks),
        cmocka_unit_test(test_refuses_what_stands_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
