// SPDX-License-Identifier: Apache-2.0
// Quarantine by rename, checked before and after against the inode that was scanned.
#include "cmd/scan_quarantine.h"

#include "base/fd.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_BYTES = 64 };

enum ov_status ov_quarantine_open(const char *path, struct ov_quarantine *ret_quarantine) {
    struct stat info;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return OV_SYSTEM;
    }
    OV_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || fstat(folder, &info) != 0) {
        return OV_SYSTEM;
    }
    if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return OV_DENIED;
    }
    *ret_quarantine = (struct ov_quarantine){.path = path, .folder = folder};
    folder = -1;
    return OV_OK;
}

void ov_quarantine_close(struct ov_quarantine *quarantine) {
    ov_fd_close(&quarantine->folder);
}

// Opens the folder that the path lies in and points at the last part.
static int open_parent(const char *path, const char **ret_name) {
    const char *slash = strrchr(path, '/');
    char parent[PATH_MAX];
    *ret_name = slash != NULL ? slash + 1 : path;
    if (slash == NULL) {
        return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    (void)snprintf(parent, sizeof parent, "%.*s", (int)(slash == path ? 1 : slash - path), path);
    return open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_same_file(int folder, const char *name, const struct ov_file_key *key,
                         struct stat *ret_info) {
    return fstatat(folder, name, ret_info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(ret_info->st_mode) && ret_info->st_dev == key->device &&
           ret_info->st_ino == key->inode;
}

static void add_note(struct ov_buf *out, const struct ov_scan_result *result,
                     const struct ov_scan_image *image, const struct stat *info) {
    struct ov_json json;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_bytes(&json, "path", result->path);
    ov_json_array(&json, "rules");
    for (uint32_t i = 0; i < result->detection_count; i++) {
        char name[OV_NAME_TEXT_BYTES];
        (void)ov_rule_names_get(&image->names, result->detections[i].rule, name);
        ov_json_text(&json, NULL, name);
    }
    ov_json_array_end(&json);
    ov_json_text(&json, "image", image->id);
    ov_json_int(&json, "moved_at", (int64_t)time(NULL));
    ov_json_uint(&json, "mode", info->st_mode & 07777);
    ov_json_uint(&json, "uid", info->st_uid);
    ov_json_uint(&json, "gid", info->st_gid);
    ov_json_uint(&json, "size", (uint64_t)info->st_size);
    ov_json_int(&json, "mtime", info->st_mtim.tv_sec);
    ov_json_uint(&json, "links", info->st_nlink);
    ov_json_object_end(&json);
    ov_buf_add_u8(out, '\n');
}

static enum ov_status write_note(const struct ov_quarantine *quarantine, const char *name,
                                 const struct ov_buf *note) {
    TRY(ov_buf_status(note));
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    OV_AUTO_FD fd = openat(quarantine->folder, name, flags, 0600);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_fd_write_all(fd, ov_buf_span(note)));
    return fsync(fd) == 0 ? OV_OK : OV_SYSTEM;
}

// Renames, then looks whether it was the scanned file that moved; if not, it goes back.
static enum ov_status move(const struct ov_quarantine *quarantine, int parent, const char *name,
                           const char *new_name, const struct ov_file_key *key) {
    struct stat info;
    if (renameat2(parent, name, quarantine->folder, new_name, RENAME_NOREPLACE) != 0) {
        return OV_SYSTEM;
    }
    if (!is_same_file(quarantine->folder, new_name, key, &info)) {
        (void)renameat2(quarantine->folder, new_name, parent, name, RENAME_NOREPLACE);
        errno = ESTALE;
        return OV_SYSTEM;
    }
    return fchmodat(quarantine->folder, new_name, 0, 0) == 0 ? OV_OK : OV_SYSTEM;
}

static const char *explain(int error) {
    return error == EXDEV ? "the quarantine folder is on another file system" : strerror(error);
}

enum ov_status ov_quarantine_take(struct ov_quarantine *quarantine,
                                  const struct ov_scan_result *result,
                                  const struct ov_scan_image *image, char *ret_path,
                                  const char **ret_why) {
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    char path[PATH_MAX];
    char new_name[NAME_BYTES];
    char note_name[NAME_BYTES + 8];
    const char *name;
    struct stat info;
    *ret_why = "path is too long";
    if (result->path.size >= sizeof path) {
        return OV_LIMIT;
    }
    (void)snprintf(path, sizeof path, "%.*s", (int)result->path.size,
                   (const char *)result->path.data);
    OV_AUTO_FD parent = open_parent(path, &name);
    *ret_why = "not the file that was scanned any more";
    if (parent < 0 || !is_same_file(parent, name, &result->key, &info)) {
        return OV_DENIED;
    }
    (void)snprintf(new_name, sizeof new_name, "%llx-%x-%llx", (unsigned long long)time(NULL),
                   (unsigned)getpid(), (unsigned long long)quarantine->counter++);
    (void)snprintf(note_name, sizeof note_name, "%s.json", new_name);
    add_note(&note, result, image, &info);
    enum ov_status status = write_note(quarantine, note_name, &note);
    status = status == OV_OK ? move(quarantine, parent, name, new_name, &result->key) : status;
    if (status != OV_OK) {
        *ret_why = explain(errno);
        (void)unlinkat(quarantine->folder, note_name, 0);
        return status;
    }
    (void)snprintf(ret_path, OV_QUARANTINE_PATH_BYTES, "%s/%s", quarantine->path, new_name);
    return OV_OK;
}
