// SPDX-License-Identifier: Apache-2.0
// Names and sources through an image and back; and out of damaged sections.
#include "catalog/names.h"

#include "base/heuristic.h"

#include "rules/emit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BODIES = 100, HASHES = 40, LONG_NAME = 300 };

static struct ov_buf image;
static struct ov_rule_names names;
static char long_name[LONG_NAME + 1];

// Names that share beginnings, one that is too long, official ones, blocks that are not full.
static int set_up(void **state) {
    (void)state;
    static const struct ov_build_options options;
    struct ov_ruleset *set = NULL;
    struct ov_buf ndb = {0}, hdb = {0};
    memset(long_name, 'x', LONG_NAME);
    for (unsigned i = 0; i < BODIES; i++) {
        if (i == 50) {
            ov_buf_printf(&ndb, "%s:0:*:61626364%02x\n", long_name, i);
        } else {
            ov_buf_printf(&ndb, "Win.Trojan.Agent-%u-%u:0:*:61626364%02x\n", i / 7, i, i);
        }
    }
    for (unsigned i = 0; i < HASHES; i++) {
        ov_buf_printf(&hdb, "44d88612fea8a8f36de82e1278abb0%02x:%u:Hash-%u\n", i, i + 1, i);
    }
    bool is_built =
        ov_ruleset_new(NULL, &set) == OV_OK &&
        ov_ruleset_load_bytes(set, "/far/away/a.ndb", ov_buf_span(&ndb), false) == OV_OK &&
        ov_ruleset_load_bytes(set, "/far/daily.cvd!daily.hdb", ov_buf_span(&hdb), true) == OV_OK &&
        set->rule_count == BODIES && set->hash_count == HASHES &&
        ov_image_build(set, &options, &image, NULL) == OV_OK &&
        ov_rule_names_open(ov_buf_span(&image), &names) == OV_OK;
    ov_ruleset_free(set);
    ov_buf_release(&ndb);
    ov_buf_release(&hdb);
    return is_built ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ov_buf_release(&image);
    return 0;
}

static void test_names(void **state) {
    (void)state;
    char text[OV_NAME_TEXT_BYTES], wanted[OV_NAME_TEXT_BYTES];
    assert_int_equal(names.count, BODIES + HASHES);
    for (unsigned i = BODIES; i-- > 0;) {
        (void)snprintf(wanted, sizeof wanted, "Win.Trojan.Agent-%u-%u.UNOFFICIAL", i / 7, i);
        if (i == 50) {
            (void)snprintf(wanted, sizeof wanted, "%.*s.UNOFFICIAL", OV_NAME_BYTES_MAX, long_name);
        }
        assert_true(ov_rule_names_get(&names, i, text));
        assert_string_equal(text, wanted);
    }
    for (unsigned i = 0; i < HASHES; i++) {
        (void)snprintf(wanted, sizeof wanted, "Hash-%u", i);
        assert_true(ov_rule_names_get(&names, BODIES + i, text));
        assert_string_equal(text, wanted);
    }
}

static void test_sources(void **state) {
    (void)state;
    assert_true(ov_span_is_text(ov_rule_names_source(&names, 0), "a.ndb"));
    assert_true(ov_span_is_text(ov_rule_names_source(&names, BODIES - 1), "a.ndb"));
    assert_true(ov_span_is_text(ov_rule_names_source(&names, BODIES), "daily.cvd!daily.hdb"));
    assert_true(
        ov_span_is_text(ov_rule_names_source(&names, BODIES + HASHES - 1), "daily.cvd!daily.hdb"));
    struct ov_span source;
    assert_int_equal(ov_rule_names_source_at(&names, 0, &source), OV_OK);
    assert_true(ov_span_is_text(source, "a.ndb"));
    assert_int_equal(ov_rule_names_source_at(&names, 1, &source), OV_OK);
    assert_true(ov_span_is_text(source, "daily.cvd!daily.hdb"));
    assert_int_equal(ov_rule_names_source_at(&names, 2, &source), OV_END);
    assert_int_equal(ov_rule_names_source_at(&names, UINT32_MAX, &source), OV_END);
}

