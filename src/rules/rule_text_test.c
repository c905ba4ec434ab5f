// SPDX-License-Identifier: Apache-2.0
// Files are split into the texts that docs/formats/release.md says, and sets of them compared.
#include "rules/rule_text.h"
#include "rules/rule_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- one file ---------------------------------------------------------------------------------

// Puts "NAME@LINE=TEXT|" of all rules into `out`; gives the last status.
static enum ov_status split(const char *name, struct ov_span bytes, struct ov_buf *out) {
    OV_CLEANUP(ov_rule_texts_close) struct ov_rule_texts texts;
    struct ov_rule_text text;
    ov_buf_reset(out);
    enum ov_status status = ov_rule_texts_open(ov_span_text(name), bytes, SIZE_MAX, &texts);
    while (status == OV_OK && (status = ov_rule_texts_next(&texts, &text)) == OV_OK) {
        ov_buf_add(out, text.name.data, text.name.size);
        ov_buf_printf(out, "@%u=", text.line);
        ov_buf_add(out, text.text.data, text.text.size);
        ov_buf_add_u8(out, '|');
    }
    bool has_why = texts.why != NULL;
    assert_int_equal(has_why, status != OV_END);
    return status;
}

static void assert_split(const char *name, const char *bytes, const char *expected) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    assert_int_equal(split(name, ov_span_text(bytes), &out), OV_END);
    ov_buf_add_u8(&out, 0);
    assert_string_equal((const char *)out.data, expected);
}

static void test_lines_are_rules(void **state) {
    (void)state;
    assert_split("a.ndb", "", "");
    assert_split("a.ndb", "\n\r\n#x\n", "");
    assert_split("a.ndb", "A:0\n\n# c\nB:1\r\n C:2", "a.ndb@1=A:0|a.ndb@4=B:1|a.ndb@5= C:2|");
    assert_split("d/e/a.IGN2", "A\rB\r\r\n", "d/e/a.IGN2@1=A\rB|");
    assert_split("a.cfg", "x", "a.cfg@1=x|");
    assert_split("a.yar", "rule a{}\nrule b {}", "a.yar@1=rule a{}|a.yar@2=rule b {}|");
}

// SHA-256 of "abc": FIPS 180-4's first example.
static void test_what_has_no_lines_is_told_by_its_digest(void **state) {
    (void)state;
    static const char digest[] =
        "sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3|";
    static const char *const names[] = {"a.cbc", "a.yar",    "ndb",  "a.ndb/x",
                                        "a.",    "a.ndb.gz", "x.cat"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char expected[128];
        (void)snprintf(expected, sizeof expected, "%s@1=%s", names[i], digest);
        assert_split(names[i], "abc", expected);
    }
}

static void test_names_that_would_be_read_another_way_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"", "a\nb.ndb", "a!b.ndb", "\x7f.ndb", "a\x01.ndb"};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(split(names[i], ov_span_text("x"), &out), OV_INVALID);
    }
}

// ---- containers -------------------------------------------------------------------------------

static void add_member(struct ov_buf *out, const char *name, const char *text) {
    uint8_t head[512] = {0};
    char size[13];
    (void)snprintf(size, sizeof size, "%011o", (unsigned)strlen(text));
    memcpy(head, name, strlen(name));
    memcpy(head + 124, size, 12);
    head[156] = '0';
    ov_buf_add(out, head, sizeof head);
    ov_buf_add_text(out, text);
    ov_buf_align(out, 512);
}

static void start_container(struct ov_buf *out) {
    ov_buf_add_text(out, "ClamAV-VDB:01 Jan 2026 00-00 +0000:7:1:90:x:x:builder:1");
    ov_buf_align(out, 512);
    add_member(out, "COPYING", "abc");
}

