// SPDX-License-Identifier: Apache-2.0
// The matcher against its naive twin: random rule sets, dense random objects, every kernel set.
// rooms: rules match base
//
// Rules are written as text, read by the real readers and compiled by the real builder; what
// matches must be what the twin finds in the rule tree. OVERT_TEST_ROUNDS=N makes it run longer,
// OVERT_TEST_SEED=N elsewhere.
#include "naive_match.h"

#include "match/matcher.h"
#include "rules/emit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { OBJECTS_A_SET = 6, OBJECT_BYTES_MAX = 48 * 1024, LINE_BYTES = 4096 };

static uint64_t random_state;

// xorshift64* by Sebastiano Vigna.
static uint32_t draw(uint32_t below) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1du) >> 32) % below;
}

static bool is_one_in(uint32_t count) {
    return draw(count) == 0;
}

// ---- rules --------------------------------------------------------------------------------------

// What the rules of a set are like.
struct style {
    uint32_t alphabet; // bytes that literals are made of: 2 to 256
    uint32_t bytes_max;
    uint32_t target;
};

static uint8_t draw_byte(const struct style *style) {
    static const uint8_t few[] = {'a', 'B', 0x00, 'b', 'A', 0xff, ' ', '\n', '1', '.', 'z', 0x90};
    return style->alphabet <= sizeof few ? few[draw(style->alphabet)]
                                         : (uint8_t)draw(style->alphabet);
}

static void add_literal(struct ov_buf *line, const struct style *style, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        ov_buf_printf(line, "%02x", draw_byte(style));
    }
}

static void add_choice(struct ov_buf *line, const struct style *style) {
    bool is_negated = is_one_in(3);
    bool has_one_length = is_negated || is_one_in(2);
    uint32_t length = 1 + draw(3), count = 1 + draw(4);
    ov_buf_add_text(line, is_negated ? "!(" : "(");
    for (uint32_t i = 0; i < count; i++) {
        ov_buf_add_text(line, i > 0 ? "|" : "");
        add_literal(line, style, has_one_length ? length : 1 + draw(4));
    }
    ov_buf_add_text(line, ")");
}

static void add_wildcard(struct ov_buf *line, const struct style *style) {
    switch (draw(3)) {
    case 0:
        ov_buf_add_text(line, "\?\?");
        break;
    case 1:
        ov_buf_printf(line, "%x?", draw_byte(style) >> 4);
        break;
    default:
        ov_buf_printf(line, "?%x", draw_byte(style) & 15);
        break;
    }
}

static void add_gap(struct ov_buf *line) {
    static const char *const gaps[] = {"*", "{-7}", "{2-5}", "{3}", "{0-40}", "{9-}", "{200-300}"};
    ov_buf_add_text(line, gaps[draw(sizeof gaps / sizeof gaps[0])]);
}

// A pattern in ClamAV's hex language: what the reader refuses costs only a line.
static void add_pattern(struct ov_buf *line, const struct style *style, bool has_classes) {
    uint32_t parts = is_one_in(3) ? 2 + draw(3) : 1;
    if (has_classes && is_one_in(12)) {
        ov_buf_printf(line, "(%c)", "BLW"[draw(3)]);
    }
    for (uint32_t part = 0; part < parts; part++) {
        if (part > 0) {
            add_gap(line);
        }
        uint32_t left = 2 + draw(style->bytes_max);
        while (left > 0) {
            uint32_t run = 1 + draw(left < 12 ? left : 12);
            add_literal(line, style, run + (run == 1));
            left -= run;
            uint32_t kind = draw(6);
            if (left > 0 && kind == 0) {
                add_choice(line, style);
            } else if (left > 0 && kind == 1) {
                add_wildcard(line, style);
            }
        }
    }
    if (has_classes && is_one_in(12)) {
        ov_buf_printf(line, "(%c)", "BLW"[draw(3)]);
    }
}

