// SPDX-License-Identifier: Apache-2.0
// The root directory of a caged process: empty, or with the few paths of its spec and no other.
#include "cage/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// <sys/mount.h> and <linux/mount.h> cannot both be included with glibc 2.36.
extern int mount(const char *source, const char *target, const char *type, unsigned long flags,
                 const void *data);
extern int umount2(const char *target, int flags);
enum { DETACH = 2 }; // MNT_DETACH

enum { PLACE_BYTES = 32 };

// ---- paths ------------------------------------------------------------------------------------

static bool is_same_file(int a, int b) {
    struct stat one;
    struct stat other;
    return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

// A mount of that path alone, not yet at any place. Gives -1 and errno when that cannot be had.
static int clone_mount(const struct ov_cage_path *path) {
    char own[PLACE_BYTES];
    char name[PATH_MAX] = "";
    if (path->path == NULL) {
        // An open folder is one of the parent's mounts; only a mount of our own can be cloned.
        (void)snprintf(own, sizeof own, "/proc/self/fd/%d", path->fd);
        ssize_t size = readlink(own, name, sizeof name - 1);
        name[size > 0 ? size : 0] = '\0';
    }
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                                MOUNT_ATTR_NOEXEC |
                                                (path->is_writable ? 0 : MOUNT_ATTR_RDONLY)};
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path->path != NULL ? path->path : name,
                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    bool is_right = tree >= 0 && (path->path != NULL || is_same_file(tree, path->fd));
    if (is_right &&
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0) {
        return tree;
    }
    int error = tree < 0 || is_right ? errno : ESTALE; // the name is another folder's by now
    if (tree >= 0) {
        (void)close(tree);
    }
    errno = error;
    return -1;
}

// Where it is seen: one with a path there, one without under a name of ours. Without a slash in
// front.
static void name_place(const struct ov_cage_path *path, size_t index, char *ret_place) {
    if (path->path != NULL) {
        (void)snprintf(ret_place, PATH_MAX, "%s", path->path + strspn(path->path, "/"));
    } else {
        (void)snprintf(ret_place, PATH_MAX, "folder%zu", index);
    }
}

// The folders on the way to `place`, and an empty file or folder there to be mounted over.
static int make_place(const char *place, bool is_folder) {
    char part[PATH_MAX];
    for (const char *slash = strchr(place, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - place), place);
        if (mkdir(part, 0755) != 0 && errno != EEXIST) {
            return errno;
        }
    }
    if (is_folder) {
        return mkdir(place, 0755) == 0 || errno == EEXIST ? 0 : errno;
    }
    int file = open(place, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
    if (file < 0) {
        return errno;
    }
    (void)close(file);
    return 0;
}

static int put_mount(int tree, const char *place) {
    struct stat info;
    int error = fstat(tree, &info) == 0 ? make_place(place, S_ISDIR(info.st_mode)) : errno;
    if (error == 0 &&
        syscall(SYS_move_mount, tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
        error = errno;
    }
    return error;
}

// In the new root, the current folder: each path at its place.
static int put_all(const struct ov_cage_spec *spec, const int *trees) {
    char place[PATH_MAX];
    int error = 0;
    mode_t mask = umask(022);
    for (size_t i = 0; i < spec->path_count && error == 0; i++) {
        name_place(&spec->paths[i], i, place);
        error = trees[i] < 0 ? 0 : put_mount(trees[i], place);
    }
    (void)umask(mask);
    return error;
}

// The number of an open folder gets the folder as it is seen in the new root: `..` leads nowhere.
static int reopen_folders(const struct ov_cage_spec *spec) {
    char place[PATH_MAX];
    for (size_t i = 0; i < spec->path_count; i++) {
        if (spec->paths[i].path != NULL) {
            continue;
        }
        name_place(&spec->paths[i], i, place);
        int folder = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0 || dup3(folder, spec->paths[i].fd, O_CLOEXEC) < 0) {
            return errno;
        }
        (void)close(folder);
    }
    return 0;
}

// ---- root -------------------------------------------------------------------------------------

// A small file system becomes the root, and the old one is let go.
static int pivot(const struct ov_cage_spec *spec, const int *trees) {
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/tmp", "tmpfs", flags, "size=64k,mode=0555") != 0 || chdir("/tmp") != 0) {
        return errno;
    }
    int error = put_all(spec, trees);
    if (error != 0) {
        return error;
    }
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", DETACH) != 0 || chdir("/") != 0) {
        return errno;
    }
    flags |= MS_REMOUNT | MS_BIND | MS_RDONLY;
    error = mount("none", "/", NULL, flags, NULL) == 0 ? 0 : errno;
    return error != 0 ? error : reopen_folders(spec);
}

// Without mount rights: into a directory that is removed first, where nothing can be made any more.
static int change_root_to_removed(void) {
    char path[] = "/tmp/overt-empty-XXXXXX";
    if (mkdtemp(path) == NULL) {
        return errno;
    }
    int error = chdir(path) == 0 ? 0 : errno;
    (void)rmdir(path);
    if (error == 0 && (chroot(".") != 0 || chdir("/") != 0)) {
        error = errno;
    }
    return error;
}

int ov_cage_root(const struct ov_cage_spec *spec) {
    int trees[OV_CAGE_PATHS_MAX];
    int error = spec->path_count <= OV_CAGE_PATHS_MAX ? 0 : EINVAL;
    size_t count = 0;
    for (; count < spec->path_count && error == 0; count++) {
        trees[count] = clone_mount(&spec->paths[count]);
        bool is_missing = trees[count] < 0 && errno == ENOENT && spec->paths[count].path != NULL;
        error = trees[count] >= 0 || is_missing ? 0 : errno;
    }
    error = error != 0 ? error : pivot(spec, trees);
    for (size_t i = 0; i < count; i++) {
        if (trees[i] >= 0) {
            (void)close(trees[i]);
        }
    }
    if (error != 0 && spec->path_count == 0 && change_root_to_removed() == 0) {
        error = 0;
    }
    return error;
}
