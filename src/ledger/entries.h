// SPDX-License-Identifier: Apache-2.0
//
// Entry bundles: up to 256 entries of a log in one file (C2SP tlog-tiles), each as its length in
// two bytes, big-endian, and its bytes.
//
// The entries point into the bytes that were read. Any process.
#pragma once

#include "ledger/tile.h"

enum {
    OV_ENTRY_BYTES_MAX = 65535,
    OV_ENTRIES_BYTES_MAX = OV_TILE_WIDTH * (2 + OV_ENTRY_BYTES_MAX), // of a whole bundle
};

struct ov_entries {
    unsigned count;
    struct ov_span entries[OV_TILE_WIDTH];
};

// Reads a bundle of exactly `width` (1 to 256) entries with nothing after them. OV_DAMAGED
// otherwise; OV_UNSUPPORTED when the bytes are no bundle but a gzip file, as some logs store them.
enum ov_status ov_entries_read(struct ov_span bytes, unsigned width,
                               struct ov_entries *ret_entries);

// Appends one entry to a bundle. OV_INVALID when it is longer than OV_ENTRY_BYTES_MAX, OV_MEMORY.
enum ov_status ov_entries_add(struct ov_buf *bundle, struct ov_span entry);

// Reads the file of the first `width` entries of bundle `number` below the open folder, from the
// file of that width or from the full one, into `bytes`; the entries point there. As
// ov_entries_read, and OV_SYSTEM with errno, OV_MEMORY.
enum ov_status ov_entries_load(int folder, uint64_t number, unsigned width, struct ov_buf *bytes,
                               struct ov_entries *ret_entries);