static void add_offset(struct ov_buf *line) {
    switch (draw(6)) {
    case 0:
        ov_buf_printf(line, "%u", draw(20));
        break;
    case 1:
        ov_buf_printf(line, "%u,%u", draw(40), draw(60));
        break;
    case 2:
        ov_buf_printf(line, "EOF-%u", draw(60));
        break;
    default:
        ov_buf_add_text(line, "*");
        break;
    }
}

static void add_body_rule(struct ov_buf *text, const struct style *style, uint32_t number) {
    ov_buf_printf(text, "B%u:%u:", number, style->target);
    add_offset(text);
    ov_buf_add_text(text, ":");
    add_pattern(text, style, true);
    ov_buf_add_text(text, "\n");
}

static void add_count(struct ov_buf *line) {
    if (is_one_in(3)) {
        ov_buf_printf(line, "%c%u", "=><"[draw(3)], draw(4));
    }
}

// A block may ask for different ones among its matches as well.
static void add_block_count(struct ov_buf *line) {
    if (is_one_in(3)) {
        ov_buf_printf(line, "%c%u,%u", "=>"[draw(2)], draw(4), 1 + draw(4));
    } else {
        add_count(line);
    }
}

// One term of an expression: a subsignature, or several in a block with a count of its own.
static void add_term(struct ov_buf *line, uint32_t sub_count) {
    if (is_one_in(2)) {
        ov_buf_printf(line, "%u", draw(sub_count));
        add_count(line);
        return;
    }
    char op = "&|"[draw(2)];
    uint32_t count = 2 + draw(3);
    ov_buf_add_text(line, "(");
    for (uint32_t i = 0; i < count; i++) {
        ov_buf_printf(line, "%.*s%u", i > 0, &op, draw(sub_count));
    }
    ov_buf_add_text(line, ")");
    add_block_count(line);
    if (line->data[line->size - 2] == '>' && is_one_in(2)) {
        ov_buf_printf(line, ",%u", 1 + draw(3));
    }
}

static void add_logical_rule(struct ov_buf *text, const struct style *style, uint32_t number) {
    static const char *const modifiers[] = {"", "", "", "::i", "::w", "::a", "::wa", "::ia"};
    uint32_t sub_count = 1 + draw(5), terms = 1 + draw(4);
    ov_buf_printf(text, "L%u;Engine:51-255,Target:%u;", number, style->target);
    char op = "&|"[draw(2)];
    for (uint32_t i = 0; i < terms; i++) {
        ov_buf_printf(text, "%.*s", i > 0, &op);
        add_term(text, sub_count);
    }
    for (uint32_t i = 0; i < sub_count; i++) {
        const char *modifier = modifiers[draw(sizeof modifiers / sizeof modifiers[0])];
        ov_buf_add_text(text, ";");
        if (is_one_in(4)) {
            add_offset(text);
            ov_buf_add_text(text, ":");
        }
        add_pattern(text, style, modifier[0] == '\0');
        ov_buf_add_text(text, modifier);
    }
    ov_buf_add_text(text, "\n");
}

// ---- objects ------------------------------------------------------------------------------------

static void add_elems(struct ov_buf *out, const struct ov_elem *elems, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const struct ov_elem *e = &elems[i];
        if (e->kind == OV_ELEM_BYTES) {
            for (uint32_t k = 0; k < e->size; k++) {
                ov_buf_add_u8(out, (uint8_t)(e->value[k] | (draw(256) & ~e->mask[k])));
            }
        } else if (e->kind == OV_ELEM_ALT) {
            const struct ov_seq *alt = &e->alts[draw(e->alt_count)];
            size_t at = out->size;
            add_elems(out, alt->elems, alt->count);
            if (e->is_negated && out->size > at) {
                out->data[at] ^= (uint8_t)(1 + draw(255));
            }
        } else if (e->kind == OV_ELEM_GAP) {
            uint32_t span = e->max - e->min < 30 ? e->max - e->min : 30;
            for (uint32_t k = e->min + draw(span + 1); k > 0; k--) {
                ov_buf_add_u8(out, (uint8_t)draw(256));
            }
        } else if (!e->is_edge || is_one_in(2)) {
            ov_buf_add_u8(out, (uint8_t) "\n .-\"a"[draw(6)]);
        }
    }
}

