// SPDX-License-Identifier: Apache-2.0
// The writer and the audit of a log where no other program can look: what ends them, and that
// nothing is done after a failure. What they write: tests/log_tiles_test.py.
#include "ledger/log.h"

#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ov_log_writer writer;

static int open_fresh_folder(void) {
    char path[] = "log-XXXXXX";
    assert_non_null(mkdtemp(path));
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    return folder;
}

static void add_many(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(ov_log_writer_add(&writer, ov_span_make(&i, sizeof i)), OV_OK);
    }
}

static void test_the_head_counts_what_is_not_flushed(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    struct ov_tree_head head;
    struct ov_tree tree;
    ov_tree_init(&tree);
    assert_int_equal(ov_log_writer_open(folder, 0, &writer), OV_OK);
    for (unsigned i = 0; i <= 600; i++) {
        struct ov_tree_hash root;
        struct ov_tree_hash leaf;
        ov_log_writer_head(&writer, &head);
        ov_tree_root(&tree, &root);
        assert_int_equal(head.size, i);
        assert_true(ov_tree_hash_is_equal(&head.root, &root));
        ov_leaf_hash(ov_span_make(&i, sizeof i), &leaf);
        ov_tree_append(&tree, &leaf);
        assert_int_equal(ov_log_writer_add(&writer, ov_span_make(&i, sizeof i)), OV_OK);
    }
    assert_int_equal(faccessat(folder, "tile/0/001", F_OK, 0), 0);
    assert_int_equal(faccessat(folder, "tile/0/002.p", F_OK, 0), -1);
    ov_log_writer_close(&writer);
}

static void test_an_entry_that_is_too_long_is_no_failure(void **state) {
    (void)state;
    static uint8_t bytes[OV_ENTRY_BYTES_MAX + 1];
    OV_AUTO_FD folder = open_fresh_folder();
    assert_int_equal(ov_log_writer_open(folder, 0, &writer), OV_OK);
    assert_int_equal(ov_log_writer_add(&writer, ov_span_make(bytes, sizeof bytes)), OV_INVALID);
    assert_int_equal(ov_log_writer_add(&writer, ov_span_make(bytes, sizeof bytes - 1)), OV_OK);
    assert_int_equal(ov_log_writer_flush(&writer), OV_OK);
    assert_int_equal(writer.edge.size, 1);
    ov_log_writer_close(&writer);
}

static void test_nothing_is_done_after_a_failure(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    assert_int_equal(mkdirat(folder, "tile", 0700), 0);
    int fd = openat(folder, "tile/0", O_CREAT | O_WRONLY | O_CLOEXEC, 0600); // no folder
    assert_true(fd >= 0);
    ov_fd_close(&fd);
    assert_int_equal(ov_log_writer_open(folder, 0, &writer), OV_OK);
    add_many(255);
    assert_int_equal(ov_log_writer_add(&writer, ov_span_text("x")), OV_SYSTEM);
    assert_string_equal(writer.flaw.path.text, "tile/0/000");
    assert_string_equal(writer.flaw.why, "cannot be written");
    assert_int_equal(unlinkat(folder, "tile/0", 0), 0);
    assert_int_equal(ov_log_writer_add(&writer, ov_span_text("x")), OV_SYSTEM);
    assert_int_equal(ov_log_writer_flush(&writer), OV_SYSTEM);
    assert_int_equal(faccessat(folder, "tile/0", F_OK, 0), -1);
    ov_log_writer_close(&writer);
}

