// SPDX-License-Identifier: Apache-2.0
// Whole sources, from bytes to the set: what is read, what becomes a problem, what is ignored.
#include "rules/reader.h"

#include "base/buf.h"
#include "base/filetype.h"
#include "catalog/folder.h"
#include "rules/clamav/expr.h"
#include "rules/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct ov_ruleset *set;

static int set_up(void **state) {
    (void)state;
    return ov_ruleset_new(NULL, &set) == OV_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ov_ruleset_free(set);
    return 0;
}

static enum ov_status load(const char *name, const char *text) {
    return ov_ruleset_load_bytes(set, name, ov_span_text(text), false);
}

static void assert_problem(size_t index, uint32_t line, bool is_skip, const char *words) {
    assert_true(index < set->problem_count);
    const struct ov_rule_problem *problem = &set->problems[index];
    if (strstr(problem->reason, words) == NULL) {
        print_error("\"%s\" has no \"%s\"\n", problem->reason, words);
    }
    assert_non_null(strstr(problem->reason, words));
    assert_int_equal(problem->place.line, line);
    assert_int_equal(problem->is_skip, is_skip);
}

static void assert_name(struct ov_span name, const char *expected) {
    assert_true(ov_span_is_text(name, expected));
}

// ---- hashes ------------------------------------------------------------------------------------

#define MD5    "44d88612fea8a8f36de82e1278abb02f"
#define SHA1   "3395856CE81F2B7382DEE72602F798B642F14140"
#define SHA256 "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"

static void test_hashes(void **state) {
    (void)state;
    assert_int_equal(load("x.hdb", "# comment\n\n" MD5 ":68:First\r\n" SHA256 ":*:Second:73\n" SHA1
                                   ":1:PUA.Third (Clam) x:1:255"),
                     OV_OK);
    assert_int_equal(set->problem_count, 0);
    assert_int_equal(set->hash_count, 3);
    const struct ov_hash_rule *hash = set->hashes;
    assert_int_equal(hash[0].kind, OV_HASH_MD5);
    assert_int_equal(hash[0].size, 68);
    assert_int_equal(hash[0].line, 3);
    assert_int_equal(hash[0].digest[0], 0x44);
    assert_int_equal(hash[0].digest[15], 0x2f);
    assert_int_equal(hash[0].scope, OV_HASH_OBJECT);
    assert_int_equal(hash[1].kind, OV_HASH_SHA256);
    assert_int_equal(hash[1].size, OV_HASH_ANY_SIZE);
    assert_int_equal(hash[2].kind, OV_HASH_SHA1);
    struct ov_span line = ov_span_part(set->files[0].bytes, hash[2].line_at, hash[2].line_size);
    assert_name(ov_span_part(line, hash[2].name_at, hash[2].name_size), "PUA.Third");
    assert_name(line, SHA1 ":1:PUA.Third (Clam) x:1:255");
}

static void test_section_hashes(void **state) {
    (void)state;
    assert_int_equal(load("x.MDB", "512:" MD5 ":Name\n*:" SHA1 ":Other:73\n"), OV_OK);
    assert_int_equal(set->hash_count, 2);
    assert_int_equal(set->hashes[0].scope, OV_HASH_SECTION);
    assert_int_equal(set->hashes[0].size, 512);
    assert_int_equal(load("x.sfp", SHA256 ":1:Name"), OV_OK);
    assert_int_equal(set->hashes[2].scope, OV_HASH_ALLOW);
    assert_int_equal(load("x.imp", MD5 ":*:Name"), OV_OK);
    assert_int_equal(set->hashes[3].scope, OV_HASH_IMPORTS);
    assert_int_equal(set->problem_count, 0);
}

