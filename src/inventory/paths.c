// SPDX-License-Identifier: Apache-2.0
// Patterns of paths, held against a tree of files.
#include "inventory/paths.h"

#include "inventory/rights.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FOLDER_NAMES_MAX = 65536, // of a folder that a pattern leads into
    MATCHES_MAX = 512,        // of one pattern
    RIGHTS_MAX = 400000,      // names that are looked at for their rights, in one place
};

struct expansion {
    const struct ov_paths_place *at;
    void (*tell)(void *arg, const char *path);
    void *arg;
    size_t count, most;
    char path[PATH_MAX]; // what has been found of it
};

void ov_paths_add_problem(const struct ov_paths_place *at, const char *path) {
    int error = errno;
    char part[PATH_MAX];
    if (error == EACCES) {
        ov_root_reach(at->tree, path, part, sizeof part);
    } else {
        (void)snprintf(part, sizeof part, "%s", path);
    }
    ov_inventory_add_problem(at->inventory, part, strerror(error), at->place);
}

static void expand_rest(struct expansion *expansion, size_t used, const char *rest);

// One name below the folder that has been found.
static void expand_name(struct expansion *expansion, size_t used, const char *name,
                        const char *rest) {
    int size = snprintf(expansion->path + used, sizeof expansion->path - used, "/%s", name);
    if (size > 0 && (size_t)size < sizeof expansion->path - used) {
        expand_rest(expansion, used + (size_t)size, rest);
    }
    expansion->path[used] = 0;
}

static void expand_folder(struct expansion *expansion, size_t used, const char *part,
                          const char *rest) {
    struct ov_root_names names = {0};
    const char *folder = used == 0 ? "/" : expansion->path;
    enum ov_status status = ov_root_list(expansion->at->tree, folder, FOLDER_NAMES_MAX, &names);
    if (status == OV_LIMIT) {
        ov_inventory_add_problem(expansion->at->inventory, folder, "has more names than are read",
                                 expansion->at->place);
    } else if (status == OV_SYSTEM) {
        ov_paths_add_problem(expansion->at, folder);
    }
    for (size_t i = 0; i < names.count && expansion->count < expansion->most; i++) {
        if (fnmatch(part, names.items[i], 0) == 0) {
            expand_name(expansion, used, names.items[i], rest);
        }
    }
    ov_root_names_release(&names);
}

static void tell_found(struct expansion *expansion) {
    OV_AUTO_FD fd = -1;
    struct stat info;
    enum ov_status status = ov_root_find(expansion->at->tree, expansion->path, false, &fd, &info);
    if (status == OV_OK) {
        expansion->count++;
        expansion->tell(expansion->arg, expansion->path);
    } else if (status == OV_SYSTEM) {
        ov_paths_add_problem(expansion->at, expansion->path);
    }
}

// `rest` is what follows of the pattern. Parts without a wildcard are taken as they are, so that
// folders that can be passed and not listed are passed.
static void expand_rest(struct expansion *expansion, size_t used, const char *rest) {
    rest += strspn(rest, "/");
    size_t size = strcspn(rest, "/");
    char part[NAME_MAX + 1];
    if (size == 0) {
        tell_found(expansion);
        return;
    }
    if (size > NAME_MAX || expansion->count >= expansion->most) {
        return;
    }
    memcpy(part, rest, size);
    part[size] = 0;
    if (strpbrk(part, "*?[") == NULL) {
        expand_name(expansion, used, part, rest + size);
    } else {
        expand_folder(expansion, used, part, rest + size);
    }
}

size_t ov_paths_expand(const struct ov_paths_place *at, const char *pattern,
                       void (*tell)(void *arg, const char *path), void *arg) {
    struct expansion expansion = {
        .at = at, .tell = tell, .arg = arg, .most = at->most > 0 ? at->most : MATCHES_MAX};
    expand_rest(&expansion, 0, pattern);
    if (expansion.count >= expansion.most) {
        ov_inventory_add_problem(at->inventory, pattern, "more files match than are looked at",
                                 at->place);
    }
    return expansion.count;
}

// ---- what stands there --------------------------------------------------------------------------

static const char *name_type(mode_t mode) {
    return S_ISREG(mode)    ? "file"
           : S_ISDIR(mode)  ? "folder"
           : S_ISSOCK(mode) ? "socket"
           : S_ISFIFO(mode) ? "FIFO"
                            : "device";
}

// What a path is, in words: "folder", "link to /x, which is not there". False for what overlayfs
// keeps of a file that an upper layer has deleted: a device 0/0 of its name.
static bool describe(const struct ov_root *tree, const char *path, char *ret_text, size_t size) {
    char target[PATH_MAX] = "";
    struct stat info;
    OV_AUTO_FD fd = -1;
    if (ov_root_find(tree, path, false, &fd, &info) != OV_OK ||
        (S_ISCHR(info.st_mode) && info.st_rdev == 0)) {
        return false;
    }
    if (!S_ISLNK(info.st_mode)) {
        (void)snprintf(ret_text, size, "%s", name_type(info.st_mode));
        return true;
    }
    ssize_t length = readlinkat(fd, "", target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    OV_AUTO_FD behind = -1;
    bool is_there = ov_root_find(tree, path, true, &behind, &info) == OV_OK;
    (void)snprintf(ret_text, size, "link to %.300s%s", target,
                   is_there ? "" : ", which is not there");
    return true;
}

struct table_arg {
    const struct ov_paths_place *at;
    const struct ov_product *product;
    const struct ov_indicator *indicator;
    size_t left; // names that may still be looked at for their rights
};

static void see_path(void *arg, const char *path) {
    struct table_arg *table = arg;
    char detail[512];
    if (!describe(table->at->tree, path, detail, sizeof detail)) {
        return;
    }
    const struct ov_sight sight = {
        .kind = OV_INDICATOR_PATH, .value = path, .detail = detail, .place = table->at->place};
    (void)ov_inventory_see(table->at->inventory, &sight);
    if (!table->indicator->is_shared) {
        ov_rights_collect(table->at, table->product, path, &table->left);
    }
}

void ov_paths_collect(const struct ov_paths_place *at) {
    struct table_arg arg = {.at = at, .left = RIGHTS_MAX};
    for (size_t i = 0; i < ov_product_count; i++) {
        arg.product = &ov_products[i];
        for (size_t j = 0; j < ov_products[i].indicator_count; j++) {
            arg.indicator = &ov_products[i].indicators[j];
            if (arg.indicator->kind == OV_INDICATOR_PATH) {
                (void)ov_paths_expand(at, arg.indicator->pattern, see_path, &arg);
            }
        }
    }
}
