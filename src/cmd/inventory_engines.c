// SPDX-License-Identifier: Apache-2.0
// Scanning engines inside of other products, found by content.
#include "cmd/inventory_engines.h"

#include "base/buf.h"
#include "base/install.h"
#include "catalog/image_check.h"
#include "role/scan_job.h"

#include <errno.h>
#include <fts.h>
#include <linux/magic.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define FILE_BYTES_MAX ((uint64_t)1 << 30)

enum {
    BATCH_COUNT = 8192, // paths handed to one scan
    DEPTH_MAX = 64,     // folders inside one another
    NAME_TAIL = 11,     // bytes of ".UNOFFICIAL"
};

struct engines {
    const char *root;
    size_t root_bytes; // that a report leaves out of a path
    bool has_progress;
    bool is_whole; // no scan ended early
    struct ov_inventory *inventory;
    struct ov_scan_image image;
    char **paths;
    size_t path_count;
    size_t done_count;
};

static const char *shorten(const struct engines *engines, const char *path) {
    const char *rest = path + engines->root_bytes;
    return *rest != 0 ? rest : path;
}

static void add_problem(const struct engines *engines, const char *path, const char *why) {
    char text[PATH_MAX + 32];
    (void)snprintf(text, sizeof text, "%s (engines)", shorten(engines, path));
    ov_inventory_add_problem(engines->inventory, text, why, NULL);
}

// ---- one batch ----------------------------------------------------------------------------------

static void add_hits(const struct engines *engines, const struct ov_scan_result *result,
                     const char *path) {
    for (uint32_t i = 0; i < result->detection_count; i++) {
        char name[OV_NAME_TEXT_BYTES];
        if (!ov_rule_names_get(&engines->image.names, result->detections[i].rule, name)) {
            continue;
        }
        size_t size = strlen(name);
        if (size > NAME_TAIL && strcmp(name + size - NAME_TAIL, ".UNOFFICIAL") == 0) {
            name[size - NAME_TAIL] = 0;
        }
        const struct ov_sight sight = {
            .kind = OV_INDICATOR_ENGINE, .value = name, .detail = shorten(engines, path)};
        (void)ov_inventory_see(engines->inventory, &sight);
    }
}

static void take_result(void *arg, const struct ov_scan_result *result) {
    struct engines *engines = arg;
    char path[PATH_MAX];
    size_t size = result->path.size < sizeof path ? result->path.size : sizeof path - 1;
    memcpy(path, result->path.data, size);
    path[size] = 0;
    engines->done_count++;
    if (result->kind == OV_RESULT_FOUND) {
        add_hits(engines, result, path);
    }
    bool is_partial = result->kind == OV_RESULT_FOUND && result->reason != NULL;
    if (result->kind == OV_RESULT_ERROR || result->kind == OV_RESULT_LIMITED || is_partial) {
        add_problem(engines, path, result->reason != NULL ? result->reason : "was not scanned");
    }
}

static void show_progress(void *arg) {
    const struct engines *engines = arg;
    if (engines->has_progress) {
        (void)fprintf(stderr, "\r\033[Kengines: %zu programs, libraries and databases",
                      engines->done_count);
    }
}

static void scan_batch(struct engines *engines) {
    if (engines->path_count > 0) {
        struct ov_limits limits = ov_limits_default();
        limits.file_bytes = FILE_BYTES_MAX; // libraries are large
        limits.scan_bytes = 2 * FILE_BYTES_MAX;
        const struct ov_scan_request request = {
            .paths = (const char *const *)engines->paths,
            .path_count = engines->path_count,
            .image = &engines->image,
            .limits = limits,
            .is_all_matches = true,
            .arg = engines,
            .on_result = take_result,
            .on_tick = show_progress,
        };
        struct ov_scan_outcome outcome = {0};
        if (ov_scan_run(&request, &outcome) != OV_OK) {
            engines->is_whole = false;
            ov_inventory_add_problem(engines->inventory, "search for engines", outcome.reason,
                                     NULL);
        }
    }
    for (size_t i = 0; i < engines->path_count; i++) {
        free(engines->paths[i]);
    }
    engines->path_count = 0;
}

static void add_path(struct engines *engines, const char *path) {
    char *copy = strdup(path);
    if (copy == NULL) {
        add_problem(engines, path, "not enough memory");
        return;
    }
    engines->paths[engines->path_count++] = copy;
    if (engines->path_count == BATCH_COUNT) {
        scan_batch(engines);
    }
}

// ---- what is worth a look -----------------------------------------------------------------------

