// SPDX-License-Identifier: Apache-2.0
// The file of paths: what is read is what was written, whatever was cut short before it.
#include "journal/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const struct ov_entry_run one = {{1, 2, 3}}, other = {{9, 0, 0, 7}};

static const struct {
    const struct ov_entry_run *run;
    uint64_t number;
    const char *path;
} cases[] = {
    {&one, 0, "/etc/passwd"},
    {&one, 1, "a b\nc"},
    {&one, 2, "0102"},
    {&one, 5, "\xff\xfe%00"}, // 3 and 4 were given to others
    {&other, 6, "/other/run"},
    {&other, 7, "01020300000000000000000000000000 0"}, // a path for all that
    {&one, 6, "x"},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static int folder;

static void put(const char *name, struct ov_span first, struct ov_span second) {
    OV_AUTO_FD fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ov_fd_write_all(fd, first), OV_OK);
    assert_int_equal(ov_fd_write_all(fd, second), OV_OK);
}

static int set_up(void **state) {
    (void)state;
    static const uint8_t key[OV_NAMES_KEY_BYTES] = {42};
    char path[] = "names-XXXXXX";
    assert_non_null(mkdtemp(path));
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put("names.key", ov_span_make(key, sizeof key), ov_span_make(NULL, 0));
    return folder < 0;
}

static void add_cases(struct ov_names_batch *batch) {
    for (size_t i = 0; i < CASES; i++) {
        ov_names_batch_add(batch, cases[i].run, cases[i].number, ov_span_text(cases[i].path));
    }
}

// Reads the cases from the `from`-th on, and nothing behind them.
static void assert_cases(struct ov_journal_names *names, size_t from, size_t to) {
    struct ov_journal_name name;
    for (size_t i = from; i < to; i++) {
        assert_int_equal(ov_journal_names_next(names, &name), OV_OK);
        assert_true(ov_span_is_text(name.path, cases[i].path));
        assert_int_equal(name.number, cases[i].number);
        assert_memory_equal(&name.run, cases[i].run, sizeof name.run);
    }
}

static void test_what_was_written_is_read(void **state) {
    (void)state;
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch batch = {0};
    OV_CLEANUP(ov_journal_names_close) struct ov_journal_names names = {0};
    struct ov_journal_name name;
    add_cases(&batch);
    ov_names_batch_add(&batch, &one, 7, ov_span_text(""));
    ov_names_batch_add(&batch, &one, 7, ov_span_make("a\0b", 3));
    put("names", ov_buf_span(&batch.bytes), ov_span_make(NULL, 0));
    assert_int_equal(ov_journal_names_open(folder, &names), OV_OK);
    assert_cases(&names, 0, CASES);
    assert_int_equal(ov_journal_names_next(&names, &name), OV_END);
    assert_int_equal(ov_cursor_left(&names.cursor), 0);
}

// A path that was cut short is shown as one that nobody has, by its commitment; no other changes.
static void test_what_was_cut_short_takes_nothing_with_it(void **state) {
    (void)state;
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch batch = {0};
    add_cases(&batch);
    for (size_t cut = 0; cut <= batch.bytes.size; cut++) {
        OV_CLEANUP(ov_journal_names_close) struct ov_journal_names names = {0};
        struct ov_journal_name name;
        put("names", ov_span_part(ov_buf_span(&batch.bytes), 0, cut), ov_buf_span(&batch.bytes));
        assert_int_equal(ov_journal_names_open(folder, &names), OV_OK);
        size_t count = 0;
        while (ov_journal_names_next(&names, &name) == OV_OK) {
            count++;
        }
        assert_true(count >= CASES && count <= 2 * CASES);
        names.cursor = ov_cursor_init(names.map.bytes);
        names.has_run = names.is_run_due = false;
        for (size_t i = 0; i < count - CASES; i++) {
            struct ov_tree_hash read;
            struct ov_tree_hash written;
            struct ov_journal_name whole = {*cases[i].run, cases[i].number,
                                            ov_span_text(cases[i].path)};
            assert_int_equal(ov_journal_names_next(&names, &name), OV_OK);
            ov_journal_names_commitment(&names, &name, &read);
            ov_journal_names_commitment(&names, &whole, &written);
            bool is_last = i + 1 == count - CASES; // it may be the one that was cut
            assert_true(is_last || ov_tree_hash_is_equal(&read, &written));
        }
        assert_cases(&names, 0, CASES);
        assert_int_equal(ov_journal_names_next(&names, &name), OV_END);
    }
}

// Without a zero at its end, a text is not whole: somebody is just writing it.
static void test_what_is_being_written_is_not_read(void **state) {
    (void)state;
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch batch = {0};
    OV_CLEANUP(ov_journal_names_close) struct ov_journal_names names = {0};
    struct ov_journal_name name;
    add_cases(&batch);
    put("names", ov_span_part(ov_buf_span(&batch.bytes), 0, batch.bytes.size - 1),
        ov_span_make(NULL, 0));
    assert_int_equal(ov_journal_names_open(folder, &names), OV_OK);
    assert_cases(&names, 0, CASES - 1);
    assert_int_equal(ov_journal_names_next(&names, &name), OV_END);
    assert_true(ov_cursor_left(&names.cursor) > 0);
}

// As an earlier form of the file, or a hole that a power cut left: passed over.
static void test_what_is_no_name_is_passed_over(void **state) {
    (void)state;
    static const uint8_t old[] = {7, 0, 0, 0, 'x', 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 'a', 'b', 0, 0};
    OV_CLEANUP(ov_names_batch_release) struct ov_names_batch batch = {0};
    OV_CLEANUP(ov_journal_names_close) struct ov_journal_names names = {0};
    struct ov_journal_name name;
    add_cases(&batch);
    put("names", ov_span_make(old, sizeof old), ov_buf_span(&batch.bytes));
    assert_int_equal(ov_journal_names_open(folder, &names), OV_OK);
    assert_cases(&names, 0, CASES);
    assert_int_equal(ov_journal_names_next(&names, &name), OV_END);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_what_was_cut_short_takes_nothing_with_it),
        cmocka_unit_test(test_what_is_being_written_is_not_read),
        cmocka_unit_test(test_what_is_no_name_is_passed_over),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
