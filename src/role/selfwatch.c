// SPDX-License-Identifier: Apache-2.0
// Compares what /proc says now with what was there before.
#include "role/selfwatch.h"

#include "base/digest.h"
#include "base/fd.h"
#include "base/hex.h"
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PROGRAMS_MAX = 8,
    DIGESTS_MAX = 16,
    GUESTS_MAX = 64,
    TEXT_BYTES = 1024,
    PLACE_BYTES = 64,
    SHOWN_DIGITS = 16,
};

// Whose a process is.
enum rank { RANK_OTHERS, RANK_SELF, RANK_CHILD, RANK_DEEPER };

// One state of a file.
struct file_key {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
};

struct known_digest {
    struct file_key key;
    bool is_running; // a process held the file when it was read: its number was nobody else's
    uint8_t sha256[OV_SHA256_BYTES];
};

// What was observed, by the start of the digest of its description.
struct marks {
    uint64_t *items;
    size_t count, room;
};

struct ov_selfwatch {
    struct ov_selfwatch_request request; // with strings of our own
    int procfs;
    char programs[PROGRAMS_MAX][PATH_MAX];
    size_t program_count;
    pid_t guests[GUESTS_MAX]; // children that this process had before us, by exec
    size_t guest_count;
    bool knows_guests;
    bool has_looked;
    bool is_short_of_memory;
    struct known_digest digests[DIGESTS_MAX];
    size_t digest_count;
    struct marks before, now;
    struct ov_process *processes;
    uint8_t *ranks;
    size_t process_count;
    struct ov_watch_unseen unseen;
};

// ---- telling ------------------------------------------------------------------------------------

static bool has_mark(const struct marks *marks, uint64_t mark) {
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->items[i] == mark) {
            return true;
        }
    }
    return false;
}

static bool add_mark(struct marks *marks, uint64_t mark) {
    if (marks->count == marks->room) {
        size_t room = marks->room > 0 ? 2 * marks->room : 64;
        uint64_t *items = realloc(marks->items, room * sizeof *items);
        if (items == NULL) {
            return false;
        }
        marks->items = items;
        marks->room = room;
    }
    marks->items[marks->count++] = mark;
    return true;
}

// Takes note of what was seen, and tells it unless the last look saw it. `is_quiet`: it is there
// since before.
static void observe(struct ov_selfwatch *watch, enum ov_watch_kind kind, const char *text,
                    bool is_quiet) {
    uint8_t sha256[OV_SHA256_BYTES];
    uint64_t mark;
    ov_sha256(ov_span_text(text), sha256);
    memcpy(&mark, sha256, sizeof mark);
    if (has_mark(&watch->now, mark)) {
        return;
    }
    watch->is_short_of_memory |= !add_mark(&watch->now, mark);
    if (!is_quiet && !has_mark(&watch->before, mark)) {
        watch->request.on_finding(watch->request.arg, kind, text);
    }
}

// ---- programs -----------------------------------------------------------------------------------

static int64_t to_ns(struct timespec time) {
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static bool read_key(int fd, struct file_key *ret_key) {
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        return false;
    }
    *ret_key = (struct file_key){
        .device = info.st_dev,
        .inode = info.st_ino,
        .size = (uint64_t)info.st_size,
        .mtime_ns = to_ns(info.st_mtim),
        .ctime_ns = to_ns(info.st_ctim),
    };
    return true;
}

static bool is_same_file(const struct file_key *a, const struct file_key *b) {
    return a->device == b->device && a->inode == b->inode;
}

static bool is_same_state(const struct file_key *a, const struct file_key *b) {
    return is_same_file(a, b) && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

// The digest of a file, which is not read again as long as its state is the same. Sets
// *ret_is_changed, which is NULL unless the file is running, when it had another one before.
static bool read_digest(struct ov_selfwatch *watch, int fd, const struct file_key *key,
                        uint8_t ret_sha256[OV_SHA256_BYTES], bool *ret_is_changed) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct known_digest *known = NULL;
    for (size_t i = 0; i < watch->digest_count; i++) {
        if (is_same_file(&watch->digests[i].key, key)) {
            known = &watch->digests[i];
        }
    }
    if (known != NULL && is_same_state(&known->key, key)) {
        memcpy(ret_sha256, known->sha256, sizeof known->sha256);
        return true;
    }
    if (ov_file_map_open_fd(fd, &map) != OV_OK) {
        return false;
    }
    ov_sha256(map.bytes, ret_sha256);
    if (ret_is_changed != NULL && known != NULL && known->is_running) {
        *ret_is_changed = memcmp(known->sha256, ret_sha256, OV_SHA256_BYTES) != 0;
    }
    if (known == NULL) {
        known = &watch->digests[watch->digest_count % DIGESTS_MAX];
        watch->digest_count += watch->digest_count < DIGESTS_MAX - 1;
    }
    known->key = *key;
    known->is_running = ret_is_changed != NULL;
    memcpy(known->sha256, ret_sha256, OV_SHA256_BYTES);
    return true;
}

