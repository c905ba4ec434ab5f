// SPDX-License-Identifier: Apache-2.0
// Every set of inner loops that this processor can run, held against the plain one.
//
// Buffers end where the contract says that kernels may read no further, so that the sanitizer sees
// one byte too many.
#include "match/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { AT_ROOM = OV_CHUNK_BYTES + 64, LOG2_MAX = 17 };

static const char *const fast_names[] = {"avx2", "avx512"};

static uint64_t random_state = 20260303;

static uint32_t draw(uint32_t below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

// ---- data ---------------------------------------------------------------------------------------

enum data_kind { DATA_RANDOM, DATA_FEW, DATA_RUNS, DATA_ZERO, DATA_ONES, DATA_KINDS };

static uint8_t draw_byte(enum data_kind kind) {
    switch (kind) {
    case DATA_RANDOM:
        return (uint8_t)draw(256);
    case DATA_FEW:
        return (uint8_t) "aAbB"[draw(4)];
    case DATA_RUNS:
        return (uint8_t)(draw(20) == 0 ? draw(256) : 0x90);
    case DATA_ONES:
        return 0xff;
    default:
        return 0;
    }
}

// `size` bytes and what kernels may read past them, to the byte.
static uint8_t *make_data(uint32_t size, enum data_kind kind) {
    size_t bytes = ((size_t)size + 63) / 64 * 64 + OV_FILTER_SLACK;
    uint8_t *data = malloc(bytes);
    assert_non_null(data);
    for (size_t i = 0; i < bytes; i++) {
        data[i] = draw_byte(kind);
    }
    return data;
}

static uint32_t draw_size(uint32_t round) {
    if (round < 200) {
        return round + 1;
    }
    return round % 8 == 0 ? OV_CHUNK_BYTES - draw(80) : 1 + draw(2000);
}

// ---- grams --------------------------------------------------------------------------------------

struct result {
    uint32_t count;
    uint32_t at[AT_ROOM];
    uint8_t buckets[AT_ROOM];
};

static struct result expected, actual;

// Kernels round the size up: what they tell beyond it does not count.
static void cut(struct result *result, uint32_t size) {
    while (result->count > 0 && result->at[result->count - 1] >= size) {
        result->count--;
    }
}

static void assert_same(const char *name, uint32_t size) {
    for (uint32_t i = 0; i < expected.count || i < actual.count; i++) {
        if (i >= expected.count || i >= actual.count || expected.at[i] != actual.at[i]) {
            fail_msg("%s, %u bytes: hit %u is %u of %u, plain: %u of %u", name, size, i,
                     actual.at[i], actual.count, expected.at[i], expected.count);
        }
    }
}

// A stage 1 table of which about one word in `sparse` has bits; never all zero.
static uint32_t *make_words(unsigned log2, uint32_t sparse) {
    size_t count = (size_t)1 << log2;
    uint32_t *words = calloc(count, sizeof *words);
    assert_non_null(words);
    for (size_t i = 0; i < count; i++) {
        if (sparse == 0) {
            words[i] = UINT32_MAX;
        } else if (draw(sparse) == 0) {
            words[i] = draw(UINT32_MAX) | 1u << draw(32);
        }
    }
    words[draw((uint32_t)count)] |= 1u << draw(32);
    return words;
}

static void compare_grams(const uint32_t *words, unsigned log2, const uint8_t *data,
                          uint32_t size) {
    for (unsigned kind = 0; kind < OV_GRAM_KERNELS; kind++) {
        expected.count = ov_kernels_plain.grams[kind](words, log2, data, size, expected.at);
        cut(&expected, size);
        for (uint32_t i = 1; i < expected.count; i++) {
            assert_true(expected.at[i - 1] < expected.at[i]);
        }
        for (size_t n = 0; n < sizeof fast_names / sizeof *fast_names; n++) {
            const struct ov_kernels *kernels = ov_kernels_by_name(fast_names[n]);
            if (kernels != NULL) {
                memset(actual.at, 0xee, sizeof actual.at);
                actual.count = kernels->grams[kind](words, log2, data, size, actual.at);
                assert_true(actual.count <= AT_ROOM);
                cut(&actual, size);
                assert_same(kernels->name, size);
            }
        }
    }
}

static void test_grams(void **state) {
    (void)state;
    uint64_t hits = 0;
    for (uint32_t round = 0; round < 600; round++) {
        unsigned log2 = 1 + draw(LOG2_MAX);
        uint32_t *words = make_words(log2, round % 5 * 3);
        uint32_t size = draw_size(round);
        uint8_t *data = make_data(size, (enum data_kind)(round % DATA_KINDS));
        compare_grams(words, log2, data, size);
        hits += expected.count;
        free(data);
        free(words);
    }
    assert_true(hits > 1000);
}

// A key of four or of six bytes, entered as the format says: every set finds it wherever it stands
// at a multiple of four, in either case.
static void enter_key(uint32_t *words, unsigned log2, const uint8_t *key, uint32_t size) {
    uint64_t gram = 0;
    memcpy(&gram, key, size);
    gram = ov_fold(gram);
    uint32_t hash = ov_gram_hash4((uint32_t)gram);
    words[hash >> (32 - log2)] |=
        size == 4 ? ov_gram_bits(hash) : ov_gram_bits6((uint32_t)gram, (uint32_t)(gram >> 16));
}

static void assert_key_is_found(const uint32_t *words, unsigned log2, const uint8_t *data,
                                uint32_t size, uint32_t at) {
    static const char *const names[] = {"plain", "avx2", "avx512"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        const struct ov_kernels *kernels = ov_kernels_by_name(names[n]);
        if (kernels == NULL) {
            continue;
        }
        actual.count = kernels->grams[OV_GRAMS_BY_4](words, log2, data, size, actual.at);
        bool is_found = false;
        for (uint32_t i = 0; i < actual.count; i++) {
            is_found = is_found || actual.at[i] == at;
        }
        assert_true(is_found);
        assert_true(actual.count < size / 8 + 8); // one key lets little else through
    }
}

static void test_keys(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        unsigned log2 = 10 + draw(6);
        uint32_t *words = calloc((size_t)1 << log2, sizeof *words);
        uint32_t size = 64 + draw(2000), at = draw(size / 4) * 4;
        uint8_t *data = make_data(size, DATA_RANDOM);
        uint8_t key[6];
        assert_non_null(words);
        for (unsigned i = 0; i < sizeof key; i++) {
            key[i] = (uint8_t)(round % 3 == 0 ? 'a' + draw(26) : draw(256));
        }
        enter_key(words, log2, key, round % 2 == 0 ? 4 : 6);
        memcpy(data + at, key, sizeof key);
        for (unsigned i = 0; i < sizeof key && round % 3 == 0; i++) {
            data[at + i] = (uint8_t)(data[at + i] & (draw(2) == 0 ? 0xdf : 0xff));
        }
        assert_key_is_found(words, log2, data, size, at);
        free(data);
        free(words);
    }
}

