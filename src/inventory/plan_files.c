// SPDX-License-Identifier: Apache-2.0
// The files that a plan removes, one by one.
#include "inventory/plan.h"

#include "base/digest.h"
#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ENTRIES_MAX = 20000,        // of one step: more than that nobody reads
    DEPTH_MAX = 40,             // folders inside one another
    DIGEST_BYTES_MAX = 1 << 20, // larger files are known by their size and time
};

static char type_of(mode_t mode) {
    return S_ISREG(mode) ? 'f' : S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : 's';
}

static bool add_content(struct ov_digest *digest, int fd) {
    uint8_t block[65536];
    size_t size = 0, total = 0;
    do {
        if (ov_fd_read_full(fd, block, sizeof block, &size) != OV_OK) {
            return false;
        }
        ov_digest_update(digest, ov_span_make(block, size));
        total += size;
    } while (size == sizeof block && total <= DIGEST_BYTES_MAX);
    return total <= DIGEST_BYTES_MAX;
}

static bool add_target(struct ov_digest *digest, int link) {
    char target[PATH_MAX];
    ssize_t size = readlinkat(link, "", target, sizeof target);
    if (size < 0) {
        return false;
    }
    ov_digest_update(digest, ov_span_make(target, (size_t)size));
    return true;
}

void ov_plan_describe(int fd, int readable, struct ov_plan_entry *ret_entry,
                      char ret_sha256[2 * OV_SHA256_BYTES + 1]) {
    struct stat info = {0};
    struct ov_digest digest;
    uint8_t bytes[OV_SHA256_BYTES];
    ret_sha256[0] = 0;
    if (fstat(fd, &info) != 0) {
        return;
    }
    ret_entry->type = type_of(info.st_mode);
    ret_entry->size = ret_entry->type == 'f' ? (uint64_t)info.st_size : 0;
    ret_entry->modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    ret_entry->sha256 = ret_sha256;
    ov_digest_init(OV_HASH_SHA256, &digest);
    bool is_small = ret_entry->type == 'f' && info.st_size <= DIGEST_BYTES_MAX && readable >= 0;
    if ((is_small && add_content(&digest, readable)) ||
        (ret_entry->type == 'l' && add_target(&digest, fd))) {
        ov_digest_finish(&digest, bytes);
        ov_hex_write(ov_span_make(bytes, sizeof bytes), ret_sha256);
    }
}

// ---- a tree of them -----------------------------------------------------------------------------

struct walk {
    struct ov_plan *plan;
    const struct ov_root *tree;
    struct ov_plan_step *step;
    dev_t device;
};

static enum ov_status add_one(struct walk *walk, const char *path, bool *ret_is_folder) {
    OV_AUTO_FD fd = -1;
    OV_AUTO_FD readable = -1;
    struct stat info, opened;
    struct ov_plan_entry entry = {.path = path, .may_change = ov_plan_path_may_change(path)};
    char sha256[2 * OV_SHA256_BYTES + 1] = "";
    if (!ov_plan_path_is_good(path) || walk->step->entry_count >= ENTRIES_MAX) {
        return OV_LIMIT;
    }
    TRY(ov_root_find(walk->tree, path, false, &fd, &info));
    if (walk->step->entry_count == 0) {
        walk->device = info.st_dev;
    } else if (walk->device != info.st_dev) {
        return OV_LIMIT; // another file system is mounted there
    }
    if (S_ISREG(info.st_mode) && !entry.may_change) {
        TRY(ov_root_open_file(walk->tree, path, &readable, &opened));
    }
    ov_plan_describe(fd, readable, &entry, sha256);
    *ret_is_folder = entry.type == 'd';
    return ov_plan_add_entry(walk->plan, walk->step, &entry) != NULL ? OV_OK : OV_MEMORY;
}

// Goes through the step's own list: what a folder holds is put at its end, and comes in turn.
static enum ov_status add_names(struct walk *walk, const char *folder) {
    struct ov_root_names names = {0};
    char path[PATH_MAX];
    enum ov_status status = ov_root_list(walk->tree, folder, ENTRIES_MAX, &names);
    for (size_t i = 0; i < names.count && status == OV_OK; i++) {
        bool is_folder = false;
        int size = snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
        status =
            size < 0 || (size_t)size >= sizeof path ? OV_LIMIT : add_one(walk, path, &is_folder);
        status = status == OV_END ? OV_OK : status; // it went away meanwhile
    }
    ov_root_names_release(&names);
    return status;
}

static size_t count_slashes(const char *path) {
    size_t count = 0;
    for (; *path != 0; path++) {
        count += *path == '/' ? 1 : 0;
    }
    return count;
}

enum ov_status ov_plan_add_files(struct ov_plan *plan, const struct ov_root *tree,
                                 struct ov_plan_step *step, const char *base) {
    struct walk walk = {.plan = plan, .tree = tree, .step = step};
    bool is_folder = false;
    size_t depth = count_slashes(base);
    TRY(add_one(&walk, base, &is_folder));
    for (const struct ov_plan_entry *entry = step->entries; entry != NULL; entry = entry->next) {
        if (entry->type != 'd') {
            continue;
        }
        if (count_slashes(entry->path) - depth > DEPTH_MAX) {
            return OV_LIMIT;
        }
        TRY(add_names(&walk, entry->path));
    }
    return OV_OK;
}
