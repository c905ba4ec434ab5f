// SPDX-License-Identifier: Apache-2.0
// The configuration as it was before a plan was carried out.
#include "base/digest.h"
#include "base/durable.h"
#include "base/fault.h"
#include "base/hex.h"
#include "cmd/inventory_act.h"
#include "cmd/inventory_state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 16 << 20, FILE_MODE = 0600 };
static const uint64_t snapshot_bytes_max = UINT64_C(1) << 30;

struct snapshot {
    const struct ov_plan_state *state;
    const struct ov_root *tree;
    struct ov_buf manifest; // a line for each file: mode, owner, group, size, time, SHA-256, path
    uint64_t bytes;
};

// Configuration may come twice: as a package's, and as what is left over.
static bool is_copied(const struct snapshot *snapshot, const char *path) {
    char line[PATH_MAX + 4];
    int size = snprintf(line, sizeof line, " %s\n", path);
    struct ov_span text = ov_buf_span(&snapshot->manifest);
    return strncmp(path, "/etc/", 5) == 0 &&
           ov_span_search(text, 0, ov_span_make(line, (size_t)size)) < text.size;
}

static void add_line(struct snapshot *snapshot, const char *path, const struct stat *info,
                     struct ov_span content) {
    uint8_t digest[OV_SHA256_BYTES];
    char hex[2 * OV_SHA256_BYTES + 1];
    ov_sha256(content, digest);
    ov_hex_write(ov_span_make(digest, sizeof digest), hex);
    ov_buf_printf(&snapshot->manifest, "%04o %u %u %llu %lld.%09ld %s %s\n",
                  (unsigned)(info->st_mode & 07777), (unsigned)info->st_uid, (unsigned)info->st_gid,
                  (unsigned long long)info->st_size, (long long)info->st_mtim.tv_sec,
                  info->st_mtim.tv_nsec, hex, path);
}

// One file; one that is not there, or is no regular one, is passed over.
static enum ov_status copy_file(struct snapshot *snapshot, const char *path) {
    OV_AUTO_FD fd = -1;
    OV_CLEANUP(ov_buf_release) struct ov_buf content = {0};
    struct stat info;
    char name[PATH_MAX];
    size_t size = 0;
    enum ov_status status = ov_root_open_file(snapshot->tree, path, &fd, &info);
    if (status == OV_END || status == OV_UNSUPPORTED || is_copied(snapshot, path) ||
        (status == OV_OK && info.st_size > FILE_BYTES_MAX)) {
        return OV_OK;
    }
    TRY(status);
    uint8_t *room = ov_buf_reserve(&content, (size_t)info.st_size + 1);
    if (room == NULL) {
        return OV_MEMORY;
    }
    TRY(ov_fd_read_full(fd, room, (size_t)info.st_size, &size));
    ov_buf_commit(&content, size);
    snapshot->bytes += size;
    if (snapshot->bytes > snapshot_bytes_max) {
        return OV_LIMIT;
    }
    int length = snprintf(name, sizeof name, "snapshot/files%s", path);
    if (length < 0 || (size_t)length >= sizeof name) {
        return OV_LIMIT;
    }
    TRY(ov_durable_folders(snapshot->state->folder, name, 0700));
    TRY(ov_durable_write(snapshot->state->folder, name, ov_buf_span(&content), FILE_MODE));
    add_line(snapshot, path, &info, ov_buf_span(&content));
    return OV_OK;
}

static enum ov_status copy_configuration(struct snapshot *snapshot, const struct ov_plan *plan,
                                         const struct ov_plan_step *step) {
    for (size_t i = 0; i < step->target_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        char path[PATH_MAX];
        enum ov_status status =
            ov_act_list_configuration(plan, step->tool, step->targets[i], &text);
        if (status != OV_OK && status != OV_END) {
            return status;
        }
        struct ov_span rest = ov_buf_span(&text);
        while (rest.size > 0) {
            size_t end = ov_span_find(rest, 0, '\n');
            (void)snprintf(path, sizeof path, "%.*s", (int)(end < PATH_MAX ? end : 0),
                           (const char *)rest.data);
            if (ov_plan_path_is_good(path)) {
                TRY(copy_file(snapshot, path));
            }
            rest = ov_span_from(rest, end + 1);
        }
    }
    return OV_OK;
}

static enum ov_status copy_all(struct snapshot *snapshot, const struct ov_plan *plan) {
    static const char *const lists[] = {"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow",
                                        "/etc/sudoers"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        TRY(copy_file(snapshot, lists[i]));
    }
    for (const struct ov_plan_step *step = plan->steps; step != NULL; step = step->next) {
        if (step->kind == OV_STEP_PACKAGES) {
            TRY(copy_configuration(snapshot, plan, step));
        }
        for (const struct ov_plan_entry *entry = step->entries; entry != NULL;
             entry = entry->next) {
            if (entry->type == 'f' && !entry->may_change) {
                TRY(copy_file(snapshot, entry->path));
            }
        }
    }
    return OV_OK;
}

enum ov_status ov_plan_snapshot(struct ov_plan_state *state, const struct ov_plan *plan,
                                const struct ov_root *tree) {
    struct snapshot snapshot = {.state = state, .tree = tree};
    enum ov_status status = copy_all(&snapshot, plan);
    status = status == OV_OK ? ov_buf_status(&snapshot.manifest) : status;
    status = status == OV_OK ? ov_durable_write(state->folder, "snapshot/manifest",
                                                ov_buf_span(&snapshot.manifest), FILE_MODE)
                             : status;
    int error = errno;
    ov_buf_release(&snapshot.manifest);
    errno = error;
    TRY(status);
    ov_fault_point();
    TRY(ov_fd_write_all(state->progress, ov_span_text("snapshot\n")));
    state->has_snapshot = true;
    return fsync(state->progress) == 0 ? OV_OK : OV_SYSTEM;
}