static bool is_ours(const struct ov_selfwatch *watch, const char *path) {
    for (size_t i = 0; i < watch->program_count; i++) {
        if (strcmp(watch->programs[i], path) == 0) {
            return true;
        }
    }
    return false;
}

// Where the program of a process stood when it was started: the link without what the kernel puts
// behind it when that name is gone, or is another file's by now.
static bool read_program_path(const struct ov_selfwatch *watch, pid_t pid,
                              char ret_path[PATH_MAX]) {
    static const char gone[] = " (deleted)";
    char place[PLACE_BYTES];
    (void)snprintf(place, sizeof place, "%d/exe", (int)pid);
    ssize_t size = readlinkat(watch->procfs, place, ret_path, PATH_MAX - 1);
    if (size <= 0) {
        return false;
    }
    size_t end = (size_t)size;
    if (end >= sizeof gone &&
        memcmp(ret_path + end - (sizeof gone - 1), gone, sizeof gone - 1) == 0) {
        end -= sizeof gone - 1;
    }
    ret_path[end] = '\0';
    return true;
}

struct both {
    const struct ov_process *process;
    const char *path;
    int running, installed;
};

static void compare_digests(struct ov_selfwatch *watch, const struct both *both,
                            const struct file_key *running_key,
                            const struct file_key *installed_key) {
    uint8_t running[OV_SHA256_BYTES];
    uint8_t installed[OV_SHA256_BYTES];
    char running_text[2 * OV_SHA256_BYTES + 1];
    char installed_text[2 * OV_SHA256_BYTES + 1];
    char text[TEXT_BYTES];
    bool is_changed = false;
    if (!read_digest(watch, both->running, running_key, running, &is_changed) ||
        !read_digest(watch, both->installed, installed_key, installed, NULL)) {
        watch->unseen.programs++;
        return;
    }
    if (is_changed) {
        (void)snprintf(text, sizeof text, "%.600s was changed while it was in use", both->path);
        observe(watch, OV_WATCH_PROGRAM, text, false);
    }
    if (memcmp(running, installed, sizeof running) != 0) {
        ov_hex_write(ov_span_make(running, sizeof running), running_text);
        ov_hex_write(ov_span_make(installed, sizeof installed), installed_text);
        (void)snprintf(text, sizeof text,
                       "%.600s was replaced since process %d (%s) was started: SHA-256 %.*s... is "
                       "installed, %.*s... runs",
                       both->path, (int)both->process->pid, both->process->name, SHOWN_DIGITS,
                       installed_text, SHOWN_DIGITS, running_text);
        observe(watch, OV_WATCH_PROGRAM, text, false);
    }
}

// One file that did not change is one program: without `is_thorough` nothing is read then.
static void check_program(struct ov_selfwatch *watch, const struct ov_process *process,
                          bool is_thorough) {
    char path[PATH_MAX];
    char place[PLACE_BYTES];
    char text[TEXT_BYTES];
    struct file_key running_key;
    struct file_key installed_key;
    (void)snprintf(place, sizeof place, "%d/exe", (int)process->pid);
    OV_AUTO_FD running = openat(watch->procfs, place, O_RDONLY | O_CLOEXEC);
    if (running < 0 || !read_program_path(watch, process->pid, path) ||
        !read_key(running, &running_key)) {
        watch->unseen.programs += errno == EACCES || errno == EPERM; // else it has ended
        return;
    }
    if (!is_ours(watch, path)) {
        (void)snprintf(text, sizeof text,
                       "process %d (%s) runs %.600s, which is no program of ours",
                       (int)process->pid, process->name, path);
        observe(watch, OV_WATCH_PROGRAM, text, false);
        return;
    }
    OV_AUTO_FD installed = open(path, O_RDONLY | O_CLOEXEC);
    if (installed < 0 || !read_key(installed, &installed_key)) {
        (void)snprintf(text, sizeof text, "%.600s is gone, and process %d (%s) still runs it", path,
                       (int)process->pid, process->name);
        observe(watch, OV_WATCH_PROGRAM, text, false);
    } else if (is_thorough || !is_same_state(&running_key, &installed_key)) {
        struct both both = {process, path, running, installed};
        compare_digests(watch, &both, &running_key, &installed_key);
    }
}

