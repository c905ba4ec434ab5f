// SPDX-License-Identifier: Apache-2.0
// Into quarantine: what is sealed is the open file, and what is removed is that file alone.
#include "cmd/quarantine_take.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { NAME_BYTES = 64, LIST_BYTES = 65536 };

// ---- folder ------------------------------------------------------------------------------------

enum ov_status ov_quarantine_open_folder(const char *path, int *ret_folder) {
    struct stat info;
    OV_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || fstat(folder, &info) != 0) {
        return OV_SYSTEM;
    }
    if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return OV_DENIED;
    }
    *ret_folder = folder;
    folder = -1;
    return OV_OK;
}

enum ov_status ov_quarantine_open(const char *path, struct ov_quarantine *ret_quarantine) {
    struct ov_quarantine quarantine = {.path = path, .folder = -1};
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return OV_SYSTEM;
    }
    TRY(ov_seal_key(true, quarantine.key));
    TRY(ov_quarantine_open_folder(path, &quarantine.folder));
    *ret_quarantine = quarantine;
    return OV_OK;
}

void ov_quarantine_close(struct ov_quarantine *quarantine) {
    ov_fd_close(&quarantine->folder);
}

// ---- the file ----------------------------------------------------------------------------------

// A found file: the folder it lies in, its name there, and itself, open.
struct found {
    char path[PATH_MAX]; // as scanned
    const char *name;    // its last part
    int parent, fd;
    struct stat info;
};

static void close_found(struct found *found) {
    ov_fd_close(&found->parent);
    ov_fd_close(&found->fd);
}

static bool is_scanned_file(const struct stat *info, const struct ov_file_key *key) {
    return S_ISREG(info->st_mode) && info->st_dev == key->device && info->st_ino == key->inode;
}

static bool is_unchanged(const struct stat *info, const struct ov_file_key *key) {
    int64_t modified = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
    return is_scanned_file(info, key) && (uint64_t)info->st_size == key->size &&
           modified == key->mtime_ns;
}

static enum ov_status open_found(const struct ov_scan_result *result, struct found *ret_found) {
    char parent[PATH_MAX];
    *ret_found = (struct found){.parent = -1, .fd = -1};
    if (result->path.size >= sizeof ret_found->path) {
        return OV_LIMIT;
    }
    memcpy(ret_found->path, result->path.data, result->path.size);
    const char *slash = strrchr(ret_found->path, '/');
    ret_found->name = slash != NULL ? slash + 1 : ret_found->path;
    int length = (int)(ret_found->name - ret_found->path);
    (void)snprintf(parent, sizeof parent, "%.*s", length > 0 ? length : 1,
                   length > 0 ? ret_found->path : ".");
    ret_found->parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ret_found->parent < 0) {
        return OV_SYSTEM;
    }
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    ret_found->fd = openat(ret_found->parent, ret_found->name, flags);
    if (ret_found->fd < 0 || fstat(ret_found->fd, &ret_found->info) != 0) {
        return OV_SYSTEM;
    }
    return is_unchanged(&ret_found->info, &result->key) ? OV_OK : OV_PEER;
}

// ---- what is known of it -----------------------------------------------------------------------

static struct ov_span keep_text(struct ov_buf *store, const void *data, size_t size) {
    size_t at = store->size;
    ov_buf_add(store, data, size);
    return ov_span_make((void *)at, size); // an offset until the store stands still
}

static void settle(const struct ov_buf *store, struct ov_span *span) {
    span->data = store->data + (size_t)span->data;
}

static void keep_attributes(int fd, struct ov_buf *store, struct ov_seal_meta *meta) {
    static char names[LIST_BYTES], value[LIST_BYTES];
    ssize_t size = flistxattr(fd, names, sizeof names);
    for (ssize_t at = 0; at < size && meta->attribute_count < OV_SEAL_NAMES_MAX;
         at += (ssize_t)strlen(names + at) + 1) {
        ssize_t value_size = fgetxattr(fd, names + at, value, sizeof value);
        if (value_size >= 0) {
            meta->attributes[meta->attribute_count++] = (struct ov_seal_pair){
                .name = keep_text(store, names + at, strlen(names + at)),
                .value = keep_text(store, value, (size_t)value_size),
            };
        }
    }
}

static void keep_rules(const struct ov_scan_result *result, const struct ov_scan_image *image,
                       struct ov_buf *store, struct ov_seal_meta *meta) {
    for (uint32_t i = 0; i < result->detection_count && i < OV_SEAL_NAMES_MAX; i++) {
        char name[OV_NAME_TEXT_BYTES] = "";
        (void)ov_rule_names_get(&image->names, result->detections[i].rule, name);
        meta->rules[meta->rule_count++] = keep_text(store, name, strlen(name));
        if (meta->inside.size == 0) {
            meta->inside =
                keep_text(store, result->detections[i].name, result->detections[i].name_size);
        }
    }
}

