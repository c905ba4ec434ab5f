// SPDX-License-Identifier: Apache-2.0
// Policies: each rule of the specification broken once, and quorums beside a slow twin.
#include "ledger/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// A vkey that is the same in every run. Keys differ by `number`.
static const char *make_vkey(unsigned number, enum ov_key_type type) {
    static char texts[8][128];
    static unsigned turn;
    char *text = texts[turn++ % 8], name[32];
    uint8_t seed[OV_KEY_SEED_BYTES] = {(uint8_t)number, (uint8_t)(number >> 8)};
    OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    (void)snprintf(name, sizeof name, "k%u.example", number);
    assert_int_equal(ov_signer_from_seed(name, type, seed, &signer), OV_OK);
    assert_int_equal(ov_key_add(&out, &signer.key), OV_OK);
    (void)snprintf(text, sizeof texts[0], "%.*s", (int)out.size, (const char *)out.data);
    return text;
}

// %L and %W with a digit stand for the vkeys of logs and witnesses.
static void expand(const char *pattern, struct ov_buf *out) {
    for (; *pattern != 0; pattern++) {
        if (pattern[0] == '%') {
            enum ov_key_type type = pattern[1] == 'L' ? OV_KEY_NOTE : OV_KEY_COSIGNATURE;
            ov_buf_add_text(out, make_vkey((unsigned)(pattern[2] - '0'), type));
            pattern += 2;
        } else {
            ov_buf_add_u8(out, (uint8_t)*pattern);
        }
    }
}

static enum ov_status read_pattern(const char *pattern, struct ov_buf *text,
                                   struct ov_policy *policy, struct ov_policy_error *error) {
    ov_buf_reset(text);
    expand(pattern, text);
    return ov_policy_read(ov_buf_span(text), policy, error);
}

static void test_what_is_read(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_policy_error error = {0};
    struct ov_policy policy;
    assert_int_equal(read_pattern("# a policy\n"
                                  "\n \t\n"
                                  "log %L1 https://log.example/a\n"
                                  "\tlog\t%L2\t \n"
                                  "  # indented\n"
                                  "witness \xe2\x84\xaa %W3 https://w.example/\n"
                                  "witness K %W4\n"
                                  "group all 2 K \xe2\x84\xaa\n"
                                  "quorum all\n"
                                  "witness later %W5\n",
                                  &text, &policy, &error),
                     OV_OK);
    assert_int_equal(policy.log_count, 2);
    assert_string_equal(policy.logs[0].key.name, "k1.example");
    assert_true(ov_span_is_text(policy.logs[0].url, "https://log.example/a"));
    assert_int_equal(policy.logs[1].url.size, 0);
    assert_int_equal(policy.witness_count, 3);
    assert_true(ov_span_is_text(policy.witnesses[1].name, "K"));
    assert_true(ov_span_is_text(policy.witnesses[0].url, "https://w.example/"));
    assert_int_equal(policy.witnesses[2].group, -1);
    assert_int_equal(policy.group_count, 1);
    assert_int_equal(policy.groups[0].needed, 2);
    assert_int_equal(policy.quorum, OV_QUORUM_GROUP);
}

