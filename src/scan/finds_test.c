// SPDX-License-Identifier: Apache-2.0
// The order of detections: what clamscan would have told first.
#include "scan/finds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { OVERLAP = 100, WINDOW = 131072 };

static struct ov_finds finds;
static struct ov_verdict verdict;
static const struct ov_detection top; // the file itself

static int clear(void **state) {
    (void)state;
    finds.count = 0;
    finds.has_late = true;
    memset(&verdict, 0, sizeof verdict);
    return 0;
}

static void add(uint32_t number, uint8_t flags, uint8_t target, uint64_t start, uint64_t end) {
    struct ov_image_rule rule = {.flags = flags, .target = target};
    struct ov_match match = {.rule = number, .start = start, .end = end};
    ov_finds_add_match(&finds, &rule, &match, OVERLAP);
}

// Reports all and compares the order of the rules.
static void assert_order(const uint32_t *rules, uint32_t count) {
    ov_finds_report(&finds, true, &top, &verdict);
    assert_int_equal(verdict.kind, OV_VERDICT_FOUND);
    assert_int_equal(verdict.count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(verdict.detections[i].rule, rules[i]);
    }
}

static void test_nothing(void **state) {
    (void)state;
    verdict.kind = OV_VERDICT_CLEAN;
    ov_finds_report(&finds, false, &top, &verdict);
    assert_int_equal(verdict.kind, OV_VERDICT_CLEAN);
    assert_int_equal(verdict.count, 0);
}

static void test_stages(void **state) {
    (void)state;
    static const uint32_t order[] = {1, 2, 3, 4, 5, 6};
    ov_finds_add_hash(&finds, OV_FIND_IMPORTS, 6, 0);
    ov_finds_add_hash(&finds, OV_FIND_SECTION, 5, 0);
    add(4, 0, 0, 0, 4);
    add(3, 0, 1, 0, 4);
    ov_finds_add_hash(&finds, OV_FIND_HASH, 2, 0);
    add(1, OV_RULE_FLAG_BODY, 0, 900000, 900004);
    assert_order(order, 6);
}

// Of body rules, an earlier window wins; within one, those of the object's own target.
static void test_windows(void **state) {
    (void)state;
    static const uint32_t order[] = {2, 1, 3};
    add(1, OV_RULE_FLAG_BODY, 0, 5, 9);
    add(2, OV_RULE_FLAG_BODY, 1, 131000, 131008);
    add(3, OV_RULE_FLAG_BODY, 1, WINDOW, WINDOW + 8);
    assert_order(order, 3);
}

// Text and unknown data are first scanned with the rules for any target alone.
static void test_own_rules_of_text_come_last(void **state) {
    (void)state;
    static const uint32_t order[] = {4, 5, 3, 2, 1};
    static const uint8_t late[] = {4, 7, 14};
    for (size_t i = 0; i < sizeof late; i++) {
        uint8_t target = late[i];
        (void)clear(state);
        add(1, 0, target, 0, 4);
        add(2, OV_RULE_FLAG_BODY, target, 0, 4);
        add(3, 0, 0, 0, 4);
        ov_finds_add_hash(&finds, OV_FIND_HASH, 5, 0);
        add(4, OV_RULE_FLAG_BODY, 0, 900000, 900004);
        assert_order(order, 5);
    }
}

// Where a rule is noticed comes first, then its order among those noticed there.
static void test_body_rules_by_notice(void **state) {
    (void)state;
    static const struct {
        struct ov_image_rule rule;
        struct ov_match match;
    } added[] = {
        {{.flags = OV_RULE_FLAG_BODY, .notice = 3, .order = 7},
         {.rule = 4, .start = 10, .end = 30}},
        {{.flags = OV_RULE_FLAG_BODY, .notice = 5, .order = 2}, {.rule = 3, .start = 8, .end = 99}},
        {{.flags = OV_RULE_FLAG_BODY | OV_RULE_FLAG_LATE, .notice = 4, .order = 9},
         {.rule = 2, .start = 0, .end = 17}},
        {{.flags = OV_RULE_FLAG_BODY, .notice = 2, .order = 1},
         {.rule = 1, .start = 12, .end = 20}},
    };
    static const uint32_t order[] = {3, 4, 2, 1};
    for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
        ov_finds_add_match(&finds, &added[i].rule, &added[i].match, OVERLAP);
    }
    assert_order(order, 4);
}

static void test_logical_rules_in_load_order(void **state) {
    (void)state;
    static const uint32_t order[] = {4, 7, 9, 2};
    add(9, 0, 1, 0, 1);
    add(4, 0, 1, 50, 51);
    add(7, 0, 1, 20, 21);
    add(2, 0, 0, 0, 1);
    assert_order(order, 4);
}

static void test_one_alone(void **state) {
    (void)state;
    add(9, 0, 1, 0, 1);
    add(4, 0, 1, 50, 51);
    ov_finds_report(&finds, false, &top, &verdict);
    assert_int_equal(verdict.count, 1);
    assert_int_equal(verdict.detections[0].rule, 4);
    assert_int_equal(verdict.detections[0].offset, 50);
}

static void test_strong_before_unwanted(void **state) {
    (void)state;
    add(1, OV_RULE_FLAG_PUA, 1, 0, 1);
    add(5, 0, 0, 0, 1);
    add(2, OV_RULE_FLAG_PUA, 1, 0, 1);
    ov_finds_report(&finds, false, &top, &verdict);
    assert_int_equal(verdict.count, 1);
    assert_int_equal(verdict.detections[0].rule, 5);
}

