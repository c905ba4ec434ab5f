// SPDX-License-Identifier: Apache-2.0
// Hash rules through an image and back: what the tables answer, against a plain walk over the
// rules.
#include "rules/emit_hash.h"

#include "match/hash_layout.h"
#include "match/hashset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { RULE_BASE = 1000, HITS_MAX = 4096 };

static uint64_t random_state = 20260102;

static uint32_t draw(uint32_t below) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

// A digest out of few, so that rules share whole digests, their first four and first eight bytes.
static void draw_digest(uint8_t ret_digest[OV_HASH_BYTES_MAX]) {
    memset(ret_digest, 0, OV_HASH_BYTES_MAX);
    ret_digest[0] = (uint8_t)draw(256);
    ret_digest[1] = (uint8_t)(draw(4) * 85);
    ret_digest[5] = (uint8_t)draw(2);
    ret_digest[9] = (uint8_t)draw(2);
    ret_digest[15] = (uint8_t)draw(2);
    ret_digest[31] = (uint8_t)draw(2);
}

// Sizes small and large, at the ends of the bitmap's runs, beyond the bitmap, and any.
static uint32_t draw_size(void) {
    switch (draw(6)) {
    case 0:
        return OV_HASH_ANY_SIZE;
    case 1:
        return OV_HASH_COVERED_MAX - 2 + draw(4);
    case 2:
        return 0xfffffff0 + draw(15);
    case 3:
        return OV_HASH_RUN * draw(4) + OV_HASH_RUN - 1 + draw(2);
    default:
        return 1 + draw(300);
    }
}

static struct ov_hash_rule *make_rules(size_t count, unsigned scopes, unsigned kinds) {
    struct ov_hash_rule *rules = calloc(count + 1, sizeof *rules);
    assert_non_null(rules);
    for (size_t i = 0; i < count; i++) {
        draw_digest(rules[i].digest);
        rules[i].size = draw_size();
        rules[i].scope = (uint8_t)draw(scopes);
        rules[i].kind = (uint8_t)draw(kinds);
    }
    return rules;
}

// An image that holds the rules, and the sets in it.
struct fixture {
    struct ov_buf bytes;
    struct ov_image image;
    struct ov_hashset sets[OV_HASH_SCOPES];
    struct ov_hash_report report;
};

static void build(const struct ov_hash_rule *rules, size_t count, struct fixture *ret_fixture) {
    char reason[OV_IMAGE_REASON_BYTES] = "";
    struct ov_image_writer *writer = malloc(sizeof *writer);
    assert_non_null(writer);
    ov_image_writer_init(writer);
    memset(ret_fixture, 0, sizeof *ret_fixture);
    assert_int_equal(ov_emit_hashes(rules, count, RULE_BASE, writer, &ret_fixture->report), OV_OK);
    writer->hash_rule_count = (uint32_t)count;
    assert_int_equal(ov_image_writer_finish(writer, &ret_fixture->bytes), OV_OK);
    ov_image_writer_release(writer);
    free(writer);
    struct ov_span bytes = ov_buf_span(&ret_fixture->bytes);
    if (ov_image_open(bytes, &ret_fixture->image, reason) != OV_OK) {
        fail_msg("image refused: %s", reason);
    }
    for (unsigned scope = 0; scope < OV_HASH_SCOPES; scope++) {
        assert_int_equal(
            ov_hashset_open(&ret_fixture->image, scope, &ret_fixture->sets[scope], reason), OV_OK);
    }
}

// What the rules say, read one after another: numbers of those that match, sized ones first.
static size_t find_naively(const struct ov_hash_rule *rules, size_t count,
                           const struct ov_hash_rule *asked, uint32_t *ret_numbers) {
    size_t found = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        uint32_t size = pass == 0 ? asked->size : OV_HASH_ANY_SIZE;
        for (size_t i = 0; i < count && found < HITS_MAX; i++) {
            if (rules[i].scope == asked->scope && rules[i].kind == asked->kind &&
                rules[i].size == size &&
                memcmp(rules[i].digest, asked->digest, ov_hash_bytes(asked->kind)) == 0) {
                ret_numbers[found++] = RULE_BASE + (uint32_t)i;
            }
        }
        if (asked->size == OV_HASH_ANY_SIZE) {
            break; // nothing has this size: the two passes would be one
        }
    }
    return found;
}

