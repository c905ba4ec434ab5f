// SPDX-License-Identifier: Apache-2.0
// Reads /proc about another process.
#include "cmd/status_seen.h"

#include "base/fd.h"
#include "role/roles.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PLACE_BYTES = 64, STATUS_BYTES = 8192, DEPTH_MAX = 6 };

static const struct {
    const char *name;
    enum ov_cage_layer layer;
} namespaces[OV_SEEN_NAMESPACES] = {
    {"pid", OV_LAYER_PIDS},   {"mnt", OV_LAYER_MOUNTS}, {"net", OV_LAYER_NET},
    {"ipc", OV_LAYER_IPC},    {"uts", OV_LAYER_UTS},    {"cgroup", OV_LAYER_CGROUP},
    {"user", OV_LAYER_COUNT}, // one of its own only when started by an ordinary user
};

const char *ov_seen_namespace_name(unsigned index) {
    return namespaces[index].name;
}

enum ov_cage_layer ov_seen_namespace_layer(unsigned index) {
    return namespaces[index].layer;
}

// ---- status -----------------------------------------------------------------------------------

// What stands behind `name` on its line; "" when there is none.
static const char *find_line(const char *text, const char *name) {
    size_t size = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) == 0 && line[size] == ':') {
            return line + size + 1;
        }
    }
    return "";
}

static unsigned read_number(const char *text, const char *name) {
    return (unsigned)strtoul(find_line(text, name), NULL, 10);
}

static uint64_t read_mask(const char *text, const char *name) {
    return strtoull(find_line(text, name), NULL, 16);
}

static void read_ids(const char *text, const char *name, unsigned ret_ids[4]) {
    char *at = (char *)(uintptr_t)find_line(text, name);
    for (int i = 0; i < 4; i++) {
        ret_ids[i] = (unsigned)strtoul(at, &at, 10);
    }
}

static unsigned count_words(const char *text) {
    unsigned count = 0;
    for (size_t i = 0; text[i] != '\n' && text[i] != '\0'; i++) {
        bool is_space = text[i] == ' ' || text[i] == '\t';
        bool was_space = i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t';
        count += !is_space && was_space;
    }
    return count;
}

static enum ov_status read_status(pid_t pid, struct ov_seen_status *ret_status) {
    char place[PLACE_BYTES];
    char text[STATUS_BYTES];
    size_t size = 0;
    (void)snprintf(place, sizeof place, "/proc/%d/status", (int)pid);
    OV_AUTO_FD fd = open(place, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ov_fd_read_full(fd, text, sizeof text - 1, &size) != OV_OK) {
        return OV_SYSTEM;
    }
    text[size] = '\0';
    struct ov_seen_status status = {
        .group_count = count_words(find_line(text, "Groups")),
        .effective = read_mask(text, "CapEff"),
        .permitted = read_mask(text, "CapPrm"),
        .inheritable = read_mask(text, "CapInh"),
        .ambient = read_mask(text, "CapAmb"),
        .bounding = read_mask(text, "CapBnd"),
        .no_new_privs = read_number(text, "NoNewPrivs"),
        .seccomp = read_number(text, "Seccomp"),
        .seccomp_filters = read_number(text, "Seccomp_filters"),
        .threads = read_number(text, "Threads"),
    };
    read_ids(text, "Uid", status.uids);
    read_ids(text, "Gid", status.gids);
    *ret_status = status;
    return OV_OK;
}

// ---- namespaces, descriptors ------------------------------------------------------------------

// What a link says, with what could disturb a line replaced.
static bool read_link(const char *place, char ret_text[OV_SEEN_TEXT_BYTES]) {
    ssize_t size = readlink(place, ret_text, OV_SEEN_TEXT_BYTES - 1);
    ret_text[size > 0 ? size : 0] = '\0';
    for (char *at = ret_text; *at != '\0'; at++) {
        *at = *at < 0x20 || *at > 0x7e ? '?' : *at;
    }
    return size > 0;
}

