// SPDX-License-Identifier: Apache-2.0
// Names in the folders of which the operating system knows what they mean.
#include "inventory/listing.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    NAMES_MAX = 65536,
    MODULES_MAX = 200000, // of all kernels together
    DEPTH_MAX = 12,       // of folders below a kernel's modules
};

// ---- one name -----------------------------------------------------------------------------------

struct kind {
    enum ov_indicator_kind kind;
    const char *folder; // pattern
    bool is_path;       // the whole path is what an indicator means, else the name
};

// Every place where a file of the kind is looked for by the program that reads it.
static const struct kind kinds[] = {
    {OV_INDICATOR_UNIT, "/etc/systemd/system", false},
    {OV_INDICATOR_UNIT, "/run/systemd/system", false},
    {OV_INDICATOR_UNIT, "/usr/local/lib/systemd/system", false},
    {OV_INDICATOR_UNIT, "/usr/lib/systemd/system", false},
    {OV_INDICATOR_UNIT, "/lib/systemd/system", false},
    {OV_INDICATOR_UNIT, "/etc/systemd/user", false},
    {OV_INDICATOR_UNIT, "/usr/lib/systemd/user", false},
    {OV_INDICATOR_UNIT, "/etc/systemd/system/*.wants", false},
    {OV_INDICATOR_UNIT, "/etc/systemd/system/*.requires", false},
    {OV_INDICATOR_UNIT, "/etc/init.d", false},
    {OV_INDICATOR_UNIT, "/etc/rc.d/init.d", false},
    {OV_INDICATOR_UNIT, "/etc/init", false}, // Upstart
    {OV_INDICATOR_SELINUX, "/var/lib/selinux/*/active/modules/*", false},
    {OV_INDICATOR_SELINUX, "/etc/selinux/*/modules/active/modules", false},
    {OV_INDICATOR_SELINUX, "/etc/selinux/*/active/modules/*", false},
    {OV_INDICATOR_MODULE, "/var/lib/dkms", false},
    {OV_INDICATOR_CRON, "/etc/cron.d", true},
    {OV_INDICATOR_CRON, "/etc/cron.hourly", true},
    {OV_INDICATOR_CRON, "/etc/cron.daily", true},
    {OV_INDICATOR_CRON, "/etc/cron.weekly", true},
    {OV_INDICATOR_CRON, "/etc/cron.monthly", true},
    {OV_INDICATOR_CRON, "/var/spool/cron", true},
    {OV_INDICATOR_CRON, "/var/spool/cron/crontabs", true},
    {OV_INDICATOR_SUDOERS, "/etc/sudoers.d", true},
    {OV_INDICATOR_SUDOERS, "/usr/local/etc/sudoers.d", true},
    {OV_INDICATOR_AUDIT, "/etc/audit/rules.d", true},
    {OV_INDICATOR_AUDIT, "/etc/audit/plugins.d", true},
    {OV_INDICATOR_AUDIT, "/etc/audisp/plugins.d", true},
};

static bool has_suffix(const char *name, const char *suffix) {
    size_t size = strlen(name), end = strlen(suffix);
    return size > end && strcmp(name + size - end, suffix) == 0;
}

// Takes what is only the form of a file's name away: "x.pp" is the module x, "x.service.d" has
// settings for x.service.
static void shorten(enum ov_indicator_kind kind, char *name) {
    const char *end = kind == OV_INDICATOR_UNIT ? ".d" : kind == OV_INDICATOR_SELINUX ? ".pp" : "";
    if (end[0] != 0 && has_suffix(name, end)) {
        name[strlen(name) - strlen(end)] = 0;
    }
}

// Whether a unit of that name, with which the path ends but for ".d", is there at all.
static bool has_unit(const struct ov_paths_place *at, const char *path) {
    static const char *const folders[] = {"/etc/systemd/system", "/run/systemd/system",
                                          "/usr/local/lib/systemd/system",
                                          "/usr/lib/systemd/system", "/lib/systemd/system"};
    const char *name = strrchr(path, '/') + 1;
    char unit[PATH_MAX];
    struct stat info;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        OV_AUTO_FD fd = -1;
        (void)snprintf(unit, sizeof unit, "%s/%.*s", folders[i], (int)strlen(name) - 2, name);
        if (ov_root_find(at->tree, unit, true, &fd, &info) == OV_OK) {
            return true;
        }
    }
    return false;
}

enum unit_state { UNIT_THERE, UNIT_LEFT_OVER, UNIT_NOTHING };

// What is left over of a unit: a link to nothing, a mask, settings without the unit itself.
// Settings beside their unit say nothing new.
static enum unit_state judge_unit(const struct ov_paths_place *at, const char *path,
                                  const char **ret_why) {
    char target[PATH_MAX] = "";
    struct stat info;
    OV_AUTO_FD fd = -1, behind = -1;
    if (ov_root_find(at->tree, path, false, &fd, &info) != OV_OK) {
        return UNIT_NOTHING;
    }
    if (!S_ISLNK(info.st_mode)) {
        bool is_settings = has_suffix(path, ".d");
        *ret_why = is_settings ? ": settings of it" : "";
        return !is_settings ? UNIT_THERE : has_unit(at, path) ? UNIT_NOTHING : UNIT_LEFT_OVER;
    }
    ssize_t size = readlinkat(fd, "", target, sizeof target - 1);
    target[size > 0 ? size : 0] = 0;
    bool is_masked = strcmp(target, "/dev/null") == 0;
    bool is_there = ov_root_find(at->tree, path, true, &behind, &info) == OV_OK;
    *ret_why = is_masked ? ": masked" : is_there ? ": a link" : ": a link to nothing";
    return is_masked || !is_there ? UNIT_LEFT_OVER : UNIT_THERE;
}