static void check_query(const struct fixture *fixture, const struct ov_hash_rule *rules,
                        size_t count, const struct ov_hash_rule *asked) {
    static uint32_t want[HITS_MAX];
    const struct ov_hashset *set = &fixture->sets[asked->scope];
    size_t want_count = find_naively(rules, count, asked, want);
    struct ov_hash_hits hits;
    uint32_t rule = 0;
    ov_hash_hits_begin(set, asked->kind, asked->size, asked->digest, &hits);
    for (size_t i = 0; i < want_count; i++) {
        assert_true(ov_hash_hits_next(&hits, &rule));
        assert_int_equal(rule, want[i]);
    }
    assert_false(ov_hash_hits_next(&hits, &rule));
    assert_false(ov_hash_hits_next(&hits, &rule)); // and stays at the end
    rule = 77;
    assert_int_equal(ov_hashset_find(set, asked->kind, asked->size, asked->digest, &rule),
                     want_count > 0);
    assert_int_equal(rule, want_count > 0 ? want[0] : 77);
}

static void check_wanted(const struct fixture *fixture, const struct ov_hash_rule *rules,
                         size_t count, uint64_t size) {
    for (unsigned scope = 0; scope < OV_HASH_SCOPES; scope++) {
        unsigned want = 0;
        for (size_t i = 0; i < count; i++) {
            bool is_wanted = rules[i].size == size || rules[i].size == OV_HASH_ANY_SIZE;
            want |= rules[i].scope == scope && is_wanted ? 1u << rules[i].kind : 0;
        }
        assert_int_equal(ov_hashset_kinds_wanted(&fixture->sets[scope], size), want);
    }
}

static void check_report(const struct fixture *fixture, const struct ov_hash_rule *rules,
                         size_t count) {
    struct ov_hash_report want = {0};
    for (size_t i = 0; i < count; i++) {
        want.rule_count[rules[i].scope][rules[i].kind]++;
        want.any_size_count[rules[i].scope][rules[i].kind] += rules[i].size == OV_HASH_ANY_SIZE;
    }
    assert_memory_equal(fixture->report.rule_count, want.rule_count, sizeof want.rule_count);
    assert_memory_equal(fixture->report.any_size_count, want.any_size_count,
                        sizeof want.any_size_count);
}

static void check_set(size_t count, unsigned scopes, unsigned kinds) {
    struct ov_hash_rule *rules = make_rules(count, scopes, kinds);
    struct fixture fixture;
    build(rules, count, &fixture);
    check_report(&fixture, rules, count);
    for (size_t i = 0; i < 300; i++) {
        struct ov_hash_rule asked = {.scope = (uint8_t)draw(OV_HASH_SCOPES),
                                     .kind = (uint8_t)draw(OV_HASH_KINDS),
                                     .size = draw_size()};
        draw_digest(asked.digest);
        check_query(&fixture, rules, count, &asked);
        if (count > 0) {
            asked = rules[draw((uint32_t)count)]; // one that is there
            check_query(&fixture, rules, count, &asked);
            asked.size = draw_size(); // and with another size
            check_query(&fixture, rules, count, &asked);
            asked.digest[draw(16)] ^= 1;
            check_query(&fixture, rules, count, &asked);
        }
        check_wanted(&fixture, rules, count, draw_size());
    }
    check_wanted(&fixture, rules, count, 0);
    check_wanted(&fixture, rules, count, UINT64_MAX);
    ov_buf_release(&fixture.bytes);
    free(rules);
}

static void answers_match_a_plain_walk(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 10, 100, 1000, 5000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        check_set(counts[i], 1, 1);
        check_set(counts[i], 1, OV_HASH_KINDS);
        check_set(counts[i], OV_HASH_SCOPES, OV_HASH_KINDS);
    }
}

