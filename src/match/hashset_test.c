// SPDX-License-Identifier: Apache-2.0
// Hash tables written by hand from docs/formats/image-hashes.md, read back; and damaged in every
// byte. (What the real writer makes is tested in rules/emit_hash_test.c.)
#include "match/hash_layout.h"
#include "match/hashset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

// Four entries: size 68 twice (digests 11.. and 22..), size 100000 (33..), and any size (44..). For
// two distinct sizes the bitmap reaches to 4096: 68 stands in it, 100000 does not.
enum {
    COVERED = 4096,
    BITMAP_AT = 64,
    RANKS_AT = BITMAP_AT + COVERED / 8, // 8 runs of 512
    SIZES_AT = RANKS_AT + 64,
    STARTS_AT = SIZES_AT + 64,
    HIGH_AT = STARTS_AT + 64,
    REST_AT = HIGH_AT + 64,
    RULES_AT = REST_AT + 64,
    SECTION_BYTES = RULES_AT + 4 * 4,
};

static void put_u32(uint8_t *section, size_t at, uint32_t value) {
    for (size_t i = 0; i < sizeof value; i++) {
        section[at + i] = (uint8_t)(value >> 8 * i);
    }
}

static void make_section(uint8_t section[SECTION_BYTES]) {
    static const uint32_t head[] = {4, 1, 2, 1, COVERED, 16};
    static const uint32_t starts[] = {0, 2, 3};
    memset(section, 0, SECTION_BYTES);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        put_u32(section, 4 * i, head[i]);
    }
    section[BITMAP_AT + 68 / 8] = 1 << 68 % 8;
    for (size_t run = 1; run < COVERED / 512; run++) {
        put_u32(section, RANKS_AT + 4 * run, 1);
    }
    put_u32(section, SIZES_AT, 100000);
    for (size_t i = 0; i < 3; i++) {
        put_u32(section, STARTS_AT + 4 * i, starts[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        memset(section + HIGH_AT + 8 * i, (int)(0x11 * (i + 1)), 8);
        memset(section + REST_AT + 8 * i, (int)(0x11 * (i + 1)), 8);
        put_u32(section, RULES_AT + 4 * i, 500 + (uint32_t)i);
    }
}

static void make_digest(uint8_t byte, uint8_t ret_digest[16]) {
    memset(ret_digest, byte, 16);
}

static bool find(const struct ov_hashset *set, uint64_t size, uint8_t byte, uint32_t *ret_rule) {
    uint8_t digest[16];
    make_digest(byte, digest);
    return ov_hashset_find(set, OV_HASH_MD5, size, digest, ret_rule);
}

static void hand_made_table_answers(void **state) {
    (void)state;
    uint8_t section[SECTION_BYTES];
    struct ov_hashset set = {0};
    uint32_t rule = 0;
    make_section(section);
    assert_int_equal(ov_hash_table_open(ov_span_make(section, sizeof section), OV_HASH_MD5,
                                        &set.tables[OV_HASH_MD5]),
                     OV_OK);
    assert_false(ov_hashset_is_empty(&set));
    assert_true(find(&set, 68, 0x11, &rule));
    assert_int_equal(rule, 500);
    assert_true(find(&set, 68, 0x22, &rule));
    assert_int_equal(rule, 501);
    assert_true(find(&set, 100000, 0x33, &rule));
    assert_int_equal(rule, 502);
    assert_true(find(&set, 68, 0x44, &rule)); // of any size
    assert_int_equal(rule, 503);
    assert_true(find(&set, UINT64_MAX, 0x44, &rule));
    assert_false(find(&set, 100000, 0x11, &rule));
    assert_false(find(&set, 69, 0x11, &rule));
    assert_false(find(&set, 100001, 0x33, &rule));
    assert_false(find(&set, (1ull << 32) + 68, 0x11, &rule)); // not the size modulo 2^32
    assert_false(find(&set, 68, 0x12, &rule));
    // A digest that differs only in its last byte.
    uint8_t digest[16];
    make_digest(0x11, digest);
    digest[15] ^= 1;
    assert_false(ov_hashset_find(&set, OV_HASH_MD5, 68, digest, &rule));
    // The entry of any size makes every size want MD5, and nothing else.
    assert_int_equal(ov_hashset_kinds_wanted(&set, 5), 1u << OV_HASH_MD5);
}

static void sizes_decide_what_is_wanted(void **state) {
    (void)state;
    uint8_t section[SECTION_BYTES];
    struct ov_hashset set = {0};
    make_section(section);
    put_u32(section, 4, 0); // the last entry now has no group at all
    assert_int_equal(ov_hash_table_open(ov_span_make(section, sizeof section), OV_HASH_MD5,
                                        &set.tables[OV_HASH_MD5]),
                     OV_OK);
    static const uint64_t wanted[] = {68, 100000};
    static const uint64_t unwanted[] = {0, 67, 69, 68 + 512, 4095, 4096, 99999, 100001, 1ull << 40};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(ov_hashset_kinds_wanted(&set, wanted[i]), 1u << OV_HASH_MD5);
    }
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++) {
        assert_int_equal(ov_hashset_kinds_wanted(&set, unwanted[i]), 0);
    }
}

