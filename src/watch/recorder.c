// SPDX-License-Identifier: Apache-2.0
// Loads the BPF object, attaches it, and keeps the round of events and counters going.
#include "watch/recorder_state.h"

#include "base/fd.h"
#include "watch/plaintext.h"

#include "watch/watch.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { NAME_BYTES = 64 }; // that an entry of ov_recorder_options.names stands for

static int keep_quiet(enum libbpf_print_level level, const char *format, va_list words) {
    (void)level;
    (void)format;
    (void)words;
    return 0; // we say ourselves what is missing
}

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// ---- loading ------------------------------------------------------------------------------------

// Asked by a call that can do nothing: libbpf tells it in other words.
static bool has_bpf(void) {
    return syscall(SYS_bpf, 0, NULL, 0) == 0 || errno != ENOSYS;
}

static enum ov_status refuse(int error, char *ret_reason) {
    bool is_denied = error == EPERM || error == EACCES;
    bool has_types = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
    if (!has_bpf()) {
        (void)snprintf(ret_reason, OV_RECORDER_REASON_BYTES,
                       "the kernel has no BPF, or it is switched off here; one that is built with "
                       "CONFIG_BPF_SYSCALL is needed");
        return OV_UNSUPPORTED;
    }
    const char *why = "the kernel does not carry the recorder";
    const char *todo =
        "tracepoints of the page cache and of sockets are needed, as since Linux 6.10";
    if (!has_types) {
        why = "the kernel does not tell its types (/sys/kernel/btf/vmlinux)";
        todo = "one that is built with CONFIG_DEBUG_INFO_BTF is needed";
    } else if (is_denied) {
        why = "BPF programs may not be loaded";
        todo = "run it as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE";
    }
    (void)snprintf(ret_reason, OV_RECORDER_REASON_BYTES, "%s: %s; %s", why, strerror(error), todo);
    return !has_types ? OV_UNSUPPORTED : is_denied ? OV_DENIED : OV_UNSUPPORTED;
}

static void set_entries(struct bpf_map *map, uint32_t entries) {
    if (entries > 0) {
        (void)bpf_map__set_max_entries(map, entries);
    }
}

// Attached to functions of libraries: watch/plaintext.h.
static bool is_probe(const struct bpf_program *program) {
    return bpf_program__type(program) == BPF_PROG_TYPE_KPROBE;
}

static void set_up(struct watch_bpf *object, const struct ov_recorder_options *options) {
    struct bpf_program *program;
    bpf_object__for_each_program(program, object->obj) {
        (void)bpf_program__set_autoload(program, !is_probe(program) || options->has_plaintext);
    }
    if (options->files > 0) {
        object->rodata->slot_count = options->files;
    }
    if (options->names > 0 && options->names < WATCH_NAMES_BYTES / NAME_BYTES) {
        object->rodata->name_bytes = sizeof(struct watch_name) + options->names * NAME_BYTES;
    }
    set_entries(object->maps.slots, 2 * object->rodata->slot_count);
    set_entries(object->maps.sockets_0, options->sockets);
    set_entries(object->maps.sockets_1, options->sockets);
    set_entries(object->maps.processes, options->processes);
    set_entries(object->maps.plaintexts, options->plaintexts);
    set_entries(object->maps.ring, options->ring_bytes);
    object->bss->generation = OV_RECORDER_FIRST_GENERATION;
    object->rodata->has_canaries = options->has_canaries;
    object->rodata->has_envelope = options->has_envelope;
    object->rodata->page_shift = (uint32_t)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
}

static int take_event(void *arg, void *event, size_t size) {
    struct ov_recorder *recorder = arg;
    if (recorder->trace != NULL && !recorder->is_trial && recorder->status == OV_OK) {
        recorder->status = ov_recorder_tell_event(recorder, event, size);
    }
    return 0;
}

// What the kernel's map holds, in memory that is shared with it. NULL (errno).
static void *share(const struct bpf_map *map, size_t bytes) {
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
    return shared != MAP_FAILED ? shared : NULL;
}