// ---- windows around grams -----------------------------------------------------------------------

static void test_windows(void **state) {
    (void)state;
    static uint32_t at[AT_ROOM], windows[2 * AT_ROOM], others[2 * AT_ROOM];
    uint64_t hits = 0;
    for (uint32_t round = 0; round < 400; round++) {
        unsigned log2 = 1 + draw(LOG2_MAX);
        uint32_t *words = make_words(log2, round % 5 * 3);
        uint32_t size = draw_size(round) + 1;
        uint8_t *data = make_data(size, (enum data_kind)(round % DATA_KINDS));
        uint32_t count = 0; // positions from the second byte on: no byte before the first is there
        for (uint32_t i = 1 + draw(3); i < size; i += 1 + draw(round % 7 * 4 + 1)) {
            at[count++] = i;
        }
        uint32_t kept = ov_kernels_plain.windows(words, log2, data, at, count, windows);
        for (uint32_t i = 0; i < kept; i++) {
            uint32_t window;
            memcpy(&window, data + windows[i] - 1, sizeof window);
            uint32_t hash = ov_gram_hash4((uint32_t)ov_fold(window));
            uint32_t bits = ov_gram_bits(hash);
            assert_true((words[hash >> (32 - log2)] & bits) == bits);
        }
        for (size_t n = 0; n < sizeof fast_names / sizeof *fast_names; n++) {
            const struct ov_kernels *kernels = ov_kernels_by_name(fast_names[n]);
            if (kernels != NULL) {
                assert_int_equal(kernels->windows(words, log2, data, at, count, others), kept);
                assert_memory_equal(windows, others, kept * sizeof *windows);
            }
        }
        hits += kept;
        free(data);
        free(words);
    }
    assert_true(hits > 1000);
}

