// SPDX-License-Identifier: Apache-2.0
//
// Rule sources, opened and mapped before the builder cages itself, so that it needs no path after.
//
// The order within a folder is that of rules/folder.h, as in ov_ruleset_load.
#pragma once

#include "base/fd.h"
#include "base/status.h"

struct ov_source {
    char *path;
    struct ov_file_map map;
    int error; // errno when it could not be opened; else 0
};

struct ov_sources {
    struct ov_source *items;
    size_t count;
    size_t room;
};

// Adds a file, or the files of a folder (not those of folders in it). OV_SYSTEM (errno) when the
// path itself cannot be read; a file in a folder that cannot be is added with its error.
enum ov_status ov_sources_add(struct ov_sources *sources, const char *path);
void ov_sources_release(struct ov_sources *sources);

// Drops the older of two containers of one name (main.cvd, main.cld). Looks into their headers, so
// it is called in the cage.
void ov_sources_drop_superseded(struct ov_sources *sources);