// A file that an upper layer of a container has deleted: overlayfs keeps a device 0/0 of its name.
static bool is_whiteout(const struct ov_paths_place *at, const char *path) {
    struct stat info;
    OV_AUTO_FD fd = -1;
    return ov_root_find(at->tree, path, false, &fd, &info) == OV_OK && S_ISCHR(info.st_mode) &&
           info.st_rdev == 0;
}

static void see_name(const struct ov_paths_place *at, const struct kind *kind, const char *folder,
                     const char *name) {
    char path[PATH_MAX], detail[PATH_MAX + 32], shown[NAME_MAX + 1];
    const char *why = "";
    int size = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (size < 0 || (size_t)size >= sizeof path) {
        return;
    }
    (void)snprintf(shown, sizeof shown, "%s", name);
    shorten(kind->kind, shown);
    const char *value = kind->is_path ? path : shown;
    struct ov_sight sight = {.kind = kind->kind, .value = value, .place = at->place};
    if (!ov_inventory_knows(kind->kind, value) || is_whiteout(at, path)) {
        return;
    }
    if (kind->kind == OV_INDICATOR_UNIT) {
        enum unit_state state = judge_unit(at, path, &why);
        if (state == UNIT_NOTHING) {
            return;
        }
        sight.is_residue = state == UNIT_LEFT_OVER;
    }
    (void)snprintf(detail, sizeof detail, "%s%s", path, why);
    sight.detail = kind->is_path ? "file" : detail;
    (void)ov_inventory_see(at->inventory, &sight);
}

// ---- folders ------------------------------------------------------------------------------------

struct folder_arg {
    const struct ov_paths_place *at;
    const struct kind *kind;
};

static bool is_link(const struct ov_root *tree, const char *path) {
    struct stat info;
    OV_AUTO_FD fd = -1;
    return ov_root_find(tree, path, false, &fd, &info) == OV_OK && S_ISLNK(info.st_mode);
}

static void list_folder(void *arg, const char *path) {
    const struct folder_arg *folder = arg;
    const struct ov_paths_place *at = folder->at;
    struct ov_root_names names = {0};
    enum ov_status status = ov_root_list(at->tree, path, NAMES_MAX, &names);
    if (status == OV_SYSTEM) {
        ov_paths_add_problem(at, path);
    } else if (status == OV_LIMIT) {
        ov_inventory_add_problem(at->inventory, path, "has more names than are read", at->place);
    }
    for (size_t i = 0; i < names.count; i++) {
        see_name(at, folder->kind, path, names.items[i]);
    }
    ov_root_names_release(&names);
}

// ---- kernel modules -----------------------------------------------------------------------------

// "x-y.ko.zst" is the module x_y.
static bool read_module(const char *name, char *ret_module, size_t size) {
    const char *end = strstr(name, ".ko");
    if (end == NULL || end == name || (end[3] != 0 && end[3] != '.') ||
        (size_t)(end - name) >= size) {
        return false;
    }
    memcpy(ret_module, name, (size_t)(end - name));
    ret_module[end - name] = 0;
    for (char *at = ret_module; (at = strchr(at, '-')) != NULL;) {
        *at = '_';
    }
    return true;
}

static void see_module(const struct ov_paths_place *at, const char *path, const char *name) {
    char module[NAME_MAX + 1];
    if (!read_module(name, module, sizeof module) ||
        !ov_inventory_knows(OV_INDICATOR_MODULE, module) || is_whiteout(at, path)) {
        return;
    }
    const struct ov_sight sight = {
        .kind = OV_INDICATOR_MODULE, .value = module, .detail = path, .place = at->place};
    (void)ov_inventory_see(at->inventory, &sight);
    const struct ov_allowed allowed = {OV_INDICATOR_MODULE, module, OV_POWER_KERNEL, at->place};
    ov_inventory_allow(at->inventory, &allowed, path);
}

// Names alone tell folders apart here: what has an ending is a file, and kernels' folders have none
// but in their own names.
static void walk_modules(const struct ov_paths_place *at, const char *path, unsigned depth,
                         size_t *left) {
    struct ov_root_names names = {0};
    enum ov_status status = ov_root_list(at->tree, path, NAMES_MAX, &names);
    if (status == OV_SYSTEM) {
        ov_paths_add_problem(at, path);
    }
    for (size_t i = 0; i<names.count && * left> 0; i++, *left -= 1) {
        char inner[PATH_MAX];
        const char *name = names.items[i];
        int size = snprintf(inner, sizeof inner, "%s/%s", path, name);
        if (size < 0 || (size_t)size >= sizeof inner) {
            continue;
        }
        bool is_file = strstr(name, ".ko") != NULL;
        if (is_file) {
            see_module(at, inner, name);
        } else if (depth < DEPTH_MAX && !is_link(at->tree, inner)) {
            walk_modules(at, inner, depth + 1, left);
        }
    }
    ov_root_names_release(&names);
}

static void list_modules(const struct ov_paths_place *at) {
    size_t left = MODULES_MAX;
    walk_modules(at, is_link(at->tree, "/lib") ? "/usr/lib/modules" : "/lib/modules", 0, &left);
    if (left == 0) {
        ov_inventory_add_problem(at->inventory, "/lib/modules", "has more files than are read",
                                 at->place);
    }
}

void ov_listing_collect(const struct ov_paths_place *at) {
    bool is_merged = is_link(at->tree, "/lib"); // to /usr/lib, which is looked at by itself
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct folder_arg arg = {at, &kinds[i]};
        if (!is_merged || strncmp(kinds[i].folder, "/lib/", 5) != 0) {
            (void)ov_paths_expand(at, kinds[i].folder, list_folder, &arg);
        }
    }
    list_modules(at);
}