// ov_fold() against the letters one by one, at every place of a word.
static void test_fold(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 200000; round++) {
        uint8_t bytes[8], folded[8];
        for (unsigned i = 0; i < 8; i++) {
            bytes[i] = (uint8_t)(round < 65536 ? round >> (i % 2 * 8) : draw(256));
            folded[i] = (uint8_t)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] + 32 : bytes[i]);
        }
        uint64_t word, expected_word;
        memcpy(&word, bytes, 8);
        memcpy(&expected_word, folded, 8);
        assert_true(ov_fold(word) == expected_word);
    }
    for (unsigned value = 0; value < 256; value++) {
        bool is_letter = (value | 0x20) >= 'a' && (value | 0x20) <= 'z';
        assert_int_equal(ov_folds_to_one((uint8_t)value, 0xdf) != 0, is_letter);
        assert_true(ov_folds_to_one((uint8_t)value, 0xff));
        assert_false(ov_folds_to_one((uint8_t)value, 0xf0));
    }
}

// ---- the tail -----------------------------------------------------------------------------------

// Allows a byte at a position in the buckets of `bits`, in all three forms of the table.
static void allow(struct ov_image_tail *tail, unsigned position, unsigned byte, uint8_t bits) {
    tail->sets[position][byte] |= bits;
    tail->allow[byte] |= (uint64_t)bits << 8 * position;
    tail->nibbles[0][position][byte & 15] |= bits;
    tail->nibbles[1][position][byte >> 4] |= bits;
}

// Buckets that allow few bytes, some that allow nearly all, some that are empty.
static struct ov_image_tail *make_tail(enum data_kind kind) {
    struct ov_image_tail *tail = calloc(1, sizeof *tail);
    assert_non_null(tail);
    for (unsigned bucket = 0; bucket < OV_TAIL_BUCKETS; bucket++) {
        uint8_t bit = (uint8_t)(1u << bucket);
        uint32_t style = draw(4);
        for (unsigned k = 0; k < OV_TAIL_POSITIONS && style != 0; k++) {
            for (uint32_t n = style == 1 ? 2 : 6; n > 0; n--) {
                allow(tail, k, draw_byte(kind), bit);
            }
            for (unsigned byte = 0; byte < 256 && (style == 3 || draw(3) == 0); byte++) {
                allow(tail, k, byte, bit);
            }
        }
        tail->bucket_mask |= bit;
    }
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
        tail->order[k] = (uint8_t)(OV_TAIL_POSITIONS - 1 - k);
    }
    tail->position_count = OV_TAIL_POSITIONS;
    return tail;
}

// What the words of the format say, position by position.
static void find_slowly(const struct ov_image_tail *tail, uint8_t live, const uint8_t *data,
                        uint32_t size) {
    expected.count = 0;
    for (uint32_t i = 0; i < size; i++) {
        uint8_t buckets = live;
        for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
            buckets &= tail->sets[k][data[i + k]];
        }
        if (buckets != 0) {
            expected.at[expected.count] = i;
            expected.buckets[expected.count++] = buckets;
        }
    }
}

static void compare_tail(const struct ov_image_tail *tail, uint8_t live, const uint8_t *data,
                         uint32_t size) {
    static const char *const names[] = {"plain", "avx2", "avx512"};
    find_slowly(tail, live, data, size);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        const struct ov_kernels *kernels = ov_kernels_by_name(names[n]);
        if (kernels == NULL) {
            continue;
        }
        actual.count = kernels->tail(tail, live, data, size, actual.at, actual.buckets);
        assert_same(kernels->name, size);
        assert_memory_equal(actual.buckets, expected.buckets, expected.count);
    }
}