static void test_each_rule_broken_once(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        size_t line;
        const char *why;
    } rows[] = {
        {"", 0, "no quorum line"},
        {"log %L1\n", 0, "no quorum line"},
        {"quorum none", 1, "does not end"},
        {"quorum none\r\n", 1, "control"},
        {"# \x01\nquorum none\n", 1, "control"},
        {"# \x7f\nquorum none\n", 1, "control"},
        {"quorum none\nquorum none\n", 2, "second quorum"},
        {"quorum\n", 1, "one name"},
        {"quorum none none\n", 1, "one name"},
        {"quorum a\nwitness a %W1\n", 1, "not defined"},
        {"quorum a\n", 1, "not defined"},
        {"Quorum none\n", 1, "begins with none of"},
        {"quorum none\nlogs %L1\n", 2, "begins with none of"},
        {"log\n", 1, "no key"},
        {"log k1.example\n", 1, "no vkey"},
        {"log %L1x\n", 1, "no vkey"},
        {"log %L1 a b\n", 1, "behind the address"},
        {"log %L1\nlog %L1\n", 2, "another log"},
        {"log %L1\nlog %W1\n", 2, "another log"}, // another id, the same key
        {"log a+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", 1, "not known"},
        {"witness\n", 1, "no name"},
        {"witness a\n", 1, "no key"},
        {"witness a %L1\n", 1, "no cosigner's"},
        {"witness none %W1\n", 1, "reserved"},
        {"witness a %W1\nwitness b %W1\n", 2, "another witness"},
        {"witness a %W1\nwitness a %W2\n", 2, "taken"},
        {"log %W1\nwitness a %W1\n", 2, "same name and id"},
        {"witness a %W1\nlog %W1\n", 2, "same name and id"},
        {"witness a %W1\ngroup a any a\n", 2, "taken"},
        {"witness a %W1\ngroup b any a\nwitness b %W2\n", 3, "taken"},
        {"group\n", 1, "no name"},
        {"group none any a\n", 1, "reserved"},
        {"group g any\n", 1, "no members"},
        {"group g\n", 1, "no members"},
        {"group g any a\nwitness a %W1\n", 1, "not defined"},
        {"group g any g\n", 1, "not defined"},
        {"witness a %W1\ngroup g any none\n", 2, "not defined"},
        {"witness a %W1\ngroup g any a a\n", 2, "in a group"},
        {"witness a %W1\ngroup g any a\ngroup h any a\n", 3, "in a group"},
        {"witness a %W1\ngroup g any a\ngroup h any g\ngroup i any g\n", 4, "in a group"},
        {"witness a %W1\ngroup g 0 a\n", 2, "cannot be"},
        {"witness a %W1\ngroup g 2 a\n", 2, "cannot be"},
        {"witness a %W1\ngroup g 01 a\n", 2, "not 'all'"},
        {"witness a %W1\ngroup g +1 a\n", 2, "not 'all'"},
        {"witness a %W1\ngroup g -1 a\n", 2, "not 'all'"},
        {"witness a %W1\ngroup g 4294967297 a\n", 2, "cannot be"},
        {"witness a %W1\ngroup g ANY a\n", 2, "not 'all'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_policy_error error = {.line = 99, .why = ""};
        static struct ov_policy policy;
        enum ov_status status = read_pattern(rows[i].pattern, &text, &policy, &error);
        if (status != OV_DAMAGED || error.line != rows[i].line ||
            strstr(error.why, rows[i].why) == NULL) {
            fail_msg("%s: %zu %s", rows[i].pattern, error.line, error.why);
        }
        assert_int_equal(policy.log_count, 0);
    }
}

static void test_sixty_four_of_each_and_no_more(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) { // each kind once with one more
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_policy_error error = {0};
        static struct ov_policy policy;
        for (unsigned i = 0; i < 64u + (kind == 1); i++) {
            ov_buf_printf(&text, "log %s\n", make_vkey(1000 + i, OV_KEY_NOTE));
        }
        for (unsigned i = 0; i < 64u + (kind == 2); i++) {
            ov_buf_printf(&text, "witness w%u %s\n", i, make_vkey(i, OV_KEY_COSIGNATURE));
        }
        ov_buf_add_text(&text, "group g0 all w0\n");
        for (unsigned i = 1; i < 64u + (kind == 3); i++) {
            ov_buf_printf(&text, "group g%u all g%u", i, i - 1);
            ov_buf_printf(&text, i < 64 ? " w%u\n" : "\n", i);
        }
        ov_buf_add_text(&text, "quorum g63\n");
        enum ov_status status = ov_policy_read(ov_buf_span(&text), &policy, &error);
        if (kind > 0) {
            assert_int_equal(status, OV_DAMAGED);
            assert_non_null(strstr(error.why, "more than 64"));
        } else {
            assert_int_equal(status, OV_OK);
            assert_true(ov_policy_is_met(&policy, UINT64_MAX));
            assert_false(ov_policy_is_met(&policy, UINT64_MAX >> 1));
        }
    }
}

