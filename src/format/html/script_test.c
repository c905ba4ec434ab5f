// SPDX-License-Identifier: Apache-2.0
// The numbers of names in a script, beside the same by going outwards from each scope.
#include "format/format.h"
#include "format/html/script.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROUNDS = 3000, PIECES_MAX = 120, ARENA_BYTES = 1 << 20 };

static const char *const pieces[] = {
    "function ",
    "function f(a, b) {",
    "function g(c) {",
    "function (a) {",
    "{",
    "}",
    "}",
    "}",
    "var a = ",
    "var b, c = 2, d;",
    "a",
    "b + c",
    "d.a",
    "f(g)",
    " = ",
    "; ",
    ", ",
    "(",
    ")",
    "eval(\"var b = function (e) { a + e }\");",
    "eval('} d = a; var e; {')",
};

static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "never"};

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void make_script(uint32_t *random, struct ov_buf *text) {
    uint32_t count = next_random(random) % PIECES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        ov_buf_add_text(text, pieces[next_random(random) % OV_COUNT(pieces)]);
    }
}

// What a scope or, from the inside to the outside, those around it declare.
static uint32_t look_outwards(const struct ov_script *script, uint32_t scope, uint32_t name) {
    uint32_t number = ov_script_number(script, scope, name);
    while (number == OV_SCRIPT_NO_NUMBER && scope != OV_SCRIPT_GLOBAL) {
        scope = ov_script_parent(script, scope);
        number = ov_script_number(script, scope, name);
    }
    return number;
}

// Compares every name in every scope. Returns how many have a number of a scope outside.
static uint32_t compare(struct ov_script *script, uint32_t scope_count) {
    OV_CLEANUP(ov_buf_release) struct ov_buf expected = {0};
    uint32_t places[OV_COUNT(names)], inherited = 0;
    for (size_t i = 0; i < OV_COUNT(names); i++) {
        assert_int_equal(ov_script_find_name(script, ov_span_text(names[i]), &places[i]), OV_OK);
    }
    for (uint32_t scope = 0; scope < scope_count; scope++) {
        for (size_t i = 0; i < OV_COUNT(names); i++) {
            uint32_t number = look_outwards(script, scope, places[i]);
            inherited += number != ov_script_number(script, scope, places[i]);
            ov_buf_add_u32le(&expected, number);
        }
    }
    for (uint32_t scope = 0; scope < scope_count; scope++) {
        for (size_t i = 0; i < OV_COUNT(names); i++) {
            assert_int_equal(ov_script_note_name(script, scope, places[i], false), OV_OK);
        }
    }
    ov_script_number_names(script);
    struct ov_cursor in = ov_cursor_init(ov_buf_span(&expected));
    for (uint32_t scope = 0; scope < scope_count; scope++) {
        for (size_t i = 0; i < OV_COUNT(names); i++) {
            assert_int_equal(ov_script_number(script, scope, places[i]), ov_cursor_u32le(&in));
        }
    }
    return inherited;
}

static void test_names_stand_for_what_is_declared_nearest(void **state) {
    (void)state;
    uint32_t random = 7, inherited = 0, scope_count = 0;
    OV_CLEANUP(ov_script_release) struct ov_script script = {0};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct ov_arena arena;
        ov_arena_init(&arena, ARENA_BYTES);
        struct ov_limits limits = ov_limits_default();
        struct ov_budget budget;
        ov_budget_init(&budget, &limits);
        struct ov_walk walk = {.arena = &arena, .budget = &budget};
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        make_script(&random, &text);
        assert_int_equal(ov_script_open(&script, &walk), OV_OK);
        assert_int_equal(ov_script_feed(&script, ov_buf_span(&text)), OV_OK);
        assert_int_equal(ov_script_unfold(&script), OV_OK);
        uint32_t count = 1;
        for (size_t i = 0; i < ov_script_count(&script); i++) {
            struct ov_script_token token = ov_script_token_at(&script, i);
            bool is_last = token.kind == OV_SCRIPT_FUNCTION && token.scope >= count;
            count = is_last ? (uint32_t)token.scope + 1 : count;
        }
        inherited += compare(&script, count);
        scope_count += count;
        ov_arena_release(&arena);
    }
    assert_true(scope_count > 4 * ROUNDS);
    assert_true(inherited > 4 * ROUNDS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_stand_for_what_is_declared_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