// The counters of files and the names are read, and emptied, where they lie.
static enum ov_status share_maps(struct ov_recorder *recorder) {
    const struct watch_bpf *object = recorder->object;
    recorder->slot_count = object->rodata->slot_count;
    recorder->generation = OV_RECORDER_FIRST_GENERATION;
    recorder->slots = share(object->maps.slots, 2 * recorder->slot_count * sizeof *recorder->slots);
    recorder->names_of = share(object->maps.names, 2 * sizeof *recorder->names_of);
    return recorder->slots != NULL && recorder->names_of != NULL ? OV_OK : OV_SYSTEM;
}

static enum ov_status load(struct ov_recorder *recorder, const struct ov_recorder_options *options,
                           char *ret_reason) {
    (void)libbpf_set_print(keep_quiet);
    recorder->object = watch_bpf__open();
    if (recorder->object == NULL) {
        return refuse(errno, ret_reason);
    }
    set_up(recorder->object, options);
    int error = watch_bpf__load(recorder->object);
    if (error != 0) {
        return refuse(-error, ret_reason);
    }
    if (share_maps(recorder) != OV_OK) {
        return refuse(errno, ret_reason);
    }
    recorder->ring =
        ring_buffer__new(bpf_map__fd(recorder->object->maps.ring), take_event, recorder, NULL);
    if (recorder->ring == NULL) {
        return refuse(errno, ret_reason);
    }
    enum ov_status status = ov_places_load(&recorder->places);
    if (status != OV_OK) {
        (void)snprintf(ret_reason, OV_RECORDER_REASON_BYTES, "/proc/self/mountinfo: %s",
                       status == OV_SYSTEM ? strerror(errno) : ov_status_text(status));
    }
    return status;
}

enum ov_status ov_recorder_new(const struct ov_recorder_options *options,
                               struct ov_recorder **ret_recorder,
                               char ret_reason[OV_RECORDER_REASON_BYTES]) {
    struct ov_recorder *recorder = calloc(1, sizeof *recorder);
    if (recorder == NULL) {
        (void)snprintf(ret_reason, OV_RECORDER_REASON_BYTES, "out of memory");
        return OV_MEMORY;
    }
    ov_table_init(sizeof(struct watch_file_key), sizeof(struct ov_total), &recorder->totals);
    ov_table_init(sizeof(struct watch_inode), sizeof(struct ov_known_name), &recorder->names);
    ov_table_init(sizeof(struct watch_socket_key), sizeof(struct ov_known_socket),
                  &recorder->sockets);
    ov_table_init(sizeof(uint64_t), sizeof(struct ov_gone), &recorder->gone);
    ov_table_init(sizeof(struct ov_stranger), sizeof(struct ov_stranger), &recorder->strangers);
    recorder->has_plaintext = options->has_plaintext;
    enum ov_status status = load(recorder, options, ret_reason);
    if (status != OV_OK) {
        ov_recorder_free(recorder);
        return status;
    }
    *ret_recorder = recorder;
    return OV_OK;
}

void ov_recorder_free(struct ov_recorder *recorder) {
    if (recorder == NULL) {
        return;
    }
    ov_plaintext_close(recorder->plaintext);
    for (size_t i = 0; i < recorder->link_count; i++) {
        (void)bpf_link__destroy(recorder->links[i]);
    }
    ring_buffer__free(recorder->ring);
    if (recorder->slots != NULL) {
        (void)munmap(recorder->slots, 2 * recorder->slot_count * sizeof *recorder->slots);
    }
    if (recorder->names_of != NULL) {
        (void)munmap(recorder->names_of, 2 * sizeof *recorder->names_of);
    }
    watch_bpf__destroy(recorder->object);
    ov_places_release(&recorder->places);
    ov_table_release(&recorder->totals);
    ov_table_release(&recorder->names);
    ov_table_release(&recorder->sockets);
    ov_table_release(&recorder->gone);
    ov_buf_release(&recorder->paths);
    ov_buf_release(&recorder->inner);
    ov_buf_release(&recorder->path);
    ov_buf_release(&recorder->execs);
    ov_buf_release(&recorder->canaries);
    ov_table_release(&recorder->strangers);
    free(recorder);
}

// ---- sensors ------------------------------------------------------------------------------------

// Without these something would not be counted. The others only say more.
static bool is_needed(const struct bpf_program *program) {
    return strcmp(bpf_program__name(program), "on_receive") != 0 &&
           bpf_program__type(program) != BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
}