static void empty_sets_find_nothing(void **state) {
    (void)state;
    struct ov_hashset set;
    uint32_t rule;
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        uint8_t digest[OV_HASH_BYTES_MAX] = {0};
        assert_int_equal(ov_hash_table_open(ov_span_make(NULL, 0), kind, &set.tables[kind]), OV_OK);
        assert_false(ov_hashset_find(&set, kind, 68, digest, &rule));
    }
    assert_true(ov_hashset_is_empty(&set));
    assert_int_equal(ov_hashset_kinds_wanted(&set, 68), 0);
}

static enum ov_status open_with(uint32_t word, uint32_t value, size_t size) {
    uint8_t section[SECTION_BYTES + 64] = {0};
    struct ov_hash_table table;
    make_section(section);
    put_u32(section, 4 * word, value);
    return ov_hash_table_open(ov_span_make(section, size), OV_HASH_MD5, &table);
}

static void heads_that_do_not_fit_are_refused(void **state) {
    (void)state;
    assert_int_equal(open_with(0, 4, SECTION_BYTES), OV_OK);
    static const uint32_t values[] = {0, 3, 5, 17, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_int_equal(open_with(0, values[i], SECTION_BYTES), OV_DAMAGED); // entries
        assert_int_equal(open_with(5, values[i], SECTION_BYTES), OV_DAMAGED); // digest bytes
    }
    assert_int_equal(open_with(1, 5, SECTION_BYTES), OV_DAMAGED);           // more any than all
    assert_int_equal(open_with(3, 3, SECTION_BYTES), OV_DAMAGED);           // more covered than all
    assert_int_equal(open_with(4, COVERED + 1, SECTION_BYTES), OV_DAMAGED); // no whole run
    assert_int_equal(open_with(4, COVERED * 2, SECTION_BYTES), OV_DAMAGED);
    assert_int_equal(open_with(2, UINT32_MAX, SECTION_BYTES), OV_DAMAGED);
    for (size_t size = 1; size < SECTION_BYTES + 64; size++) {
        assert_int_equal(open_with(0, 4, size), size == SECTION_BYTES ? OV_OK : OV_DAMAGED);
    }
}

// Every byte set to several values, in a copy on the heap that the sanitizer watches: lookups end
// and stay inside. Answers may be wrong.
static void damaged_tables_are_not_followed(void **state) {
    (void)state;
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    static const uint64_t sizes[] = {0, 67, 68, 69, 4095, 4096, 100000, UINT32_MAX, UINT64_MAX};
    size_t opened = 0;
    for (size_t at = 0; at < SECTION_BYTES; at++) {
        for (size_t v = 0; v < sizeof values; v++) {
            uint8_t *section = malloc(SECTION_BYTES);
            struct ov_hashset set = {0};
            uint32_t rule;
            assert_non_null(section);
            make_section(section);
            section[at] = values[v];
            if (ov_hash_table_open(ov_span_make(section, SECTION_BYTES), OV_HASH_MD5,
                                   &set.tables[OV_HASH_MD5]) == OV_OK) {
                opened++;
                for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                    (void)ov_hashset_kinds_wanted(&set, sizes[i]);
                    for (unsigned byte = 0; byte < 256; byte += 0x11) {
                        (void)find(&set, sizes[i], (uint8_t)byte, &rule);
                    }
                }
            }
            free(section);
        }
    }
    assert_true(opened > SECTION_BYTES); // most damage is not in the head
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_made_table_answers),
        cmocka_unit_test(sizes_decide_what_is_wanted),
        cmocka_unit_test(empty_sets_find_nothing),
        cmocka_unit_test(heads_that_do_not_fit_are_refused),
        cmocka_unit_test(damaged_tables_are_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
