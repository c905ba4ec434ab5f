// SPDX-License-Identifier: Apache-2.0
//
// The private folder that a fetcher writes to: made for one run, opened with care, removed.
//
// For the files of this room alone.
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

// A new folder below `parent`, for its maker alone. Those that a broker left behind when it was
// killed are removed. OV_SYSTEM, OV_LIMIT.
enum ov_status ov_staging_open(const char *parent, char *ret_path, size_t size, int *ret_folder);

// The file with this number, which must be a regular file of that size with this one name. OV_PEER
// when it is anything else: the fetcher that wrote it may have been hijacked.
enum ov_status ov_staging_file(int folder, size_t number, uint64_t size_bytes, int *ret_fd);

// Removes the folder and what is in it; closes it.
void ov_staging_close(const char *path, int *folder);
