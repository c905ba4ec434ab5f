// SPDX-License-Identifier: Apache-2.0
// Where the parts are looked for: beside the program first, then where they are installed.
#include "base/install.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The path of `name` beside this test program.
static void make_own_path(const char *name, char path[PATH_MAX]) {
    char own[PATH_MAX / 2];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    assert_true(length > 0);
    own[length] = '\0';
    *strrchr(own, '/') = '\0';
    assert_true(snprintf(path, PATH_MAX, "%s/%s", own, name) > 0);
}

static void test_beside_the_program_first(void **state) {
    (void)state;
    char expected[PATH_MAX];
    char path[PATH_MAX];
    make_own_path("starter.ovi", expected);
    int fd = open(expected, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    enum ov_status status = ov_install_find(OV_PART_STARTER, path, sizeof path);
    assert_int_equal(unlink(expected), 0);
    assert_int_equal(status, OV_OK);
    assert_string_equal(path, expected);
}

static void test_else_the_installed_path_by_name(void **state) {
    (void)state;
    char path[PATH_MAX];
    enum ov_status status = ov_install_find(OV_PART_WORKER, path, sizeof path);
    assert_non_null(strstr(path, "/overt/overt-worker"));
    assert_int_equal(status, access(path, R_OK) == 0 ? OV_OK : OV_SYSTEM);
}

static void test_too_small_a_place(void **state) {
    (void)state;
    char path[8];
    assert_int_equal(ov_install_find(OV_PART_WORKER, path, sizeof path), OV_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_the_program_first),
        cmocka_unit_test(test_else_the_installed_path_by_name),
        cmocka_unit_test(test_too_small_a_place),
    };
    return cmocka_run_group_tests_name("base/install", tests, NULL, NULL);
}
