// SPDX-License-Identifier: Apache-2.0
// All that looks for products, one after another.
#include "cmd/inventory_collect.h"

#include "base/fd.h"
#include "cmd/inventory_engines.h"
#include "cmd/inventory_survey.h"
#include "inventory/layers.h"
#include "inventory/listing.h"
#include "inventory/live.h"
#include "inventory/paths.h"
#include "inventory/root.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void show(const struct ov_collect_options *options, const char *what) {
    if (options->has_progress) {
        (void)fprintf(stderr, "\r\033[K%s", what);
    }
}

struct collecting {
    const struct ov_collect_options *options;
    struct ov_survey_sums sums;
};

// What is asked of each place: the root, and each container's layer in it.
static void collect_place(struct collecting *collecting, const struct ov_paths_place *at) {
    const struct ov_collect_options *options = collecting->options;
    show(options, at->place[0] != 0 ? at->place : "paths of products");
    ov_paths_collect(at);
    ov_listing_collect(at);
    show(options, at->place[0] != 0 ? at->place : "packages, accounts, units and rules");
    ov_inventory_survey(at, &collecting->sums);
}

static void collect_layer(void *arg, struct ov_paths_place *layer) {
    collect_place(arg, layer);
}

static void collect_places(struct collecting *collecting, const struct ov_root *tree,
                           struct ov_inventory *inventory) {
    const struct ov_paths_place at = {.tree = tree, .place = "", .inventory = inventory};
    collect_place(collecting, &at);
    ov_inventory_add_method(inventory, "paths of products, and the rights of their programs");
    ov_inventory_add_method(inventory, "names of units, kernel modules, SELinux modules, and of "
                                       "files of cron, sudo and audit");
    size_t count = ov_layers_each(&at, collect_layer, collecting);
    char method[64];
    (void)snprintf(method, sizeof method, "layers of containers on disk: %zu", count);
    ov_inventory_add_method(inventory, method);
}

static enum ov_status collect_image(struct collecting *collecting, struct ov_inventory *inventory) {
    const char *root = collecting->options->root;
    struct stat info;
    OV_AUTO_FD fd = open(root, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(info.st_mode)) {
        return OV_UNSUPPORTED;
    }
    show(collecting->options, "layers of the image");
    ov_inventory_survey_image(fd, root, inventory, &collecting->sums);
    return OV_OK;
}

static enum ov_status collect_tree(struct collecting *collecting, struct ov_inventory *inventory) {
    OV_CLEANUP(ov_root_close) struct ov_root tree = {.root = -1};
    TRY(ov_root_open(collecting->options->root, &tree));
    if (!tree.has_links) {
        ov_inventory_add_problem(inventory, collecting->options->root,
                                 "paths with symbolic links in them are not followed (this "
                                 "kernel has no openat2)",
                                 NULL);
    }
    collect_places(collecting, &tree, inventory);
    if (strcmp(collecting->options->root, "/") == 0) {
        show(collecting->options, "processes");
        ov_live_collect(inventory);
    }
    return OV_OK;
}

enum ov_status ov_inventory_collect(const struct ov_collect_options *options,
                                    struct ov_inventory *inventory) {
    struct collecting collecting = {.options = options};
    enum ov_status status = collect_tree(&collecting, inventory);
    if (status == OV_SYSTEM && errno == ENOTDIR) {
        status = collect_image(&collecting, inventory);
    }
    TRY(status);
    ov_inventory_survey_methods(&collecting.sums, inventory);
    if (options->has_engines) {
        ov_inventory_engines(options->root, options->has_progress, inventory);
    }
    show(options, "");
    ov_inventory_judge(inventory);
    return ov_inventory_status(inventory);
}

// ---- the machine's name -------------------------------------------------------------------------

static void read_name(const char *root, char *text, size_t size) {
    OV_CLEANUP(ov_root_close) struct ov_root tree = {.root = -1};
    OV_AUTO_FD fd = -1;
    struct stat info;
    size_t count = 0;
    if (ov_root_open(root, &tree) == OV_OK &&
        ov_root_open_file(&tree, "/etc/hostname", &fd, &info) == OV_OK &&
        ov_fd_read_full(fd, text, size - 1, &count) == OV_OK) {
        text[count] = 0;
    }
}

void ov_inventory_machine(const char *root, char *ret_name, size_t size) {
    char text[72] = "";
    if (strcmp(root, "/") == 0) {
        (void)gethostname(text, sizeof text - 1);
    } else {
        read_name(root, text, sizeof text);
    }
    // Names of hosts have these characters (RFC 1123) and, where nobody looks, '_'.
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '-' || text[length] == '.' ||
           text[length] == '_') {
        length++;
    }
    text[length] = 0;
    (void)snprintf(ret_name, size, "%s", text);
}