static bool read_namespaces(pid_t pid, struct ov_seen *seen) {
    for (unsigned i = 0; i < OV_SEEN_NAMESPACES; i++) {
        char place[PLACE_BYTES];
        char its[OV_SEEN_TEXT_BYTES];
        char ours[OV_SEEN_TEXT_BYTES];
        (void)snprintf(place, sizeof place, "/proc/%d/ns/%s", (int)pid, namespaces[i].name);
        if (!read_link(place, its)) {
            return false;
        }
        (void)snprintf(place, sizeof place, "/proc/self/ns/%s", namespaces[i].name);
        seen->is_apart[i] = read_link(place, ours) && strcmp(its, ours) != 0;
    }
    return true;
}

static uint32_t tell_kind(const struct stat *info, const char *target) {
    switch (info->st_mode & S_IFMT) {
    case S_IFSOCK:
        return OV_HOLDS_SOCKET;
    case S_IFDIR:
        return OV_HOLDS_FOLDER;
    case S_IFIFO:
        return OV_HOLDS_PIPE;
    case S_IFREG:
        return strncmp(target, "/memfd:", 7) == 0 ? OV_HOLDS_MEMORY : OV_HOLDS_FILE;
    case S_IFCHR: // memory devices are number 1, the third of them is null (devices.txt)
        return info->st_rdev == makedev(1, 3) ? OV_HOLDS_NULL : OV_HOLDS_OTHER;
    default:
        return OV_HOLDS_OTHER;
    }
}

static bool read_descriptors(pid_t pid, struct ov_seen *seen) {
    char place[PLACE_BYTES];
    (void)snprintf(place, sizeof place, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(place);
    if (folder == NULL) {
        return false;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct stat info;
        struct ov_seen_descriptor *one = &seen->descriptors[seen->descriptor_count];
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (seen->descriptor_count == OV_SEEN_DESCRIPTORS) {
            seen->has_more = true;
            break;
        }
        one->number = (int)strtol(entry->d_name, NULL, 10);
        (void)snprintf(place, sizeof place, "/proc/%d/fd/%d", (int)pid, one->number);
        if (read_link(place, one->target) && stat(place, &info) == 0) {
            one->kind = tell_kind(&info, one->target);
            seen->descriptor_count++;
        }
    }
    (void)closedir(folder);
    return true;
}

// ---- root -------------------------------------------------------------------------------------

struct walk {
    struct ov_seen *seen;
    dev_t device; // of the root directory
    char path[OV_SEEN_TEXT_BYTES];
};

static void add_path(struct walk *walk) {
    struct ov_seen *seen = walk->seen;
    if (seen->path_count == OV_SEEN_PATHS) {
        seen->has_more = true;
        return;
    }
    memcpy(seen->paths[seen->path_count++], walk->path, sizeof walk->path);
}

// Takes the folder's descriptor.
static void walk_folder(struct walk *walk, int fd, unsigned depth) {
    size_t size = strlen(walk->path);
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        (void)close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && !walk->seen->has_more;) {
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        (void)snprintf(walk->path + size, sizeof walk->path - size, "/%s", entry->d_name);
        bool is_inner = S_ISDIR(info.st_mode) && info.st_dev == walk->device && depth < DEPTH_MAX;
        int inner = -1;
        if (is_inner) {
            inner = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (inner >= 0) {
            walk_folder(walk, inner, depth + 1);
        } else {
            add_path(walk);
        }
        walk->path[size] = '\0';
    }
    (void)closedir(folder);
}

static bool read_root(pid_t pid, struct ov_seen *seen) {
    char place[PLACE_BYTES];
    struct stat its;
    struct stat ours;
    struct walk walk = {.seen = seen};
    (void)snprintf(place, sizeof place, "/proc/%d/root", (int)pid);
    int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &its) != 0 || stat("/", &ours) != 0) {
        ov_fd_close(&fd);
        return false;
    }
    walk.device = its.st_dev;
    seen->has_our_root = its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
    if (seen->has_our_root) {
        (void)close(fd);
    } else {
        walk_folder(&walk, fd, 0);
    }
    return true;
}

enum ov_status ov_seen_look(pid_t pid, struct ov_seen *ret_seen) {
    struct ov_seen seen = {0};
    TRY(read_status(pid, &seen.status));
    seen.has_inside =
        read_namespaces(pid, &seen) && read_descriptors(pid, &seen) && read_root(pid, &seen);
    *ret_seen = seen;
    return OV_OK;
}
