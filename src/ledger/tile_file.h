// SPDX-License-Identifier: Apache-2.0
//
// Files of a log's folder, for the readers of this room alone.
#pragma once

#include "ledger/tile.h"

// Opens the regular file at `path` below the folder, which is no symbolic link, and tells its size.
// OV_SYSTEM with errno, OV_DAMAGED when it is no regular file.
enum ov_status ov_tile_file_open(int folder, const struct ov_tile_path *path, int *ret_fd,
                                 uint64_t *ret_size);

// What a status says of a file, for ov_tile_flaw: a constant phrase, `damaged` for OV_DAMAGED.
const char *ov_tile_flaw_text(enum ov_status status, const char *damaged);