// ---- children -----------------------------------------------------------------------------------

static bool is_guest(const struct ov_selfwatch *watch, pid_t pid) {
    for (size_t i = 0; i < watch->guest_count; i++) {
        if (watch->guests[i] == pid) {
            return true;
        }
    }
    return false;
}

static void add_guest(void *arg, pid_t child) {
    struct ov_selfwatch *watch = arg;
    if (!watch->request.has_started(child) && watch->guest_count < GUESTS_MAX) {
        watch->guests[watch->guest_count++] = child;
    }
}

static int compare_pids(const void *a, const void *b) {
    pid_t first = *(const pid_t *)a;
    pid_t second = ((const struct ov_process *)b)->pid;
    return (first > second) - (first < second);
}

static const struct ov_process *find_process(const struct ov_selfwatch *watch, pid_t pid) {
    return watch->process_count > 0 ? bsearch(&pid, watch->processes, watch->process_count,
                                              sizeof *watch->processes, compare_pids)
                                    : NULL;
}

static enum rank rank_below(const struct ov_selfwatch *watch, const struct ov_process *process) {
    const struct ov_process *parent = find_process(watch, process->parent);
    enum rank above =
        parent != NULL ? (enum rank)watch->ranks[parent - watch->processes] : RANK_OTHERS;
    if (above == RANK_OTHERS || is_guest(watch, process->pid)) {
        return RANK_OTHERS;
    }
    return above == RANK_SELF ? RANK_CHILD : RANK_DEEPER;
}

// A child may stand before its parent in the list.
static void rank_processes(struct ov_selfwatch *watch) {
    bool is_done = false;
    for (size_t i = 0; i < watch->process_count; i++) {
        watch->ranks[i] = watch->processes[i].pid == watch->request.pid ? RANK_SELF : RANK_OTHERS;
    }
    while (!is_done) {
        is_done = true;
        for (size_t i = 0; i < watch->process_count; i++) {
            if (watch->ranks[i] == RANK_OTHERS) {
                watch->ranks[i] = (uint8_t)rank_below(watch, &watch->processes[i]);
                is_done = is_done && watch->ranks[i] == RANK_OTHERS;
            }
        }
    }
}

// The first process of a container is given the orphans of others: its children say nothing.
static void check_child(struct ov_selfwatch *watch, const struct ov_process *process,
                        enum rank rank) {
    char text[TEXT_BYTES];
    if (rank == RANK_DEEPER) {
        (void)snprintf(text, sizeof text,
                       "process %d (%s) is a child of process %d, which may have none",
                       (int)process->pid, process->name, (int)process->parent);
        observe(watch, OV_WATCH_CHILD, text, false);
    } else if (rank == RANK_CHILD && watch->request.pid != 1 &&
               !watch->request.has_started(process->pid)) {
        (void)snprintf(text, sizeof text,
                       "process %d (%s) is a child of ours that we did not start",
                       (int)process->pid, process->name);
        observe(watch, OV_WATCH_CHILD, text, !watch->knows_guests && !watch->has_looked);
    }
}

// ---- descriptors --------------------------------------------------------------------------------

enum { SOCKETS_MAX = 4096 };

struct looking {
    struct ov_selfwatch *watch;
    const struct ov_process *process;
    bool is_ours;
    uint64_t sockets[SOCKETS_MAX];
    size_t socket_count;
};

static void take_descriptor(void *arg, int number, const char *target) {
    struct looking *looking = arg;
    struct ov_selfwatch *watch = looking->watch;
    uint64_t socket = ov_procfs_socket(target);
    char flags[OV_PROCFS_TEXT_BYTES] = "unknown flags";
    char text[TEXT_BYTES];
    unsigned marks = 0;
    if (looking->is_ours && socket != 0 && looking->socket_count < SOCKETS_MAX) {
        looking->sockets[looking->socket_count++] = socket;
    }
    if (strcmp(target, "anon_inode:[fanotify]") != 0) {
        return;
    }
    (void)ov_procfs_fanotify(watch->procfs, looking->process->pid, number, flags, &marks);
    (void)snprintf(text, sizeof text,
                   "process %d (%s, started %llu) has a new fanotify group: descriptor %d, %s",
                   (int)looking->process->pid, looking->process->name,
                   (unsigned long long)looking->process->started, number, flags);
    observe(watch, OV_WATCH_FANOTIFY, text, !watch->has_looked);
}