// Everything in meta points into `store` afterwards.
static enum ov_status describe(const struct found *found, const struct ov_scan_result *result,
                               const struct ov_scan_image *image, struct ov_buf *store,
                               struct ov_seal_meta *meta) {
    char folder[PATH_MAX];
    char path[2 * PATH_MAX];
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", found->parent);
    ssize_t length = readlink(link, folder, sizeof folder - 1);
    if (length <= 0) {
        return OV_SYSTEM;
    }
    folder[length] = '\0';
    (void)snprintf(path, sizeof path, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, found->name);
    meta->path = keep_text(store, path, strlen(path));
    keep_rules(result, image, store, meta);
    meta->image = keep_text(store, image->id, strlen(image->id));
    keep_attributes(found->fd, store, meta);
    TRY(ov_buf_status(store));
    settle(store, &meta->path);
    settle(store, &meta->inside);
    settle(store, &meta->image);
    for (uint32_t i = 0; i < meta->rule_count; i++) {
        settle(store, &meta->rules[i]);
    }
    for (uint32_t i = 0; i < meta->attribute_count; i++) {
        settle(store, &meta->attributes[i].name);
        settle(store, &meta->attributes[i].value);
    }
    meta->taken_at = (int64_t)time(NULL);
    meta->size = (uint64_t)found->info.st_size;
    meta->mode = found->info.st_mode & 07777;
    meta->uid = found->info.st_uid;
    meta->gid = found->info.st_gid;
    meta->accessed = found->info.st_atim;
    meta->modified = found->info.st_mtim;
    return OV_OK;
}

// ---- taking ------------------------------------------------------------------------------------

// Removes the name if it still is the scanned file's. It is first renamed, since between a look and
// a removal by name another file could take its place; if that happened, that file goes back.
static enum ov_status remove_found(const struct found *found, const struct ov_file_key *key) {
    char aside[NAME_BYTES];
    struct stat info;
    (void)snprintf(aside, sizeof aside, ".overt-%x-%llx", (unsigned)getpid(),
                   (unsigned long long)found->info.st_ino);
    if (renameat2(found->parent, found->name, found->parent, aside, RENAME_NOREPLACE) != 0) {
        return OV_SYSTEM;
    }
    if (fstatat(found->parent, aside, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_unchanged(&info, key)) {
        (void)renameat2(found->parent, aside, found->parent, found->name, RENAME_NOREPLACE);
        errno = ESTALE;
        return OV_SYSTEM;
    }
    return unlinkat(found->parent, aside, 0) == 0 ? OV_OK : OV_SYSTEM;
}

static enum ov_status seal(const struct ov_quarantine *quarantine, const struct found *found,
                           const struct ov_seal_meta *meta, const char *name) {
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    OV_AUTO_FD fd = openat(quarantine->folder, name, flags, 0600);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_seal_write(found->fd, fd, meta, quarantine->key));
    return fsync(quarantine->folder) == 0 ? OV_OK : OV_SYSTEM;
}

static bool is_found_inside(const struct ov_scan_result *result) {
    for (uint32_t i = 0; i < result->detection_count; i++) {
        if (result->detections[i].depth == 0) {
            return false;
        }
    }
    return true;
}

static const char *explain(enum ov_status status) {
    switch (status) {
    case OV_SYSTEM:
        return errno == ESTALE ? "not the file that was scanned any more" : strerror(errno);
    case OV_PEER:
        return "not the file that was scanned any more";
    case OV_DAMAGED:
        return "it changed while it was sealed";
    case OV_LIMIT:
        return "its path is too long";
    default:
        return ov_status_text(status);
    }
}

static enum ov_status take(struct ov_quarantine *quarantine, const struct ov_scan_result *result,
                           const struct ov_scan_image *image, const char *name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf store = {0};
    OV_CLEANUP(close_found) struct found found;
    struct ov_seal_meta meta = {0};
    TRY(open_found(result, &found));
    TRY(describe(&found, result, image, &store, &meta));
    enum ov_status status = seal(quarantine, &found, &meta, name);
    status = status == OV_OK ? remove_found(&found, &result->key) : status;
    if (status != OV_OK) {
        int error = errno;
        (void)unlinkat(quarantine->folder, name, 0);
        errno = error;
    }
    return status;
}

bool ov_quarantine_may_take(const struct ov_quarantine *quarantine,
                            const struct ov_scan_result *result, const char **ret_why) {
    *ret_why = "only a member of it was found";
    return quarantine->with_containers || !is_found_inside(result);
}

enum ov_status ov_quarantine_take(struct ov_quarantine *quarantine,
                                  const struct ov_scan_result *result,
                                  const struct ov_scan_image *image, char *ret_path,
                                  const char **ret_why) {
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof name, "%llx-%x-%llx.sealed", (unsigned long long)time(NULL),
                   (unsigned)getpid(), (unsigned long long)quarantine->counter++);
    enum ov_status status = take(quarantine, result, image, name);
    if (status != OV_OK) {
        *ret_why = explain(status);
        return status;
    }
    (void)snprintf(ret_path, OV_QUARANTINE_PATH_BYTES, "%s/%s", quarantine->path, name);
    return OV_OK;
}
