// SPDX-License-Identifier: Apache-2.0
//
// What the files of the reader of ISO 9660 share. Worker process only.
#pragma once

#include "format/archive/disc.h"

struct ov_iso {
    struct ov_disc disc;
    uint32_t block_bytes; // of the volume: extents are counted in these
    bool is_joliet;       // of the volume: names are UTF-16
    bool is_damaged;
    struct ov_buf copy, listing, whole, name; // of raw sectors, a directory, a file, a path
};

// Tells of all files below a root, whose directory record begins at `root`, that were not told yet.
enum ov_status ov_iso_walk_tree(struct ov_iso *iso, struct ov_span root);