static void take_listener(void *arg, uint64_t socket, const char *what) {
    const struct looking *looking = arg;
    char text[TEXT_BYTES];
    for (size_t i = 0; i < looking->socket_count; i++) {
        if (looking->sockets[i] == socket) {
            (void)snprintf(text, sizeof text, "process %d (%s) listens: %s (socket %llu)",
                           (int)looking->process->pid, looking->process->name, what,
                           (unsigned long long)socket);
            observe(looking->watch, OV_WATCH_LISTENER, text, !looking->watch->has_looked);
        }
    }
}

static void check_descriptors(struct ov_selfwatch *watch, const struct ov_process *process,
                              bool is_ours) {
    static struct looking looking;
    looking = (struct looking){.watch = watch, .process = process, .is_ours = is_ours};
    enum ov_status status =
        ov_procfs_descriptors(watch->procfs, process->pid, &looking, take_descriptor);
    if (status == OV_DENIED) {
        watch->unseen.descriptors++;
        watch->unseen.listeners += is_ours;
    } else if (looking.socket_count > 0 &&
               ov_procfs_listeners(watch->procfs, process->pid, &looking, take_listener) != OV_OK) {
        watch->unseen.listeners++;
    }
}

// ---- life ---------------------------------------------------------------------------------------

static void add_program(struct ov_selfwatch *watch, const char *path) {
    if (watch->program_count < PROGRAMS_MAX && !is_ours(watch, path)) {
        (void)snprintf(watch->programs[watch->program_count++], PATH_MAX, "%s", path);
    }
}

enum ov_status ov_selfwatch_new(const struct ov_selfwatch_request *request,
                                struct ov_selfwatch **ret_watch) {
    char own[PATH_MAX];
    struct ov_selfwatch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return OV_MEMORY;
    }
    watch->request = *request;
    watch->procfs = open(request->procfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (watch->procfs < 0) {
        free(watch);
        return OV_SYSTEM;
    }
    if (read_program_path(watch, request->pid, own)) {
        add_program(watch, own);
    }
    for (size_t i = 0; i < request->program_count; i++) {
        add_program(watch, request->programs[i]);
    }
    watch->knows_guests =
        ov_procfs_children(watch->procfs, request->pid, watch, add_guest) == OV_OK;
    *ret_watch = watch;
    return OV_OK;
}

static void forget_processes(struct ov_selfwatch *watch) {
    free(watch->processes);
    free(watch->ranks);
    watch->processes = NULL;
    watch->ranks = NULL;
    watch->process_count = 0;
}

void ov_selfwatch_free(struct ov_selfwatch *watch) {
    if (watch != NULL) {
        forget_processes(watch);
        free(watch->before.items);
        free(watch->now.items);
        ov_fd_close(&watch->procfs);
        free(watch);
    }
}

static enum ov_status read_all(struct ov_selfwatch *watch) {
    forget_processes(watch);
    TRY(ov_procfs_processes(watch->procfs, &watch->processes, &watch->process_count));
    watch->ranks = calloc(watch->process_count + 1, 1);
    if (watch->ranks == NULL) {
        return OV_MEMORY;
    }
    rank_processes(watch);
    return OV_OK;
}

enum ov_status ov_selfwatch_look(struct ov_selfwatch *watch, struct ov_watch_unseen *ret_unseen) {
    watch->now.count = 0;
    watch->is_short_of_memory = false;
    watch->unseen = (struct ov_watch_unseen){0};
    TRY(read_all(watch));
    for (size_t i = 0; i < watch->process_count; i++) {
        const struct ov_process *process = &watch->processes[i];
        enum rank rank = (enum rank)watch->ranks[i];
        if (process->has_ended) {
            continue;
        }
        if (rank != RANK_OTHERS) {
            check_child(watch, process, rank);
            check_program(watch, process, true);
        }
        check_descriptors(watch, process, rank != RANK_OTHERS);
    }
    struct marks spare = watch->before;
    watch->before = watch->now;
    watch->now = spare;
    watch->has_looked = true;
    *ret_unseen = watch->unseen;
    return watch->is_short_of_memory ? OV_MEMORY : OV_OK;
}

void ov_selfwatch_glance(struct ov_selfwatch *watch) {
    struct ov_process self = {.pid = watch->request.pid, .name = "overt"};
    watch->now.count = 0;
    check_program(watch, &self, false);
}
