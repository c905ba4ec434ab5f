// SPDX-License-Identifier: Apache-2.0
// Walks folders with a stack of its own, so that no depth of nesting hurts.
#include "role/walk.h"

#include "base/buf.h"
#include "base/fd.h"
#include "role/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    OPEN_LEVELS = 96, // folders that stay open above the deepest one
    SPOOL_BYTES = 1 << 20,
    FILE_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
};

struct ov_walk {
    const char *const *paths;
    size_t path_count;
    size_t path_at; // next path of the command line
    struct ov_walk_options options;
    struct ov_folder *levels;
    size_t depth; // levels in use
    size_t level_room;
    struct ov_buf path; // of the current level, then of the item
};

enum ov_status ov_walk_new(const char *const *paths, size_t count,
                           const struct ov_walk_options *options, struct ov_walk **ret_walk) {
    struct ov_walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL) {
        return OV_MEMORY;
    }
    walk->paths = paths;
    walk->path_count = count;
    walk->options = *options;
    *ret_walk = walk;
    return OV_OK;
}

void ov_walk_free(struct ov_walk *walk) {
    if (walk == NULL) {
        return;
    }
    while (walk->depth > 0) {
        ov_folder_close(&walk->levels[--walk->depth]);
    }
    free(walk->levels);
    ov_buf_release(&walk->path);
    free(walk);
}

// ---- patterns ---------------------------------------------------------------------------------

static bool matches_any(const char *const *patterns, size_t count, const char *path,
                        const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (fnmatch(patterns[i], path, 0) == 0 || fnmatch(patterns[i], name, 0) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_excluded(const struct ov_walk *walk, const char *name, bool is_folder) {
    const struct ov_walk_options *options = &walk->options;
    const char *path = (const char *)walk->path.data;
    if (matches_any(options->excludes, options->exclude_count, path, name)) {
        return true;
    }
    return !is_folder && options->include_count > 0 &&
           !matches_any(options->includes, options->include_count, path, name);
}

// ---- items ------------------------------------------------------------------------------------

static enum ov_status give(struct ov_walk *walk, enum ov_walk_kind kind, const char *reason,
                           struct ov_walk_item *ret_item) {
    // One by one: the rest of an item is long, and is set for files alone.
    ret_item->kind = kind;
    ret_item->path = ov_span_make(walk->path.data, walk->path.size - 1);
    ret_item->fd = -1;
    ret_item->reason = reason;
    return OV_OK;
}

static enum ov_status give_errno(struct ov_walk *walk, int error, struct ov_walk_item *ret_item) {
    return give(walk, OV_WALK_PROBLEM, strerror(error), ret_item);
}

// Sets the path to the first `size` bytes of itself, and `name` after them, and a NUL.
static enum ov_status set_path(struct ov_walk *walk, size_t size, const char *name) {
    walk->path.size = size;
    if (size > 0 && walk->path.data[size - 1] != '/') {
        ov_buf_add_u8(&walk->path, '/');
    }
    ov_buf_add(&walk->path, name, strlen(name) + 1);
    return ov_buf_status(&walk->path);
}

static const char *special_name(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFIFO:
        return "not a regular file (FIFO)";
    case S_IFSOCK:
        return "not a regular file (socket)";
    case S_IFCHR:
    case S_IFBLK:
        return "not a regular file (device)";
    case S_IFLNK:
        return "symbolic link, not followed";
    default:
        return "not a regular file";
    }
}

// ---- folders ----------------------------------------------------------------------------------

// Opens the folder behind `fd`, which it owns, as the deepest level. With OV_OK the level is there;
// with OV_END the item says why it is not.
static enum ov_status push_folder(struct ov_walk *walk, int fd, struct ov_walk_item *ret_item) {
    if (walk->depth == walk->level_room) {
        size_t room = walk->level_room == 0 ? 32 : walk->level_room * 2;
        struct ov_folder *levels = realloc(walk->levels, room * sizeof *levels);
        if (levels == NULL) {
            (void)close(fd);
            return OV_MEMORY;
        }
        walk->levels = levels;
        walk->level_room = room;
    }
    const struct ov_folder *above = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
    struct ov_folder *level = &walk->levels[walk->depth];
    enum ov_status status = ov_folder_open(fd, walk->path.size - 1, level);
    if (status == OV_SYSTEM) {
        TRY(give_errno(walk, errno, ret_item));
        return OV_END;
    }
    TRY(status);
    if (above != NULL && level->device != above->device && ov_folder_is_kernels(level)) {
        ov_folder_close(level);
        TRY(give(walk, OV_WALK_SKIPPED, "file system of the kernel, not walked", ret_item));
        return OV_END;
    }
    walk->depth++;
    if (walk->depth > OPEN_LEVELS) {
        ov_fd_close(&walk->levels[walk->depth - 1 - OPEN_LEVELS].fd);
    }
    return OV_OK;
}

// The descriptor of the folder `name` in `parent`, if it is still the one of that level.
static int open_again(int parent, const char *name, const struct ov_folder *level) {
    struct stat info;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 &&
        (fstat(fd, &info) != 0 || info.st_dev != level->device || info.st_ino != level->inode)) {
        ov_fd_close(&fd);
    }
    return fd;
}

