// SPDX-License-Identifier: Apache-2.0
// Opens the socket, starts the process that serves, and stands by until it ends.
#include "role/serve_job.h"

#include "base/fault.h"
#include "base/fd.h"
#include "base/install.h"
#include "cage/cage.h"
#include "role/acts.h"
#include "role/child.h"
#include "serve/counts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// ---- socket -----------------------------------------------------------------------------------

enum { HOST_BYTES = 64, WORDS_MAX = 96 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

// Parts HOST:PORT; the brackets of an IPv6 address are left out.
static bool split_address(const char *address, char ret_host[HOST_BYTES], in_port_t *ret_port) {
    const char *colon = strrchr(address, ':');
    char *end;
    if (colon == NULL || colon[1] < '0' || colon[1] > '9') {
        return false;
    }
    unsigned long port = strtoul(colon + 1, &end, 10);
    size_t size = (size_t)(colon - address);
    if (*end != '\0' || port > 65535 || size == 0 || size >= HOST_BYTES) {
        return false;
    }
    bool has_brackets = size > 2 && address[0] == '[' && colon[-1] == ']';
    memcpy(ret_host, address + has_brackets, size - 2 * has_brackets);
    ret_host[size - 2 * has_brackets] = '\0';
    *ret_port = htons((in_port_t)port);
    return has_brackets == (strchr(ret_host, ':') != NULL);
}

static bool read_address(const char *text, union address *ret_address, socklen_t *ret_size) {
    char host[HOST_BYTES];
    in_port_t port;
    if (!split_address(text, host, &port)) {
        return false;
    }
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET6, host, &ret_address->v6.sin6_addr) == 1) {
        ret_address->v6.sin6_family = AF_INET6;
        ret_address->v6.sin6_port = port;
        *ret_size = sizeof ret_address->v6;
        return true;
    }
    const char *number = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    ret_address->v4.sin_family = AF_INET;
    ret_address->v4.sin_port = port;
    *ret_size = sizeof ret_address->v4;
    return inet_pton(AF_INET, number, &ret_address->v4.sin_addr) == 1;
}

static enum ov_status write_url(int listener, char ret_url[OV_SERVE_URL_BYTES]) {
    char host[INET6_ADDRSTRLEN];
    union address real;
    socklen_t size = sizeof real;
    if (getsockname(listener, &real.any, &size) != 0) {
        return OV_SYSTEM;
    }
    bool is_v6 = real.any.sa_family == AF_INET6;
    const void *bytes = is_v6 ? (void *)&real.v6.sin6_addr : (void *)&real.v4.sin_addr;
    if (inet_ntop(real.any.sa_family, bytes, host, sizeof host) == NULL) {
        return OV_SYSTEM;
    }
    (void)snprintf(ret_url, OV_SERVE_URL_BYTES, is_v6 ? "http://[%s]:%u/" : "http://%s:%u/", host,
                   ntohs(is_v6 ? real.v6.sin6_port : real.v4.sin_port));
    return OV_OK;
}

enum ov_status ov_serve_listen(const char *address, int *ret_listener,
                               char ret_url[OV_SERVE_URL_BYTES]) {
    union address place;
    socklen_t size;
    int yes = 1;
    if (!read_address(address, &place, &size)) {
        return OV_INVALID;
    }
    OV_AUTO_FD listener =
        socket(place.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(listener, &place.any, size) != 0 || listen(listener, SOMAXCONN) != 0) {
        return OV_SYSTEM;
    }
    TRY(write_url(listener, ret_url));
    *ret_listener = listener;
    listener = -1;
    return OV_OK;
}

// ---- process ----------------------------------------------------------------------------------

static const int told_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

static enum ov_status open_program(int *ret_program, char *ret_reason) {
    char path[PATH_MAX];
    enum ov_status status = ov_install_find(OV_PART_SERVER, path, sizeof path);
    if (status != OV_OK) {
        (void)snprintf(ret_reason, OV_SERVE_REASON_BYTES, "%.400s: is missing", path);
        return status;
    }
    int program = open(path, O_RDONLY | O_CLOEXEC);
    if (program < 0) {
        (void)snprintf(ret_reason, OV_SERVE_REASON_BYTES, "%.400s: %s", path, strerror(errno));
        return OV_SYSTEM;
    }
    *ret_program = program;
    return OV_OK;
}

