// SPDX-License-Identifier: Apache-2.0
//
// The rule sources of one request, by path, in the order in which they are loaded.
//
// Paths, mostly: each is opened when it is sent to the builder. The order within a folder is that
// of catalog/folder.h.
#pragma once

#include "base/status.h"
#include "wire/rules.h"

#include <stdbool.h>
#include <stddef.h>

struct ov_source {
    char *path;
    bool is_member;   // of a folder: it need not be readable
    bool is_new;      // of the second of two sets that are compared
    char *label;      // a name of its own, or NULL
    const char *name; // what the builder is told, and borrowed; NULL: the path
    const int *fd;    // open already, and borrowed; NULL: opened by its path when it is sent
    enum ov_wire_source_kind kind;
};

struct ov_sources {
    struct ov_source *items;
    size_t count;
    size_t room;
};

// Adds a file, or the files of a folder (not those of folders in it). OV_SYSTEM (errno) when the
// path itself is not there.
enum ov_status ov_sources_add(struct ov_sources *sources, const char *path);
// Adds one file under a label, whose last part ends like the file's name.
enum ov_status ov_sources_add_labelled(struct ov_sources *sources, const char *path,
                                       const char *label);

void ov_sources_release(struct ov_sources *sources);