// The way up by ".." leads elsewhere when a folder was moved: goes down to level `index` again,
// from the path on the command line.
static enum ov_status descend_again(struct ov_walk *walk, size_t index) {
    OV_AUTO_FD fd = open(walk->paths[walk->path_at - 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 1; fd >= 0 && i <= index; i++) {
        char name[NAME_MAX + 1];
        size_t from = walk->levels[i - 1].path_size;
        from += walk->path.data[from] == '/';
        (void)snprintf(name, sizeof name, "%.*s", (int)(walk->levels[i].path_size - from),
                       (const char *)walk->path.data + from);
        int next = open_again(fd, name, &walk->levels[i]);
        ov_fd_close(&fd);
        fd = next;
    }
    if (fd < 0) {
        return OV_SYSTEM;
    }
    walk->levels[index].fd = fd;
    fd = -1;
    return OV_OK;
}

// Leaves the deepest level. OV_END, and an item, when the way back up is gone.
static enum ov_status pop_folder(struct ov_walk *walk, struct ov_walk_item *ret_item) {
    struct ov_folder *level = &walk->levels[walk->depth - 1];
    struct ov_folder *above = walk->depth > 1 ? level - 1 : NULL;
    enum ov_status status = OV_OK;
    if (above != NULL && above->fd < 0) {
        status = ov_folder_reopen(above, level->fd);
        status = status == OV_OK ? status : descend_again(walk, walk->depth - 2);
    }
    ov_folder_close(level);
    walk->depth--;
    if (status != OV_OK) {
        walk->path.size = above->path_size;
        ov_buf_add_u8(&walk->path, '\0');
        above->at = above->count; // its other entries cannot be reached; said in one line
        TRY(give(walk, OV_WALK_PROBLEM, "folder moved while it was scanned", ret_item));
        return OV_END;
    }
    return OV_OK;
}

// ---- files ------------------------------------------------------------------------------------

// Opens a name in a folder, without touching its access time where we may.
static int open_name(struct ov_folder *level, const char *name, int flags) {
    int fd = -1;
    if (!level->is_noatime_refused) {
        fd = openat(level->fd, name, flags | O_NOATIME);
        if (fd >= 0 || errno != EPERM) {
            return fd;
        }
        level->is_noatime_refused = true;
    }
    return openat(level->fd, name, flags);
}

// What an opened descriptor turns out to be: a file to hand out, a folder to enter, or neither.
static enum ov_status take_opened(struct ov_walk *walk, int fd, bool is_named,
                                  struct ov_walk_item *ret_item) {
    const struct stat *info = &ret_item->info;
    if (fstat(fd, &ret_item->info) != 0) {
        int error = errno;
        (void)close(fd);
        TRY(give_errno(walk, error, ret_item));
        return OV_END;
    }
    if (S_ISDIR(info->st_mode)) {
        return push_folder(walk, fd, ret_item);
    }
    if (!S_ISREG(info->st_mode)) {
        (void)close(fd);
        TRY(give(walk, is_named ? OV_WALK_PROBLEM : OV_WALK_SKIPPED, special_name(info->st_mode),
                 ret_item));
        return OV_END;
    }
    TRY(give(walk, OV_WALK_FILE, NULL, ret_item));
    ret_item->fd = fd;
    return OV_END;
}

// Why an entry did not open: devices, sockets and links answer with errors of their own.
static enum ov_status explain_refusal(struct ov_walk *walk, const struct ov_folder *level,
                                      const char *name, struct ov_walk_item *ret_item) {
    int error = errno;
    struct stat info;
    bool is_known = fstatat(level->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_known && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        TRY(give(walk, OV_WALK_SKIPPED, special_name(info.st_mode), ret_item));
    } else {
        TRY(give_errno(walk, error, ret_item));
    }
    return OV_END;
}

// One entry of the deepest folder. OV_OK: nothing to hand out, go on; OV_END: the item is filled.
static enum ov_status visit_entry(struct ov_walk *walk, struct ov_walk_item *ret_item) {
    struct ov_folder *level = &walk->levels[walk->depth - 1];
    struct ov_entry entry = ov_folder_next(level);
    TRY(set_path(walk, level->path_size, entry.name));
    if (is_excluded(walk, entry.name, entry.mode == S_IFDIR)) {
        TRY(give(walk, OV_WALK_SKIPPED, "excluded", ret_item));
        return OV_END;
    }
    if (entry.mode != 0 && entry.mode != S_IFREG && entry.mode != S_IFDIR) {
        TRY(give(walk, OV_WALK_SKIPPED, special_name(entry.mode), ret_item));
        return OV_END;
    }
    int fd = open_name(level, entry.name, FILE_FLAGS | (entry.mode == S_IFDIR ? O_DIRECTORY : 0));
    if (fd < 0) {
        return explain_refusal(walk, level, entry.name, ret_item);
    }
    return take_opened(walk, fd, false, ret_item);
}

// ---- the command line -------------------------------------------------------------------------

// Standard input is copied into memory, where it has a size and can be read again.
static enum ov_status spool_stdin(struct ov_walk *walk, struct ov_walk_item *ret_item) {
    TRY(set_path(walk, 0, "stdin"));
    OV_AUTO_FD spool = memfd_create("stdin", MFD_CLOEXEC);
    uint8_t *chunk = malloc(SPOOL_BYTES);
    uint64_t cap = walk->options.stdin_bytes;
    uint64_t total = 0;
    size_t size = chunk != NULL && spool >= 0 ? SPOOL_BYTES : 0;
    enum ov_status status = size > 0 ? OV_OK : OV_MEMORY;
    while (status == OV_OK && size > 0 && total <= cap) {
        uint64_t most = cap - total + 1 < SPOOL_BYTES ? cap - total + 1 : SPOOL_BYTES;
        status = ov_fd_read_full(STDIN_FILENO, chunk, (size_t)most, &size);
        status = status == OV_OK ? ov_fd_write_all(spool, ov_span_make(chunk, size)) : status;
        total += size;
    }
    if (status == OV_OK && lseek(spool, 0, SEEK_SET) != 0) {
        status = OV_SYSTEM;
    }
    int error = errno;
    free(chunk);
    if (status != OV_OK) {
        TRY(give_errno(walk, status == OV_MEMORY ? ENOMEM : error, ret_item));
        return OV_END;
    }
    int fd = spool;
    spool = -1;
    return take_opened(walk, fd, true, ret_item);
}

// A path as the person gave it: a link is followed, a special file is an error and is not opened.
static enum ov_status visit_path(struct ov_walk *walk, struct ov_walk_item *ret_item) {
    const char *path = walk->paths[walk->path_at++];
    struct stat info;
    if (strcmp(path, "-") == 0) {
        return spool_stdin(walk, ret_item);
    }
    TRY(set_path(walk, 0, path));
    if (stat(path, &info) != 0) {
        TRY(give_errno(walk, errno, ret_item));
        return OV_END;
    }
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        TRY(give(walk, OV_WALK_PROBLEM, special_name(info.st_mode), ret_item));
        return OV_END;
    }
    int flags = (int)FILE_FLAGS & ~O_NOFOLLOW;
    int fd = open(path, flags | O_NOATIME);
    if (fd < 0 && errno == EPERM) {
        fd = open(path, flags);
    }
    if (fd < 0) {
        TRY(give_errno(walk, errno, ret_item));
        return OV_END;
    }
    return take_opened(walk, fd, true, ret_item);
}

enum ov_status ov_walk_next(struct ov_walk *walk, struct ov_walk_item *ret_item) {
    while (walk->depth > 0 || walk->path_at < walk->path_count) {
        enum ov_status status;
        if (walk->depth == 0) {
            status = visit_path(walk, ret_item);
        } else if (ov_folder_has_next(&walk->levels[walk->depth - 1])) {
            status = visit_entry(walk, ret_item);
        } else {
            status = pop_folder(walk, ret_item);
        }
        if (status != OV_OK) {
            return status == OV_END ? OV_OK : status;
        }
    }
    return OV_END;
}
