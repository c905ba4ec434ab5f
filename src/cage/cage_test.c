// SPDX-License-Identifier: Apache-2.0
// Each layer alone does what it says: a caged child tries, and tells how it went by its exit.
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// How a trial ends.
enum { REFUSED = 0, DONE = 1, NOT_HAD = 100 };

typedef int trial(void); // gives REFUSED or DONE

// Runs `attempt` in a child with these layers. Gives its wait status; NOT_HAD (and the reason
// printed) when this kernel or user cannot have the layers.
static int run(uint32_t layers, uint32_t calls, trial *attempt) {
    int pidfd = -1;
    (void)fflush(NULL);
    pid_t pid = ov_cage_spawn(layers, &pidfd);
    assert_true(pid >= 0);
    if (pid == 0) {
        struct ov_cage_spec spec = {.layers = layers,
                                    .calls = calls,
                                    .channel = -1,
                                    .outputs = {-1, -1},
                                    .descriptors_below = 3,
                                    .memory_bytes = 256 << 20};
        struct ov_cage_report report;
        ov_cage_enter(&spec, &report);
        _exit(report.enforced == layers ? attempt() : NOT_HAD);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (pidfd >= 0) {
        (void)close(pidfd);
    }
    return status;
}

static void expect_refused(enum ov_cage_layer layer, uint32_t more, trial *attempt) {
    int status = run(OV_CAGE(layer) | more, 0, attempt);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HAD) {
        print_message("SKIP: layer %s cannot be had here\n", ov_cage_layer_name(layer));
        skip();
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), REFUSED);
}

// ---- trials -----------------------------------------------------------------------------------

static int nothing(void) {
    return REFUSED;
}

static int open_file(void) {
    return open("/etc/passwd", O_RDONLY) >= 0 ? DONE : REFUSED;
}

static int make_file(void) {
    return open("/made", O_RDWR | O_CREAT, 0600) >= 0 || mkdir("/made", 0700) == 0 ? DONE : REFUSED;
}

static int see_others(void) {
    return getpid() == 1 && getppid() == 0 && kill(-1, 0) != 0 ? REFUSED : DONE;
}

// A datagram socket finds no route, not even to the local host.
static int reach_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = 53 << 8};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? DONE
                                                                                    : REFUSED;
}

static int rename_host(void) {
    char before[256];
    return gethostname(before, sizeof before) == 0 && geteuid() != 0 && sethostname("x", 1) == 0
               ? DONE
               : REFUSED;
}

static int use_root(void) {
    return setuid(0) == 0 && open("/proc/1/mem", O_RDWR) >= 0 ? DONE : REFUSED;
}

static int use_capability(void) {
    return chroot("/") == 0 ? DONE : REFUSED;
}

static int fork_again(void) {
    return fork() >= 0 ? DONE : REFUSED;
}

static int take_much_memory(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    return mmap(NULL, 512 << 20, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED ? DONE
                                                                                     : REFUSED;
}

static int open_many(void) {
    int last = 0;
    for (int i = 0; i < 64 && last >= 0; i++) {
        last = dup(0);
    }
    return last >= 0 ? DONE : REFUSED;
}

static int use_old_descriptor(void) {
    return fcntl(200, F_GETFD) >= 0 ? DONE : REFUSED;
}

static int connect_tcp(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = 9 << 8};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int result = connect(fd, (struct sockaddr *)&address, sizeof address);
    return result != 0 && (errno == EACCES || errno == ECONNREFUSED) ? REFUSED : DONE;
}

static int ask_dumpable(void) {
    return access("/proc/self/mem", R_OK) == 0 && open("/proc/self/mem", O_RDWR) >= 0 &&
                   getuid() != 0
               ? DONE
               : REFUSED;
}

// ---- tests ------------------------------------------------------------------------------------

static void landlock_opens_nothing(void **state) {
    (void)state;
    uint32_t privileges = OV_CAGE(OV_LAYER_PRIVILEGES);
    expect_refused(OV_LAYER_LANDLOCK, privileges, open_file);
    expect_refused(OV_LAYER_LANDLOCK, privileges, make_file);
    expect_refused(OV_LAYER_LANDLOCK, privileges, connect_tcp);
}

static void root_is_empty(void **state) {
    (void)state;
    expect_refused(OV_LAYER_MOUNTS, 0, open_file);
    expect_refused(OV_LAYER_MOUNTS, 0, make_file);
}

static void no_other_process_is_seen(void **state) {
    (void)state;
    expect_refused(OV_LAYER_PIDS, 0, see_others);
}

static void no_network(void **state) {
    (void)state;
    expect_refused(OV_LAYER_NET, 0, reach_loopback);
}

static void user_is_nobody(void **state) {
    (void)state;
    expect_refused(OV_LAYER_USER, 0, use_root);
    expect_refused(OV_LAYER_USER, OV_CAGE(OV_LAYER_UTS), rename_host);
}

