// SPDX-License-Identifier: Apache-2.0
// What a pattern of paths means below a root.
#include "inventory/paths.h"

#include "base/buf.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char path[64];
    struct ov_root tree;
    struct ov_inventory *inventory;
};

static int make_world(void **state) {
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    (void)snprintf(world->path, sizeof world->path, "/tmp/ov-paths-XXXXXX");
    assert_non_null(mkdtemp(world->path));
    assert_int_equal(ov_root_open(world->path, &world->tree), OV_OK);
    static const char *const folders[] = {"opt", "opt/x", "opt/x/v1", "opt/x/v2", "opt/x/v2/bin"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        assert_int_equal(mkdirat(world->tree.root, folders[i], 0700), 0);
    }
    assert_int_equal(symlinkat("/nowhere", world->tree.root, "opt/x/v3"), 0);
    assert_int_equal(symlinkat("/opt/x", world->tree.root, "same"), 0);
    assert_int_equal(ov_inventory_new(&world->inventory), OV_OK);
    *state = world;
    return 0;
}

static int remove_world(void **state) {
    struct world *world = *state;
    char command[128];
    ov_root_close(&world->tree);
    ov_inventory_free(world->inventory);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", world->path);
    assert_int_equal(system(command), 0); // NOLINT: our own folder
    free(world);
    return 0;
}

static void note(void *arg, const char *path) {
    ov_buf_printf(arg, "%s ", path);
}

static void assert_expands(const struct world *world, const char *pattern, const char *paths) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    const struct ov_paths_place at = {
        .tree = &world->tree, .place = "", .inventory = world->inventory};
    (void)ov_paths_expand(&at, pattern, note, &out);
    ov_buf_add_u8(&out, 0);
    assert_false(out.has_failed);
    assert_string_equal((const char *)out.data, paths);
}

static void test_a_path_is_itself_or_nothing(void **state) {
    assert_expands(*state, "/opt/x", "/opt/x ");
    assert_expands(*state, "/opt/y", "");
    assert_expands(*state, "/opt/x/v1/bin/deeper", "");
}

static void test_wildcards_stay_in_their_part(void **state) {
    assert_expands(*state, "/opt/x/v*", "/opt/x/v1 /opt/x/v2 /opt/x/v3 ");
    assert_expands(*state, "/opt/*/v[12]", "/opt/x/v1 /opt/x/v2 ");
    assert_expands(*state, "/opt/*", "/opt/x ");
    assert_expands(*state, "/opt/x/v?/bin", "/opt/x/v2/bin ");
    assert_expands(*state, "/opt*bin", "");
}

static void test_links_to_folders_are_passed_and_ends_are_not(void **state) {
    assert_expands(*state, "/same/v*", "/same/v1 /same/v2 /same/v3 ");
    assert_expands(*state, "/opt/x/v3", "/opt/x/v3 ");
    assert_expands(*state, "/opt/x/v3/*", "");
}

static void test_what_is_cut_is_told(void **state) {
    const struct world *world = *state;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    const struct ov_paths_place at = {
        .tree = &world->tree, .place = "", .inventory = world->inventory, .most = 2};
    size_t before = ov_inventory_problem_count(world->inventory);
    assert_int_equal(ov_paths_expand(&at, "/opt/x/v*", note, &out), 2);
    assert_int_equal(ov_inventory_problem_count(world->inventory), before + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_is_itself_or_nothing),
        cmocka_unit_test(test_wildcards_stay_in_their_part),
        cmocka_unit_test(test_links_to_folders_are_passed_and_ends_are_not),
        cmocka_unit_test(test_what_is_cut_is_told),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