// How files of programs and of signature databases end, as vendors name them.
static const char *const endings[] = {
    ".avc", ".bin", ".cld", ".cud", ".cvd", ".dat", ".db",    ".def",
    ".dll", ".exe", ".ide", ".kdc", ".kdl", ".nup", ".rvd",   ".sig",
    ".vdb", ".vdf", ".vdm", ".xmd", ".yac", ".yar", ".yarac", ".yarc",
};

static bool is_candidate(const char *name, mode_t mode) {
    if ((mode & 0111) != 0 || strstr(name, ".so") != NULL) {
        return true;
    }
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

// Folders of the kernel's own, where names are no files (statfs(2)).
static bool is_of_kernel(const char *path) {
    static const unsigned kinds[] = {
        PROC_SUPER_MAGIC,    SYSFS_MAGIC,    DEVPTS_SUPER_MAGIC, CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,  TRACEFS_MAGIC,      SECURITYFS_MAGIC,
        BPF_FS_MAGIC,        PSTOREFS_MAGIC, SELINUX_MAGIC,      HUGETLBFS_MAGIC,
    };
    struct statfs info;
    if (statfs(path, &info) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if ((unsigned)info.f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}

static void visit(struct engines *engines, FTS *walk, FTSENT *entry, dev_t *device) {
    switch (entry->fts_info) {
    case FTS_D:
        if (entry->fts_level > DEPTH_MAX) {
            add_problem(engines, entry->fts_path, "folders too deep inside one another");
            (void)fts_set(walk, entry, FTS_SKIP);
        } else if (entry->fts_statp->st_dev != *device) {
            *device = entry->fts_statp->st_dev;
            if (is_of_kernel(entry->fts_accpath)) {
                (void)fts_set(walk, entry, FTS_SKIP);
            }
        }
        break;
    case FTS_F:
        if (entry->fts_statp->st_size > 0 &&
            is_candidate(entry->fts_name, entry->fts_statp->st_mode)) {
            add_path(engines, entry->fts_path);
        }
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        add_problem(engines, entry->fts_path, strerror(entry->fts_errno));
        break;
    default:
        break;
    }
}

// Links are not followed.
static void walk_tree(struct engines *engines) {
    char *const roots[] = {(char *)(uintptr_t)engines->root, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    dev_t device = 0;
    if (walk == NULL) {
        add_problem(engines, engines->root, strerror(errno));
        return;
    }
    errno = 0;
    for (FTSENT *entry = fts_read(walk); entry != NULL; entry = fts_read(walk)) {
        if (entry->fts_info == FTS_F && entry->fts_level == 0) {
            add_path(engines, entry->fts_path); // an image is looked into, whatever its name
        } else {
            visit(engines, walk, entry, &device);
        }
        errno = 0;
    }
    if (errno != 0) {
        add_problem(engines, engines->root, strerror(errno));
    }
    (void)fts_close(walk);
}

static bool open_rules(struct engines *engines) {
    char path[PATH_MAX];
    char reason[OV_SCAN_REASON_BYTES] = "the rules for engines are not installed";
    if (ov_install_find(OV_PART_ENGINES, path, sizeof path) == OV_OK &&
        ov_scan_image_open(path, &engines->image, reason) == OV_OK) {
        if (ov_image_check(engines->image.map.bytes, reason) == OV_OK) {
            return true;
        }
        ov_scan_image_close(&engines->image);
    }
    ov_inventory_add_problem(engines->inventory, path, reason, NULL);
    return false;
}

void ov_inventory_engines(const char *root, bool has_progress, struct ov_inventory *inventory) {
    struct engines engines = {
        .root = root,
        .root_bytes = strlen(root),
        .has_progress = has_progress,
        .is_whole = true,
        .inventory = inventory,
        .paths = calloc(BATCH_COUNT, sizeof(char *)),
    };
    while (engines.root_bytes > 0 && root[engines.root_bytes - 1] == '/') {
        engines.root_bytes--;
    }
    if (engines.paths == NULL) {
        ov_inventory_add_problem(inventory, "search for engines", "not enough memory", NULL);
        return;
    }
    if (open_rules(&engines)) {
        walk_tree(&engines);
        scan_batch(&engines);
        ov_scan_image_close(&engines.image);
        char method[96];
        (void)snprintf(method, sizeof method,
                       "content of programs, libraries and databases, for engines: %zu%s",
                       engines.done_count, engines.is_whole ? "" : ", not to the end");
        ov_inventory_add_method(inventory, method);
    }
    free(engines.paths);
}