static void test_bad_hashes(void **state) {
    (void)state;
    assert_int_equal(load("x.hsb", MD5
                          ":68\n" MD5 ":0:N\n" MD5 ":4294967295:N\n" MD5 ":*:N\n" MD5 "0:68:N\n"
                          "x4d88612fea8a8f36de82e1278abb02f:68:N\n" MD5 ":68:\n" MD5
                          ":68:N:1:2:3\n" MD5 ":68:N:217\n" MD5 ":68:N:0:215\n" MD5 ":68:Good\n"),
                     OV_OK);
    assert_int_equal(set->hash_count, 1);
    assert_int_equal(set->problem_count, 10);
    assert_problem(0, 1, false, "three fields expected");
    assert_problem(1, 2, false, "a size from 1");
    assert_problem(2, 3, false, "a size from 1");
    assert_problem(3, 4, false, "functionality level of 73");
    assert_problem(4, 5, false, "32, 40 or 64 hex digits, not 33");
    assert_problem(5, 6, false, "column 1: hex digit expected");
    assert_problem(6, 7, false, "the name is empty");
    assert_problem(7, 8, false, "more than five fields");
    assert_problem(8, 9, true, "levels 217");
    assert_problem(9, 10, true, "levels 0 to 215");
}

// ---- bodies ------------------------------------------------------------------------------------

static void test_bodies(void **state) {
    (void)state;
    assert_int_equal(load("x.ndb", "PUA.One:1:EP+5,3:414243:51\n"
                                   "Two:*:*:414243:0:300\n"
                                   "Three:6:EOF-10:41??4243\n"
                                   "Four:0:*:4142\n"
                                   "Five:99:*:4142\n"
                                   "Six:0:EP+0:414243\n"
                                   "Seven:0:*:414243:217\n"
                                   "Eight:0:*\n"
                                   "Nine:0:*:41424g:1\n"
                                   "Ten:1:*:4142\n"
                                   "Eleven:1:5:4142\n"),
                     OV_OK);
    assert_int_equal(set->rule_count, 4);
    const struct ov_rule *rule = &set->rules[0];
    assert_name(rule->name, "PUA.One");
    assert_true(rule->is_pua);
    assert_false(rule->is_official);
    assert_int_equal(rule->target, 1);
    assert_int_equal(rule->level_min, 51);
    assert_int_equal(rule->level_max, UINT32_MAX);
    assert_int_equal(rule->subs[0].offset.kind, OV_OFFSET_ENTRY);
    assert_int_equal(rule->subs[0].offset.value, 5);
    assert_int_equal(rule->subs[0].offset.shift, 3);
    assert_name(rule->source, "PUA.One:1:EP+5,3:414243:51");
    assert_int_equal(set->rules[2].subs[0].offset.kind, OV_OFFSET_EOF);
    assert_int_equal(set->rules[2].place.line, 3);
    assert_name(set->rules[3].name, "Ten");
    assert_int_equal(set->problem_count, 7);
    assert_problem(6, 11, false, "three bytes or more");
    assert_problem(0, 4, false, "three bytes or more");
    assert_problem(1, 5, true, "target 99");
    assert_problem(2, 6, false, "targets 1, 6 and 9");
    assert_problem(3, 7, true, "levels 217");
    assert_problem(4, 8, false, "four to six fields expected, not 3");
    assert_problem(5, 9, false, "hex digit expected at column 15");
    assert_name(set->problems[5].name, "Nine");
}

static void test_old_bodies(void **state) {
    (void)state;
    assert_int_equal(load("x.db", "One=41424344\nTwo\nThree==414243\n"), OV_OK);
    assert_int_equal(set->rule_count, 1);
    assert_int_equal(set->rules[0].target, 0);
    assert_int_equal(set->rules[0].subs[0].offset.kind, OV_OFFSET_ANY);
    assert_problem(0, 2, false, "there is no `=`");
    assert_problem(1, 3, true, "second `=`");
}

struct offset_row {
    const char *text;
    enum ov_offset_kind kind;
    uint32_t section;
    int64_t value;
    uint32_t shift;
};

