// SPDX-License-Identifier: Apache-2.0
// Finds libraries of TLS, puts probes into them, and writes what they count.
#include "watch/plaintext.h"

#include "watch/recorder_state.h"

#include "watch/watch.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LIBRARIES_MAX = 32, PROBES_MAX = 4, PATH_BYTES = 512, NAME_BYTES = PATH_BYTES + 16 };

struct library {
    dev_t device;
    ino_t inode;
    char path[PATH_BYTES];
    struct bpf_link *links[PROBES_MAX];
};

// What was written of a process and library.
struct written {
    struct watch_plain_key key;
    uint64_t calls;
};

struct ov_plaintext {
    struct ov_recorder *recorder;
    struct library libraries[LIBRARIES_MAX];
    size_t count;
    struct ov_table written;
};

static enum ov_status write_sensor(const struct ov_plaintext *plaintext, const char *path,
                                   enum ov_trace_state state, const char *why) {
    char name[NAME_BYTES];
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    (void)snprintf(name, sizeof name, "plaintext%s%s", path[0] != 0 ? ":" : "", path);
    struct ov_trace_sensor sensor = {
        .at_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
        .name = ov_span_text(name),
        .state = state,
        .why = ov_span_text(why),
    };
    return ov_trace_write_sensor(plaintext->recorder->trace, &sensor);
}

// ---- probes -------------------------------------------------------------------------------------

struct probe {
    const char *prefix; // of the library's name
    const char *function;
    bool is_return;
    struct bpf_program *program;
};

static struct bpf_link *attach(const struct probe *probe, const char *path, size_t library) {
    LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = library, .retprobe = probe->is_return,
                .func_name = probe->function);
    return bpf_program__attach_uprobe_opts(probe->program, -1, path, 0, &options);
}

// Puts the probes of its kind into a library. All or none.
static bool probe_library(const struct ov_plaintext *plaintext, struct library *library) {
    const struct watch_bpf *object = plaintext->recorder->object;
    const struct probe probes[] = {
        {"libssl.so", "SSL_write", true, object->progs.on_ssl_written},
        {"libssl.so", "SSL_write_ex", true, object->progs.on_ssl_written_ex},
        {"libssl.so", "SSL_write_ex", false, object->progs.on_ssl_write_ex},
        {"libgnutls.so", "gnutls_record_send", true, object->progs.on_gnutls_sent},
    };
    const char *name = strrchr(library->path, '/') + 1;
    size_t count = 0;
    size_t number = (size_t)(library - plaintext->libraries);
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        if (strncmp(name, probes[i].prefix, strlen(probes[i].prefix)) != 0) {
            continue;
        }
        struct bpf_link *link = attach(&probes[i], library->path, number);
        if (link == NULL) {
            int error = errno;
            while (count > 0) {
                (void)bpf_link__destroy(library->links[--count]);
                library->links[count] = NULL;
            }
            errno = error;
            return false;
        }
        library->links[count++] = link;
    }
    return true;
}

static bool is_library(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL && strlen(path) < PATH_BYTES &&
           (strncmp(slash + 1, "libssl.so", strlen("libssl.so")) == 0 ||
            strncmp(slash + 1, "libgnutls.so", strlen("libgnutls.so")) == 0);
}

static bool is_known(const struct ov_plaintext *plaintext, const struct stat *info) {
    bool is_one = false;
    for (size_t i = 0; i < plaintext->count; i++) {
        is_one |= plaintext->libraries[i].device == info->st_dev &&
                  plaintext->libraries[i].inode == info->st_ino;
    }
    return is_one;
}

