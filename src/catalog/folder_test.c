// SPDX-License-Identifier: Apache-2.0
// The order of a folder's rule files, and the two containers of one name.
#include "catalog/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void names_come_in_load_order(void **state) {
    (void)state;
    static const char *const loaded[] = {
        "z.ign2", "daily.cvd", "local.gdb", "daily.cfg", "z.crb", "A.NDB", "a.hdb", "b.yara",
    };
    static const char *const others[] = {"a.txt", "README", "ndb", "a.ndb~"};
    enum { LOADED = sizeof loaded / sizeof loaded[0] };
    char folder[] = "folder-XXXXXX";
    char path[64];
    struct ov_rule_folder list;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < LOADED + sizeof others / sizeof others[0]; i++) {
        // From the last to the first, so that an unsorted list would show.
        const char *name = i < LOADED ? loaded[LOADED - 1 - i] : others[i - LOADED];
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        (void)close(fd);
    }
    assert_int_equal(ov_rule_folder_list(folder, &list), OV_OK);
    assert_int_equal(list.count, LOADED);
    for (size_t i = 0; i < LOADED; i++) {
        assert_string_equal(list.names[i], loaded[i]);
    }
    ov_rule_folder_release(&list);
    assert_int_equal(list.count, 0);
}

static void missing_folders_are_told(void **state) {
    (void)state;
    struct ov_rule_folder list;
    assert_int_equal(ov_rule_folder_list("no such folder", &list), OV_SYSTEM);
    assert_int_equal(errno, ENOENT);
}

static void twins_are_containers_of_one_name(void **state) {
    (void)state;
    assert_string_equal(ov_rule_file_twin("main.cvd"), "cld");
    assert_string_equal(ov_rule_file_twin("main.cld"), "cvd");
    assert_null(ov_rule_file_twin("main.cud"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_in_load_order),
        cmocka_unit_test(missing_folders_are_told),
        cmocka_unit_test(twins_are_containers_of_one_name),
    };
    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}
