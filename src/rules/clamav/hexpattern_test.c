// SPDX-License-Identifier: Apache-2.0
// Hex patterns, from text to tree: a table of what each becomes, and of what is refused where.
#include "rules/clamav/hexpattern.h"

#include "base/buf.h"
#include "rules/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

// Writes a pattern so that every field of the tree shows: bytes as value/mask, gaps as {min,max},
// [min,max] when outer, classes as <B> (consuming), <B|> (edge), ! for negated.
static void write_seq(struct ov_buf *out, const struct ov_seq *seq) {
    static const char classes[] = "BLW";
    for (uint32_t i = 0; i < seq->count; i++) {
        const struct ov_elem *elem = &seq->elems[i];
        ov_buf_add_text(out, elem->is_negated ? "!" : "");
        switch (elem->kind) {
        case OV_ELEM_BYTES:
            for (uint32_t k = 0; k < elem->size; k++) {
                ov_buf_printf(out, elem->mask[k] == 0xff ? "%02x" : "%02x/%02x", elem->value[k],
                              elem->mask[k]);
                ov_buf_add_text(out, k + 1 < elem->size ? " " : "");
            }
            break;
        case OV_ELEM_GAP:
            ov_buf_printf(out, elem->is_outer ? "[%u,%u]" : "{%u,%u}", elem->min,
                          elem->max == OV_GAP_UNLIMITED ? 9999 : elem->max);
            break;
        case OV_ELEM_ALT:
            for (uint32_t k = 0; k < elem->alt_count; k++) {
                ov_buf_add_text(out, k == 0 ? "(" : "|");
                write_seq(out, &elem->alts[k]);
            }
            ov_buf_add_text(out, ")");
            break;
        case OV_ELEM_CLASS:
            ov_buf_printf(out, "<%c%s>", classes[elem->class], elem->is_edge ? "|" : "");
            break;
        }
    }
}

static void write_patterns(struct ov_buf *out, const struct ov_pattern *patterns, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        ov_buf_add_text(out, i > 0 ? " & " : "");
        if (patterns[i].start_elem > 0) {
            ov_buf_printf(out, "@%u:", patterns[i].start_elem);
        }
        ov_buf_add_text(out, patterns[i].is_wide ? "wide:" : "");
        write_seq(out, &patterns[i].seq);
    }
}

struct row {
    const char *text;
    const char *modifiers;
    const char *tree; // or, when it begins with `?`, words that the reason must have
};

