// SPDX-License-Identifier: Apache-2.0
// What a hijacked fetcher may have put into its folder is not opened, and not left behind.
#include "role/fetch_staging.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char work[] = "/tmp/overt-staging-XXXXXX";

struct staging {
    char path[PATH_MAX];
    int folder;
};

static struct staging open_staging(void) {
    struct staging staging = {.folder = -1};
    assert_int_equal(ov_staging_open(work, staging.path, sizeof staging.path, &staging.folder),
                     OV_OK);
    return staging;
}

static void write_file(int folder, const char *name, const char *text) {
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static enum ov_status look(const struct staging *staging, size_t number, uint64_t size) {
    int fd = -1;
    enum ov_status status = ov_staging_file(staging->folder, number, size, &fd);
    assert_int_equal(status == OV_OK, fd >= 0);
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

static bool is_there(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

static void files_are_opened(void **state) {
    (void)state;
    struct staging staging = open_staging();
    struct stat info;
    assert_int_equal(fstat(staging.folder, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    write_file(staging.folder, "0", "four");
    write_file(staging.folder, "12", "");
    assert_int_equal(look(&staging, 0, 4), OV_OK);
    assert_int_equal(look(&staging, 12, 0), OV_OK);
    assert_int_equal(look(&staging, 0, 3), OV_PEER);
    assert_int_equal(look(&staging, 0, 5), OV_PEER);
    assert_int_equal(look(&staging, 1, 0), OV_PEER);
    ov_staging_close(staging.path, &staging.folder);
    assert_int_equal(staging.folder, -1);
    assert_false(is_there(staging.path));
}

static void other_things_are_not(void **state) {
    (void)state;
    struct staging staging = open_staging();
    char outside[PATH_MAX];
    (void)snprintf(outside, sizeof outside, "%s/outside", work);
    write_file(AT_FDCWD, outside, "four");
    assert_int_equal(symlinkat(outside, staging.folder, "0"), 0);
    assert_int_equal(linkat(AT_FDCWD, outside, staging.folder, "1", 0), 0);
    assert_int_equal(mkfifoat(staging.folder, "2", 0600), 0);
    assert_int_equal(mkdirat(staging.folder, "3", 0700), 0);
    assert_int_equal(symlinkat("/dev/zero", staging.folder, "4"), 0);
    for (size_t number = 0; number < 5; number++) {
        assert_int_equal(look(&staging, number, 4), OV_PEER);
        assert_int_equal(look(&staging, number, 0), OV_PEER);
    }
    ov_staging_close(staging.path, &staging.folder);
    assert_false(is_there(staging.path));
    assert_true(is_there(outside)); // a link was removed, and not what it points to
    assert_int_equal(unlink(outside), 0);
}

// One that is in use is another broker's, and stays.
static void dead_folders_are_swept(void **state) {
    (void)state;
    struct staging dead = open_staging();
    struct staging alive = open_staging();
    write_file(dead.folder, "0", "x");
    write_file(alive.folder, "0", "x");
    assert_int_equal(close(dead.folder), 0); // and with it the lock
    struct staging next = open_staging();
    assert_false(is_there(dead.path));
    assert_true(is_there(alive.path));
    assert_int_equal(look(&alive, 0, 1), OV_OK);
    ov_staging_close(alive.path, &alive.folder);
    ov_staging_close(next.path, &next.folder);
}

static void a_link_is_no_folder_to_sweep(void **state) {
    (void)state;
    char link[PATH_MAX];
    char target[PATH_MAX];
    char file[PATH_MAX];
    (void)snprintf(link, sizeof link, "%s/fetch-link", work);
    (void)snprintf(target, sizeof target, "%s/target", work);
    (void)snprintf(file, sizeof file, "%s/target/kept", work);
    assert_int_equal(mkdir(target, 0700), 0);
    write_file(AT_FDCWD, file, "x");
    assert_int_equal(symlink(target, link), 0);
    struct staging staging = open_staging();
    ov_staging_close(staging.path, &staging.folder);
    assert_true(is_there(file));
    assert_true(unlink(link) == 0 && unlink(file) == 0 && rmdir(target) == 0);
}

// Many at once sweep one another's folders away before they are locked.
static void brokers_do_not_hinder_one_another(void **state) {
    (void)state;
    (void)fflush(NULL);
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        for (int run = 0; pid == 0 && run < 200; run++) {
            struct staging staging = {.folder = -1};
            if (ov_staging_open(work, staging.path, sizeof staging.path, &staging.folder) !=
                OV_OK) {
                _exit(1);
            }
            ov_staging_close(staging.path, &staging.folder);
        }
        if (pid == 0) {
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    // The last one may have found a folder that its maker gave up.
    struct staging staging = open_staging();
    ov_staging_close(staging.path, &staging.folder);
}

static int make_work(void **state) {
    (void)state;
    assert_non_null(mkdtemp(work));
    return 0;
}

static int remove_work(void **state) {
    (void)state;
    assert_int_equal(rmdir(work), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_opened),
        cmocka_unit_test(other_things_are_not),
        cmocka_unit_test(dead_folders_are_swept),
        cmocka_unit_test(a_link_is_no_folder_to_sweep),
        cmocka_unit_test(brokers_do_not_hinder_one_another),
    };
    return cmocka_run_group_tests(tests, make_work, remove_work);
}