// Standard input becomes nothing; socket, folder, key and page get their numbers. They are first
// lifted out of the way of one another.
static bool place_descriptors(const struct ov_serve_request *request, int page) {
    int wanted[OV_SERVE_DESCRIPTORS] = {
        [STDIN_FILENO] = open("/dev/null", O_RDONLY | O_CLOEXEC),
        [STDOUT_FILENO] = -1,
        [STDERR_FILENO] = -1,
        [OV_SERVE_LISTENER] = request->listener,
        [OV_SERVE_FOLDER] = request->folder,
        [OV_SERVE_KEY] = request->key,
        [OV_SERVE_COUNTS] = page,
    };
    bool is_done = wanted[STDIN_FILENO] >= 0;
    for (int i = 0; i < OV_SERVE_DESCRIPTORS; i++) {
        wanted[i] = wanted[i] < 0 ? -1 : fcntl(wanted[i], F_DUPFD_CLOEXEC, OV_SERVE_DESCRIPTORS);
    }
    for (int i = 0; i < OV_SERVE_DESCRIPTORS; i++) {
        if (wanted[i] >= 0) {
            is_done = is_done && dup2(wanted[i], i) == i;
        } else if (i > STDERR_FILENO) {
            (void)close(i); // whatever it was, it is not for the child
        }
    }
    return is_done;
}

