// SPDX-License-Identifier: Apache-2.0
// Files are replaced whole, folders are made, and a failure leaves what was there.
#include "base/durable.h"

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

static int open_fresh_folder(void) {
    char path[] = "durable-XXXXXX";
    assert_non_null(mkdtemp(path));
    int folder = open(path, O_RDONLY | O_DIRECTORY);
    assert_true(folder >= 0);
    return folder;
}

static void assert_content(int folder, const char *path, const char *text) {
    OV_AUTO_FD fd = openat(folder, path, O_RDONLY);
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    assert_true(fd >= 0);
    assert_int_equal(ov_file_map_open_fd(fd, &map), OV_OK);
    assert_true(ov_span_is_text(map.bytes, text));
}

static void test_a_file_is_replaced_and_its_folders_are_made(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    struct stat info;
    assert_int_equal(ov_durable_write(folder, "a/b/c", ov_span_text("one"), 0600), OV_OK);
    assert_content(folder, "a/b/c", "one");
    assert_int_equal(fstatat(folder, "a/b/c", &info, 0), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(fstatat(folder, "a", &info, 0), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(ov_durable_write(folder, "a/b/c", ov_span_text("two"), 0644), OV_OK);
    assert_content(folder, "a/b/c", "two");
    assert_int_equal(faccessat(folder, "a/b/c.new", F_OK, 0), -1);
    assert_int_equal(ov_durable_write(folder, "x/y", ov_span_text(""), 0644), OV_OK);
    assert_int_equal(fstatat(folder, "x", &info, 0), 0);
    assert_int_equal(info.st_mode & 0777 & ~022, 0755);
}

static void test_a_failure_leaves_what_was_there(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    assert_int_equal(mkdirat(folder, "place", 0700), 0);
    assert_int_equal(ov_durable_write(folder, "place", ov_span_text("one"), 0600), OV_SYSTEM);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(faccessat(folder, "place.new", F_OK, 0), -1);
    assert_int_equal(ov_durable_write(folder, "place/in", ov_span_text("one"), 0600), OV_OK);
    assert_int_equal(ov_durable_write(folder, "place/in/x", ov_span_text("two"), 0600), OV_SYSTEM);
    assert_content(folder, "place/in", "one");
}

static void test_a_written_file_is_moved_to_its_place(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    assert_int_equal(ov_durable_write(folder, "tmp", ov_span_text("new"), 0600), OV_OK);
    assert_int_equal(ov_durable_write(folder, "deep/place", ov_span_text("old"), 0600), OV_OK);
    assert_int_equal(ov_durable_rename(folder, "tmp", "deep/place"), OV_OK);
    assert_content(folder, "deep/place", "new");
    assert_int_equal(ov_durable_rename(folder, "tmp", "deep/place"), OV_SYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_content(folder, "deep/place", "new");
}

static void test_what_is_there_is_kept(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    assert_int_equal(ov_durable_write(folder, "a/b", ov_span_text("one"), 0600), OV_OK);
    assert_int_equal(ov_durable_keep(folder, "a/b"), OV_OK);
    assert_content(folder, "a/b", "one");
    assert_int_equal(ov_durable_keep(folder, "a/c"), OV_SYSTEM);
    assert_int_equal(errno, ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_replaced_and_its_folders_are_made),
        cmocka_unit_test(test_a_failure_leaves_what_was_there),
        cmocka_unit_test(test_a_written_file_is_moved_to_its_place),
        cmocka_unit_test(test_what_is_there_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
