// SPDX-License-Identifier: Apache-2.0
// Self-watch on a /proc that was made for it: what is told, what is not, and what is told once.
#include "role/selfwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { OWN = 100, WORKER = 101, KEEPER = 102, FOUND_MAX = 16 };

static char root[64]; // of the made /proc, and beside it the programs
static struct {
    enum ov_watch_kind kind;
    char text[512];
} found[FOUND_MAX];
static size_t found_count;
static pid_t started[] = {WORKER, KEEPER};

static const char *place(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *place(const char *format, ...) {
    static char path[PATH_MAX];
    char rest[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(rest, sizeof rest, format, arguments);
    va_end(arguments);
    (void)snprintf(path, sizeof path, "%s/%s", root, rest);
    return path;
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_process(int pid, const char *name, int parent) {
    char text[256];
    assert_int_equal(mkdir(place("proc/%d", pid), 0755), 0);
    assert_int_equal(mkdir(place("proc/%d/fd", pid), 0755), 0);
    assert_int_equal(mkdir(place("proc/%d/fdinfo", pid), 0755), 0);
    assert_int_equal(mkdir(place("proc/%d/net", pid), 0755), 0);
    (void)snprintf(text, sizeof text,
                   "%d (%s) S %d 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, name,
                   parent, 1000 + pid);
    write_file(place("proc/%d/stat", pid), text);
}

static void run_program(int pid, const char *link) {
    char target[PATH_MAX];
    (void)snprintf(target, sizeof target, "%s", place("%s", link));
    (void)unlink(place("proc/%d/exe", pid));
    assert_int_equal(symlink(target, place("proc/%d/exe", pid)), 0);
}

static void set_descriptor(int pid, int number, const char *target) {
    assert_int_equal(symlink(target, place("proc/%d/fd/%d", pid, number)), 0);
}

static bool has_started(pid_t pid) {
    for (size_t i = 0; i < sizeof started / sizeof started[0]; i++) {
        if (started[i] == pid) {
            return true;
        }
    }
    return false;
}

static void take_finding(void *arg, enum ov_watch_kind kind, const char *text) {
    (void)arg;
    assert_true(found_count < FOUND_MAX);
    found[found_count].kind = kind;
    (void)snprintf(found[found_count++].text, sizeof found[0].text, "%s", text);
}

static int set_up(void **state) {
    (void)state;
    found_count = 0;
    (void)snprintf(root, sizeof root, "/tmp/overt-selfwatch-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(place("proc"), 0755), 0);
    assert_int_equal(mkdir(place("proc/net"), 0755), 0); // what is no process
    write_file(place("overt"), "program overt");
    write_file(place("overt-worker"), "program worker");
    make_process(1, "init", 0);
    make_process(OWN, "overt", 1);
    make_process(WORKER, "overt-worker", OWN);
    make_process(KEEPER, "overt", OWN);
    run_program(OWN, "overt");
    run_program(KEEPER, "overt");
    run_program(WORKER, "overt-worker");
    return 0;
}

static int tear_down(void **state) {
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command); // NOLINT(cert-env33-c): a path of our own
}

static struct ov_selfwatch *make_watch(void) {
    struct ov_selfwatch *watch = NULL;
    char procfs[PATH_MAX];
    char worker[PATH_MAX];
    (void)snprintf(procfs, sizeof procfs, "%s", place("proc"));
    (void)snprintf(worker, sizeof worker, "%s", place("overt-worker"));
    const char *const programs[] = {worker};
    const struct ov_selfwatch_request request = {.procfs = procfs,
                                                 .pid = OWN,
                                                 .programs = programs,
                                                 .program_count = 1,
                                                 .has_started = has_started,
                                                 .on_finding = take_finding};
    assert_int_equal(ov_selfwatch_new(&request, &watch), OV_OK);
    return watch;
}

// Looks, and gives how many findings there were.
static size_t look(struct ov_selfwatch *watch) {
    struct ov_watch_unseen unseen;
    found_count = 0;
    assert_int_equal(ov_selfwatch_look(watch, &unseen), OV_OK);
    assert_int_equal(unseen.programs, 0);
    assert_int_equal(unseen.descriptors, 0);
    return found_count;
}

static void expect_one(struct ov_selfwatch *watch, enum ov_watch_kind kind, const char *part) {
    assert_int_equal(look(watch), 1);
    assert_int_equal(found[0].kind, kind);
    if (strstr(found[0].text, part) == NULL) {
        fail_msg("%s", found[0].text);
    }
    assert_int_equal(look(watch), 0); // told once
}

static void test_what_should_be_there_is_not_told(void **state) {
    struct ov_selfwatch *watch = make_watch();
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(look(watch), 0);
    }
    ov_selfwatch_glance(watch);
    assert_int_equal(found_count, 0);
    ov_selfwatch_free(watch);
}

static void test_a_program_that_was_replaced(void **state) {
    struct ov_selfwatch *watch = make_watch();
    char old[PATH_MAX];
    (void)state;
    assert_int_equal(look(watch), 0);
    // As the kernel has it: the process goes on with the old file, whose name is another's now.
    (void)snprintf(old, sizeof old, "%s", place("overt-worker (deleted)"));
    assert_int_equal(rename(place("overt-worker"), old), 0);
    run_program(WORKER, "overt-worker (deleted)");
    write_file(place("overt-worker"), "program worker"); // the same again
    assert_int_equal(look(watch), 0);
    assert_int_equal(unlink(place("overt-worker")), 0);
    write_file(place("overt-worker"), "another program");
    // SHA-256 of "another program", by sha256sum.
    assert_int_equal(look(watch), 1);
    assert_int_equal(found[0].kind, OV_WATCH_PROGRAM);
    assert_non_null(strstr(found[0].text, "SHA-256 60f787c0cff51e6d... is installed"));
    assert_int_equal(look(watch), 0);
    assert_int_equal(unlink(place("overt-worker")), 0);
    expect_one(watch, OV_WATCH_PROGRAM, "is gone, and process 101 (overt-worker) still runs it");
    ov_selfwatch_free(watch);
}

static void test_a_program_that_was_changed_in_its_place(void **state) {
    struct ov_selfwatch *watch = make_watch();
    (void)state;
    assert_int_equal(look(watch), 0);
    write_file(place("overt"), "program 0vert");
    expect_one(watch, OV_WATCH_PROGRAM, "overt was changed while it was in use");
    ov_selfwatch_free(watch);
}

static void test_the_end_of_a_short_run_sees_our_own_program(void **state) {
    struct ov_selfwatch *watch = make_watch();
    char old[PATH_MAX];
    (void)state;
    (void)snprintf(old, sizeof old, "%s", place("overt (deleted)"));
    assert_int_equal(rename(place("overt"), old), 0);
    run_program(OWN, "overt (deleted)");
    ov_selfwatch_glance(watch);
    assert_int_equal(found_count, 1);
    write_file(place("overt"), "something else");
    ov_selfwatch_glance(watch);
    assert_int_equal(found_count, 2);
    ov_selfwatch_free(watch);
}

static void test_a_program_that_is_none_of_ours(void **state) {
    struct ov_selfwatch *watch = make_watch();
    (void)state;
    assert_int_equal(look(watch), 0);
    write_file(place("sh"), "a shell");
    run_program(WORKER, "sh");
    expect_one(watch, OV_WATCH_PROGRAM, "which is no program of ours");
    ov_selfwatch_free(watch);
}

static void test_a_child_that_we_did_not_start(void **state) {
    struct ov_selfwatch *watch = make_watch();
    (void)state;
    assert_int_equal(look(watch), 0);
    make_process(77, "od) d", OWN); // its name does not end its line
    run_program(77, "overt");
    expect_one(watch, OV_WATCH_CHILD, "process 77 (od) d) is a child of ours");
    ov_selfwatch_free(watch);
}

static void test_children_that_came_with_the_process(void **state) {
    (void)state;
    make_process(77, "sleep", OWN);
    make_process(78, "sleep", 77);
    assert_int_equal(mkdir(place("proc/%d/task", OWN), 0755), 0);
    assert_int_equal(mkdir(place("proc/%d/task/%d", OWN, OWN), 0755), 0);
    write_file(place("proc/%d/task/%d/children", OWN, OWN), "77 101 102 ");
    struct ov_selfwatch *watch = make_watch();
    assert_int_equal(look(watch), 0);
    make_process(79, "sleep", OWN);
    run_program(79, "overt");
    expect_one(watch, OV_WATCH_CHILD, "process 79 (sleep)");
    ov_selfwatch_free(watch);
}

static void test_a_child_of_a_worker(void **state) {
    struct ov_selfwatch *watch = make_watch();
    (void)state;
    make_process(50, "sh", 200); // before its parent in the list
    make_process(200, "overt-worker", WORKER);
    run_program(50, "overt");
    run_program(200, "overt-worker");
    assert_int_equal(look(watch), 2);
    assert_string_equal(found[0].text,
                        "process 50 (sh) is a child of process 200, which may have none");
    assert_string_equal(
        found[1].text, "process 200 (overt-worker) is a child of process 101, which may have none");
    assert_int_equal(found[1].kind, OV_WATCH_CHILD);
    ov_selfwatch_free(watch);
}

static void test_a_socket_that_listens(void **state) {
    static const char head[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
    static const char line[] = "   0: 0100007F:%s 00000000:0000 %s 00000000:00000000 00:00000000 "
                               "00000000     0        0 %d 1 0000000000000000 100 0 0 10 0\n";
    struct ov_selfwatch *watch;
    char text[1024];
    (void)state;
    set_descriptor(OWN, 3, "socket:[4000]"); // there from the beginning, as a server's
    size_t size = (size_t)snprintf(text, sizeof text, "%s", head);
    size += (size_t)snprintf(text + size, sizeof text - size, line, "1F90", "0A", 4000);
    write_file(place("proc/%d/net/tcp", OWN), text);
    watch = make_watch();
    assert_int_equal(look(watch), 0);
    set_descriptor(OWN, 4, "socket:[4001]"); // connected
    set_descriptor(OWN, 5, "socket:[4002]"); // listens
    size += (size_t)snprintf(text + size, sizeof text - size, line, "0050", "01", 4001);
    size += (size_t)snprintf(text + size, sizeof text - size, line, "1F91", "0A", 4002);
    size +=
        (size_t)snprintf(text + size, sizeof text - size, line, "1F92", "0A", 4003); // another's
    write_file(place("proc/%d/net/tcp", OWN), text);
    expect_one(watch, OV_WATCH_LISTENER, "process 100 (overt) listens: tcp port 8081");
    set_descriptor(WORKER, 9, "socket:[500]");
    write_file(place("proc/%d/net/unix", WORKER),
               "Num       RefCount Protocol Flags    Type St Inode Path\n"
               "0000000000000000: 00000002 00000000 00000000 0001 03   500\n");
    assert_int_equal(look(watch), 0);
    write_file(place("proc/%d/net/unix", WORKER),
               "Num       RefCount Protocol Flags    Type St Inode Path\n"
               "0000000000000000: 00000002 00000000 00010000 0001 01   500 @door\n");
    expect_one(watch, OV_WATCH_LISTENER, "process 101 (overt-worker) listens: unix @door");
    ov_selfwatch_free(watch);
}

static void test_a_fanotify_group(void **state) {
    (void)state;
    make_process(300, "old guard", 1);
    set_descriptor(300, 3, "anon_inode:[fanotify]");
    struct ov_selfwatch *watch = make_watch();
    assert_int_equal(look(watch), 0); // was there before
    make_process(301, "new guard", 1);
    set_descriptor(301, 3, "anon_inode:[eventpoll]");
    set_descriptor(301, 7, "anon_inode:[fanotify]");
    write_file(place("proc/301/fdinfo/7"), "pos:\t0\nflags:\t02\nmnt_id:\t15\n"
                                           "fanotify flags:10 event-flags:8000\n"
                                           "fanotify mnt_id:1c mflags:0 mask:20 ignored_mask:0\n");
    expect_one(watch, OV_WATCH_FANOTIFY,
               "process 301 (new guard, started 1301) has a new fanotify group: descriptor 7, "
               "flags:10 event-flags:8000");
    assert_int_equal(unlink(place("proc/301/fd/7")), 0);
    assert_int_equal(look(watch), 0);
    set_descriptor(301, 7, "anon_inode:[fanotify]"); // gone, and there again
    expect_one(watch, OV_WATCH_FANOTIFY, "301");
    ov_selfwatch_free(watch);
}

static void test_what_cannot_be_looked_at_is_counted(void **state) {
    struct ov_watch_unseen unseen;
    (void)state;
    if (geteuid() == 0) {
        skip(); // root may look at everything
    }
    assert_int_equal(chmod(place("proc/1/fd"), 0), 0);
    assert_int_equal(chmod(place("proc/%d/fd", WORKER), 0), 0);
    assert_int_equal(chmod(place("overt-worker"), 0), 0);
    struct ov_selfwatch *watch = make_watch();
    assert_int_equal(ov_selfwatch_look(watch, &unseen), OV_OK);
    assert_int_equal(unseen.descriptors, 2);
    assert_int_equal(unseen.listeners, 1);
    assert_int_equal(unseen.programs, 1);
    assert_int_equal(chmod(place("proc/1/fd"), 0755), 0);
    assert_int_equal(chmod(place("proc/%d/fd", WORKER), 0755), 0);
    ov_selfwatch_free(watch);
}

static void test_lines_that_are_none(void **state) {
    static const char *const lines[] = {
        "",       "300", "300 (", "300 ()", "300 (x) S", "300 (x) S -1", "300 (x) S 99999999999 1",
        ")300 (", "(",   "\n\n\n"};
    (void)state;
    make_process(300, "odd", OWN);
    struct ov_selfwatch *watch = make_watch();
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        write_file(place("proc/300/stat"), lines[i]);
        assert_int_equal(look(watch), 0); // as one that has ended
    }
    ov_selfwatch_free(watch);
}

static void test_without_a_proc(void **state) {
    struct ov_selfwatch *watch = NULL;
    const struct ov_selfwatch_request request = {.procfs = "/nonexistent", .pid = OWN};
    (void)state;
    assert_int_equal(ov_selfwatch_new(&request, &watch), OV_SYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_null(watch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_should_be_there_is_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_program_that_was_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_program_that_was_changed_in_its_place, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_of_a_short_run_sees_our_own_program, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_program_that_is_none_of_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_child_that_we_did_not_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_children_that_came_with_the_process, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_child_of_a_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_socket_that_listens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_fanotify_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_looked_at_is_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_lines_that_are_none, set_up, tear_down),
        cmocka_unit_test(test_without_a_proc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
