// SPDX-License-Identifier: Apache-2.0
// Where a piece of an expression is missing, PCRE2 finds no match either.
#include "match/regex_need.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
// After the headers that it needs:
#include <cmocka.h>

enum { EXPRESSION_BYTES = 400, TEXT_BYTES = 60, ROUNDS = 20000, TEXTS = 6 };

static uint64_t seed = 88172645463325252u;

static uint32_t draw(uint32_t bound) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % bound;
}

// ---- random expressions
// --------------------------------------------------------------------------

struct expression {
    char text[EXPRESSION_BYTES];
    size_t size;
};

static void add(struct expression *expression, const char *text) {
    size_t size = strlen(text);
    if (expression->size + size < sizeof expression->text) {
        memcpy(expression->text + expression->size, text, size + 1);
        expression->size += size;
    }
}

static void add_one_of(struct expression *expression, const char *const *list, uint32_t count) {
    add(expression, list[draw(count)]);
}

static void add_items(struct expression *expression, uint32_t depth);

static void add_atom(struct expression *expression, uint32_t depth) {
    static const char *const atoms[] = {
        "a",     "b",      "c",   "B",    "A",   "ab",          "abc",     ".",   ".",      "[^a]",
        "[^}b]", "[ab]",   "\\w", "\\d",  "\\s", "\\x61",       "\\x7B",   "\\.", "\\b",    "^",
        "$",     "(?P=n)", "\\1", "[]a]", "[^]", "[\\]c]",      "{",       "}",   "]",      "a{",
        "(?=a)", "(?i)",   "\\Q", "a|b",  "|",   "[[:alpha:]]", "\\x{61}", "\\K", "(?<!a)", "(?1)"};
    // The first ones are what is understood; few of the others, or nothing would be cut.
    uint32_t usual = 17, all = sizeof atoms / sizeof *atoms;
    if (depth > 0 && draw(6) == 0) {
        static const char *const heads[] = {"(", "(?:", "(?P<n>", "(?>"};
        add_one_of(expression, heads, draw(8) == 0 ? 4 : 3);
        add_items(expression, depth - 1);
        if (draw(3) == 0) {
            add(expression, "|");
            add_items(expression, depth - 1);
        }
        add(expression, ")");
    } else {
        add_one_of(expression, atoms, draw(12) == 0 ? all : usual);
    }
}

static void add_items(struct expression *expression, uint32_t depth) {
    static const char *const quantifiers[] = {"*",   "+",    "?",    "*?",    "+?",     "??",
                                              "{2}", "{1,}", "{0,}", "{0,2}", "{1,2}?", "*+",
                                              "++",  "{",    "{,2}", "{a}"};
    static const char *const gaps[] = {".*?", ".*", "[^}]*?", "[^c]+", ".+?", ".{2,}"};
    for (uint32_t i = 1 + draw(4); i > 0; i--) {
        add_atom(expression, depth);
        if (draw(4) == 0) {
            add_one_of(expression, quantifiers, draw(10) == 0 ? 16 : 13);
        }
        if (draw(4) == 0) {
            add_one_of(expression, gaps, 6);
        }
    }
}

// A string, a group with a name, and further on the same bytes again.
static void add_named(struct expression *expression) {
    static const char *const strings[] = {"abc", "cab", "b\\.a", "\\x61bC"};
    static const char *const groups[] = {"(?P<n>\\w+)", "(?P<n>[abc]{1,2})", "((?P<n>a|b)c?)"};
    static const char *const references[] = {"(?P=n)", "(?P=n)?", "(?:b(?P=n))", "(?P=n)+c"};
    add_one_of(expression, strings, 4);
    add_one_of(expression, groups, 3);
    add_items(expression, 0);
    add(expression, draw(2) == 0 ? "[^}]*?" : "");
    add_one_of(expression, references, 4);
}

static struct expression make_expression(void) {
    struct expression expression = {.size = 0};
    uint32_t named_at = draw(3) == 0 ? draw(3) + 2 : 0;
    for (uint32_t i = 2 + draw(3); i > 0; i--) {
        if (i == named_at) {
            add_named(&expression);
        } else {
            add_items(&expression, 2);
        }
        add(&expression, draw(2) == 0 ? ".*?" : draw(2) == 0 ? "[^}]*" : "");
    }
    return expression;
}

static uint32_t draw_options(void) {
    static const uint32_t all[] = {PCRE2_CASELESS, PCRE2_DOTALL,         PCRE2_MULTILINE,
                                   PCRE2_ANCHORED, PCRE2_DOLLAR_ENDONLY, PCRE2_UNGREEDY,
                                   PCRE2_EXTENDED};
    uint32_t options = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        options |= draw(i == 6 ? 20 : 3) == 0 ? all[i] : 0;
    }
    return options;
}

// ---- tests -------------------------------------------------------------------------------------

struct counts {
    uint32_t cut, refused, matched;
};

// A text that the expression is likely to match: its own letters, with others among them.
static uint32_t make_text(const struct expression *expression, uint8_t ret_text[TEXT_BYTES]) {
    static const char letters[] = "aaabbbccABC{}. \n1]";
    uint32_t size = 0, most = draw(TEXT_BYTES);
    bool is_like = draw(4) != 0;
    for (size_t i = 0; is_like && i < expression->size && size < TEXT_BYTES; i++) {
        char letter = expression->text[i];
        if (letter == '\\') {
            i++;
        } else if (letter >= 'a' && letter <= 'c') {
            ret_text[size++] = (uint8_t)letter;
        }
        if (size < TEXT_BYTES && draw(12) == 0) {
            ret_text[size++] = (uint8_t)letters[draw(sizeof letters - 1)];
        }
    }
    for (; !is_like && size < most; size++) {
        ret_text[size] = (uint8_t)letters[draw(sizeof letters - 1)];
    }
    return size;
}