static void test_offsets(void **state) {
    (void)state;
    static const struct offset_row offsets[] = {
        {"*", OV_OFFSET_ANY, 0, 0, 0},          {"17", OV_OFFSET_ABSOLUTE, 0, 17, 0},
        {"17,4", OV_OFFSET_ABSOLUTE, 0, 17, 4}, {"EOF-9,2", OV_OFFSET_EOF, 0, 9, 2},
        {"EP+4", OV_OFFSET_ENTRY, 0, 4, 0},     {"EP-4,8", OV_OFFSET_ENTRY, 0, -4, 8},
        {"S3+7", OV_OFFSET_SECTION, 3, 7, 0},   {"SL+1", OV_OFFSET_LAST_SECTION, 0, 1, 0},
        {"SE2", OV_OFFSET_IN_SECTION, 2, 0, 0}, {"VI", OV_OFFSET_VERSION, 0, 0, 0},
        {"$12$", OV_OFFSET_GROUP, 0, 12, 0},    {"$3", OV_OFFSET_GROUP, 0, 3, 0},
    };
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf line = {0};
        ov_buf_printf(&line, "Name:1:%s:414243", offsets[i].text);
        assert_int_equal(ov_ruleset_load_bytes(set, "x.ndb", ov_buf_span(&line), false), OV_OK);
        assert_int_equal(set->rule_count, i + 1);
        const struct ov_offset *offset = &set->rules[i].subs[0].offset;
        assert_int_equal(offset->kind, offsets[i].kind);
        assert_int_equal(offset->section, offsets[i].section);
        assert_int_equal(offset->value, offsets[i].value);
        assert_int_equal(offset->shift, offsets[i].shift);
        // What was borrowed from the line must not be looked at any more.
        set->rules[i].source = set->rules[i].name = (struct ov_span){0};
    }
    static const char *const bad[] = {"EOF", "EP", "S1", "SL", "x", "-1", "*,4", "$32$", "5,3,2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf line = {0};
        ov_buf_printf(&line, "Name:1:%s:414243", bad[i]);
        assert_int_equal(ov_ruleset_load_bytes(set, "x.ndb", ov_buf_span(&line), false), OV_OK);
        assert_int_equal(set->problem_count, i + 1);
        assert_non_null(strstr(set->problems[i].reason, "column 8"));
        set->problems[i].name = (struct ov_span){0};
    }
}

// ---- logical rules -----------------------------------------------------------------------------

#define TDB "Engine:81-255,Target:0;"

static void test_logical(void **state) {
    (void)state;
    assert_int_equal(
        load("x.ldb", "Name;Engine:51-255,Target:1,FileSize:10-20,NumberOfSections:2-3,"
                      "EntryPoint:1-9,Container:CL_TYPE_ZIP,Intermediates:CL_TYPE_ANY>CL_TYPE_PDF,"
                      "IconGroup1:A,HandlerType:CL_TYPE_HTML;(0&1)>2,2;4142::i;S0+5,2:4344::wa\n"),
        OV_OK);
    assert_int_equal(set->problem_count, 0);
    assert_int_equal(set->rule_count, 1);
    const struct ov_rule *rule = &set->rules[0];
    assert_int_equal(rule->kind, OV_RULE_LOGICAL);
    assert_int_equal(rule->level_max, 255);
    assert_true(rule->has_file_size && rule->has_section_count && rule->has_entry_point);
    assert_int_equal(rule->file_size.max, 20);
    assert_int_equal(rule->section_count.min, 2);
    assert_int_equal(rule->container, OV_FILETYPE_ZIP);
    assert_int_equal(rule->handler, OV_FILETYPE_HTML);
    assert_int_equal(rule->intermediate_count, 2);
    assert_int_equal(rule->intermediates[0], OV_FILETYPE_ANY);
    assert_int_equal(rule->intermediates[1], OV_FILETYPE_PDF);
    assert_name(rule->icon_groups[0], "A");
    assert_int_equal(rule->sub_count, 2);
    assert_int_equal(rule->subs[1].pattern_count, 2);
    assert_int_equal(rule->subs[1].offset.kind, OV_OFFSET_SECTION);
    assert_int_equal(rule->expr->kind, OV_EXPR_AND);
    assert_int_equal(rule->expr->op, OV_COMPARE_GT);
    assert_int_equal(rule->expr->count, 2);
    assert_int_equal(rule->expr->distinct, 2);
}

