// SPDX-License-Identifier: Apache-2.0
// A caged process reaches the paths and calls of its spec and nothing beside them: each layer that
// guards paths alone, and all together.
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// How a trial ends; for a killed one, KILLED.
enum { REFUSED = 0, DONE = 1, NOT_HAD = 100, KILLED = 101 };
enum { FOLDER = 3, LISTENER = 4, DESCRIPTORS = 5 };

static char work[] = "/tmp/overt-words-XXXXXX";
static char beside[64];
static uint16_t port;

typedef int trial(void);

// Runs `attempt` in a child with these layers and words, the folder of the test and one file to
// read.
static int run(uint32_t layers, uint32_t calls, bool is_writable, trial *attempt) {
    int pidfd = -1;
    (void)fflush(NULL);
    pid_t pid = ov_cage_spawn(layers, &pidfd);
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct ov_cage_path paths[] = {
            {.path = "/etc/hosts"},
            {.path = "/no/such/path"},
            {.fd = FOLDER, .is_writable = is_writable, .is_handed_over = is_writable},
        };
        struct ov_cage_spec spec = {.layers = layers,
                                    .calls = calls,
                                    .channel = -1,
                                    .outputs = {-1, -1},
                                    .descriptors_below = DESCRIPTORS,
                                    .paths = paths,
                                    .path_count = 3,
                                    .ports = &port,
                                    .port_count = 1,
                                    .file_bytes = 100};
        struct ov_cage_report report;
        ov_cage_enter(&spec, &report);
        _exit(report.enforced == layers ? attempt() : NOT_HAD);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(pidfd);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGSYS);
        return KILLED;
    }
    return WEXITSTATUS(status);
}

// A layer (or several) that is not to be had here is no failure.
static void expect(int wanted, uint32_t layers, uint32_t calls, trial *attempt) {
    int got = run(layers, calls, (calls & OV_CAGE_MAKE) != 0, attempt);
    if (got == NOT_HAD) {
        print_message("SKIP: some of layers %x cannot be had here\n", layers);
        skip();
    }
    assert_int_equal(got, wanted);
}

// ---- trials -----------------------------------------------------------------------------------

static int can_open(int folder, const char *path, int flags) {
    int fd = (int)syscall(SYS_openat, folder, path, flags | O_CLOEXEC, 0600);
    if (fd < 0) {
        return REFUSED;
    }
    (void)close(fd);
    return DONE;
}

static int read_named(void) {
    return can_open(AT_FDCWD, "/etc/hosts", O_RDONLY);
}

static int write_named(void) {
    return can_open(AT_FDCWD, "/etc/hosts", O_WRONLY);
}

