// SPDX-License-Identifier: Apache-2.0
// Cages children like the processes of a role, looks at them from the outside, and lets them try
// what they must not be able to do.
#include "cmd/status_probe.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIFTED = 32, PATIENCE_ROUNDS = 500 }; // a round is 20 ms at most

// What child and parent tell one another: in shared memory, since each role may say other things on
// other descriptors, and all of them may sleep on a word of memory.
struct page {
    uint32_t stage; // STARTED, then CAGED (by the child), then FREE (by the parent)
    struct ov_cage_report report;
};
enum { STARTED, CAGED, FREE };

static bool can_open(void) {
    return syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool can_make_socket(void) {
    return syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool can_fork(void) {
    long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid == 0) {
        _exit(0);
    }
    return pid > 0;
}

static bool can_execute(void) {
    char *arguments[] = {NULL};
    return syscall(SYS_execve, "/bin/true", arguments, arguments) == 0;
}

static bool can_signal(void) {
    return syscall(SYS_kill, getppid() != 0 ? getppid() : 1, 0) == 0;
}

static bool can_map_code(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) != MAP_FAILED;
}

static const struct {
    const char *name;
    bool (*run)(void);
    uint32_t words; // a role with one of these does it for a living
} trials[OV_TRIALS] = {
    {"open a file", can_open, 0},         {"make a socket", can_make_socket, OV_CAGE_CLIENT},
    {"start a process", can_fork, 0},     {"run a program", can_execute, 0},
    {"signal its parent", can_signal, 0}, {"map code", can_map_code, 0},
};

// ---- Landlock alone ---------------------------------------------------------------------------

static bool can_list_root(void) {
    return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

// Nobody listens at port 1; but to hear that, the way must be open.
static bool can_connect(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 &&
           (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno != EACCES);
}

static const struct {
    const char *name;
    bool (*run)(void);
    int version; // of Landlock, that brought it
} landlock_trials[OV_LANDLOCK_TRIALS] = {
    {"list the root folder", can_list_root, 1},
    {"connect to another port", can_connect, 4},
    {"signal its parent", can_signal, 6},
};

static int ask_landlock_version(void) {
    long version =
        syscall(SYS_landlock_create_ruleset, NULL, 0, 1); // LANDLOCK_CREATE_RULESET_VERSION
    return version > 0 ? (int)version : 0;
}

// ---- what the child holds ---------------------------------------------------------------------

// The descriptors of a role, as good as the real ones, and the folder that two of them may be.
struct props {
    int fds[OV_ROLE_DESCRIPTORS_MAX];
    int count;
    char folder[32];
};

static void close_props(struct props *props) {
    for (int i = 0; i < props->count; i++) {
        ov_fd_close(&props->fds[i]);
    }
    if (props->folder[0] != '\0') {
        (void)rmdir(props->folder);
    }
}

static int open_socket(void) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
        (void)close(ends[1]); // nobody listens
    }
    return ends[0];
}

static int open_pipe(void) {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) == 0) {
        (void)close(ends[0]); // nobody reads
    }
    return ends[1];
}