static void test_members_follow_one_another_as_in_the_container(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf container = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    start_container(&container);
    add_member(&container, "z.ndb", "A\r\n\nB");
    add_member(&container, "a.ldb", "");
    add_member(&container, "b.yara", "import \"pe\"");
    assert_int_equal(split("d/m.cld", ov_buf_span(&container), &out), OV_END);
    ov_buf_add_u8(&out, 0);
    assert_string_equal((const char *)out.data,
                        "d/m.cld!COPYING@1=sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
                        "b410ff61f20015ad 3|d/m.cld!z.ndb@1=A|d/m.cld!z.ndb@3=B|"
                        "d/m.cld!b.yara@1=import \"pe\"|");
}

static void test_damaged_containers_have_no_rules(void **state) {
    (void)state;
    static const char *const names[] = {"../x.ndb", "x\n.ndb", "x.CVD", "x!y.ndb"};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    assert_int_equal(split("a.cvd", ov_span_text("ClamAV-VDB:"), &out), OV_DAMAGED);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf container = {0};
        start_container(&container);
        add_member(&container, names[i], "A\n");
        assert_int_equal(split("a.cvd", ov_buf_span(&container), &out), OV_DAMAGED);
    }
}

// ---- trees and changes ------------------------------------------------------------------------

static struct ov_rule_source sources[2][4];
static struct ov_buf told;
static uint32_t last_read;

static void take(void *arg, struct ov_span text) {
    (void)arg;
    ov_buf_add(&told, text.data, text.size);
}

static void note_reading(void *arg, uint32_t number) {
    (void)arg;
    last_read = number;
}

static struct ov_rule_source_list list(unsigned set, const char *const *pairs, size_t count) {
    for (uint32_t i = 0; i < count; i++) {
        sources[set][i] =
            (struct ov_rule_source){ov_span_text(pairs[2 * i]), ov_span_text(pairs[2 * i + 1]), i};
    }
    return (struct ov_rule_source_list){.items = sources[set], .count = count};
}

static void assert_told(const char *expected) {
    ov_buf_add_u8(&told, 0);
    assert_string_equal((const char *)told.data, expected);
    ov_buf_release(&told);
}

// RFC 6962 section 2.1, put together by hand.
static void test_the_tree_has_files_by_name_and_rules_by_place(void **state) {
    (void)state;
    static const char *const files[] = {"b.ndb", "A\nB\n", "a.ndb", "A", "B.ndb", "A"};
    static const char *const entries[] = {"B.ndb\nA", "a.ndb\nA", "b.ndb\nA", "b.ndb\nB"};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_report report = {.send = take};
    struct ov_rule_tree_work work = {
        .report = &report, .with_list = true, .on_reading = note_reading};
    struct ov_tree_hash hashes[4], left, right;
    struct ov_tree_head head;
    for (size_t i = 0; i < 4; i++) {
        ov_leaf_hash(ov_span_text(entries[i]), &hashes[i]);
    }
    ov_node_hash(&hashes[0], &hashes[1], &left);
    ov_node_hash(&hashes[2], &hashes[3], &right);
    ov_node_hash(&left, &right, &left);
    assert_int_equal(ov_rule_tree_make(&work, list(0, files, 3), &head), OV_OK);
    assert_int_equal(head.size, 4);
    assert_true(ov_tree_hash_is_equal(&head.root, &left));
    static const char *const places[] = {" 1 B.ndb\n", " 1 a.ndb\n", " 1 b.ndb\n", " 2 b.ndb\n"};
    for (size_t i = 0; i < 4; i++) {
        ov_tree_hash_add(&out, &hashes[i]);
        ov_buf_add_text(&out, places[i]);
    }
    ov_buf_add_u8(&out, 0);
    assert_told((const char *)out.data);
    ov_buf_release(&report.out);
}

static void test_files_of_one_name_are_refused(void **state) {
    (void)state;
    static const char *const files[] = {"b.ndb", "A", "a.ndb", "A", "b.ndb", "A"};
    struct ov_report report = {.send = take};
    struct ov_rule_tree_work work = {.report = &report, .on_reading = note_reading};
    struct ov_tree_head head;
    assert_int_equal(ov_rule_tree_make(&work, list(0, files, 3), &head), OV_INVALID);
    assert_non_null(work.why);
    assert_true(last_read == 0 || last_read == 2);
    ov_buf_release(&report.out);
}

