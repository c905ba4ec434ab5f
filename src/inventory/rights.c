// SPDX-License-Identifier: Apache-2.0
// Modes and capabilities of files.
#include "inventory/rights.h"

#include "base/buf.h"
#include "base/capability.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { DEPTH_MAX = 16, NAMES_MAX = 65536 };

static void look_at_mode(const struct ov_paths_place *at, const struct ov_product *product,
                         const char *path, const struct stat *info) {
    char detail[PATH_MAX + 64];
    if ((info->st_mode & (S_ISUID | S_ISGID)) == 0 || (info->st_mode & 0111) == 0) {
        return;
    }
    bool is_user = (info->st_mode & S_ISUID) != 0;
    (void)snprintf(detail, sizeof detail, "%s (runs as %s %u)", path, is_user ? "user" : "group",
                   (unsigned)(is_user ? info->st_uid : info->st_gid));
    ov_inventory_add_power(at->inventory, product, OV_POWER_SETUID, detail, at->place);
}

// capability.h of the kernel: the first word is version and flags, then pairs of permitted and
// inheritable bits, all little-endian. The kernel has checked what it lets one set.
static void look_at_capabilities(const struct ov_paths_place *at, const struct ov_product *product,
                                 const char *path, int fd) {
    struct vfs_ns_cap_data data = {0};
    char link[32];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = getxattr(link, "security.capability", &data, sizeof data);
    if (size < (ssize_t)XATTR_CAPS_SZ_1) {
        return;
    }
    uint64_t permitted = data.data[0].permitted;
    permitted |= size >= (ssize_t)XATTR_CAPS_SZ_2 ? (uint64_t)data.data[1].permitted << 32 : 0;
    OV_CLEANUP(ov_buf_release) struct ov_buf detail = {0};
    ov_capability_add_names(&detail, permitted);
    ov_buf_printf(&detail, " of file %s", path);
    ov_buf_add_u8(&detail, 0);
    if (permitted != 0 && !detail.has_failed) {
        ov_inventory_add_power(at->inventory, product, OV_POWER_CAPABILITY,
                               (const char *)detail.data, at->place);
    }
}

static void walk(const struct ov_paths_place *at, const struct ov_product *product,
                 const char *path, unsigned depth, size_t *left);

static void walk_folder(const struct ov_paths_place *at, const struct ov_product *product,
                        const char *path, unsigned depth, size_t *left) {
    struct ov_root_names names = {0};
    enum ov_status status = ov_root_list(at->tree, path, NAMES_MAX, &names);
    if (status == OV_SYSTEM) {
        ov_paths_add_problem(at, path);
    } else if (status == OV_LIMIT || depth == DEPTH_MAX) {
        ov_inventory_add_problem(at->inventory, path, "has more below it than is looked at",
                                 at->place);
    }
    for (size_t i = 0; i < names.count && depth < DEPTH_MAX; i++) {
        char inner[PATH_MAX];
        int size = snprintf(inner, sizeof inner, "%s/%s", path, names.items[i]);
        if (size > 0 && (size_t)size < sizeof inner) {
            walk(at, product, inner, depth + 1, left);
        }
    }
    ov_root_names_release(&names);
}

static void walk(const struct ov_paths_place *at, const struct ov_product *product,
                 const char *path, unsigned depth, size_t *left) {
    OV_AUTO_FD fd = -1;
    struct stat info;
    if (*left == 0 || ov_root_find(at->tree, path, false, &fd, &info) != OV_OK) {
        return;
    }
    *left -= 1;
    if (*left == 0) {
        ov_inventory_add_problem(at->inventory, path,
                                 "not all files of products are looked at for their rights",
                                 at->place);
    }
    if (S_ISREG(info.st_mode)) {
        look_at_mode(at, product, path, &info);
        look_at_capabilities(at, product, path, fd);
    } else if (S_ISDIR(info.st_mode)) {
        ov_fd_close(&fd);
        walk_folder(at, product, path, depth, left);
    }
}

void ov_rights_collect(const struct ov_paths_place *at, const struct ov_product *product,
                       const char *path, size_t *left) {
    walk(at, product, path, 0, left);
}