static const struct row rows[] = {
    // bytes
    {"4142", "", "41 42"},
    {"aAFf", "", "aa ff"},
    {"41??42434?", "", "41 00/00 42 43 40/f0"},
    {"?14243", "", "01/0f 42 43"},
    // distances; {n} of 1 to 127 is n bytes until another brace comes
    {"4142*4344", "", "41 42{0,9999}43 44"},
    {"4142{2}43", "", "41 42 00/00 00/00 43"},
    {"4142{128}4344", "", "41 42{128,128}43 44"},
    {"4142{2-5}4344", "", "41 42{2,5}43 44"},
    {"4142{-5}4344", "", "41 42{0,5}43 44"},
    {"4142{5-}4344", "", "41 42{5,9999}43 44"},
    {"4142{-5}4344{3}4546", "", "41 42{0,5}43 44{3,3}45 46"},
    {"4142{3}4344{-5}4546", "", "41 42 00/00 00/00 00/00 43 44{0,5}45 46"},
    {"4142*4344{1}4546", "", "41 42{0,9999}43 44 00/00 45 46"},
    // a maximum of 0 is none
    {"4142{0}4344", "", "41 42{0,9999}43 44"},
    {"4142{-0}4344", "", "41 42{0,9999}43 44"},
    {"4142{}4344", "", "41 42{0,9999}43 44"},
    {"4142{3-0}4344", "", "41 42{3,9999}43 44"},
    {"4142{5-2}4344", "", "41 42{5,2}43 44"},
    {"{1}4142{1}", "", "00/00 41 42 00/00"},
    // one byte outside a part
    {"41[1-3]4243", "", "@2:41[1,3]42 43"},
    {"4142[0-32]43", "", "41 42[0,32]43"},
    {"4?[2]4243[1-2]44", "", "@2:40/f0[2,2]42 43[1,2]44"},
    {"4142*43[1-2]4445", "", "41 42{0,9999}43[1,2]44 45"},
    // alternates
    {"(41|42)4344", "", "(41|42)43 44"},
    {"!(41|42)4344", "", "!(41|42)43 44"},
    {"4344!(4142|4546)", "", "43 44!(41 42|45 46)"},
    {"4344(41|4243|4?)", "", "43 44(41|42 43|40/f0)"},
    {"4344((41|42)43|44)", "", "43 44((41|42)43|44)"},
    {"4344(41{2}42|43)", "", "43 44(41 00/00 00/00 42|43)"},
    {"4344(41|)", "", "43 44(41)"},
    // classes: at the ends of a part without width, else one byte
    {"(B)4142", "", "<B|>41 42"},
    {"4142(W)", "", "41 42<W|>"},
    {"(B)(L)4142(B)(W)", "", "<B|><L>41 42<B><W|>"},
    {"4142(L)4344", "", "41 42<L>43 44"},
    {"!(B)4142", "", "!<B>41 42"},
    {"4142!(B)", "", "41 42!<B|>"},
    {"4142*(B)4344(W)*4546", "", "41 42{0,9999}<B|>43 44<W|>{0,9999}45 46"},
    {"(B){1}4142", "", "<B|>00/00 41 42"},
    {"4142(B){1}", "", "41 42<B>00/00"},
    {"4142(B){-1}4344", "", "41 42<B|>{0,1}43 44"},
    {"41[1-2](B)4243", "", "@2:41[1,2]<B|>42 43"},
    {"4243(B)[1-2]41", "", "42 43<B|>[1,2]41"},
    // modifiers
    {"41425a5b3031", "i", "41/df 42/df 5a/df 5b 30 31"},
    {"4?6162", "i", "40/f0 41/df 42/df"},
    {"4142(61|6b30)", "i", "41/df 42/df(41/df|4b/df 30)"},
    {"4142??", "w", "wide:41 00 42 00 00/00 00"},
    {"4142{2}43", "w", "wide:41 00 42 00 00/00 00/00 43 00"},
    {"41(42|4344)", "w", "wide:41 00(42 00|43 00 44 00)"},
    {"4142", "wa", "41 42 & wide:41 00 42 00"},
    {"4142", "f", "<W|>41 42<W|>"},
    {"(B)4142(B)", "f", "<W|><B>41 42<B><W|>"},
    {"4142", "iwf", "wide:<W|>41/df 00 42/df 00<W|>"},
    {"4142", "a", "41 42"},
    {"41", "w", "wide:41 00"},
    {"4142[1-3]43", "w", "wide:41 00 42 00{1,3}43 00"},
    // refused, with the column
    {"414", "", "?hex digit expected, but the pattern ends at column 4"},
    {"41g2", "", "?hex digit expected at column 3"},
    {"41", "", "?two adjacent bytes"},
    {"", "", "?two adjacent bytes"},
    {"41??42", "", "?two adjacent bytes"},
    {"4142*43", "", "?part 2 needs two adjacent bytes"},
    {"*4142", "", "?part 1 needs"},
    {"4142*", "", "?part 2 needs"},
    {"4142**4344", "", "?part 2 needs"},
    {"41(42|43)44", "", "?two adjacent bytes"},
    {"41(4243|4445)", "", "?two adjacent bytes"},
    {"41[1-2]42", "", "?two adjacent bytes"},
    {"4142{2-3-4}4344", "", "?a distance such as 5, 2-5, -5 or 5- expected at column 6"},
    {"4142{x}4344", "", "?a distance"},
    {"4142{4344", "", "?`}` missing"},
    {"4142{4294967295}4344", "", "?a distance"},
    {"4142(4344", "", "?no closing parenthesis for the one at column 5"},
    {"4142()", "", "?all alternatives are empty"},
    {"4142(43*44|45)", "", "?alternates cannot hold a distance at column 8"},
    {"4142(43{-2}44|45)", "", "?alternates cannot hold a distance"},
    {"4142!(41|4243)", "", "?can be negated"},
    {"4142!(4?|42)", "", "?can be negated"},
    {"4142!((41|42)|43)", "", "?can be negated"},
    {"4142!(41|42)", "i", "?can be negated"},
    {"4142!43", "", "?`(` expected after `!`"},
    {"4142(B|43)", "", "?hex digit expected at column 7"},
    {"4142[1-33]43", "", "?a distance [a-b] with a <= b <= 32"},
    {"4142[3-2]43", "", "?a distance [a-b]"},
    {"4142[1-2]4344", "", "?exactly one byte at its outer side at column 5"},
    {"4142)43", "", "?hex digit expected at column 5"},
    {"4142(((((((((((((((((41)))))))))))))))))", "", "?nested too deeply"},
    {"4142((41|)43|44)", "", "?an empty alternative inside alternates"},
};

