// SPDX-License-Identifier: Apache-2.0
// Where clamscan would notice rules, and which of two at one place it would tell first.
// tests/differences_test.py and tests/match/forge_ties.py hold the same against clamscan itself.
#include "rules/emit.h"

#include "match/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RULES_MAX = 8 };

// The records of the rules in the text, one a line.
static uint32_t read_rules(const char *text, struct ov_image_rule ret_rules[RULES_MAX]) {
    static const struct ov_build_options options;
    struct ov_ruleset *set = NULL;
    struct ov_buf bytes;
    struct ov_image image;
    char reason[OV_IMAGE_REASON_BYTES] = "";
    uint32_t count = 0;
    assert_int_equal(ov_ruleset_new(NULL, &set), OV_OK);
    assert_int_equal(ov_ruleset_load_bytes(set, "a.ndb", ov_span_text(text), false), OV_OK);
    assert_int_equal(set->problem_count, 0);
    ov_buf_init(&bytes);
    assert_int_equal(ov_image_build(set, &options, &bytes, NULL), OV_OK);
    assert_int_equal(ov_image_open(ov_buf_span(&bytes), &image, reason), OV_OK);
    const struct ov_image_rule *rules =
        ov_image_array(&image, OV_SECTION_RULES, 0, sizeof *rules, &count);
    assert_true(count <= RULES_MAX);
    memcpy(ret_rules, rules, count * sizeof *rules);
    ov_buf_release(&bytes);
    ov_ruleset_free(set);
    return count;
}

static void test_notice(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        uint32_t notice;
        bool is_from_end;
    } cases[] = {
        {"41424344", 3, false},
        {"??41424344", 4, false},
        {"0000004142", 5, false},          // not by zeros
        {"00000000", 4, false},            // unless there is nothing else, and then late
        {"4142??434445", 6, false},        // three bytes are better than two
        {"4142??4344", 5, false},          // of two and two, the last
        {"4142??0000", 2, false},          // but not zeros
        {"(41|42)434445", 4, false},       // a choice of equal lengths
        {"(41|4243)444546??", 1, true},    // the start is not fixed, the end is
        {"4142??43*444546", 0, true},      // the last part counts
        {"414243*44??454647(B)", 0, true}, // an edge takes nothing
        {"41[0-3]42434445", 3, false},     // a byte outside is no part of it
        {"414243{2-9}44454647[0-3]48", 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        struct ov_image_rule rules[RULES_MAX];
        (void)snprintf(line, sizeof line, "R:1:*:%s\n", cases[i].pattern);
        assert_int_equal(read_rules(line, rules), 1);
        bool is_from_end = (rules[0].flags & OV_RULE_FLAG_LATE) != 0;
        if (rules[0].notice != cases[i].notice || is_from_end != cases[i].is_from_end) {
            fail_msg("%s: %u from the %s", cases[i].pattern, rules[0].notice,
                     is_from_end ? "end" : "start");
        }
    }
}

// Which offsets keep a plain pattern of target 1 out of the Boyer-Moore tables.
static void test_plain(void **state) {
    (void)state;
    struct ov_image_rule rules[RULES_MAX];
    static const bool is_plain[] = {true, false, true, false, false};
    assert_int_equal(read_rules("A:0:*:41424344\nB:1:*:41424344\nC:1:EP+0:41424344\n"
                                "D:1:EP+0,5:41424344\nE:1:VI:41424344\n",
                                rules),
                     5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal((rules[i].flags & OV_RULE_FLAG_PLAIN) != 0, is_plain[i]);
    }
}

static void test_order(void **state) {
    (void)state;
    static const struct {
        const char *what, *text;
        uint32_t first, second; // numbers of the rules
    } cases[] = {
        {"plain ones: the last", "A:0:*:41424344\nB:0:*:4142434445\n", 1, 0},
        {"others in one block: the first",
         "Z:1:*:5a5a5a??\nA:1:*:76736a7a??70\nB:1:*:76736a7a6d??\n", 1, 2},
        {"the very first rule lies in a block of its own",
         "A:1:*:76736a7a??70\nB:1:*:76736a7a6d??\n", 1, 0},
        {"fewer parts, the last ones equal",
         "A:1:*:4142??4344*4546*717273\nB:1:*:41424344*717273\n", 1, 0},
        {"one part before several", "A:1:*:4142*717273\nB:1:*:717273??\n", 1, 0},
        {"the larger group",
         "Z:1:*:5a5a5a??\nA:1:*:717273??74\nB:1:*:7172737475\nC:1:0,3:7172737475\n", 2, 1},
        {"a group does not reach over targets",
         "Z:1:*:5a5a5a??\nA:1:*:717273??74\nB:1:*:7172737475\nC:6:*:7172737475\n", 1, 2},
        {"the longer path", "Z:1:*:5a5a5a??\nA:1:*:7273??31\nB:1:*:717273??31\n", 2, 1},
        {"edges make a difference",
         "Z:1:*:5a5a5a??\nA:1:*:717273??74\nB:1:*:7172737475\nC:1:*:7172737475(B)\n", 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ov_image_rule rules[RULES_MAX];
        (void)read_rules(cases[i].text, rules);
        if (rules[cases[i].first].order >= rules[cases[i].second].order) {
            fail_msg("%s", cases[i].what);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notice),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