static void test_tail(void **state) {
    (void)state;
    uint64_t hits = 0;
    for (uint32_t round = 0; round < 400; round++) {
        enum data_kind kind = (enum data_kind)(round % DATA_KINDS);
        struct ov_image_tail *tail = make_tail(kind);
        uint32_t size = draw_size(round);
        uint8_t *data = make_data(size, kind);
        compare_tail(tail, (uint8_t)(1 + draw(255)), data, size);
        hits += expected.count;
        free(data);
        free(tail);
    }
    assert_true(hits > 1000);
}

static void test_tail_live_masks(void **state) {
    (void)state;
    struct ov_image_tail *tail = make_tail(DATA_FEW);
    uint8_t *data = make_data(300, DATA_FEW);
    for (unsigned live = 0; live < 256; live++) {
        compare_tail(tail, (uint8_t)live, data, 300);
    }
    free(data);
    free(tail);
}

// ---- pairs --------------------------------------------------------------------------------------

static struct ov_pair draw_pair(enum data_kind kind, uint32_t reach) {
    static const uint8_t masks[] = {0xff, 0xff, 0xdf, 0xf0, 0x0f, 0x00};
    struct ov_pair pair = {.at_a = draw(reach), .at_b = draw(reach)};
    pair.mask_a = masks[draw(6)];
    pair.mask_b = masks[draw(6)];
    pair.value_a = draw_byte(kind) & pair.mask_a;
    pair.value_b = draw_byte(kind) & pair.mask_b;
    return pair;
}

static size_t find_pair_slowly(const struct ov_pair *pair, const uint8_t *data, size_t from,
                               size_t last) {
    for (; from <= last; from++) {
        if ((data[from + pair->at_a] & pair->mask_a) == pair->value_a &&
            (data[from + pair->at_b] & pair->mask_b) == pair->value_b) {
            return from;
        }
    }
    return SIZE_MAX;
}

static void test_pair(void **state) {
    (void)state;
    static const char *const names[] = {"plain", "avx2", "avx512"};
    unsigned hits = 0;
    for (uint32_t round = 0; round < 4000; round++) {
        enum data_kind kind = (enum data_kind)(round % DATA_KINDS);
        struct ov_pair pair = draw_pair(kind, 1 + draw(40));
        size_t last = draw(200), from = draw((uint32_t)last + 1);
        size_t bytes = last + 1 + (pair.at_a > pair.at_b ? pair.at_a : pair.at_b);
        uint8_t *data = malloc(bytes);
        assert_non_null(data);
        for (size_t i = 0; i < bytes; i++) {
            data[i] = draw_byte(kind);
        }
        size_t wanted = find_pair_slowly(&pair, data, from, last);
        hits += wanted != SIZE_MAX && wanted > from;
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            const struct ov_kernels *kernels = ov_kernels_by_name(names[n]);
            if (kernels != NULL) {
                assert_int_equal(kernels->pair(&pair, data, from, last), wanted);
            }
        }
        free(data);
    }
    assert_true(hits > 100);
}

// ---- the choice ---------------------------------------------------------------------------------

static void test_names(void **state) {
    (void)state;
    assert_null(ov_kernels_by_name("no such set"));
    assert_null(ov_kernels_by_name(""));
    assert_ptr_equal(ov_kernels_by_name("plain"), &ov_kernels_plain);
    const struct ov_kernels *best = ov_kernels_best();
    assert_ptr_equal(ov_kernels_by_name(best->name), best);
    for (size_t n = 0; n < sizeof fast_names / sizeof *fast_names; n++) {
        bool can_run = ov_kernels_by_name(fast_names[n]) != NULL;
        print_message("%s: %s\n", fast_names[n], can_run ? "tested" : "not on this processor");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grams),   cmocka_unit_test(test_keys),
        cmocka_unit_test(test_windows), cmocka_unit_test(test_fold),
        cmocka_unit_test(test_tail),    cmocka_unit_test(test_tail_live_masks),
        cmocka_unit_test(test_pair),    cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