static int read_other(void) {
    return can_open(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static int read_beside(void) {
    return can_open(FOLDER, "../beside", O_RDONLY) == DONE ||
                   can_open(AT_FDCWD, beside, O_RDONLY) == DONE
               ? DONE
               : REFUSED;
}

static int write_beside(void) {
    return can_open(FOLDER, "../made", O_WRONLY | O_CREAT);
}

static int read_inside(void) {
    char text[8] = "";
    int fd = openat(FOLDER, "inside", O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, text, sizeof text) == 5 && memcmp(text, "hello", 5) == 0 ? DONE
                                                                                        : REFUSED;
}

static int make_inside(void) {
    int fd = openat(FOLDER, "made", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0 ? DONE : REFUSED;
}

static int make_large(void) {
    char bytes[101] = "";
    (void)signal(SIGXFSZ, SIG_IGN);
    int fd = openat(FOLDER, "large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 && write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes ? DONE : REFUSED;
}

static int make_link(void) {
    return syscall(SYS_symlinkat, "/etc/passwd", FOLDER, "link") == 0 ? DONE : REFUSED;
}

static int edit_inside(void) {
    int folder = (int)syscall(SYS_mkdirat, FOLDER, "sub", 0700);
    bool is_done = folder == 0 && renameat(FOLDER, "made", FOLDER, "sub/moved") == 0 &&
                   fsync(FOLDER) == 0 && unlinkat(FOLDER, "sub/moved", 0) == 0 &&
                   unlinkat(FOLDER, "sub", AT_REMOVEDIR) == 0;
    return is_done ? DONE : REFUSED;
}

static int connect_port(uint16_t to) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(to)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? DONE
                                                                                    : REFUSED;
}

static int connect_named(void) {
    return connect_port(port);
}

// Nobody listens there either; EACCES says that nobody was asked.
static int connect_other(void) {
    return connect_port((uint16_t)(port + 1)) == REFUSED && errno == EACCES ? REFUSED : DONE;
}

static int bind_socket(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? DONE : REFUSED;
}

static int local_socket(void) {
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT ? DONE : REFUSED;
}

static int raw_socket(void) {
    (void)socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    return DONE;
}

static int packet_socket(void) {
    (void)socket(AF_PACKET, SOCK_DGRAM, 0);
    return DONE;
}

static int accept_one(void) {
    char byte;
    int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
    return fd >= 0 && recv(fd, &byte, 1, 0) == 1 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1 ? DONE
                                                                                          : REFUSED;
}

static int make_thread(void) {
    (void)syscall(SYS_clone, 0x10f00L, 0L, 0L, 0L, 0L);
    return DONE;
}

static int run_program(void) {
    char *arguments[] = {NULL};
    (void)syscall(SYS_execve, "/bin/true", arguments, arguments);
    return DONE;
}

static int trace_parent(void) {
    (void)syscall(SYS_ptrace, 16L, 1L, 0L, 0L);
    return DONE;
}

static int kill_parent(void) {
    (void)syscall(SYS_kill, (long)getppid(), 9L);
    return DONE;
}

// ---- tests ------------------------------------------------------------------------------------

static const uint32_t privileges = OV_CAGE(OV_LAYER_PRIVILEGES);
static const uint32_t user = OV_CAGE(OV_LAYER_USER);

enum { FETCHER = OV_CAGE_CLIENT | OV_CAGE_READ | OV_CAGE_MAKE };

static void expect_paths(uint32_t layers) {
    expect(DONE, layers, OV_CAGE_READ, read_named);
    expect(DONE, layers, OV_CAGE_READ, read_inside);
    expect(REFUSED, layers, OV_CAGE_READ, read_other);
    expect(REFUSED, layers, OV_CAGE_READ, read_beside);
    expect(REFUSED, layers, OV_CAGE_MAKE, write_named);
    expect(REFUSED, layers, OV_CAGE_MAKE, write_beside);
    expect(DONE, layers, OV_CAGE_MAKE, make_inside);
    (void)unlinkat(FOLDER, "made", 0);
}

static void landlock_knows_paths(void **state) {
    (void)state;
    expect_paths(OV_CAGE(OV_LAYER_LANDLOCK) | privileges);
    expect(REFUSED, OV_CAGE(OV_LAYER_LANDLOCK) | privileges, OV_CAGE_READ, make_inside);
    expect(REFUSED, OV_CAGE(OV_LAYER_LANDLOCK) | privileges, OV_CAGE_MAKE, make_link);
}

static void root_holds_paths(void **state) {
    (void)state;
    expect_paths(OV_CAGE(OV_LAYER_MOUNTS));
    expect(REFUSED, OV_CAGE(OV_LAYER_MOUNTS), OV_CAGE_READ, make_inside);
}

// All together, as root with a user id of its own: the folder is made over to it.
static void all_layers_leave_the_paths(void **state) {
    (void)state;
    expect_paths(OV_CAGE_ALL_BUT_NET & ~OV_CAGE(OV_LAYER_SECCOMP));
    expect(DONE, OV_CAGE_ALL_BUT_NET, FETCHER, make_inside);
    expect(REFUSED, OV_CAGE_ALL_BUT_NET, FETCHER, make_large);
    expect(DONE, OV_CAGE_ALL_BUT_NET, FETCHER | OV_CAGE_EDIT, edit_inside);
    expect(REFUSED, OV_CAGE_ALL_BUT_NET, FETCHER, read_beside);
}

// A folder that stays its owner's: the process becomes the owner.
static int ask_owner(void) {
    return geteuid() == 4711 && can_open(FOLDER, "of-owner", O_WRONLY | O_CREAT) == DONE ? DONE
                                                                                         : REFUSED;
}

static void owner_of_a_folder_is_taken(void **state) {
    (void)state;
    if (geteuid() != 0) {
        print_message("SKIP: needs root\n");
        skip();
    }
    assert_int_equal(fchown(FOLDER, 4711, 4711), 0);
    int pidfd = -1;
    pid_t pid = ov_cage_spawn(user, &pidfd);
    if (pid == 0) {
        const struct ov_cage_path path = {.fd = FOLDER, .is_writable = true};
        struct ov_cage_spec spec = {.layers = user, .paths = &path, .path_count = 1};
        struct ov_cage_report report;
        ov_cage_enter(&spec, &report);
        _exit(ask_owner());
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(pidfd);
    assert_int_equal(WEXITSTATUS(status), DONE);
    (void)unlinkat(FOLDER, "of-owner", 0);
    assert_int_equal(fchown(FOLDER, 0, 0), 0);
}

static void words_allow_their_calls_alone(void **state) {
    (void)state;
    uint32_t layers = OV_CAGE(OV_LAYER_SECCOMP) | privileges;
    expect(DONE, layers, OV_CAGE_READ, read_other); // where to is not this layer's
    expect(KILLED, layers, OV_CAGE_READ, write_named);
    expect(KILLED, layers, OV_CAGE_READ, make_inside);
    expect(KILLED, layers, OV_CAGE_CLIENT, read_other);
    expect(KILLED, layers, OV_CAGE_READ, connect_named);
    expect(KILLED, layers, OV_CAGE_SERVE, connect_named);
    expect(KILLED, layers, OV_CAGE_CLIENT, accept_one);
    expect(KILLED, layers, FETCHER, bind_socket);
    expect(KILLED, layers, FETCHER, raw_socket);
    expect(KILLED, layers, FETCHER, packet_socket);
    expect(REFUSED, layers, FETCHER, local_socket);
    expect(KILLED, layers, FETCHER, edit_inside);
    trial *const never[] = {make_thread, run_program, trace_parent, kill_parent, make_link};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        expect(KILLED, layers, FETCHER | OV_CAGE_SERVE | OV_CAGE_EDIT, never[i]);
    }
}

static void tcp_connects_where_it_may(void **state) {
    (void)state;
    expect(DONE, OV_CAGE_ALL_BUT_NET, OV_CAGE_CLIENT, connect_named);
    expect(DONE, OV_CAGE(OV_LAYER_LANDLOCK) | privileges, OV_CAGE_CLIENT, connect_named);
    if (syscall(444, NULL, 0, 1) < 4) { // landlock_create_ruleset: its version
        print_message("SKIP: this kernel's Landlock knows no ports\n");
        skip();
    }
    expect(REFUSED, OV_CAGE(OV_LAYER_LANDLOCK) | privileges, OV_CAGE_CLIENT, connect_other);
    expect(REFUSED, OV_CAGE(OV_LAYER_LANDLOCK) | privileges, OV_CAGE_CLIENT, bind_socket);
}

static void server_accepts(void **state) {
    (void)state;
    (void)fflush(NULL);
    pid_t client = fork();
    if (client == 0) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        char byte = 'x';
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        bool is_done = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                       write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1 && byte == 'x';
        _exit(is_done ? 0 : 1);
    }
    expect(DONE, OV_CAGE_ALL_BUT_NET, OV_CAGE_SERVE | OV_CAGE_READ, accept_one);
    int status = 0;
    assert_int_equal(waitpid(client, &status, 0), client);
    assert_int_equal(status, 0);
}

static int make_work(void **state) {
    (void)state;
    char path[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_non_null(mkdtemp(work));
    assert_int_equal(chmod(work, 0755), 0);
    (void)snprintf(beside, sizeof beside, "%s/beside", work);
    (void)snprintf(path, sizeof path, "%s/folder", work);
    int file = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(file >= 0 && close(file) == 0 && mkdir(path, 0755) == 0);
    int folder = open(path, O_RDONLY | O_DIRECTORY);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1000), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    port = ntohs(address.sin_port);
    int high = fcntl(listener, F_DUPFD, 100);
    assert_int_equal(dup2(folder, FOLDER), FOLDER);
    assert_int_equal(dup2(high, LISTENER), LISTENER);
    file = openat(FOLDER, "inside", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(file >= 0 && write(file, "hello", 5) == 5 && close(file) == 0);
    return 0;
}

static int remove_work(void **state) {
    (void)state;
    (void)unlinkat(FOLDER, "inside", 0);
    (void)unlinkat(FOLDER, "made", 0);
    (void)unlinkat(FOLDER, "large", 0);
    (void)unlink(beside);
    char path[64];
    (void)snprintf(path, sizeof path, "%s/folder", work);
    (void)rmdir(path);
    assert_int_equal(rmdir(work), 0); // nothing was made beside
    return 0;
}

// ---- the list ---------------------------------------------------------------------------------

enum { CALLS_MAX = 512 };

static int tried_call;

static int try_call(void) {
    return syscall(tried_call, 0, 0, 0, 0, 0, 0) >= 0 ? DONE : REFUSED;
}

static void mark_call(void *arg, const struct ov_cage_rule *rule) {
    bool *is_listed = arg;
    int number = seccomp_syscall_resolve_name(rule->call);
    assert_in_range(number, 0, CALLS_MAX - 1);
    is_listed[number] = true;
}

// The list that is told is the list that is loaded: whatever does not stand in it kills.
static void calls_that_are_not_listed_kill(void **state) {
    (void)state;
    struct ov_cage_spec spec = {.calls = FETCHER, .channel = -1, .outputs = {-1, -1}};
    bool is_listed[CALLS_MAX] = {false};
    unsigned killed = 0;
    ov_cage_rules_each(&spec, mark_call, is_listed);
    assert_true(is_listed[SYS_openat] && is_listed[SYS_connect] && !is_listed[SYS_execve]);
    for (tried_call = 0; tried_call < CALLS_MAX; tried_call++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, tried_call);
        if (name != NULL && !is_listed[tried_call]) {
            expect(KILLED, OV_CAGE(OV_LAYER_PRIVILEGES) | OV_CAGE(OV_LAYER_SECCOMP), FETCHER,
                   try_call);
            killed++;
        }
        free(name);
    }
    assert_true(killed > 200);
}

static void count_forms(void *arg, const struct ov_cage_rule *rule) {
    unsigned *counts = arg;
    bool is_bound = rule->condition_count == 1 && rule->conditions[0].argument == 0 &&
                    rule->conditions[0].mask == UINT64_MAX && rule->conditions[0].value == 7;
    counts[0] += strcmp(rule->call, "recvmsg") == 0 && is_bound;
    counts[1] += strcmp(rule->call, "socket") == 0 && rule->error == EAFNOSUPPORT;
    counts[2] += strcmp(rule->call, "openat") == 0;
}

static void list_tells_what_arguments_must_be(void **state) {
    (void)state;
    unsigned counts[3] = {0};
    struct ov_cage_spec talker = {.calls = OV_CAGE_TALK, .channel = 7, .outputs = {-1, -1}};
    struct ov_cage_spec client = {.calls = FETCHER, .channel = -1, .outputs = {-1, -1}};
    ov_cage_rules_each(&talker, count_forms, counts);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1] + counts[2], 0);
    ov_cage_rules_each(&client, count_forms, counts);
    assert_int_equal(counts[1], 2); // local, and netlink
    assert_int_equal(counts[2], 1); // in any way
    for (unsigned bit = 0; bit < OV_CAGE_WORD_COUNT; bit++) {
        assert_string_not_equal(ov_cage_word_name(bit), "unknown");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(landlock_knows_paths),
        cmocka_unit_test(root_holds_paths),
        cmocka_unit_test(owner_of_a_folder_is_taken),
        cmocka_unit_test(all_layers_leave_the_paths),
        cmocka_unit_test(words_allow_their_calls_alone),
        cmocka_unit_test(server_accepts),
        cmocka_unit_test(tcp_connects_where_it_may),
        cmocka_unit_test(calls_that_are_not_listed_kill),
        cmocka_unit_test(list_tells_what_arguments_must_be),
    };
    return cmocka_run_group_tests(tests, make_work, remove_work);
}