static void try_texts(const struct expression *expression, const struct ov_regex_need *need,
                      const pcre2_code *code, pcre2_match_data *data, struct counts *counts) {
    for (unsigned i = 0; i < TEXTS; i++) {
        uint8_t bytes[TEXT_BYTES];
        uint32_t size = make_text(expression, bytes);
        struct ov_span text = ov_span_make(bytes, size);
        bool holds = ov_regex_need_holds(need, ov_kernels_best(), text, data, NULL);
        int result = pcre2_match(code, bytes, size, 0, 0, data, NULL);
        counts->refused += !holds;
        counts->matched += result >= 0;
        assert_true(holds || result < 0);
    }
}

static void test_nothing_is_lost(void **state) {
    (void)state;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    struct counts counts = {0};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct expression expression = make_expression();
        uint32_t options = draw_options();
        int error;
        PCRE2_SIZE at;
        pcre2_code *code =
            pcre2_compile((PCRE2_SPTR)expression.text, expression.size, options, &error, &at, NULL);
        struct ov_span text = ov_span_make((const uint8_t *)expression.text, expression.size);
        struct ov_regex_need *need = ov_regex_need_new(text, options); // compiles or not
        if (code != NULL && need != NULL) {
            counts.cut++;
            try_texts(&expression, need, code, data, &counts);
        }
        ov_regex_need_free(need);
        pcre2_code_free(code);
    }
    pcre2_match_data_free(data);
    printf("%u expressions cut, %u texts refused, %u matched\n", counts.cut, counts.refused,
           counts.matched);
    assert_true(counts.cut > ROUNDS / 50 && counts.refused > 1000 && counts.matched > 300);
}

struct example {
    const char *expression, *text;
    uint32_t options;
    bool is_cut, holds;
};

static void test_examples(void **state) {
    (void)state;
    static const struct example examples[] = {
        {"<script.*?\\s*\\x7B[^\\x7D]*?let\\s*(?P<v>\\w+)\\s*=[^\\x7D]*?(?P=v)\\x5B.*?</script",
         "<SCRIPT { let xy = xy[ </script", PCRE2_CASELESS, true, true},
        {"<script.*?\\s*\\x7B[^\\x7D]*?let\\s*(?P<v>\\w+)\\s*=[^\\x7D]*?(?P=v)\\x5B.*?</script",
         "<script { let + xy = xy[ </script", PCRE2_CASELESS, true, false},
        {"abc.*def[^x]*ghi", "abc ghi def", 0, true, true}, // pieces, not their order
        {"abc.*def[^x]*ghi", "abc ghi de", 0, true, false},
        {"abc.*def", "de abc", 0, true, true}, // one gap: a string alone
        {"abc.*def", "def abd", 0, true, false},
        {"ab.*cd", "", 0, false, true},
        {"<script.*?\\{[^}]*?let\\s*(?P<v>\\w+)\\s*=[^}]*?(?P=v)\\[.*?</script",
         "<script { let xy = xy[ </script", 0, true, true},
        {"<script.*?\\{[^}]*?let\\s*(?P<v>\\w+)\\s*=[^}]*?(?P=v)\\[.*?</script",
         "<script { let xy = zz[ </script", 0, true, false}, // every piece, not what is bound
        {"<script.*?\\{[^}]*?[lm]*(?P<v>\\w+)\\s*=[^}]*?(?P=v)\\[.*?</script",
         "<script { let xy = zz[ </script", 0, true, true}, // begins with a group
        {"x[0-9]+\\x41b\\.\\/C[^a]", "xab./ A b./C Ab./c", 0, true, false},
        {"x[0-9]+\\x41b\\.\\/C[^a]", " Ab./C", 0, true, true},
        {"x[0-9]+\\x41b\\.\\/C[^a]", " aB./c", PCRE2_CASELESS, true, true},
        {"x[0-9]+\\x41b\\.\\/C[^a]", " aB.Oc", PCRE2_CASELESS, true, false},
        {"ab+cd", "abbcd", 0, false, true},
        {"ab+cde", "abbcde", 0, true, true},
        {"ab+cde", "abcd", 0, true, false},
        {"ab\\bcd", "", 0, false, true},
        {"ab.*cd[^x]*ef", "", 0, false, true},       // short pieces
        {"abc.*def|x[^x]*ghi", "x", 0, false, true}, // a choice
        {"abc.*(?:def|xyz)[^x]*g", "abc", 0, true, true},
        {"abc.*\\x{64}ef[^x]*ghi", "", 0, false, true},
        {"abc.*def#.*\nghi[^x]*", "", PCRE2_EXTENDED, false, true},
        {"abc.*(?i)def[^x]*ghi", "", 0, false, true},
        {"abc.*d?efg?[^x]*hij", "abc ef hij", 0, true, true},
        {"abc.*a{0}def[^x]*hij", "abc def hij", 0, true, true},
    };
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *example = &examples[i];
        struct ov_regex_need *need =
            ov_regex_need_new(ov_span_text(example->expression), example->options);
        assert_int_equal(need != NULL, example->is_cut);
        if (need != NULL) {
            struct ov_span text = ov_span_text(example->text);
            assert_int_equal(ov_regex_need_holds(need, ov_kernels_best(), text, data, NULL),
                             example->holds);
        }
        ov_regex_need_free(need);
    }
    pcre2_match_data_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