static void test_last_unwanted_one(void **state) {
    (void)state;
    add(2, OV_RULE_FLAG_PUA, 1, 0, 1);
    add(1, OV_RULE_FLAG_PUA, 1, 0, 1);
    ov_finds_report(&finds, false, &top, &verdict);
    assert_int_equal(verdict.kind, OV_VERDICT_FOUND);
    assert_int_equal(verdict.count, 1);
    assert_int_equal(verdict.detections[0].rule, 2);
}

static void test_each_rule_once(void **state) {
    (void)state;
    static const uint32_t order[] = {3};
    add(3, 0, 0, 0, 1);
    add(3, 0, 0, 10, 11);
    assert_order(order, 1);
}

static void test_more_than_fit(void **state) {
    (void)state;
    for (uint32_t i = 0; i < OV_FINDS_MAX + 10; i++) {
        add(i, 0, 0, 0, 1);
    }
    assert_int_equal(finds.count, OV_FINDS_MAX);
    ov_finds_report(&finds, true, &top, &verdict);
    assert_int_equal(verdict.count, OV_DETECTIONS_MAX);
    for (uint32_t i = 0; i < OV_DETECTIONS_MAX; i++) {
        assert_int_equal(verdict.detections[i].rule, i);
    }
    assert_int_equal(verdict.limit, OV_LIMIT_DETECTIONS);
}

// Many places of one rule leave room for the names of others.
static void test_repeated_rules(void **state) {
    (void)state;
    for (uint32_t member = 1; member <= OV_DETECTIONS_MAX; member++) {
        struct ov_detection place = {.depth = 1, .members = {member}};
        finds.count = 0;
        add(7, 0, 0, 0, 1);
        ov_finds_report(&finds, true, &place, &verdict);
    }
    assert_int_equal(verdict.limit, OV_LIMIT_NONE);
    finds.count = 0;
    add(8, 0, 0, 0, 1);
    add(9, 0, 0, 0, 1);
    ov_finds_report(&finds, true, &top, &verdict);
    assert_int_equal(verdict.count, OV_DETECTIONS_MAX);
    assert_int_equal(verdict.detections[OV_DETECTIONS_MAX - 1].rule, 8);
    assert_int_equal(verdict.detections[OV_DETECTIONS_MAX - 2].rule, 9);
    assert_int_equal(verdict.limit, OV_LIMIT_DETECTIONS);
}

// An overlap of a whole window or more must not divide by nothing.
static void test_huge_overlap(void **state) {
    (void)state;
    static const uint32_t overlaps[] = {0, WINDOW - 1, WINDOW, UINT32_MAX};
    struct ov_image_rule rule = {.flags = OV_RULE_FLAG_BODY};
    for (size_t i = 0; i < sizeof overlaps / sizeof *overlaps; i++) {
        struct ov_match match = {.rule = 1, .start = UINT64_MAX / 8, .end = UINT64_MAX / 8 + 4};
        ov_finds_add_match(&finds, &rule, &match, overlaps[i]);
    }
    assert_int_equal(finds.count, 4);
}

static void test_heuristics_are_unwanted_unless_they_take_precedence(void **state) {
    (void)state;
    ov_finds_add_heuristic(&finds, OV_HEURISTIC_BROKEN_EXECUTABLE);
    ov_finds_report(&finds, false, &top, &verdict);
    assert_int_equal(verdict.count, 1);
    assert_int_equal(verdict.detections[0].rule, ov_heuristic_rule(OV_HEURISTIC_BROKEN_EXECUTABLE));
    assert_false(verdict.has_strong);
    finds.count = 0;
    finds.has_precedence = true;
    ov_finds_add_heuristic(&finds, OV_HEURISTIC_MACROS_VBA);
    add(1, OV_RULE_FLAG_BODY | OV_RULE_FLAG_PUA, 0, 0, 4);
    ov_finds_report(&finds, false, &top, &verdict);
    finds.has_precedence = false;
    assert_int_equal(verdict.count, 1);
    assert_true(verdict.has_strong);
    assert_int_not_equal(verdict.detections[0].rule,
                         ov_heuristic_rule(OV_HEURISTIC_BROKEN_EXECUTABLE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing, clear),
        cmocka_unit_test_setup(test_stages, clear),
        cmocka_unit_test_setup(test_windows, clear),
        cmocka_unit_test_setup(test_own_rules_of_text_come_last, clear),
        cmocka_unit_test_setup(test_body_rules_by_notice, clear),
        cmocka_unit_test_setup(test_logical_rules_in_load_order, clear),
        cmocka_unit_test_setup(test_one_alone, clear),
        cmocka_unit_test_setup(test_strong_before_unwanted, clear),
        cmocka_unit_test_setup(test_last_unwanted_one, clear),
        cmocka_unit_test_setup(test_each_rule_once, clear),
        cmocka_unit_test_setup(test_more_than_fit, clear),
        cmocka_unit_test_setup(test_repeated_rules, clear),
        cmocka_unit_test_setup(test_huge_overlap, clear),
        cmocka_unit_test_setup(test_heuristics_are_unwanted_unless_they_take_precedence, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
