// SPDX-License-Identifier: Apache-2.0
// Paths below a root mean what they mean inside of it, and nothing but files is opened.
#include "inventory/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// A folder with root/ in it, and beside that a file that nothing in root/ may lead to.
struct world {
    char path[64];
    struct ov_root tree;
};

static void write_file(int folder, const char *name, const char *text) {
    OV_AUTO_FD fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static int make_world(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    (void)snprintf(world->path, sizeof world->path, "/tmp/ov-tree-XXXXXX");
    assert_non_null(mkdtemp(world->path));
    OV_AUTO_FD top = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(top, "root", 0700), 0);
    write_file(top, "outside", "outside");
    OV_AUTO_FD root = openat(top, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(root, "etc", 0700), 0);
    assert_int_equal(mkdirat(root, "usr", 0700), 0);
    write_file(root, "etc/passwd", "inside");
    assert_int_equal(symlinkat("/etc/passwd", root, "absolute"), 0);
    assert_int_equal(symlinkat("../outside", root, "upwards"), 0);
    assert_int_equal(symlinkat("../../../../../etc/passwd", root, "usr/far"), 0);
    assert_int_equal(symlinkat("loop", root, "loop"), 0);
    assert_int_equal(symlinkat("/etc", root, "folder"), 0);
    assert_int_equal(symlinkat("/nowhere", root, "nothing"), 0);
    assert_int_equal(mkfifoat(root, "fifo", 0600), 0);
    char path[96];
    (void)snprintf(path, sizeof path, "%s/root", world->path);
    assert_int_equal(ov_root_open(path, &world->tree), OV_OK);
    *state = world;
    return 0;
}

static int remove_world(void **state) {
    struct world *world = *state;
    char command[128];
    ov_root_close(&world->tree);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", world->path);
    assert_int_equal(system(command), 0); // NOLINT: our own folder
    free(world);
    return 0;
}

static void assert_text(const struct ov_root *tree, const char *path, const char *text) {
    OV_AUTO_FD fd = -1;
    struct stat info;
    char buffer[32] = "";
    assert_int_equal(ov_root_open_file(tree, path, &fd, &info), OV_OK);
    assert_int_equal(read(fd, buffer, sizeof buffer - 1), (ssize_t)strlen(text));
    assert_string_equal(buffer, text);
}

static enum ov_status try_file(const struct ov_root *tree, const char *path) {
    OV_AUTO_FD fd = -1;
    struct stat info;
    return ov_root_open_file(tree, path, &fd, &info);
}

static void test_links_mean_what_they_mean_inside(void **state) {
    const struct world *world = *state;
    if (!world->tree.has_links) {
        skip();
    }
    assert_text(&world->tree, "/etc/passwd", "inside");
    assert_text(&world->tree, "/absolute", "inside");
    assert_text(&world->tree, "/usr/far", "inside");
    assert_text(&world->tree, "/folder/passwd", "inside");
    assert_text(&world->tree, "/../../etc/passwd", "inside");
    assert_int_equal(try_file(&world->tree, "/upwards"), OV_END);
    assert_int_equal(try_file(&world->tree, "/nothing"), OV_END);
    assert_int_equal(try_file(&world->tree, "/loop"), OV_SYSTEM);
    assert_int_equal(errno, ELOOP);
}

static void test_without_openat2_no_link_is_followed(void **state) {
    const struct world *world = *state;
    struct ov_root tree = world->tree;
    tree.has_links = false;
    assert_text(&tree, "/etc/passwd", "inside");
    assert_int_not_equal(try_file(&tree, "/absolute"), OV_OK);
    assert_int_not_equal(try_file(&tree, "/folder/passwd"), OV_OK);
    assert_int_not_equal(try_file(&tree, "/../outside"), OV_OK);
    assert_int_equal(try_file(&tree, "/etc/none"), OV_END);
}

static void test_what_is_no_file_is_not_opened(void **state) {
    const struct world *world = *state;
    assert_int_equal(try_file(&world->tree, "/fifo"), OV_UNSUPPORTED);
    assert_int_equal(try_file(&world->tree, "/etc"), OV_UNSUPPORTED);
}

static void test_a_link_can_be_asked_for_itself(void **state) {
    const struct world *world = *state;
    OV_AUTO_FD fd = -1;
    struct stat info;
    assert_int_equal(ov_root_find(&world->tree, "/nothing", false, &fd, &info), OV_OK);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(ov_root_find(&world->tree, "/nowhere", false, &fd, &info), OV_END);
}

static void test_names_are_sorted_and_counted(void **state) {
    const struct world *world = *state;
    struct ov_root_names names = {0};
    assert_int_equal(ov_root_list(&world->tree, "/", 100, &names), OV_OK);
    assert_int_equal(names.count, 8);
    assert_string_equal(names.items[0], "absolute");
    assert_string_equal(names.items[7], "usr");
    ov_root_names_release(&names);
    assert_int_equal(ov_root_list(&world->tree, "/", 3, &names), OV_LIMIT);
    assert_int_equal(names.count, 3);
    ov_root_names_release(&names);
    assert_int_equal(ov_root_list(&world->tree, "/fifo", 3, &names), OV_UNSUPPORTED);
    assert_int_equal(ov_root_list(&world->tree, "/none", 3, &names), OV_END);
}

static void test_a_folder_can_be_a_root_of_its_own(void **state) {
    const struct world *world = *state;
    struct ov_root inner;
    assert_int_equal(ov_root_open_below(&world->tree, "/etc", &inner), OV_OK);
    assert_text(&inner, "/passwd", "inside");
    assert_text(&inner, "/../passwd", "inside");
    ov_root_close(&inner);
    assert_int_not_equal(ov_root_open_below(&world->tree, "/etc/passwd", &inner), OV_OK);
}

static void test_the_folder_that_refuses_is_named(void **state) {
    const struct world *world = *state;
    char part[PATH_MAX];
    ov_root_reach(&world->tree, "/etc/none/of/these", part, sizeof part);
    assert_string_equal(part, "/etc");
    ov_root_reach(&world->tree, "/none", part, sizeof part);
    assert_string_equal(part, "/");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_mean_what_they_mean_inside),
        cmocka_unit_test(test_without_openat2_no_link_is_followed),
        cmocka_unit_test(test_what_is_no_file_is_not_opened),
        cmocka_unit_test(test_a_link_can_be_asked_for_itself),
        cmocka_unit_test(test_names_are_sorted_and_counted),
        cmocka_unit_test(test_a_folder_can_be_a_root_of_its_own),
        cmocka_unit_test(test_the_folder_that_refuses_is_named),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