static void test_numbers_outside(void **state) {
    (void)state;
    static const uint32_t numbers[] = {BODIES + HASHES, BODIES + HASHES + 1, UINT32_MAX - 1,
                                       UINT32_MAX};
    char text[OV_NAME_TEXT_BYTES];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_false(ov_rule_names_get(&names, numbers[i], text));
        assert_string_equal(text, "?");
        assert_int_equal(ov_rule_names_source(&names, numbers[i]).size, 0);
    }
}

// Every byte of both sections set to several values: whatever it says, an answer with a NUL.
static void test_heuristics_have_names_without_an_image(void **state) {
    (void)state;
    char text[OV_NAME_TEXT_BYTES];
    uint32_t rule = OV_HEURISTIC_FIRST + OV_HEURISTIC_ENCRYPTED_ZIP;
    assert_true(ov_rule_names_get(&names, rule, text));
    assert_string_equal(text, "Heuristics.Encrypted.Zip");
    assert_true(ov_span_is_text(ov_rule_names_source(&names, rule), "heuristics"));
    assert_false(ov_rule_names_get(&names, OV_HEURISTIC_FIRST + OV_HEURISTIC_COUNT, text));
}

static void test_damaged_sections(void **state) {
    (void)state;
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    char text[OV_NAME_TEXT_BYTES];
    struct ov_span both[] = {names.names, names.sources};
    for (size_t n = 0; n < 2; n++) {
        uint8_t *copy = malloc(both[n].size);
        assert_non_null(copy);
        for (size_t at = 0; at < both[n].size; at++) {
            for (size_t v = 0; v < sizeof values; v++) {
                memcpy(copy, both[n].data, both[n].size);
                copy[at] = values[v];
                struct ov_rule_names damaged = names;
                *(n == 0 ? &damaged.names : &damaged.sources) = ov_span_make(copy, both[n].size);
                for (uint32_t i = 0; i < names.count; i += 13) {
                    memset(text, 'y', sizeof text);
                    (void)ov_rule_names_get(&damaged, i, text);
                    assert_non_null(memchr(text, '\0', sizeof text));
                    assert_true(ov_rule_names_source(&damaged, i).size <= both[n].size);
                }
            }
        }
        free(copy);
    }
}

static void test_sections_cut_off(void **state) {
    (void)state;
    char text[OV_NAME_TEXT_BYTES];
    for (size_t size = 0; size < names.names.size; size += 3) {
        struct ov_rule_names cut = names;
        cut.names.size = size;
        (void)ov_rule_names_get(&cut, names.count - 1, text);
        assert_string_equal(text, "?"); // the last name ends with the section
    }
}

static void test_refusals(void **state) {
    (void)state;
    struct ov_rule_names opened;
    struct ov_span bytes = ov_buf_span(&image);
    assert_int_equal(ov_rule_names_open(ov_span_make(NULL, 0), &opened), OV_DAMAGED);
    assert_int_equal(ov_rule_names_open(ov_span_part(bytes, 0, 127), &opened), OV_DAMAGED);
    assert_int_equal(ov_rule_names_open(ov_span_part(bytes, 0, bytes.size - 1), &opened),
                     OV_DAMAGED);
    image.data[8] ^= 2; // the version
    assert_int_equal(ov_rule_names_open(bytes, &opened), OV_DAMAGED);
    image.data[8] ^= 2;
    image.data[0] ^= 1;
    assert_int_equal(ov_rule_names_open(bytes, &opened), OV_DAMAGED);
    image.data[0] ^= 1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_numbers_outside),
        cmocka_unit_test(test_heuristics_have_names_without_an_image),
        cmocka_unit_test(test_damaged_sections),
        cmocka_unit_test(test_sections_cut_off),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
