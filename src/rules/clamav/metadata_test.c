// SPDX-License-Identifier: Apache-2.0
// Metadata rules and magics of file types, as they are read.
#include "base/filetype.h"
#include "rules/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ov_ruleset *set;

static int set_up(void **state) {
    (void)state;
    return ov_ruleset_new(NULL, &set) == OV_OK ? 0 : 1;
}

static int tear_down(void **state) {
    (void)state;
    ov_ruleset_free(set);
    return 0;
}

static void load(const char *name, const char *text) {
    assert_int_equal(ov_ruleset_load_bytes(set, name, ov_span_text(text), false), OV_OK);
}

static void test_every_field(void **state) {
    (void)state;
    load("a.cdb", "Full:CL_TYPE_ZIP:10-20:(?i)x[\\]$:5:0-9:1:3-0:123:*:90:300\n"
                  "Any:*:*:*:*:*:*:*:*:*\n");
    assert_int_equal(set->rule_count, 2);
    const struct ov_metadata *full = set->rules[0].metadata;
    assert_int_equal(set->rules[0].kind, OV_RULE_METADATA);
    assert_int_equal(full->container, OV_FILETYPE_ZIP);
    assert_true(full->container_size.min == 10 && full->container_size.max == 20);
    assert_true(full->packed_size.min == 5 && full->packed_size.max == 5);
    assert_true(full->plain_size.min == 0 && full->plain_size.max == 9);
    assert_true(full->position.min == 3 && full->position.max == UINT32_MAX);
    assert_true(full->encrypted == 1 && full->is_name_caseless && !full->has_checksum);
    assert_true(ov_span_is_text(full->name, "x[\\\\]$"));
    const struct ov_metadata *any = set->rules[1].metadata;
    assert_int_equal(any->container, 0);
    assert_true(any->position.min == 0 && any->position.max == UINT32_MAX);
    assert_true(any->encrypted == OV_ENCRYPTED_EITHER && any->name.size == 0);
}

// POSIX on the left, what PCRE2 is given on the right; NULL: refused.
static void test_names_are_rewritten(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"a.b", "a.b"},       {"\\d", "d"},         {"\\.", "\\."},   {"[\\d]", "[\\\\d]"},
        {"[]a]", "[]a]"},     {"[^]a]", "[^]a]"},   {"[[]", "[\\[]"}, {"\\(*", "\\(*"},
        {"a{2,3}", "a{2,3}"}, {"(a|b)+", "(a|b)+"}, {"a**", NULL},    {"(?:a)", NULL},
        {"(*UTF)a", NULL},    {"a|*", NULL},        {"*a", NULL},     {"a??", NULL},
        {"[a", NULL},         {"a\\", NULL},        {"(a", NULL},     {"\\Qa\\E", "QaE"},
        {"{", "{"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char line[100];
        size_t before = set->rule_count;
        (void)snprintf(line, sizeof line, "N:*:*:%s:*:*:*:*:*:*\n", pairs[i][0]);
        load("a.cdb", line);
        assert_int_equal(set->rule_count - before, pairs[i][1] != NULL);
        if (pairs[i][1] != NULL) {
            assert_true(ov_span_is_text(set->rules[before].metadata->name, pairs[i][1]));
        }
    }
}

static void test_older_kinds(void **state) {
    (void)state;
    load("a.zmd", "One:1:x:7:8:00c0ffee:9:3:5\n");
    load("a.rmd", "Two:*:*:*:*:*:*:*:*\n");
    assert_int_equal(set->rule_count, 2);
    const struct ov_metadata *zip = set->rules[0].metadata;
    assert_int_equal(zip->container, OV_FILETYPE_ZIP);
    assert_true(zip->plain_size.min == 7 && zip->packed_size.min == 8 && zip->position.max == 3);
    assert_true(zip->has_checksum && zip->checksum == 0xc0ffee);
    assert_int_equal(set->rules[1].metadata->container, OV_FILETYPE_RAR);
}

static void test_magics(void **state) {
    (void)state;
    load("a.ftm", "0:257:7573746172:TAR:CL_TYPE_ANY:CL_TYPE_POSIX_TAR\n"
                  "1:*:3c68:HTML:CL_TYPE_ANY:CL_TYPE_HTML\n"
                  "0:0:00:Later:CL_TYPE_ANY:CL_TYPE_ELF:500\n");
    assert_int_equal(set->magic_count, 1);
    assert_int_equal(set->problem_count, 2);
    assert_true(set->problems[0].is_skip && set->problems[1].is_skip);
    assert_true(set->magics[0].offset == 257 && set->magics[0].type == OV_FILETYPE_POSIX_TAR);
    assert_memory_equal(set->magics[0].bytes, "ustar", 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_are_rewritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_older_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_magics, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