// `why` is what is to be said when it is on.
static enum ov_status add_library(struct ov_plaintext *plaintext, const char *path,
                                  const char *why) {
    struct stat info;
    if (!is_library(path) || stat(path, &info) != 0 || is_known(plaintext, &info)) {
        return OV_OK;
    }
    if (plaintext->count == LIBRARIES_MAX) {
        return write_sensor(plaintext, path, OV_TRACE_STATE_MISSING, "there are too many");
    }
    struct library *library = &plaintext->libraries[plaintext->count];
    *library = (struct library){.device = info.st_dev, .inode = info.st_ino};
    (void)snprintf(library->path, sizeof library->path, "%s", path);
    plaintext->count++; // also when it cannot be probed: once is enough
    if (!probe_library(plaintext, library)) {
        return write_sensor(plaintext, path, OV_TRACE_STATE_MISSING, strerror(errno));
    }
    return write_sensor(plaintext, path, OV_TRACE_STATE_ON, why);
}

// ---- its life -----------------------------------------------------------------------------------

static enum ov_status look_around(struct ov_plaintext *plaintext) {
    static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu", "/usr/lib64",    "/usr/lib",
                                          "/lib/x86_64-linux-gnu",     "/lib64",        "/lib",
                                          "/usr/local/lib64",          "/usr/local/lib"};
    static const char *const names[] = {"libssl.so.3", "libssl.so.1.1", "libgnutls.so.30"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            char path[PATH_BYTES];
            (void)snprintf(path, sizeof path, "%s/%s", folders[i], names[j]);
            TRY(add_library(plaintext, path, ""));
        }
    }
    return plaintext->count > 0
               ? OV_OK
               : write_sensor(plaintext, "", OV_TRACE_STATE_MISSING,
                              "no libssl and no libgnutls is in the usual folders");
}

enum ov_status ov_plaintext_open(struct ov_recorder *recorder,
                                 struct ov_plaintext **ret_plaintext) {
    struct ov_plaintext *plaintext = calloc(1, sizeof *plaintext);
    if (plaintext == NULL) {
        return OV_MEMORY;
    }
    plaintext->recorder = recorder;
    ov_table_init(sizeof(struct watch_plain_key), sizeof(struct written), &plaintext->written);
    *ret_plaintext = plaintext;
    return look_around(plaintext);
}

void ov_plaintext_close(struct ov_plaintext *plaintext) {
    if (plaintext == NULL) {
        return;
    }
    for (size_t i = 0; i < plaintext->count; i++) {
        for (size_t j = 0; j < PROBES_MAX; j++) {
            (void)bpf_link__destroy(plaintext->libraries[i].links[j]);
        }
    }
    ov_table_release(&plaintext->written);
    free(plaintext);
}

enum ov_status ov_plaintext_consider(struct ov_plaintext *plaintext, const char *path) {
    return add_library(plaintext, path, "found on the way: what was sent before is not counted");
}

// ---- counters -----------------------------------------------------------------------------------

static enum ov_status write_one(struct ov_plaintext *plaintext, const struct watch_plain_key *key,
                                const struct watch_plain *plain) {
    struct written *written = ov_table_get(&plaintext->written, key);
    if (written == NULL) {
        return OV_MEMORY;
    }
    if (written->calls == plain->calls || key->library >= plaintext->count) {
        return OV_OK;
    }
    written->calls = plain->calls;
    struct ov_trace_plaintext record = {
        .process = {.pid = key->pid, .start_ns = key->start_ns},
        .library = ov_span_text(plaintext->libraries[key->library].path),
        .first_ns = plain->first_ns,
        .last_ns = plain->last_ns,
        .call_count = plain->calls,
        .sent_bytes = plain->bytes,
    };
    return ov_trace_write_plaintext(plaintext->recorder->trace, &record);
}

// Entries stay in the kernel's map, so its order does not change while it is read.
enum ov_status ov_plaintext_write(struct ov_plaintext *plaintext) {
    int map = bpf_map__fd(plaintext->recorder->object->maps.plaintexts);
    struct watch_plain_key key;
    struct watch_plain_key next;
    for (int error = bpf_map_get_next_key(map, NULL, &next); error == 0;
         error = bpf_map_get_next_key(map, &key, &next)) {
        struct watch_plain plain;
        key = next;
        if (bpf_map_lookup_elem(map, &key, &plain) == 0) {
            TRY(write_one(plaintext, &key, &plain));
        }
    }
    return OV_OK;
}