// Bytes that a pattern of the set matches, or nearly does.
static void add_fragment(struct ov_buf *out, const struct ov_ruleset *set) {
    const struct ov_rule *rule = &set->rules[draw((uint32_t)set->rule_count)];
    const struct ov_sub *sub = &rule->subs[draw(rule->sub_count)];
    const struct ov_seq *seq = &sub->patterns[draw(sub->pattern_count)].seq;
    size_t at = out->size;
    add_elems(out, seq->elems, seq->count);
    if (is_one_in(3) && out->size > at) {
        out->data[at + draw((uint32_t)(out->size - at))] ^= (uint8_t)(1u << draw(8));
    }
    if (is_one_in(6)) {
        out->size = at + draw((uint32_t)(out->size - at) + 1);
    }
}

static void make_object(const struct ov_ruleset *set, const struct style *style, uint32_t size,
                        struct ov_buf *out) {
    ov_buf_reset(out);
    while (out->size < size) {
        if (is_one_in(3)) {
            uint8_t byte = draw_byte(style);
            for (uint32_t run = draw(20); run > 0; run--) {
                ov_buf_add_u8(out, byte);
            }
        } else if (is_one_in(2)) {
            for (uint32_t run = draw(size > 4000 ? 900 : 30); run > 0; run--) {
                ov_buf_add_u8(out, draw_byte(style));
            }
        }
        add_fragment(out, set);
    }
    if (is_one_in(2)) {
        out->size = size; // cut through whatever stands at the end
    }
}

// ---- the comparison
// ------------------------------------------------------------------------------

struct fixture {
    struct ov_ruleset *set;
    struct ov_buf bytes;
    struct ov_image image;
    struct ov_build_report report;
    struct ov_budget budget;
};

static void build(struct fixture *fixture, const char *ndb, const char *ldb) {
    static const struct ov_build_options options;
    char reason[OV_IMAGE_REASON_BYTES] = "";
    assert_int_equal(ov_ruleset_new(NULL, &fixture->set), OV_OK);
    assert_int_equal(ov_ruleset_load_bytes(fixture->set, "a.ndb", ov_span_text(ndb), false), OV_OK);
    assert_int_equal(ov_ruleset_load_bytes(fixture->set, "a.ldb", ov_span_text(ldb), false), OV_OK);
    ov_buf_init(&fixture->bytes);
    assert_int_equal(ov_image_build(fixture->set, &options, &fixture->bytes, &fixture->report),
                     OV_OK);
    if (ov_image_open(ov_buf_span(&fixture->bytes), &fixture->image, reason) != OV_OK ||
        ov_image_verify(&fixture->image, reason) != OV_OK) {
        fail_msg("a new image is refused: %s", reason);
    }
}

static void release(struct fixture *fixture) {
    ov_build_report_release(&fixture->report);
    ov_buf_release(&fixture->bytes);
    ov_ruleset_free(fixture->set);
}

static void print_bytes(struct ov_span bytes) {
    for (size_t i = 0; i < bytes.size; i++) {
        print_error("%02x", bytes.data[i]);
    }
    print_error("\n");
}

static void fail_rule(const struct fixture *fixture, size_t rule, struct ov_span object,
                      bool is_naive, const char *kernels) {
    struct ov_span source = fixture->set->rules[rule].source;
    print_error("rule %zu: %.*s\nobject of %zu bytes: ", rule, (int)source.size,
                (const char *)source.data, object.size);
    print_bytes(ov_span_part(object, 0, 20000));
    fail_msg("naive: %s, %s kernels: %s", is_naive ? "matches" : "does not match", kernels,
             is_naive ? "does not match" : "matches");
}