static struct ov_ruleset *set;
static struct ov_parser parser;

static enum ov_status read_row(const char *text, const char *letters, struct ov_buf *out) {
    unsigned modifiers = 0;
    const struct ov_pattern *patterns;
    uint32_t count;
    ov_parser_start(&parser, ov_span_text(text));
    TRY(ov_clamav_modifiers_read(&parser, ov_span_text(letters), &modifiers));
    TRY(ov_clamav_hex_read(&parser, ov_span_text(text), modifiers, &patterns, &count));
    write_patterns(out, patterns, count);
    return OV_OK;
}

static void test_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        enum ov_status status = read_row(rows[i].text, rows[i].modifiers, &out);
        ov_buf_add_u8(&out, '\0');
        const char *tree = (const char *)out.data;
        bool is_good = rows[i].tree[0] == '?'
                           ? (status == OV_DAMAGED || status == OV_UNSUPPORTED) &&
                                 strstr(parser.reason, rows[i].tree + 1) != NULL
                           : status == OV_OK && strcmp(tree, rows[i].tree) == 0;
        if (!is_good) {
            print_error("%s::%s gave %s (%s), not %s\n", rows[i].text, rows[i].modifiers, tree,
                        parser.reason, rows[i].tree);
        }
        assert_true(is_good);
    }
}

static void test_unknown_modifier(void **state) {
    (void)state;
    unsigned modifiers = 0;
    ov_parser_start(&parser, ov_span_text("iwx"));
    assert_int_equal(ov_clamav_modifiers_read(&parser, parser.line, &modifiers), OV_DAMAGED);
    assert_string_equal(parser.reason, "unknown modifier (i w f a are known) at column 3");
    assert_int_equal(modifiers, 0);
}

// A long pattern, so that the scratch stacks have to grow.
static void test_long(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    for (unsigned i = 0; i < 20000; i++) {
        ov_buf_add_text(&text, i % 100 == 99 ? "*" : "41");
    }
    ov_buf_add_text(&text, "4142");
    const struct ov_pattern *patterns;
    uint32_t count;
    ov_parser_start(&parser, ov_buf_span(&text));
    assert_int_equal(ov_clamav_hex_read(&parser, parser.line, 0, &patterns, &count), OV_OK);
    assert_int_equal(count, 1);
    assert_int_equal(patterns[0].seq.count, 401);
    assert_int_equal(patterns[0].seq.elems[400].size, 2);
}

// Every allocation of the arena may fail; the reader must say so and leave nothing broken.
static void test_no_memory(void **state) {
    (void)state;
    struct ov_ruleset_options options = {.memory_bytes = 4096};
    struct ov_ruleset *small;
    assert_int_equal(ov_ruleset_new(&options, &small), OV_OK);
    struct ov_parser tight;
    ov_parser_init(small, &tight);
    const struct ov_pattern *patterns;
    uint32_t count;
    unsigned failures = 0;
    for (unsigned i = 0; i < 100; i++) {
        ov_parser_start(&tight, ov_span_text("41424344(41|42)*4344(B)"));
        enum ov_status status = ov_clamav_hex_read(&tight, tight.line, 0, &patterns, &count);
        assert_true(status == OV_OK || status == OV_MEMORY);
        failures += status == OV_MEMORY ? 1 : 0;
    }
    assert_true(failures > 0 && failures < 100);
    ov_parser_release(&tight);
    ov_ruleset_free(small);
}

static int set_up(void **state) {
    (void)state;
    ov_parser_init(NULL, &parser);
    if (ov_ruleset_new(NULL, &set) != OV_OK) {
        return -1;
    }
    parser.set = set;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ov_parser_release(&parser);
    ov_ruleset_free(set);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_unknown_modifier),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
