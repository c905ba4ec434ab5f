// SPDX-License-Identifier: Apache-2.0
// Entries about our own processes, and how they come to the keeper.
#include "role/acts.h"

#include "base/digest.h"
#include "base/fd.h"
#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { KNOWN_MAX = 8 };

// A program whose digest was computed: the same file, as it was then.
struct known {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    uint8_t sha256[OV_SHA256_BYTES];
};

static struct {
    struct ov_keeper *keeper;
    struct ov_buf waiting; // entries: type, size (u32), body
    uint64_t sent_bytes;
    bool is_sent_unknown;
    struct known known[KNOWN_MAX];
    size_t known_count;
} acts;

void ov_acts_follow(struct ov_keeper *keeper) {
    acts.keeper = keeper;
    acts.sent_bytes = 0;
    acts.is_sent_unknown = false;
    ov_buf_reset(&acts.waiting);
}

void ov_acts_leave(void) {
    acts.keeper = NULL;
    ov_buf_release(&acts.waiting);
}

// ---- entries ------------------------------------------------------------------------------------

bool ov_acts_has_waiting(void) {
    return acts.waiting.size > 0 || acts.waiting.has_failed;
}

enum ov_status ov_acts_send(void) {
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&acts.waiting));
    enum ov_status status = ov_buf_status(&acts.waiting);
    while (status == OV_OK && ov_cursor_left(&cursor) > 0) {
        enum ov_entry_type type = (enum ov_entry_type)ov_cursor_u8(&cursor);
        struct ov_span body = ov_cursor_bytes(&cursor, ov_cursor_u32le(&cursor));
        status = ov_keeper_add(acts.keeper, type, body);
    }
    ov_buf_reset(&acts.waiting);
    return status;
}

enum ov_status ov_acts_sync(void) {
    if (acts.keeper == NULL) {
        return OV_OK;
    }
    TRY(ov_acts_send());
    return ov_keeper_sync(acts.keeper);
}

enum ov_status ov_acts_beat(void) {
    if (acts.keeper == NULL) {
        return OV_OK;
    }
    TRY(ov_acts_send());
    return ov_keeper_beat(acts.keeper, ov_span_make(NULL, 0));
}

void ov_acts_add(enum ov_entry_type type, struct ov_span body) {
    if (acts.keeper != NULL) {
        ov_buf_add_u8(&acts.waiting, (uint8_t)type);
        ov_buf_add_u32le(&acts.waiting, (uint32_t)body.size);
        ov_buf_add(&acts.waiting, body.data, body.size);
    }
}

// One that there was no memory for makes ov_acts_send() fail.
static void tell(enum ov_entry_type type, const struct ov_buf *body) {
    acts.waiting.has_failed |= body->has_failed;
    ov_acts_add(type, ov_buf_span(body));
}

// ---- programs -----------------------------------------------------------------------------------

static bool is_same(const struct known *known, const struct stat *info) {
    return known->device == info->st_dev && known->inode == info->st_ino &&
           known->size == info->st_size && known->changed.tv_sec == info->st_ctim.tv_sec &&
           known->changed.tv_nsec == info->st_ctim.tv_nsec;
}

void ov_program_know(int fd, const uint8_t sha256[OV_SHA256_BYTES]) {
    struct stat info;
    if (acts.known_count == KNOWN_MAX || fstat(fd, &info) != 0) {
        return;
    }
    struct known *known = &acts.known[acts.known_count++];
    *known = (struct known){
        .device = info.st_dev, .inode = info.st_ino, .size = info.st_size, .changed = info.st_ctim};
    memcpy(known->sha256, sha256, OV_SHA256_BYTES);
}