// Groups so large that the search guesses, with digests spread evenly and with digests that are all
// at one end.
static void large_groups(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    for (unsigned shape = 0; shape < 2; shape++) {
        struct ov_hash_rule *rules = calloc(COUNT, sizeof *rules);
        assert_non_null(rules);
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t k = shape == 0 ? 0 : 6; k < 16; k++) {
                rules[i].digest[k] = (uint8_t)draw(256);
            }
            rules[i].size = i % 2 == 0 ? 4096 : OV_HASH_ANY_SIZE;
        }
        struct fixture fixture;
        build(rules, COUNT, &fixture);
        for (size_t i = 0; i < COUNT; i++) {
            uint32_t rule = 0;
            assert_true(
                ov_hashset_find(&fixture.sets[0], OV_HASH_MD5, 4096, rules[i].digest, &rule));
            assert_int_equal(rule, RULE_BASE + i);
            rules[i].digest[15] ^= 0x40;
            assert_false(
                ov_hashset_find(&fixture.sets[0], OV_HASH_MD5, 4096, rules[i].digest, &rule));
        }
        ov_buf_release(&fixture.bytes);
        free(rules);
    }
}

static void same_rules_give_same_bytes(void **state) {
    (void)state;
    struct ov_hash_rule *rules = make_rules(3000, OV_HASH_SCOPES, OV_HASH_KINDS);
    struct fixture first, second;
    build(rules, 3000, &first);
    build(rules, 3000, &second);
    assert_true(ov_span_is_equal(ov_buf_span(&first.bytes), ov_buf_span(&second.bytes)));
    ov_buf_release(&first.bytes);
    ov_buf_release(&second.bytes);
    free(rules);
}

// Rules cost what the format document says: about 21 bytes for MD5 when sizes repeat.
static void sections_are_small(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    struct ov_hash_rule *rules = calloc(COUNT, sizeof *rules);
    assert_non_null(rules);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(rules[i].digest, &i, sizeof i);
        rules[i].size = 1 + (uint32_t)i / 20;
    }
    struct fixture fixture;
    build(rules, COUNT, &fixture);
    assert_int_equal(fixture.report.size_count[0][0], COUNT / 20);
    assert_in_range(fixture.report.section_bytes[0][0], COUNT * 20, COUNT * 21);
    // One rule for a large thing must not cost a bitmap up to its size.
    ov_buf_release(&fixture.bytes);
    rules[0].size = 12345678;
    build(rules, 1, &fixture);
    assert_in_range(fixture.report.section_bytes[0][0], 1, 1024);
    ov_buf_release(&fixture.bytes);
    free(rules);
}

static void bad_input_is_refused(void **state) {
    (void)state;
    struct ov_hash_rule rule = {.size = 10};
    struct ov_hash_report report;
    struct ov_image_writer *writer = calloc(1, sizeof *writer);
    assert_non_null(writer);
    assert_int_equal(ov_emit_hashes(&rule, 1, OV_IMAGE_NONE - 1, writer, &report), OV_LIMIT);
    rule.scope = OV_HASH_SCOPES;
    assert_int_equal(ov_emit_hashes(&rule, 1, 0, writer, &report), OV_INVALID);
    rule.scope = 0;
    rule.kind = OV_HASH_KINDS;
    assert_int_equal(ov_emit_hashes(&rule, 1, 0, writer, &report), OV_INVALID);
    rule.kind = OV_HASH_SHA1;
    while (ov_image_writer_add(writer, 200, 0) != NULL) {
    }
    assert_int_equal(ov_emit_hashes(&rule, 1, 0, writer, &report), OV_LIMIT);
    ov_image_writer_release(writer);
    free(writer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_match_a_plain_walk), cmocka_unit_test(large_groups),
        cmocka_unit_test(same_rules_give_same_bytes), cmocka_unit_test(sections_are_small),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