static void compare(bool is_json, const char *const *old, size_t old_count, const char *const *new,
                    size_t new_count) {
    struct ov_report report = {.is_json = is_json, .with_summary = true, .send = take};
    struct ov_rule_tree_work work = {.report = &report, .on_reading = note_reading};
    struct ov_rule_changes changes;
    assert_int_equal(
        ov_rule_changes_report(&work, list(0, old, old_count), list(1, new, new_count), &changes),
        OV_OK);
    ov_buf_release(&report.out);
}

static void test_what_moved_did_not_change(void **state) {
    (void)state;
    static const char *const old[] = {"a.ndb", "A\nB\nC\n", "b.ndb", "X", "gone.ndb", "G"};
    static const char *const new[] = {"new.ndb", "N", "b.ndb", "X", "a.ndb", "# c\nC\r\nA\nB"};
    compare(false, old, 3, new, 3);
    assert_told("- gone.ndb: G\n+ new.ndb: N\nadded: 1, removed: 1\n");
    compare(false, old, 2, &new[2], 2);
    assert_told("added: 0, removed: 0\n");
}

static void test_what_stands_twice_counts_twice(void **state) {
    (void)state;
    static const char *const old[] = {"a.ndb", "A\nB\nA\nC"};
    static const char *const new[] = {"a.ndb", "C\nA\nB\nB\nB"};
    compare(false, old, 1, new, 1);
    assert_told("- a.ndb: A\n+ a.ndb: B\n+ a.ndb: B\nadded: 2, removed: 1\n");
}

static void test_changes_are_safe_and_short(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf expected = {0};
    ov_buf_add_text(&text, "\x1b[2J");
    ov_buf_add_text(&expected, "+ a.ndb: \\x1b[2J");
    for (unsigned i = 4; i < 2000; i++) {
        ov_buf_add_u8(&text, 'x');
        ov_buf_add(&expected, "x", i < 1000 ? 1 : 0);
    }
    ov_buf_add_u8(&text, 0);
    ov_buf_add_text(&expected, "... (2000 bytes)\nadded: 1, removed: 0\n");
    ov_buf_add_u8(&expected, 0);
    const char *const new[] = {"a.ndb", (const char *)text.data};
    compare(false, NULL, 0, new, 1);
    assert_told((const char *)expected.data);
}

static void test_changes_as_json(void **state) {
    (void)state;
    static const char *const old[] = {"a.ndb", "# c\nA\"\\"};
    struct ov_tree_hash hash;
    char expected[512];
    OV_CLEANUP(ov_buf_release) struct ov_buf leaf = {0};
    ov_leaf_hash(ov_span_text("a.ndb\nA\"\\"), &hash);
    ov_tree_hash_add(&leaf, &hash);
    ov_buf_add_u8(&leaf, 0);
    (void)snprintf(
        expected, sizeof expected,
        "{\"change\":\"removed\",\"file\":\"a.ndb\",\"line\":2,\"leaf\":\"%s\",\"bytes\":3,"
        "\"text\":\"A\\\"\\\\\"}\n{\"summary\":{\"added\":0,\"removed\":1}}\n",
        (const char *)leaf.data);
    compare(true, old, 1, NULL, 0);
    assert_told(expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_rules),
        cmocka_unit_test(test_what_has_no_lines_is_told_by_its_digest),
        cmocka_unit_test(test_names_that_would_be_read_another_way_are_refused),
        cmocka_unit_test(test_members_follow_one_another_as_in_the_container),
        cmocka_unit_test(test_damaged_containers_have_no_rules),
        cmocka_unit_test(test_the_tree_has_files_by_name_and_rules_by_place),
        cmocka_unit_test(test_files_of_one_name_are_refused),
        cmocka_unit_test(test_what_moved_did_not_change),
        cmocka_unit_test(test_what_stands_twice_counts_twice),
        cmocka_unit_test(test_changes_are_safe_and_short),
        cmocka_unit_test(test_changes_as_json),
    };
    return cmocka_run_group_tests_name("rules/rule_text", tests, NULL, NULL);
}