// Runs one kernel set over the object; `expected` has a flag for each rule.
static void compare(struct fixture *fixture, struct ov_matcher *matcher, const char *kernels,
                    struct ov_span bytes, const bool *expected, uint32_t target) {
    struct ov_object object = {.bytes = bytes, .target = target, .budget = &fixture->budget};
    const struct ov_match *matches = NULL;
    size_t count = 0;
    ov_budget_init(&fixture->budget, &(struct ov_limits){0});
    assert_int_equal(ov_matcher_run(matcher, &object, &matches, &count), OV_OK);
    size_t at = 0;
    for (size_t rule = 0; rule < fixture->set->rule_count; rule++) {
        bool has_matched = at < count && matches[at].rule == rule;
        if (has_matched != expected[rule]) {
            fail_rule(fixture, rule, bytes, expected[rule], kernels);
        }
        if (has_matched) {
            assert_true(matches[at].start <= matches[at].end && matches[at].end <= bytes.size);
        }
        at += has_matched;
    }
    assert_int_equal(at, count); // in rule order, each once
}

struct totals {
    uint64_t objects, rules, matches;
    uint64_t triggers, tails, probes, always;
    uint64_t keys[OV_GRAM_CLASSES];
};

static void compare_all(struct fixture *fixture, const struct style *style, uint32_t size_max,
                        struct totals *totals) {
    static const char *const names[] = {"plain", "avx2", "avx512"};
    struct ov_matcher *matchers[3] = {0};
    char reason[OV_IMAGE_REASON_BYTES] = "";
    for (size_t i = 0; i < 3; i++) {
        const struct ov_kernels *kernels = ov_kernels_by_name(names[i]);
        if (kernels != NULL) {
            assert_int_equal(ov_matcher_new(&fixture->image, kernels, reason, &matchers[i]), OV_OK);
        }
    }
    size_t rule_count = fixture->set->rule_count;
    bool *expected = calloc(rule_count + 1, sizeof *expected);
    struct ov_buf object = {0};
    for (unsigned n = 0; n < OBJECTS_A_SET; n++) {
        make_object(fixture->set, style, 1 + draw(size_max), &object);
        // Exactly as long as it is said to be: a read past the end is found by the sanitizer.
        uint8_t *bytes = malloc(object.size + 1);
        assert_non_null(bytes);
        memcpy(bytes + 1, object.data, object.size);
        struct ov_span span = ov_span_make(bytes + 1, object.size);
        for (size_t rule = 0; rule < rule_count; rule++) {
            expected[rule] = naive_rule_matches(&fixture->set->rules[rule], span);
            totals->matches += expected[rule];
        }
        for (size_t i = 0; i < 3; i++) {
            if (matchers[i] != NULL) {
                compare(fixture, matchers[i], names[i], span, expected, style->target);
            }
        }
        free(bytes);
        totals->objects++;
    }
    ov_buf_release(&object);
    free(expected);
    for (size_t i = 0; i < 3; i++) {
        ov_matcher_free(matchers[i]);
    }
}

static void count_keys(const struct ov_image *image, struct totals *totals) {
    for (uint32_t variant = 0; variant < OV_IMAGE_TARGETS; variant++) {
        uint32_t count;
        const struct ov_image_filter *filter =
            ov_image_array(image, OV_SECTION_FILTER, variant, sizeof *filter, &count);
        for (unsigned i = 0; i < OV_GRAM_CLASSES && count > 0; i++) {
            totals->keys[i] += filter->classes[i].gram_count;
        }
    }
}

static void run_set(const struct style *style, uint32_t body_rules, uint32_t logical_rules,
                    uint32_t size_max, struct totals *totals) {
    struct ov_buf ndb = {0}, ldb = {0};
    struct fixture fixture = {0};
    for (uint32_t i = 0; i < body_rules; i++) {
        add_body_rule(&ndb, style, i);
    }
    for (uint32_t i = 0; i < logical_rules; i++) {
        add_logical_rule(&ldb, style, i);
    }
    ov_buf_add_u8(&ndb, '\0');
    ov_buf_add_u8(&ldb, '\0');
    build(&fixture, (const char *)ndb.data, (const char *)ldb.data);
    totals->rules += fixture.set->rule_count;
    totals->triggers += fixture.report.trigger_count;
    totals->tails += fixture.report.tail_count;
    totals->probes += fixture.report.probe_count;
    totals->always += fixture.report.always_count;
    count_keys(&fixture.image, totals);
    if (fixture.set->rule_count > 0) {
        compare_all(&fixture, style, size_max, totals);
    }
    release(&fixture);
    ov_buf_release(&ndb);
    ov_buf_release(&ldb);
}