static void test_other_subs(void **state) {
    (void)state;
    assert_int_equal(load("x.ldb", "Name;" TDB "0&1&2&3&4;4142;5,4:(0=2)/a;b\\/c/igr;"
                                   "0(<<0x10#hbe4#>5,<0x20);${3-7}5$;fuzzy_img#Af2ad01ed42993c7#0"),
                     OV_OK);
    assert_int_equal(set->problem_count, 0);
    const struct ov_sub *subs = set->rules[0].subs;
    assert_int_equal(set->rules[0].sub_count, 5);
    assert_int_equal(subs[1].kind, OV_SUB_REGEX);
    assert_name(subs[1].regex, "a;b\\/c");
    assert_int_equal(subs[1].regex_flags, OV_REGEX_CASELESS | OV_REGEX_GLOBAL | OV_REGEX_ROLLING);
    assert_int_equal(subs[1].trigger->op, OV_COMPARE_EQ);
    assert_int_equal(subs[1].offset.shift, 4);
    assert_int_equal(subs[2].kind, OV_SUB_COMPARE);
    assert_int_equal(subs[2].compare.offset, -16);
    assert_int_equal(subs[2].compare.base, 'h');
    assert_true(subs[2].compare.is_big_endian && subs[2].compare.is_exact);
    assert_int_equal(subs[2].compare.count, 2);
    assert_int_equal(subs[2].compare.value[1], 32);
    assert_int_equal(subs[2].compare.op[1], OV_COMPARE_LT);
    assert_int_equal(subs[3].kind, OV_SUB_MACRO);
    assert_int_equal(subs[3].macro_min, 3);
    assert_int_equal(subs[3].macro_max, 7);
    assert_int_equal(subs[3].macro_group, 5);
    assert_int_equal(subs[4].kind, OV_SUB_IMAGE_HASH);
    assert_true(subs[4].image_hash == 0xaf2ad01ed42993c7u);
}

struct expr_row {
    const char *text;
    const char *meaning; // or, after `?`, words of the reason
};

static void test_expressions(void **state) {
    (void)state;
    static const struct expr_row exprs[] = {
        {"0", "0"},
        {"0&1|2", "(0 & (1 | 2))"},
        {"0|1&2", "(0 | (1 & 2))"},
        {"(0|1)&2", "((0 | 1) & 2)"},
        {"((0|1)>1,2)|2", "((0 | 1)>1,2 | 2)"},
        {"0=0", "0=0"},
        {"0=1=2", "0=2"},
        {"0>=1", "0=1"},
        {"0>1,5", "0>1"},
        {"0 & 1", "(0 & 1)"},
        {"(0&1)>0&1", "((0 & 1)>0 & 1)"},
        {"((0))", "0"},
        {"0x1", "0"},
        {"(0|1)> 1", "(0 | 1)>1"},
        {"(0|1)>2,", "(0 | 1)>2"},
        {"0&", "?index of a subsignature expected"},
        {"&0", "?index"},
        {"", "?index"},
        {"()", "?index"},
        {"(0", "?`(` without `)`"},
        {"0)", "?`)` without `(`"},
        {"0=", "?count expected after `=`"},
        {"(0)>1", "?a count needs `&` or `|`"},
        {"(0&1)x", "?expected after the parenthesis"},
        {"(0&1)>x", "?expected after the parenthesis"},
        {"(0&1)>1x", "?unexpected text"},
        {"-1", "?index"},
    };
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        const char *text = exprs[i].text;
        struct ov_parser parser;
        ov_parser_init(set, &parser);
        ov_parser_start(&parser, ov_span_text(text));
        const struct ov_expr *expr;
        uint32_t highest;
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        if (ov_clamav_expr_read(&parser, parser.line, &expr, &highest) == OV_OK) {
            ov_expr_explain(expr, &out);
        } else {
            ov_buf_printf(&out, "?%s", parser.reason);
        }
        ov_buf_add_u8(&out, '\0');
        const char *got = (const char *)out.data;
        bool is_good = exprs[i].meaning[0] == '?'
                           ? got[0] == '?' && strstr(got, exprs[i].meaning + 1) != NULL
                           : strcmp(got, exprs[i].meaning) == 0;
        if (!is_good) {
            print_error("%s gave %s, not %s\n", text, got, exprs[i].meaning);
        }
        assert_true(is_good);
        ov_parser_release(&parser);
    }
}

