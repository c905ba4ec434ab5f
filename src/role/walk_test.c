// SPDX-License-Identifier: Apache-2.0
// The walk over folders that were made to trip it.
#include "role/walk.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int make_root(void **state) {
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/overt-walk-XXXXXX");
    return mkdtemp(root) != NULL && chdir(root) == 0 ? 0 : -1;
}

static int remove_root(void **state) {
    (void)state;
    char command[256];
    (void)snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", root, root);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void make_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ov_fd_write_all(fd, ov_span_text(text)), OV_OK);
    (void)close(fd);
}

// What a walk gave, as text: "F path\n", "S path: reason\n" or "P path: reason\n" for each item.
static void walk(const char *path, const struct ov_walk_options *options, char *ret_text,
                 size_t size) {
    struct ov_walk *walker;
    struct ov_walk_item item;
    size_t used = 0;
    assert_int_equal(ov_walk_new(&path, 1, options, &walker), OV_OK);
    ret_text[0] = 0;
    while (ov_walk_next(walker, &item) == OV_OK) {
        assert_int_equal(item.kind == OV_WALK_FILE, item.fd >= 0);
        used += (size_t)snprintf(ret_text + used, size - used, "%c %.*s%s%s\n", "FSP"[item.kind],
                                 (int)item.path.size, (const char *)item.path.data,
                                 item.reason != NULL ? ": " : "",
                                 item.reason != NULL ? item.reason : "");
        assert_true(used < size);
        ov_fd_close(&item.fd);
    }
    ov_walk_free(walker);
}

static void names_come_in_order(void **state) {
    (void)state;
    char text[1024];
    struct ov_walk_options options = {0};
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(mkdir("d/sub", 0700), 0);
    make_file("d/z", "1");
    make_file("d/a", "2");
    make_file("d/sub/m", "3");
    make_file("d/\xff\xfe", "4");
    walk("d", &options, text, sizeof text);
    assert_string_equal(text, "F d/a\nF d/sub/m\nF d/z\nF d/\xff\xfe\n");
    walk("d/", &options, text, sizeof text);
    assert_string_equal(text, "F d/a\nF d/sub/m\nF d/z\nF d/\xff\xfe\n");
    walk("d/a", &options, text, sizeof text);
    assert_string_equal(text, "F d/a\n");
}

