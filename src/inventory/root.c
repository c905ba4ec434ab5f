// SPDX-License-Identifier: Apache-2.0
// Paths below a root, which never lead out of it.
#include "inventory/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- life ---------------------------------------------------------------------------------------

static int open_within(int root, const char *path, uint64_t flags) {
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

// A kernel before 5.6, or a filter that does not know the call.
static bool has_openat2(int root) {
    OV_AUTO_FD fd = open_within(root, ".", O_PATH | O_DIRECTORY);
    return fd >= 0 || (errno != ENOSYS && errno != EPERM);
}

enum ov_status ov_root_open(const char *path, struct ov_root *ret_tree) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    *ret_tree = (struct ov_root){.root = fd, .has_links = has_openat2(fd)};
    return OV_OK;
}

enum ov_status ov_root_open_below(const struct ov_root *tree, const char *path,
                                  struct ov_root *ret_tree) {
    OV_AUTO_FD found = -1;
    struct stat info;
    TRY(ov_root_find(tree, path, true, &found, &info));
    int fd = openat(found, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    *ret_tree = (struct ov_root){.root = fd, .has_links = tree->has_links};
    return OV_OK;
}

void ov_root_close(struct ov_root *tree) {
    ov_fd_close(&tree->root);
}

// ---- finding ------------------------------------------------------------------------------------

// One part of a path after another, no links. For kernels without openat2.
static int open_parts(int root, const char *path) {
    char part[NAME_MAX + 1];
    int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0) {
        path += strspn(path, "/");
        size_t size = strcspn(path, "/");
        if (size == 0) {
            return at;
        }
        bool is_up = size == 2 && path[0] == '.' && path[1] == '.';
        if (size > NAME_MAX || is_up) {
            ov_fd_close(&at);
            errno = is_up ? ELOOP : ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, size);
        part[size] = 0;
        int next = openat(at, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        ov_fd_close(&at);
        errno = error;
        at = next;
        path += size;
    }
    return -1;
}

enum ov_status ov_root_find(const struct ov_root *tree, const char *path, bool is_followed,
                            int *ret_fd, struct stat *ret_info) {
    uint64_t flags = O_PATH | (is_followed ? 0 : O_NOFOLLOW);
    OV_AUTO_FD fd =
        tree->has_links ? open_within(tree->root, path, flags) : open_parts(tree->root, path);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? OV_END : OV_SYSTEM;
    }
    if (fstat(fd, ret_info) != 0) {
        return OV_SYSTEM;
    }
    if (is_followed && S_ISLNK(ret_info->st_mode)) {
        errno = ELOOP;
        return OV_SYSTEM;
    }
    *ret_fd = fd;
    fd = -1;
    return OV_OK;
}

// The same file, whatever has become of its name. Where /proc is not mounted the name is asked
// again, and what it gives must be the same.
static int open_found(const struct ov_root *tree, int found, const char *path) {
    char link[32];
    int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", found);
    int fd = open(link, flags);
    if (fd < 0 && errno == ENOENT && tree->has_links) {
        fd = open_within(tree->root, path, (uint64_t)flags);
    }
    return fd;
}

enum ov_status ov_root_open_file(const struct ov_root *tree, const char *path, int *ret_fd,
                                 struct stat *ret_info) {
    OV_AUTO_FD found = -1;
    struct stat info;
    TRY(ov_root_find(tree, path, true, &found, &info));
    if (!S_ISREG(info.st_mode)) {
        return OV_UNSUPPORTED;
    }
    OV_AUTO_FD fd = open_found(tree, found, path);
    struct stat again;
    if (fd < 0 || fstat(fd, &again) != 0) {
        return OV_SYSTEM;
    }
    if (again.st_ino != info.st_ino || again.st_dev != info.st_dev) {
        errno = ESTALE;
        return OV_SYSTEM;
    }
    *ret_fd = fd;
    *ret_info = again;
    fd = -1;
    return OV_OK;
}

void ov_root_reach(const struct ov_root *tree, const char *path, char *ret_part, size_t size) {
    struct stat info;
    (void)snprintf(ret_part, size, "%s", path);
    for (char *slash; (slash = strrchr(ret_part, '/')) != NULL && slash != ret_part;) {
        *slash = 0;
        OV_AUTO_FD fd = -1;
        if (ov_root_find(tree, ret_part, true, &fd, &info) == OV_OK) {
            return;
        }
    }
    (void)snprintf(ret_part, size, "/");
}

// ---- names of a folder --------------------------------------------------------------------------

void ov_root_names_release(struct ov_root_names *names) {
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct ov_root_names){0};
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum ov_status add_name(struct ov_root_names *names, size_t *room, const char *name) {
    if (names->count == *room) {
        size_t wanted = *room == 0 ? 32 : 2 * *room;
        char **grown = reallocarray(names->items, wanted, sizeof *grown);
        if (grown == NULL) {
            return OV_MEMORY;
        }
        names->items = grown;
        *room = wanted;
    }
    names->items[names->count] = strdup(name);
    if (names->items[names->count] == NULL) {
        return OV_MEMORY;
    }
    names->count++;
    return OV_OK;
}

static enum ov_status read_names(DIR *folder, size_t most, struct ov_root_names *names) {
    size_t room = 0;
    while (true) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            return errno != 0 ? OV_SYSTEM : OV_OK;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (names->count == most) {
            return OV_LIMIT;
        }
        TRY(add_name(names, &room, entry->d_name));
    }
}

enum ov_status ov_root_list(const struct ov_root *tree, const char *path, size_t most,
                            struct ov_root_names *ret_names) {
    OV_AUTO_FD found = -1;
    struct stat info;
    TRY(ov_root_find(tree, path, true, &found, &info));
    if (!S_ISDIR(info.st_mode)) {
        return OV_UNSUPPORTED;
    }
    int fd = openat(found, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL) {
        int error = errno;
        ov_fd_close(&fd);
        errno = error;
        return OV_SYSTEM;
    }
    struct ov_root_names names = {0};
    enum ov_status status = read_names(folder, most, &names);
    int error = errno;
    (void)closedir(folder);
    if (status != OV_OK && status != OV_LIMIT) {
        ov_root_names_release(&names);
        errno = error;
        return status;
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof *names.items, compare_names);
    }
    *ret_names = names;
    return status;
}