static void test_bad_logical(void **state) {
    (void)state;
    static const struct expr_row lines[] = {
        {"Name", "four fields or more"},
        {"Name;Engine:81-255,Target:0;0", "four fields or more"},
        {";" TDB "0;4142", "the name is empty"},
        {"Name;" TDB "0&1;4142", "its highest index is 1, but there is 1 subsignature"},
        {"Name;" TDB "0;4142;4344", "its highest index is 0, but there are 2 subsignatures"},
        {"Name;" TDB "0;41", "subsignature 0: part 1 needs two adjacent bytes"},
        {"Name;" TDB "0&1;4142;43g4", "subsignature 1: hex digit expected at column 40"},
        {"Name;Engine:81-255;0;4142", "no Target"},
        {"Name;Target:0,Engine:81-255;0;4142", "Engine must be the first"},
        {"Name;Target:0,FileSize:1-2;0;4142", "need Engine:51"},
        {"Name;Engine:81-255,Target:0,EntryPoint:1-2;0;4142", "without target 1, 6 or 9"},
        {"Name;Engine:81-255,Target:6,IconGroup1:A;0;4142", "IconGroup without target 1"},
        {"Name;Engine:81-255,Target:0,FileSize:5;0;4142", "a range such as"},
        {"Name;Engine:81-255,Target:0,;0;4142", "`Attribute:value` expected"},
        {"Name;" TDB "0&1;4142;/x/", "needs a trigger"},
        {"Name;" TDB "0&1;4142;1/x/", "earlier subsignatures only"},
        {"Name;" TDB "0&1;4142;0/x", "no second `/`"},
        {"Name;" TDB "0&1;4142;0//", "is empty"},
        {"Name;" TDB "0&1;4142;0/x/q", "unknown flag"},
        {"Name;" TDB "0&1;4142;0/a(b/", "regular expression: missing closing parenthesis"},
        {"Name;" TDB "0&1;4142;0(1#h2#=5)", "an offset such as"},
        {"Name;" TDB "0&1;4142;0(>>1#hd2#=5)", "one of h d a i"},
        {"Name;" TDB "0&1;4142;0(>>1#dl2#=5)", "cannot be little endian"},
        {"Name;" TDB "0&1;4142;0(>>1#ib3#=5)", "1, 2, 4 or 8 bytes"},
        {"Name;" TDB "0&1;4142;0(>>1#h19#=5)", "18 digits at most"},
        {"Name;" TDB "0&1;4142;0(>>1#h2#5)", "`<`, `>` or `=` expected"},
        {"Name;" TDB "0&1;4142;0(>>1#h2#>5,<6,<7)", "more than two comparisons"},
        {"Name;" TDB "0&1;4142;0(>>1#h2#>5", "no `)`"},
        {"Name;" TDB "0&1;4142;${1}3$", "a macro such as"},
        {"Name;" TDB "0&1;4142;${1-2}32$", "higher than 31"},
        {"Name;" TDB "0&1;4142;fuzzy_img#12", "16 hex digits"},
        {"Name;" TDB "0&1;4142;fuzzy_img#af2ad01ed42993c7#1",
         "distance of an image hash must be 0"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(load("x.ldb", lines[i].text), OV_OK);
        assert_int_equal(set->problem_count, i + 1);
        assert_problem(i, 1, false, lines[i].meaning);
    }
    static const struct expr_row skips[] = {
        {"Name;Engine:217-255,Target:0;0;4142", "levels 217 to 255"},
        {"Name;Engine:81-255,Target:15;0;4142", "target 15"},
        {"Name;Engine:81-255,Target:0,Shape:round;0;4142", "attribute `Shape`"},
        {"Name;Engine:81-255,Target:0,Container:CL_TYPE_NONE;0;4142", "`CL_TYPE_NONE`"},
        {"Name;" TDB "0&1;4142;7(>>1#hb2#>5)", "subsignature 7, which is not there"},
        {"Name;" TDB "0&1;4142;1(>>1#hb2#>5)", "itself"},
    };
    size_t before = set->problem_count;
    for (size_t i = 0; i < sizeof skips / sizeof skips[0]; i++) {
        assert_int_equal(load("x.ldb", skips[i].text), OV_OK);
        assert_problem(before + i, 1, true, skips[i].meaning);
    }
    assert_int_equal(set->rule_count, 0);
}

// ---- ignore lists ------------------------------------------------------------------------------

static void test_ignores(void **state) {
    (void)state;
    static const char rules[] = "One:0:*:414243\nTwo:0:*:444546\nThree:0:*:4g\nFour:0:*:474849\n";
    assert_int_equal(load("a.ndb", rules), OV_OK);
    assert_int_equal(load("a.hdb", MD5 ":68:Hash.One\n" MD5 ":68:Hash.Two\n"), OV_OK);
    assert_int_equal(set->problem_count, 1);
    // The list comes after some rules and before others, and counts for all.
    assert_int_equal(load("a.ign2", "One\nThree\nHash.Two\n"
                                    "Two:00000000000000000000000000000000\n"
                                    "Four:8a46beca101136c883b703917ce94000\n"),
                     OV_OK);
    assert_int_equal(load("a.ldb", "One;" TDB "0;4142\nLast;" TDB "0;4142\n"), OV_OK);
    assert_int_equal(load("a.ign", "db:7:Last\na:b:c:d\n:\n"), OV_OK);
    assert_int_equal(set->hash_count, 1);
    bool has_two = false;
    for (size_t i = 0; i < set->rule_count; i++) {
        assert_false(ov_span_is_text(set->rules[i].name, "One"));
        assert_false(ov_span_is_text(set->rules[i].name, "Last"));
        has_two = has_two || ov_span_is_text(set->rules[i].name, "Two");
    }
    assert_true(has_two); // its digest is that of another line
    assert_problem(0, 2, false, "more than three fields");
    assert_problem(1, 3, false, "the name of the rule is empty");
    assert_int_equal(set->problem_count, 2);
    assert_int_equal(set->ignored_count, 6);
}

// ---- kinds of files ----------------------------------------------------------------------------

static void test_unread_files(void **state) {
    (void)state;
    assert_int_equal(load("a.txt", "x"), OV_UNSUPPORTED);
    assert_int_equal(load("README", "x"), OV_UNSUPPORTED);
    assert_int_equal(load("a.yara", "rule x {}\nrule y {}\n"), OV_OK);
    assert_int_equal(load("a.ldu", "junk\n"), OV_OK);
    assert_int_equal(load("a.info", "junk\n"), OV_OK);
    assert_int_equal(load("a.cvd", "junk\n"), OV_OK);
    assert_int_equal(set->problem_count, 4);
    assert_problem(0, 0, true, "not built yet");
    assert_problem(1, 0, true, "--pua");
    assert_problem(2, 0, true, "only inside");
    assert_problem(3, 0, false, "no ClamAV-VDB header");
}

static void test_pua_files(void **state) {
    (void)state;
    struct ov_ruleset_options options = {.with_pua = true};
    struct ov_ruleset *own;
    assert_int_equal(ov_ruleset_new(&options, &own), OV_OK);
    struct ov_span line = ov_span_text("PUA.X:0:*:414243\n");
    assert_int_equal(ov_ruleset_load_bytes(own, "a.ndu", line, true), OV_OK);
    assert_int_equal(own->rule_count, 1);
    assert_true(own->rules[0].is_pua);
    assert_true(own->rules[0].is_official);
    ov_ruleset_free(own);
}

// One tar header and its bytes, as tar(5) has them.
static void add_member(struct ov_buf *out, const char *name, const char *text, char type) {
    uint8_t head[512] = {0};
    memcpy(head, name, strlen(name));
    char size[13];
    snprintf(size, sizeof size, "%011o", (unsigned)strlen(text));
    memcpy(head + 124, size, 12);
    head[156] = (uint8_t)type;
    ov_buf_add(out, head, sizeof head);
    ov_buf_add_text(out, text);
    ov_buf_align(out, 512);
}

static void start_container(struct ov_buf *out) {
    ov_buf_add_text(out, "ClamAV-VDB:01 Jan 2026 00-00 +0000:7:1:90:x:x:builder:1");
    ov_buf_align(out, 512);
    add_member(out, "COPYING", "free", '0');
}

static void test_container(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    start_container(&out);
    add_member(&out, "x.info", "whatever", '0');
    add_member(&out, "x.ndb", "One:0:*:414243\nBad:0:*:4\n", '0');
    add_member(&out, "x.cbc", "program", '0');
    add_member(&out, "y.cbc", "program", '0');
    assert_int_equal(ov_ruleset_load_bytes(set, "x.cld", ov_buf_span(&out), false), OV_OK);
    assert_int_equal(set->rule_count, 1);
    assert_true(set->rules[0].is_official);
    assert_string_equal(set->files[set->rules[0].place.file].path, "x.cld!x.ndb");
    assert_int_equal(set->problem_count, 2);
    assert_problem(0, 2, false, "hex digit expected");
    assert_problem(1, 0, true, "2 members: ");
    assert_int_equal(ov_ruleset_load_bytes(set, "x.cud", ov_buf_span(&out), false), OV_OK);
    assert_false(set->rules[1].is_official);
    // What a rule borrows must go before the buffer does.
    ov_ruleset_free(set);
    assert_int_equal(ov_ruleset_new(NULL, &set), OV_OK);
}

static void test_bad_containers(void **state) {
    (void)state;
    struct ov_buf out[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        start_container(&out[i]);
    }
    add_member(&out[0], "../x.ndb", "One:0:*:414243\n", '0');
    add_member(&out[1], "x.ndb", "One:0:*:414243\n", '5');
    add_member(&out[2], "x.ndb", "One:0:*:414243\n", '0');
    memcpy(out[2].data + 1536 + 124, "77777777777", 11);
    static const char *const words[] = {"something else", "something else", "tar data is damaged"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ov_ruleset_load_bytes(set, "x.cvd", ov_buf_span(&out[i]), false), OV_OK);
        assert_problem(i, 0, false, words[i]);
    }
    assert_int_equal(set->rule_count, 0);
    struct ov_span no_gzip = ov_span_part(ov_buf_span(&out[0]), 0, 600);
    out[0].data[512] = 'X';
    assert_int_equal(ov_ruleset_load_bytes(set, "x.cvd", no_gzip, false), OV_OK);
    assert_problem(3, 0, false, "gzip data is damaged");
    ov_ruleset_free(set);
    assert_int_equal(ov_ruleset_new(NULL, &set), OV_OK);
    for (size_t i = 0; i < 3; i++) {
        ov_buf_release(&out[i]);
    }
}