enum ov_status ov_program_digest(int fd, uint8_t ret_sha256[OV_SHA256_BYTES]) {
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    struct stat info;
    TRY(fstat(fd, &info) == 0 ? OV_OK : OV_SYSTEM);
    for (size_t i = 0; i < acts.known_count; i++) {
        if (is_same(&acts.known[i], &info)) {
            memcpy(ret_sha256, acts.known[i].sha256, OV_SHA256_BYTES);
            return OV_OK;
        }
    }
    TRY(ov_file_map_open_fd(fd, &map));
    ov_sha256(map.bytes, ret_sha256);
    ov_program_know(fd, ret_sha256);
    return OV_OK;
}

// ---- processes ----------------------------------------------------------------------------------

void ov_acting_start(struct ov_acting *acting, enum ov_role_id role, pid_t pid, int program) {
    *acting = (struct ov_acting){.role = role};
    if (acts.keeper == NULL) {
        return;
    }
    OV_AUTO_FD own = program < 0 ? open("/proc/self/exe", O_RDONLY | O_CLOEXEC) : -1;
    int fd = program < 0 ? own : program;
    acting->pid = pid;
    acting->has_program = fd >= 0 && ov_program_digest(fd, acting->program) == OV_OK;
}

static void tell_role(struct ov_acting *acting, const char *layers) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    char digest[2 * OV_SHA256_BYTES + 1] = "-";
    if (acting->has_program) {
        ov_hex_write(ov_span_make(acting->program, sizeof acting->program), digest);
    }
    ov_buf_printf(&body, "role %s\npid %d\nprogram %s\nlayers %s\n",
                  ov_role_get(acting->role)->name, (int)acting->pid, digest, layers);
    acting->is_told = true;
    tell(OV_ENTRY_ROLE, &body);
}

void ov_acting_ready(struct ov_acting *acting, uint32_t layers) {
    char text[16];
    if (acting->pid != 0 && acts.keeper != NULL && !acting->is_told) {
        (void)snprintf(text, sizeof text, "%x", layers);
        tell_role(acting, text);
    }
}

void ov_acting_end(struct ov_acting *acting, int end) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    if (acting->pid == 0 || acts.keeper == NULL) {
        return;
    }
    int error = errno;
    if (!acting->is_told) {
        tell_role(acting, "-");
    }
    ov_buf_printf(&body, "role %s\npid %d\n", ov_role_get(acting->role)->name, (int)acting->pid);
    if (end < 0) {
        ov_buf_add_text(&body, "how unknown\n");
    } else if (WIFSIGNALED(end)) {
        ov_buf_printf(&body, "how signal %d\n", WTERMSIG(end));
    } else {
        ov_buf_printf(&body, "how exit %d\n", WEXITSTATUS(end));
    }
    tell(OV_ENTRY_GONE, &body);
    acting->pid = 0;
    errno = error;
}

// ---- what left the machine ----------------------------------------------------------------------

void ov_acts_sent(enum ov_role_id role, const char *peer, uint64_t bytes, uint64_t received) {
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    if (acts.keeper == NULL) {
        return;
    }
    ov_buf_printf(&body, "role %s\npeer ", ov_role_get(role)->name);
    ov_entry_text_add(&body, ov_span_text(peer));
    ov_buf_printf(&body, "\nbytes %llu\nreceived %llu\n", (unsigned long long)bytes,
                  (unsigned long long)received);
    tell(OV_ENTRY_SENT, &body);
    acts.is_sent_unknown |= __builtin_add_overflow(acts.sent_bytes, bytes, &acts.sent_bytes);
}

void ov_acts_sent_unknown(void) {
    acts.is_sent_unknown = true;
}

void ov_acts_write_sent(char ret_text[OV_ACTS_SENT_BYTES]) {
    if (acts.is_sent_unknown || acts.sent_bytes > OV_NUMBER_MAX) {
        (void)snprintf(ret_text, OV_ACTS_SENT_BYTES, "sent -");
    } else {
        (void)snprintf(ret_text, OV_ACTS_SENT_BYTES, "sent %llu",
                       (unsigned long long)acts.sent_bytes);
    }
}