static void capabilities_are_gone(void **state) {
    (void)state;
    expect_refused(OV_LAYER_CAPABILITIES, 0, use_capability);
}

static void limits_hold(void **state) {
    (void)state;
    uint32_t user = OV_CAGE(OV_LAYER_USER) | OV_CAGE(OV_LAYER_CAPABILITIES);
    expect_refused(OV_LAYER_LIMITS, user, fork_again);
    expect_refused(OV_LAYER_LIMITS, 0, open_many);
#if !defined(__SANITIZE_ADDRESS__)
    expect_refused(OV_LAYER_LIMITS, 0, take_much_memory);
#else
    (void)take_much_memory;
#endif
}

static void descriptors_are_closed(void **state) {
    (void)state;
    assert_int_equal(dup2(0, 200), 200);
    expect_refused(OV_LAYER_DESCRIPTORS, 0, use_old_descriptor);
    (void)close(200);
}

static void memory_is_not_for_others(void **state) {
    (void)state;
    expect_refused(OV_LAYER_UNDUMPABLE, 0, ask_dumpable);
}

static int open_under_seccomp(void) {
    (void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    return DONE;
}

static int map_code(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
    return DONE;
}

static int map_shared_writable(void) {
    int flags = MAP_SHARED | MAP_ANONYMOUS;
    (void)mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    return DONE;
}

static int receive_without_channel(void) {
    struct msghdr header = {0};
    (void)recvmsg(0, &header, 0);
    return DONE;
}

static int write_anywhere(void) {
    (void)!write(1, "", 0);
    return DONE;
}

// Memory may be had, read-only or private; that is what computing needs.
static int compute(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    void *heap = malloc(1 << 20);
    bool is_good = at != MAP_FAILED && heap != NULL && munmap(at, 4096) == 0;
    free(heap);
    return is_good ? REFUSED : DONE;
}

static void expect_killed(trial *attempt) {
    uint32_t layers = OV_CAGE(OV_LAYER_SECCOMP) | OV_CAGE(OV_LAYER_PRIVILEGES);
    int status = run(layers, 0, attempt);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HAD) {
        print_message("SKIP: no seccomp here\n");
        skip();
    }
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void other_calls_kill(void **state) {
    (void)state;
    expect_killed(open_under_seccomp);
    expect_killed(map_code);
    expect_killed(map_shared_writable);
    expect_killed(receive_without_channel);
    expect_killed(write_anywhere);
    expect_refused(OV_LAYER_SECCOMP, OV_CAGE(OV_LAYER_PRIVILEGES), compute);
}

// Asked for all: whatever is not had has an errno, and nothing is both.
static void every_layer_is_accounted_for(void **state) {
    (void)state;
    int pidfd = -1;
    int ends[2];
    struct ov_cage_report report = {0};
    assert_int_equal(pipe(ends), 0);
    pid_t pid = ov_cage_spawn(OV_CAGE_ALL, &pidfd);
    assert_true(pid >= 0);
    if (pid == 0) {
        struct ov_cage_spec spec = {.layers = OV_CAGE_ALL,
                                    .calls = OV_CAGE_WRITE,
                                    .channel = -1,
                                    .outputs = {ends[1], -1},
                                    .descriptors_below = 100};
        ov_cage_enter(&spec, &report);
        _exit(write(ends[1], &report, sizeof report) == (ssize_t)sizeof report ? 0 : 1);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &report, sizeof report), sizeof report);
    (void)close(ends[0]);
    (void)waitpid(pid, NULL, 0);
    for (int layer = 0; layer < OV_LAYER_COUNT; layer++) {
        bool is_had = (report.enforced & OV_CAGE(layer)) != 0;
        assert_int_equal(is_had, report.refusals[layer] == 0);
        if (!is_had) {
            print_message("not here: %s (%s)\n", ov_cage_layer_name(layer),
                          strerror(report.refusals[layer]));
        }
    }
}

static void layers_have_names(void **state) {
    (void)state;
    assert_int_equal(run(0, 0, nothing), 0);
    for (int layer = 0; layer < OV_LAYER_COUNT; layer++) {
        assert_true(strlen(ov_cage_layer_name(layer)) > 2);
        assert_true(strlen(ov_cage_layer_meaning(layer)) > 10);
    }
    assert_string_equal(ov_cage_layer_name(OV_LAYER_COUNT), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(landlock_opens_nothing),
        cmocka_unit_test(root_is_empty),
        cmocka_unit_test(no_other_process_is_seen),
        cmocka_unit_test(no_network),
        cmocka_unit_test(user_is_nobody),
        cmocka_unit_test(capabilities_are_gone),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(descriptors_are_closed),
        cmocka_unit_test(memory_is_not_for_others),
        cmocka_unit_test(other_calls_kill),
        cmocka_unit_test(every_layer_is_accounted_for),
        cmocka_unit_test(layers_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