static int open_folder(struct props *props) {
    memcpy(props->folder, "/tmp/overt-probe-XXXXXX", sizeof "/tmp/overt-probe-XXXXXX");
    if (mkdtemp(props->folder) == NULL) {
        props->folder[0] = '\0';
        return -1;
    }
    return open(props->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_prop(const struct ov_role_descriptor *descriptor, int number, struct props *props) {
    if (descriptor->kinds == OV_HOLDS_ANY) {
        return fcntl(number, F_DUPFD_CLOEXEC, LIFTED); // ours, as the real one is
    }
    if ((descriptor->kinds & OV_HOLDS_NULL) != 0) {
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    }
    if ((descriptor->kinds & OV_HOLDS_SOCKET) != 0) {
        return open_socket();
    }
    if ((descriptor->kinds & OV_HOLDS_PIPE) != 0) {
        return open_pipe();
    }
    if ((descriptor->kinds & OV_HOLDS_FOLDER) != 0) {
        return open_folder(props);
    }
    if ((descriptor->kinds & OV_HOLDS_MEMORY) == 0) { // a file that any machine has
        return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    }
    return memfd_create("overt-probe", MFD_CLOEXEC);
}

static enum ov_status open_props(enum ov_role_id role, struct props *ret_props) {
    struct props props = {.count = ov_role_descriptor_count(role)};
    for (int i = 0; i < props.count; i++) {
        const struct ov_role_descriptor *descriptor = &ov_role_get(role)->descriptors[i];
        props.fds[i] = open_prop(descriptor, i, &props);
        if (props.fds[i] < 0 && !descriptor->is_optional) {
            props.count = i;
            close_props(&props);
            return OV_SYSTEM;
        }
    }
    *ret_props = props;
    return OV_OK;
}

// In the child: each at its number. They are first lifted out of the way of one another.
static bool place_props(const struct props *props) {
    int lifted[OV_ROLE_DESCRIPTORS_MAX];
    bool is_done = true;
    for (int i = 0; i < props->count; i++) {
        lifted[i] = props->fds[i] < 0 ? -1 : fcntl(props->fds[i], F_DUPFD_CLOEXEC, LIFTED);
    }
    for (int i = 0; i < props->count; i++) {
        if (props->fds[i] < 0) {
            (void)close(i);
        } else {
            is_done = is_done && dup2(lifted[i], i) == i;
        }
    }
    return is_done;
}

// ---- child and parent -------------------------------------------------------------------------

static void sleep_on(struct page *page, uint32_t stage, const struct timespec *most) {
    (void)syscall(SYS_futex, &page->stage, FUTEX_WAIT, stage, most, NULL, 0);
}

static void tell_stage(struct page *page, uint32_t stage) {
    __atomic_store_n(&page->stage, stage, __ATOMIC_RELEASE);
    (void)syscall(SYS_futex, &page->stage, FUTEX_WAKE, 1, NULL, NULL, 0);
}

// One child: its cage, what stands on the way there, and what it will try.
struct child {
    enum ov_role_id role;
    uint32_t layers;
    const struct props *props;
    struct page *page;
    bool (*attempt)(void);
};

static _Noreturn void run_child(const struct child *child) {
    struct ov_cage_spec spec = ov_role_cage(child->role);
    struct ov_cage_report report;
    if (!place_props(child->props)) {
        _exit(2);
    }
    spec.layers = child->layers;
    ov_cage_enter(&spec, &report);
    child->page->report = report;
    tell_stage(child->page, CAGED);
    while (__atomic_load_n(&child->page->stage, __ATOMIC_ACQUIRE) == CAGED) {
        sleep_on(child->page, CAGED, NULL);
    }
    _exit(child->attempt() ? 1 : 0);
}

// Whether it stands in its cage; false when it died on the way.
static bool await_cage(struct page *page, pid_t pid) {
    static const struct timespec round = {.tv_nsec = 20000000};
    for (int i = 0; i < PATIENCE_ROUNDS; i++) {
        siginfo_t end = {0};
        if (__atomic_load_n(&page->stage, __ATOMIC_ACQUIRE) == CAGED) {
            return true;
        }
        if (waitid(P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == pid) {
            return false;
        }
        sleep_on(page, STARTED, &round);
    }
    return false;
}

static enum ov_trial_result judge(int status) {
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSYS ? OV_TRIAL_KILLED : OV_TRIAL_UNKNOWN;
    }
    switch (WEXITSTATUS(status)) {
    case 0:
        return OV_TRIAL_REFUSED;
    case 1:
        return OV_TRIAL_DONE;
    default:
        return OV_TRIAL_UNKNOWN;
    }
}

// Runs it. `probe`, when it is not NULL, gets the report and what was seen.
static enum ov_status run_one(const struct child *child, struct ov_probe *probe,
                              enum ov_trial_result *ret_result) {
    int pidfd = -1;
    int status = 0;
    *child->page = (struct page){.stage = STARTED};
    pid_t pid = ov_cage_spawn(child->layers & OV_CAGE_NAMESPACES, &pidfd);
    if (pid == 0) {
        run_child(child);
    }
    if (pid < 0) {
        return OV_SYSTEM;
    }
    bool is_caged = await_cage(child->page, pid);
    if (is_caged && probe != NULL) {
        probe->cage = child->page->report;
        probe->has_seen = ov_seen_look(pid, &probe->seen) == OV_OK;
    }
    if (is_caged) {
        tell_stage(child->page, FREE);
    } else {
        (void)kill(pid, SIGKILL); // not reaped yet, so the number is still its own
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    *ret_result = is_caged ? judge(status) : OV_TRIAL_UNKNOWN;
    ov_fd_close(&pidfd);
    return OV_OK;
}

static enum ov_status try_all(struct child *child, struct ov_probe *probe) {
    for (unsigned i = 0; i < OV_TRIALS; i++) {
        struct ov_trial *trial = &probe->trials[i];
        *trial = (struct ov_trial){.name = trials[i].name, .result = OV_TRIAL_UNKNOWN};
        child->layers = ov_role_get(child->role)->layers;
        child->attempt = trials[i].run;
        TRY(run_one(child, i == 0 ? probe : NULL, &trial->result));
        bool is_work = (trials[i].words & ov_role_get(child->role)->calls) != 0;
        if (is_work && trial->result != OV_TRIAL_UNKNOWN) {
            trial->result = OV_TRIAL_WORK;
        }
    }
    probe->landlock_version = ask_landlock_version();
    for (unsigned i = 0; i < OV_LANDLOCK_TRIALS; i++) {
        struct ov_trial *trial = &probe->landlock[i];
        *trial = (struct ov_trial){.name = landlock_trials[i].name, .result = OV_TRIAL_OLD};
        child->layers = OV_CAGE(OV_LAYER_PRIVILEGES) | OV_CAGE(OV_LAYER_LANDLOCK);
        child->attempt = landlock_trials[i].run;
        if (probe->landlock_version >= landlock_trials[i].version) {
            TRY(run_one(child, NULL, &trial->result));
        }
    }
    return OV_OK;
}

enum ov_status ov_status_probe(enum ov_role_id role, struct ov_probe *ret_probe) {
    struct ov_probe probe = {0};
    struct props props;
    struct page *page =
        mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return OV_SYSTEM;
    }
    struct child child = {.role = role, .props = &props, .page = page};
    enum ov_status status = open_props(role, &props);
    if (status == OV_OK) {
        status = try_all(&child, &probe);
        close_props(&props);
    }
    (void)munmap(page, sizeof *page);
    if (status == OV_OK) {
        *ret_probe = probe;
    }
    return status;
}

const char *ov_trial_text(enum ov_trial_result result) {
    static const char *const texts[] = {"killed",    "refused",  "POSSIBLE",
                                        "not tried", "its work", "not in this kernel"};
    return texts[result];
}