static uint32_t setting(const char *name, uint32_t otherwise) {
    const char *text = getenv(name);
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void print_totals(const struct totals *totals) {
    print_message("%llu objects, %llu rules, %llu matches; %llu triggers, %llu in the tail, %llu "
                  "probes, %llu always; keys of the gram classes: %llu, %llu, %llu\n",
                  (unsigned long long)totals->objects, (unsigned long long)totals->rules,
                  (unsigned long long)totals->matches, (unsigned long long)totals->triggers,
                  (unsigned long long)totals->tails, (unsigned long long)totals->probes,
                  (unsigned long long)totals->always, (unsigned long long)totals->keys[0],
                  (unsigned long long)totals->keys[1], (unsigned long long)totals->keys[2]);
}

// Many small sets over few different bytes, so that matches are dense.
static void test_small_sets(void **state) {
    (void)state;
    static const uint32_t alphabets[] = {2, 3, 4, 8, 12, 256};
    struct totals totals = {0};
    uint32_t rounds = setting("OVERT_TEST_ROUNDS", 600);
    for (uint32_t i = 0; i < rounds; i++) {
        random_state = 0x9e3779b97f4a7c15u * (i + 1 + setting("OVERT_TEST_SEED", 0));
        struct style style = {.alphabet = alphabets[i % 6], .bytes_max = i % 3 == 0 ? 40 : 10};
        run_set(&style, draw(12), draw(12), is_one_in(4) ? 3000 : 300, &totals);
    }
    print_totals(&totals);
    assert_true(totals.matches > totals.objects && totals.tails > 0 && totals.probes > 0 &&
                totals.always > 0 && totals.triggers > totals.tails + totals.probes);
    assert_true(totals.keys[0] > 0 && totals.keys[1] > 0);
}

// Objects larger than what one pass covers, with fragments at its edges. Patterns of up to four
// bytes, more than the tail could serve, are what class 2 is for.
static void test_long_objects(void **state) {
    (void)state;
    struct totals totals = {0};
    for (uint32_t i = 0; i < 4 + setting("OVERT_TEST_ROUNDS", 0) / 100; i++) {
        random_state = 0xbf58476d1ce4e5b9u * (i + 1 + setting("OVERT_TEST_SEED", 0));
        struct style style = {.alphabet = i % 2 == 0 ? 12 : 256, .bytes_max = 20};
        run_set(&style, 12, 0, OBJECT_BYTES_MAX, &totals);
    }
    random_state = 0xd6e8feb86659fd93u;
    run_set(&(struct style){.alphabet = 256, .bytes_max = 3}, 2000, 0, OBJECT_BYTES_MAX / 2,
            &totals);
    print_totals(&totals);
    assert_true(totals.matches > 0 && totals.keys[0] > 0 && totals.keys[2] > 0);
}

// Thousands of patterns: all classes, a crowded tail, long entry lists.
static void test_large_sets(void **state) {
    (void)state;
    struct totals totals = {0};
    for (uint32_t i = 0; i < 3; i++) {
        random_state = 0x94d049bb133111ebu * (i + 1 + setting("OVERT_TEST_SEED", 0));
        struct style style = {.alphabet = i == 0 ? 12 : 256, .bytes_max = i == 1 ? 30 : 6};
        run_set(&style, 4000, 200, 400, &totals);
    }
    print_totals(&totals);
    assert_true(totals.matches > 0 && totals.rules > 9000 && totals.tails > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_sets),
        cmocka_unit_test(test_long_objects),
        cmocka_unit_test(test_large_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
