// SPDX-License-Identifier: Apache-2.0
// Where container programs keep the files of what they run.
#include "inventory/layers.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

// A name is a part of the path, counted from the end: it tells layers apart.
struct store {
    const char *pattern;
    const char *what;
    unsigned name_from_end;
};

static const struct store stores[] = {
    {"/var/lib/docker/overlay2/*/diff", "container layer", 1},
    {"/var/lib/docker/vfs/dir/*", "container layer", 0},
    {"/var/lib/docker/btrfs/subvolumes/*", "container layer", 0},
    {"/var/snap/docker/common/var-lib-docker/overlay2/*/diff", "container layer", 1},
    {"/home/*/.local/share/docker/overlay2/*/diff", "container layer", 1},
    {"/home/*/.local/share/docker/fuse-overlayfs/*/diff", "container layer", 1},
    {"/var/lib/containers/storage/overlay/*/diff", "container layer", 1},
    {"/var/lib/containers/storage/vfs/dir/*", "container layer", 0},
    {"/home/*/.local/share/containers/storage/overlay/*/diff", "container layer", 1},
    {"/home/*/.local/share/containers/storage/vfs/dir/*", "container layer", 0},
    {"/root/.local/share/containers/storage/overlay/*/diff", "container layer", 1},
    {"/var/lib/containerd/io.containerd.snapshotter.v1.*/snapshots/*/fs", "container snapshot", 1},
    {"/var/lib/docker/containerd/daemon/io.containerd.snapshotter.v1.*/snapshots/*/fs",
     "container snapshot", 1},
    {"/var/lib/rancher/k3s/agent/containerd/io.containerd.snapshotter.v1.*/snapshots/*/fs",
     "container snapshot", 1},
    {"/var/lib/lxc/*/rootfs", "container", 1},
    {"/var/lib/lxd/storage-pools/*/containers/*/rootfs", "container", 1},
    {"/var/lib/machines/*", "container", 0},
};

enum { NAME_SHOWN = 20, STORE_LAYERS_MAX = 16384 };

struct visit {
    const struct ov_paths_place *at;
    const struct store *store;
    void (*tell)(void *arg, struct ov_paths_place *layer);
    void *arg;
    size_t count;
};

// The part of a path that is so many parts before its last.
static void cut_name(const char *path, unsigned from_end, char *ret_name, size_t size) {
    const char *end = path + strlen(path);
    for (unsigned i = 0; i < from_end; i++) {
        end = memrchr(path, '/', (size_t)(end - path));
    }
    const char *begin = memrchr(path, '/', (size_t)(end - path));
    int length = (int)(end - begin - 1);
    (void)snprintf(ret_name, size, "%.*s", length < NAME_SHOWN ? length : NAME_SHOWN, begin + 1);
}

static void visit_layer(void *arg, const char *path) {
    struct visit *visit = arg;
    OV_CLEANUP(ov_root_close) struct ov_root tree = {.root = -1};
    char name[NAME_SHOWN + 1], place[sizeof name + 32];
    enum ov_status status = ov_root_open_below(visit->at->tree, path, &tree);
    if (status == OV_SYSTEM && errno != ENOTDIR) {
        ov_paths_add_problem(visit->at, path);
    }
    if (status != OV_OK) {
        return;
    }
    cut_name(path, visit->store->name_from_end, name, sizeof name);
    (void)snprintf(place, sizeof place, "%s %s", visit->store->what, name);
    struct ov_paths_place layer = {
        .tree = &tree, .place = place, .inventory = visit->at->inventory};
    visit->tell(visit->arg, &layer);
    visit->count++;
}

size_t ov_layers_each(const struct ov_paths_place *at,
                      void (*tell)(void *arg, struct ov_paths_place *layer), void *arg) {
    struct visit visit = {.at = at, .tell = tell, .arg = arg};
    struct ov_paths_place many = *at;
    many.most = STORE_LAYERS_MAX;
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        visit.store = &stores[i];
        (void)ov_paths_expand(&many, stores[i].pattern, visit_layer, &visit);
    }
    return visit.count;
}