static _Noreturn void become_server(const struct ov_serve_request *request, int program, int page) {
    const struct ov_role *role = ov_role_get(request->role);
    char *arguments[WORDS_MAX + 3] = {(char *)(uintptr_t)role->program,
                                      (char *)(uintptr_t)role->name};
    char *environment[] = {(char *)(uintptr_t)OV_CHILD_SANITIZERS,
                           (char *)(uintptr_t)ov_fault_variable(), NULL};
    sigset_t none;
    for (size_t i = 0; i < request->word_count; i++) {
        arguments[2 + i] = (char *)(uintptr_t)request->words[i];
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (place_descriptors(request, page)) {
        (void)fexecve(program, arguments, environment);
    }
    _exit(127);
}

// ---- what is told -----------------------------------------------------------------------------

// The process, and what it says of itself.
struct serving {
    enum ov_role_id role;
    pid_t pid;
    int page; // its memory; -1
    const struct ov_serve_counts *counts;
    struct ov_acting acting;
    bool is_caged; // it has said so, and that is written down
    uint64_t told_sent, told_received;
    uint64_t due_ns;       // of the next heartbeat
    enum ov_status status; // of writing all that down
};

static uint64_t read_clock(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void set_heartbeat(struct serving *serving) {
    serving->due_ns = read_clock() + ov_keeper_heartbeat_seconds() * 1000000000ull;
}

// Its size is sealed: whoever writes to it cannot take it away under us.
static enum ov_status open_page(struct serving *serving) {
    OV_AUTO_FD page = memfd_create("overt-counts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (page < 0 || ftruncate(page, sizeof *serving->counts) != 0 ||
        fcntl(page, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        return OV_SYSTEM;
    }
    const void *bytes = mmap(NULL, sizeof *serving->counts, PROT_READ, MAP_SHARED, page, 0);
    if (bytes == MAP_FAILED) {
        return OV_SYSTEM;
    }
    serving->counts = bytes;
    serving->page = page;
    page = -1;
    return OV_OK;
}

static void close_page(struct serving *serving) {
    if (serving->counts != NULL) {
        (void)munmap((void *)(uintptr_t)serving->counts, sizeof *serving->counts);
        ov_fd_close(&serving->page);
    }
}

// What came since the last time.
static void tell_bytes(struct serving *serving) {
    uint64_t sent = atomic_load(&serving->counts->sent);
    uint64_t received = atomic_load(&serving->counts->received);
    if (sent < serving->told_sent || received < serving->told_received || sent > OV_NUMBER_MAX ||
        received > OV_NUMBER_MAX) {
        ov_acts_sent_unknown(); // it counts no more
    } else if (sent > serving->told_sent || received > serving->told_received) {
        ov_acts_sent(serving->role, "clients", sent - serving->told_sent,
                     received - serving->told_received);
        serving->told_sent = sent;
        serving->told_received = received;
    }
}

static enum ov_status tell_now(struct serving *serving) {
    uint64_t cage = atomic_load(&serving->counts->cage);
    if (!serving->is_caged && (cage & OV_SERVE_CAGED) != 0) {
        serving->is_caged = true;
        ov_acting_ready(&serving->acting, (uint32_t)cage & OV_CAGE_ALL);
        TRY(ov_acts_sync());
    }
    if (read_clock() >= serving->due_ns) {
        set_heartbeat(serving);
        tell_bytes(serving);
        TRY(ov_acts_beat());
    }
    return OV_OK;
}

static void tell_end(struct serving *serving, int end) {
    uint64_t cage = atomic_load(&serving->counts->cage);
    if ((cage & OV_SERVE_CAGED) != 0) {
        ov_acting_ready(&serving->acting, (uint32_t)cage & OV_CAGE_ALL);
    }
    tell_bytes(serving);
    if (atomic_load(&serving->counts->has_ended) == 0) {
        ov_acts_sent_unknown(); // there may be more
    }
    ov_acting_end(&serving->acting, end);
}

// Waits for the end of the child. The signals are blocked, so none is lost between two looks. The
// child is asked again and again: as the first process of its namespace it is deaf until it
// listens.
static int wait_for_end(struct serving *serving, const sigset_t *signals) {
    static const struct timespec pause = {.tv_nsec = 200000000};
    static const struct timespec tick = {.tv_sec = 1};
    bool is_asked = false;
    int end = 0;
    for (;;) {
        int number = sigtimedwait(signals, NULL, is_asked ? &pause : &tick);
        pid_t gone = waitpid(serving->pid, &end, WNOHANG);
        if (gone == serving->pid || (gone < 0 && errno == ECHILD)) {
            return end;
        }
        if (serving->status == OV_OK) {
            serving->status = tell_now(serving);
        }
        is_asked = is_asked || (number > 0 && number != SIGCHLD) || serving->status != OV_OK;
        if (is_asked) {
            (void)kill(serving->pid, SIGTERM); // not reaped yet, so the number is still its own
        }
    }
}

static enum ov_status judge_end(int end, char *ret_reason) {
    if (WIFSIGNALED(end)) {
        (void)snprintf(ret_reason, OV_SERVE_REASON_BYTES, "the caged process died: %s",
                       strsignal(WTERMSIG(end)));
        return OV_PEER;
    }
    if (WEXITSTATUS(end) == 127) {
        (void)snprintf(ret_reason, OV_SERVE_REASON_BYTES, "the caged process could not be started");
        return OV_PEER;
    }
    return WEXITSTATUS(end) == 0 ? OV_OK : OV_PEER; // it has said why
}

// Starts it and stands by until it has ended; what waitpid said goes to *ret_end.
static enum ov_status run_process(const struct ov_serve_request *request, int program,
                                  struct serving *serving, int *ret_end) {
    sigset_t signals;
    sigset_t before;
    int pidfd = -1;
    (void)sigemptyset(&signals);
    for (size_t i = 0; i < sizeof told_signals / sizeof told_signals[0]; i++) {
        (void)sigaddset(&signals, told_signals[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &signals, &before);
    // Above the numbers that the child's descriptors are moved to.
    int high = fcntl(program, F_DUPFD_CLOEXEC, OV_SERVE_DESCRIPTORS * 4);
    pid_t pid = high < 0 ? -1 : ov_cage_spawn(ov_role_get(request->role)->layers, &pidfd);
    if (pid == 0) {
        become_server(request, high, serving->page);
    }
    int error = errno;
    if (pid > 0) {
        serving->pid = pid;
        ov_acting_start(&serving->acting, request->role, pid, program);
        set_heartbeat(serving);
        *ret_end = wait_for_end(serving, &signals);
        tell_end(serving, *ret_end);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    ov_fd_close(&high);
    ov_fd_close(&pidfd);
    errno = error;
    return pid > 0 ? OV_OK : OV_SYSTEM;
}

enum ov_status ov_serve_run(const struct ov_serve_request *request,
                            char ret_reason[OV_SERVE_REASON_BYTES]) {
    OV_CLEANUP(close_page) struct serving serving = {.role = request->role, .page = -1};
    OV_AUTO_FD program = -1;
    int end = 0;
    ret_reason[0] = '\0';
    if (request->word_count > WORDS_MAX) {
        (void)snprintf(ret_reason, OV_SERVE_REASON_BYTES, "more than %d words", WORDS_MAX);
        return OV_LIMIT;
    }
    TRY(open_program(&program, ret_reason));
    enum ov_status status = ov_acts_sync(); // nobody is served before it is written down
    if (status == OV_OK) {
        status = open_page(&serving);
        status = status == OV_OK ? run_process(request, program, &serving, &end) : status;
        if (status != OV_OK) {
            (void)snprintf(ret_reason, OV_SERVE_REASON_BYTES, "%s", strerror(errno));
            return status;
        }
        status = serving.status;
    }
    if (status != OV_OK) {
        (void)snprintf(ret_reason, OV_SERVE_REASON_BYTES, "the journal cannot be written");
        return status;
    }
    return judge_end(end, ret_reason);
}