static void test_sizes_that_cannot_be(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    struct ov_log_audit audit = {0};
    struct ov_tree_head head = {.size = OV_NUMBER_MAX + 1};
    assert_int_equal(ov_log_writer_open(folder, OV_NUMBER_MAX + 1, &writer), OV_INVALID);
    assert_int_equal(ov_log_audit(folder, &head, &audit), OV_INVALID);
    assert_int_equal(ov_log_writer_open(folder, OV_NUMBER_MAX, &writer), OV_SYSTEM);
    assert_string_equal(writer.flaw.path.text, "tile/0/x036/x028/x797/x018/x963/967.p/255");
    head.size = OV_NUMBER_MAX;
    assert_int_equal(ov_log_audit(folder, &head, &audit), OV_SYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(audit.flaw.path.text, "tile/entries/000");
}

static enum ov_status stop_at_seven(void *arg, uint64_t index, struct ov_span entry) {
    unsigned *seen = (unsigned *)arg;
    unsigned number = 0;
    assert_int_equal(entry.size, sizeof number);
    memcpy(&number, entry.data, sizeof number);
    assert_int_equal(number, index);
    (*seen)++;
    return index == 7 ? OV_LIMIT : OV_OK;
}

static void test_an_audit_ends_where_its_caller_says(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    struct ov_tree_head head;
    unsigned seen = 0;
    struct ov_log_audit audit = {.on_entry = stop_at_seven, .arg = &seen};
    assert_int_equal(ov_log_writer_open(folder, 0, &writer), OV_OK);
    add_many(20);
    assert_int_equal(ov_log_writer_flush(&writer), OV_OK);
    ov_log_writer_head(&writer, &head);
    ov_log_writer_close(&writer);
    assert_int_equal(ov_log_audit(folder, &head, &audit), OV_LIMIT);
    assert_int_equal(seen, 8);
    assert_null(audit.flaw.why);
    audit.on_entry = NULL;
    assert_int_equal(ov_log_audit(folder, &head, &audit), OV_OK);
    assert_null(audit.flaw.why);
}

// A writer that puts a longer log in the place of one of ten entries while the last is looked at.
struct outrun {
    int folder;
    unsigned first; // number that the entries of the longer one begin with
    unsigned count; // of its entries
    unsigned seen;
};

static enum ov_status remove_end(void *arg, uint64_t index, struct ov_span entry) {
    struct outrun *outrun = (struct outrun *)arg;
    (void)entry;
    assert_int_equal(index, outrun->seen++);
    if (index == 9) {
        assert_int_equal(unlinkat(outrun->folder, "tile/0/000.p/10", 0), 0);
        assert_int_equal(unlinkat(outrun->folder, "tile/entries/000.p/10", 0), 0);
    }
    return OV_OK;
}

static enum ov_status write_longer(void *arg, struct ov_tree_head *ret_head) {
    const struct outrun *outrun = (const struct outrun *)arg;
    assert_int_equal(ov_log_writer_open(outrun->folder, 0, &writer), OV_OK);
    for (unsigned i = outrun->first; i < outrun->first + outrun->count; i++) {
        assert_int_equal(ov_log_writer_add(&writer, ov_span_make(&i, sizeof i)), OV_OK);
    }
    assert_int_equal(ov_log_writer_flush(&writer), OV_OK);
    ov_log_writer_head(&writer, ret_head);
    ov_log_writer_close(&writer);
    return OV_OK;
}

static enum ov_status audit_outrun(struct outrun *outrun, struct ov_tile_flaw *ret_flaw) {
    OV_AUTO_FD folder = open_fresh_folder();
    struct ov_log_audit audit = {.on_entry = remove_end, .on_outrun = write_longer, .arg = outrun};
    struct ov_tree_head head;
    assert_int_equal(ov_log_writer_open(folder, 0, &writer), OV_OK);
    add_many(10);
    assert_int_equal(ov_log_writer_flush(&writer), OV_OK);
    ov_log_writer_head(&writer, &head);
    ov_log_writer_close(&writer);
    outrun->folder = folder;
    enum ov_status status = ov_log_audit(folder, &head, &audit);
    *ret_flaw = audit.flaw;
    return status;
}

static void test_an_audit_that_is_outrun_goes_on(void **state) {
    (void)state;
    struct ov_tile_flaw flaw;
    for (unsigned count = 11; count < 600; count += 49) {
        struct outrun longer = {.count = count};
        assert_int_equal(audit_outrun(&longer, &flaw), OV_OK);
        assert_int_equal(longer.seen, count);
        assert_null(flaw.why);
    }
    struct outrun shorter = {.count = 9};
    assert_int_equal(audit_outrun(&shorter, &flaw), OV_SYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(flaw.path.text, "tile/0/000.p/10");
    assert_string_equal(flaw.why, "is not there");
    struct outrun other = {.first = 1, .count = 20};
    assert_int_equal(audit_outrun(&other, &flaw), OV_DAMAGED);
    assert_string_equal(flaw.path.text, "tile/entries/000.p/20");
    assert_string_equal(flaw.why, "has other entries than it had before");
    assert_int_equal(other.seen, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_head_counts_what_is_not_flushed),
        cmocka_unit_test(test_an_entry_that_is_too_long_is_no_failure),
        cmocka_unit_test(test_nothing_is_done_after_a_failure),
        cmocka_unit_test(test_sizes_that_cannot_be),
        cmocka_unit_test(test_an_audit_ends_where_its_caller_says),
        cmocka_unit_test(test_an_audit_that_is_outrun_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