// All processes stand below the first cgroup.
static struct bpf_link *attach_to_groups(const struct bpf_program *program) {
    static const char *const trees[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        struct statfs info;
        OV_AUTO_FD tree = open(trees[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree >= 0 && fstatfs(tree, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC) {
            return bpf_program__attach_cgroup(program, tree);
        }
    }
    errno = ENOENT; // as "no such file": there is no tree of cgroups of version 2
    return NULL;
}

static enum ov_status attach(struct ov_recorder *recorder, struct bpf_program *program) {
    const char *section = bpf_program__section_name(program); // "tp_btf/NAME", "cgroup/NAME"
    const char *slash = strchr(section, '/');
    struct bpf_link *link = bpf_program__type(program) == BPF_PROG_TYPE_CGROUP_SOCK_ADDR
                                ? attach_to_groups(program)
                                : bpf_program__attach(program);
    struct ov_trace_sensor sensor = {
        .at_ns = now_ns(),
        .name = ov_span_text(slash != NULL ? slash + 1 : section),
        .state = link != NULL ? OV_TRACE_STATE_ON : OV_TRACE_STATE_MISSING,
        .is_needed = is_needed(program),
        .why = ov_span_text(link != NULL ? "" : strerror(errno)),
    };
    if (link != NULL) {
        recorder->links[recorder->link_count++] = link;
    }
    return ov_trace_write_sensor(recorder->trace, &sensor);
}

enum ov_status ov_recorder_begin(struct ov_recorder *recorder, struct ov_trace_writer *trace) {
    struct bpf_program *program;
    recorder->trace = trace;
    bpf_object__for_each_program(program, recorder->object->obj) {
        if (is_probe(program)) {
            continue;
        }
        TRY(recorder->link_count < OV_RECORDER_LINKS_MAX ? OV_OK : OV_LIMIT);
        TRY(attach(recorder, program));
    }
    TRY(ov_recorder_begin_losses(recorder));
    if (recorder->has_plaintext) {
        TRY(ov_plaintext_open(recorder, &recorder->plaintext));
    }
    return recorder->link_count > 0 ? OV_OK : OV_UNSUPPORTED;
}

// ---- what is watched ----------------------------------------------------------------------------

// When a process began, from /proc/PID/stat (proc(5)): in clock ticks there. The kernel counts in
// nanoseconds, so that is asked of the kernel's own event when it is forked under watch; of others
// it is this, rounded.
static enum ov_status read_start(pid_t pid, uint64_t *ret_start_ns) {
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        errno = ESRCH;
        return OV_SYSTEM;
    }
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = 0;
    const char *at = strrchr(text, ')'); // behind its name, which may hold anything
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    if (at == NULL) {
        errno = ESRCH;
        return OV_SYSTEM;
    }
    *ret_start_ns =
        strtoull(at + 1, NULL, 10) * (1000000000u / (unsigned long)sysconf(_SC_CLK_TCK));
    return OV_OK;
}

enum ov_status ov_recorder_watch(struct ov_recorder *recorder, pid_t pid,
                                 enum ov_trace_reason reason) {
    uint32_t key = (uint32_t)pid;
    uint64_t start_ns;
    TRY(read_start(pid, &start_ns));
    struct watch_process process = {.start_ns = start_ns};
    if (bpf_map_update_elem(bpf_map__fd(recorder->object->maps.processes), &key, &process,
                            BPF_ANY) != 0) {
        return OV_SYSTEM;
    }
    (void)__atomic_fetch_or(&recorder->object->bss->watched_bits[key / 64], 1ull << key % 64,
                            __ATOMIC_SEQ_CST);
    struct ov_trace_process record = {
        .at_ns = now_ns(),
        .event = OV_TRACE_EVENT_FOUND,
        .process = {.pid = key, .start_ns = process.start_ns},
        .reason = reason,
    };
    return !recorder->is_trial ? ov_trace_write_process(recorder->trace, &record) : OV_OK;
}

enum ov_status ov_recorder_plant(struct ov_recorder *recorder, const char *path) {
    struct stat info;
    uint32_t one = 1;
    if (stat(path, &info) != 0) {
        return OV_SYSTEM;
    }
    struct watch_inode key = {.inode = info.st_ino,
                              .device = major(info.st_dev) << 20 | minor(info.st_dev)};
    if (ov_inode_generation(path, &key.generation) != OV_OK) {
        key.generation = 0;
    }
    if (bpf_map_update_elem(bpf_map__fd(recorder->object->maps.canaries), &key, &one, BPF_ANY) !=
        0) {
        return OV_SYSTEM;
    }
    ov_buf_add(&recorder->canaries, &key, sizeof key);
    TRY(ov_buf_status(&recorder->canaries));
    struct ov_trace_planted record = {.inode = ov_record_inode(&key),
                                      .size_bytes = (uint64_t)info.st_size,
                                      .path = ov_span_text(path)};
    return ov_trace_write_planted(recorder->trace, &record);
}

struct ov_trace_inode ov_recorder_canary(const struct ov_recorder *recorder, uint32_t device,
                                         uint64_t inode) {
    struct watch_inode key = {.inode = inode, .device = device};
    for (size_t at = 0; at + sizeof key <= recorder->canaries.size; at += sizeof key) {
        struct watch_inode one;
        memcpy(&one, recorder->canaries.data + at, sizeof one);
        if (one.inode == inode && one.device == device) {
            key.generation = one.generation;
        }
    }
    return ov_record_inode(&key);
}

uint64_t ov_recorder_start_of(const struct ov_recorder *recorder, uint32_t pid) {
    struct watch_process process = {0};
    int map = bpf_map__fd(recorder->object->maps.processes);
    if (bpf_map_lookup_elem(map, &pid, &process) == 0) {
        return process.start_ns;
    }
    uint64_t key = pid;
    const struct ov_gone *gone = ov_table_find(&recorder->gone, &key);
    return gone != NULL ? gone->start_ns : 0;
}

void ov_recorder_set_denials(struct ov_recorder *recorder, struct ov_denials *denials) {
    recorder->denials = denials;
}

int ov_recorder_list_fd(const struct ov_recorder *recorder) {
    return bpf_map__fd(recorder->object->maps.processes);
}

size_t ov_recorder_watched(const struct ov_recorder *recorder) {
    int map = bpf_map__fd(recorder->object->maps.processes);
    uint32_t key;
    uint32_t next;
    size_t count = 0;
    for (int error = bpf_map_get_next_key(map, NULL, &next); error == 0;
         error = bpf_map_get_next_key(map, &key, &next)) {
        key = next;
        count++;
    }
    return count;
}

// ---- the round ----------------------------------------------------------------------------------

int ov_recorder_fd(const struct ov_recorder *recorder) {
    return ring_buffer__epoll_fd(recorder->ring);
}

enum ov_status ov_recorder_poll(struct ov_recorder *recorder, int wait_ms) {
    int count = ring_buffer__poll(recorder->ring, wait_ms);
    if (count < 0 && count != -EINTR) {
        errno = -count;
        return OV_SYSTEM;
    }
    return recorder->status;
}

enum ov_status ov_recorder_drain(struct ov_recorder *recorder) {
    (void)ring_buffer__consume(recorder->ring);
    TRY(recorder->status);
    TRY(ov_recorder_take_generation(recorder));
    TRY(ov_recorder_tell_execs(recorder));
    TRY(recorder->plaintext != NULL ? ov_plaintext_write(recorder->plaintext) : OV_OK);
    TRY(ov_recorder_take_losses(recorder));
    return ov_trace_writer_tick(recorder->trace);
}

void ov_recorder_end_trial(struct ov_recorder *recorder) {
    // Those of the kernel stay until they are removed: they would be told as the product's.
    for (size_t i = 0; i < recorder->sockets.count; i++) {
        const struct ov_known_socket *socket = ov_table_item(&recorder->sockets, i);
        (void)bpf_map_delete_elem(bpf_map__fd(recorder->object->maps.sockets), &socket->key);
    }
    ov_table_release(&recorder->totals);
    ov_table_release(&recorder->names);
    ov_table_release(&recorder->sockets);
    ov_buf_reset(&recorder->paths);
    recorder->is_trial = false;
}