static void special_files_are_told(void **state) {
    (void)state;
    char text[1024];
    struct ov_walk_options options = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s/socket"};
    assert_int_equal(mkdir("s", 0700), 0);
    assert_int_equal(mkfifo("s/fifo", 0600), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
    assert_int_equal(symlink("..", "s/loop"), 0);
    assert_int_equal(symlink("/etc/passwd", "s/link"), 0);
    walk("s", &options, text, sizeof text);
    assert_string_equal(text, "S s/fifo: not a regular file (FIFO)\n"
                              "S s/link: symbolic link, not followed\n"
                              "S s/loop: symbolic link, not followed\n"
                              "S s/socket: not a regular file (socket)\n");
    walk("s/fifo", &options, text, sizeof text); // by name, it is an error, and does not block
    assert_string_equal(text, "P s/fifo: not a regular file (FIFO)\n");
    walk("s/link", &options, text, sizeof text); // by name, a link is followed
    assert_string_equal(text, "F s/link\n");
    walk("/dev/null", &options, text, sizeof text);
    assert_string_equal(text, "P /dev/null: not a regular file (device)\n");
    walk("s/none", &options, text, sizeof text);
    assert_string_equal(text, "P s/none: No such file or directory\n");
}

static void patterns_choose(void **state) {
    (void)state;
    char text[1024];
    const char *js[] = {"*.js"};
    const char *modules[] = {"node_modules"};
    struct ov_walk_options options = {
        .includes = js, .include_count = 1, .excludes = modules, .exclude_count = 1};
    assert_int_equal(mkdir("p", 0700), 0);
    assert_int_equal(mkdir("p/node_modules", 0700), 0);
    assert_int_equal(mkdir("p/x", 0700), 0);
    make_file("p/node_modules/a.js", "1");
    make_file("p/x/b.js", "1");
    make_file("p/x/c.py", "1");
    walk("p", &options, text, sizeof text);
    assert_string_equal(text, "S p/node_modules: excluded\nF p/x/b.js\nS p/x/c.py: excluded\n");
}

// Deeper than the folders that stay open, and than a path may be long.
static void deep_folders_are_walked(void **state) {
    (void)state;
    enum { DEPTH = 300 };
    struct ov_walk_options options = {0};
    const char *path = "deep";
    struct ov_walk *walker;
    struct ov_walk_item item;
    unsigned files = 0;
    assert_int_equal(mkdir("deep", 0700), 0);
    assert_int_equal(chdir("deep"), 0);
    for (int i = 0; i < DEPTH; i++) {
        make_file("a-file", "x");
        make_file("z-file", "x"); // met on the way back up
        assert_int_equal(mkdir("folder-with-a-long-name", 0700), 0);
        assert_int_equal(chdir("folder-with-a-long-name"), 0);
    }
    assert_int_equal(chdir(root), 0);
    assert_int_equal(ov_walk_new(&path, 1, &options, &walker), OV_OK);
    while (ov_walk_next(walker, &item) == OV_OK) {
        assert_int_equal(item.kind, OV_WALK_FILE);
        ov_fd_close(&item.fd);
        files++;
    }
    ov_walk_free(walker);
    assert_int_equal(files, 2 * DEPTH);
}

// A folder is carried away while we are below it. What is beside it is found again from the top;
// when that is gone too, it is said.
static void walk_while_moving(const char *from, const char *to, unsigned files_expected,
                              unsigned problems_expected) {
    enum { DEPTH = 150 };
    struct ov_walk_options options = {0};
    const char *path = "moved";
    struct ov_walk *walker;
    struct ov_walk_item item;
    unsigned files = 1;
    unsigned problems = 0;
    assert_int_equal(mkdir("moved", 0700), 0);
    assert_int_equal(mkdir("elsewhere", 0700), 0);
    make_file("moved/z-beside", "x");
    assert_int_equal(chdir("moved"), 0);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdir("d", 0700), 0);
        assert_int_equal(chdir("d"), 0);
    }
    make_file("bottom", "x");
    assert_int_equal(chdir(root), 0);
    assert_int_equal(ov_walk_new(&path, 1, &options, &walker), OV_OK);
    assert_int_equal(ov_walk_next(walker, &item), OV_OK); // the file at the bottom
    ov_fd_close(&item.fd);
    assert_int_equal(rename(from, to), 0);
    while (ov_walk_next(walker, &item) == OV_OK) {
        problems += item.kind == OV_WALK_PROBLEM;
        files += item.kind == OV_WALK_FILE;
        ov_fd_close(&item.fd);
    }
    ov_walk_free(walker);
    assert_int_equal(files, files_expected);
    assert_int_equal(problems, problems_expected);
    assert_int_equal(system("rm -rf moved elsewhere"), 0);
}

static void moved_folders_lose_nothing(void **state) {
    (void)state;
    walk_while_moving("moved/d/d", "elsewhere/d", 2, 0);
    walk_while_moving("moved/d/d/d/d", "elsewhere/d", 2, 0);
    walk_while_moving("moved", "elsewhere/d", 2, 0); // ".." still leads up through all of it
}

static void lost_folders_are_told(void **state) {
    (void)state;
    struct ov_walk_options options = {0};
    const char *path = "lost";
    struct ov_walk *walker;
    struct ov_walk_item item;
    unsigned problems = 0;
    assert_int_equal(system("mkdir -p lost/$(printf 'd/%.0s' $(seq 120)); mkdir away"), 0);
    assert_int_equal(system("cd lost; for i in $(seq 120); do cd d; done; echo > bottom"), 0);
    assert_int_equal(ov_walk_new(&path, 1, &options, &walker), OV_OK);
    assert_int_equal(ov_walk_next(walker, &item), OV_OK);
    ov_fd_close(&item.fd);
    assert_int_equal(rename("lost/d/d", "away/d"), 0); // carried away
    assert_int_equal(rename("lost", "gone"), 0);       // and the top as well
    while (ov_walk_next(walker, &item) == OV_OK) {
        problems += item.kind == OV_WALK_PROBLEM;
        ov_fd_close(&item.fd);
    }
    ov_walk_free(walker);
    assert_true(problems >= 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_in_order),
        cmocka_unit_test(special_files_are_told),
        cmocka_unit_test(patterns_choose),
        cmocka_unit_test(deep_folders_are_walked),
        cmocka_unit_test(moved_folders_lose_nothing),
        cmocka_unit_test(lost_folders_are_told),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