// A set with little memory refuses, and can be freed.
static void test_memory_cap(void **state) {
    (void)state;
    struct ov_ruleset_options options = {.memory_bytes = 64 * 1024};
    struct ov_ruleset *own;
    assert_int_equal(ov_ruleset_new(&options, &own), OV_OK);
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    for (unsigned i = 0; i < 5000; i++) {
        ov_buf_printf(&text, "Name%u:0:*:4142434445464748\n", i);
    }
    enum ov_status status = ov_ruleset_load_bytes(own, "a.ndb", ov_buf_span(&text), false);
    assert_true(status == OV_MEMORY || status == OV_LIMIT);
    ov_ruleset_free(own);
}

static void newer_containers_win(void **state) {
    (void)state;
    struct ov_span old = ov_span_text("ClamAV-VDB:1 Jan:7:0:");
    struct ov_span new = ov_span_text("ClamAV-VDB:1 Jan:10:0:");
    struct ov_span none = {0};
    struct ov_span foreign = ov_span_text("Something:1 Jan:99:0:");
    assert_true(ov_rule_file_is_superseded("main.cvd", old, new));
    assert_false(ov_rule_file_is_superseded("main.cvd", new, old));
    assert_true(ov_rule_file_is_superseded("main.cld", old, new));
    assert_false(ov_rule_file_is_superseded("main.cld", new, old));
    // Of two equal ones the .cld stays; one that cannot be read displaces nothing.
    assert_true(ov_rule_file_is_superseded("main.cvd", old, old));
    assert_false(ov_rule_file_is_superseded("main.cld", old, old));
    assert_false(ov_rule_file_is_superseded("main.cvd", old, none));
    assert_false(ov_rule_file_is_superseded("main.cvd", old, foreign));
    assert_false(ov_rule_file_is_superseded("main.cvd", none, none));
    assert_false(ov_rule_file_is_superseded("main.cld", none, none));
}

// The broker opens what the readers read: its list of endings is theirs.
static void endings_are_those_of_the_broker(void **state) {
    (void)state;
    char name[32];
    size_t count = 0;
    for (; ov_rule_language_ending(count) != NULL; count++) {
        (void)snprintf(name, sizeof name, "a.%s", ov_rule_language_ending(count));
        assert_true(ov_rule_file_is_known(name));
    }
    assert_int_equal(ov_rule_file_known_count(), count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_section_hashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_hashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_bodies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_offsets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_logical, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_subs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expressions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_logical, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ignores, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unread_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pua_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_container, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_containers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_cap, set_up, tear_down),
        cmocka_unit_test(newer_containers_win),
        cmocka_unit_test(endings_are_those_of_the_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