static void test_quorums(void **state) {
    (void)state;
#define FIVE "witness a %W1\nwitness b %W2\nwitness c %W3\nwitness d %W4\nwitness e %W5\n"
    static const struct {
        const char *pattern;
        uint64_t witnesses;
        bool is_met;
    } rows[] = {
        {"quorum none\n", 0, true},
        {FIVE "quorum none\n", 0, true},
        {FIVE "quorum b\n", 0x1d, false},
        {FIVE "quorum b\n", 0x02, true},
        {FIVE "group g any a b c\nquorum g\n", 0x18, false},
        {FIVE "group g any a b c\nquorum g\n", 0x04, true},
        {FIVE "group g all a b c\nquorum g\n", 0x1b, false},
        {FIVE "group g all a b c\nquorum g\n", 0x07, true},
        {FIVE "group g 2 a b c\nquorum g\n", 0x19, false},
        {FIVE "group g 2 a b c\nquorum g\n", 0x05, true},
        {FIVE "group g 2 a b\ngroup h any c d\ngroup q all g h\nquorum q\n", 0x1d, false},
        {FIVE "group g 2 a b\ngroup h any c d\ngroup q all g h\nquorum q\n", 0x13, false},
        {FIVE "group g 2 a b\ngroup h any c d\ngroup q all g h\nquorum q\n", 0x0b, true},
        {FIVE "group g 2 a b\ngroup q 2 g c d\nquorum q\n", 0x07, true},
        {FIVE "group g 2 a b\ngroup q 2 g c d\nquorum g\n", 0x0c, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_policy_error error = {0};
        struct ov_policy policy;
        assert_int_equal(read_pattern(rows[i].pattern, &text, &policy, &error), OV_OK);
        assert_int_equal(ov_policy_is_met(&policy, rows[i].witnesses), rows[i].is_met);
    }
}

// ---- beside a slow twin -------------------------------------------------------------------------

enum { WITNESSES = 9, NODES = 17 };

// A forest in which each node asks its children; leaves come first.
struct twin {
    unsigned needed[NODES], child_count[NODES];
    unsigned children[NODES][NODES];
};

static bool is_met_slowly(const struct twin *twin, unsigned node, uint64_t witnesses) {
    unsigned met = 0;
    if (node < WITNESSES) {
        return (witnesses >> node & 1) != 0;
    }
    for (unsigned i = 0; i < twin->child_count[node]; i++) {
        met += is_met_slowly(twin, twin->children[node][i], witnesses);
    }
    return met >= twin->needed[node];
}

static void make_forest(unsigned seed, struct twin *twin, struct ov_buf *text) {
    bool is_taken[NODES] = {false};
    srand(seed);
    for (unsigned i = 0; i < WITNESSES; i++) {
        ov_buf_printf(text, "witness n%u %s\n", i, make_vkey(i, OV_KEY_COSIGNATURE));
    }
    for (unsigned node = WITNESSES; node < NODES; node++) {
        for (unsigned child = 0; child < node; child++) {
            if (!is_taken[child] && (rand() % 3 == 0 || child + 1 == node)) {
                is_taken[child] = true;
                twin->children[node][twin->child_count[node]++] = child;
            }
        }
        if (twin->child_count[node] == 0) { // nothing is left: an odd tree of one
            break;
        }
        twin->needed[node] = 1 + (unsigned)rand() % twin->child_count[node];
        ov_buf_printf(text, "group n%u %u", node, twin->needed[node]);
        for (unsigned i = 0; i < twin->child_count[node]; i++) {
            ov_buf_printf(text, " n%u", twin->children[node][i]);
        }
        ov_buf_add_text(text, "\n");
    }
}

static void test_quorums_beside_a_recursive_twin(void **state) {
    (void)state;
    for (unsigned seed = 0; seed < 40; seed++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_policy_error error = {0};
        struct ov_policy policy;
        struct twin twin = {0};
        make_forest(seed, &twin, &text);
        unsigned quorum = (unsigned)rand() % NODES;
        ov_buf_printf(&text, "quorum n%u\n", quorum);
        assert_int_equal(ov_policy_read(ov_buf_span(&text), &policy, &error), OV_OK);
        for (uint64_t witnesses = 0; witnesses < 1u << WITNESSES; witnesses++) {
            assert_int_equal(ov_policy_is_met(&policy, witnesses),
                             is_met_slowly(&twin, quorum, witnesses));
        }
    }
}

static void test_the_time_that_may_be_relied_on(void **state) {
    (void)state;
    static const struct {
        const char *quorum;
        uint64_t times[5], time;
    } rows[] = {
        {"quorum none\n", {10, 20, 30, 40, 50}, 0},
        {"quorum b\n", {10, 20, 30, 40, 50}, 20},
        {"quorum b\n", {10, 0, 30, 40, 50}, 0},
        {"group g any a b c d e\nquorum g\n", {10, 20, 30, 40, 50}, 50},
        {"group g all a b c d e\nquorum g\n", {10, 20, 30, 40, 50}, 10},
        {"group g 3 a b c d e\nquorum g\n", {10, 20, 30, 40, 50}, 30},
        {"group g 3 a b c d e\nquorum g\n", {10, 0, 30, 0, 50}, 10},
        {"group g 3 a b c d e\nquorum g\n", {0, 0, 30, 0, 50}, 0},
        {"group g 2 a b c d e\nquorum g\n", {10, 10, 9, 8, 900000}, 10}, // one liar
        {"group g 2 a b\ngroup h 1 c d e\ngroup q all g h\nquorum q\n", {10, 20, 30, 40, 50}, 10},
        {"group g 1 a b\ngroup h 2 c d e\ngroup q all g h\nquorum q\n", {10, 20, 30, 40, 50}, 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        struct ov_policy_error error = {0};
        struct ov_policy policy;
        expand(FIVE, &text);
        ov_buf_add_text(&text, rows[i].quorum);
        assert_int_equal(ov_policy_read(ov_buf_span(&text), &policy, &error), OV_OK);
        assert_int_equal(ov_policy_quorum_time(&policy, rows[i].times), rows[i].time);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_each_rule_broken_once),
        cmocka_unit_test(test_sixty_four_of_each_and_no_more),
        cmocka_unit_test(test_quorums),
        cmocka_unit_test(test_quorums_beside_a_recursive_twin),
        cmocka_unit_test(test_the_time_that_may_be_relied_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
