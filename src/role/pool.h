// SPDX-License-Identifier: Apache-2.0
//
// Large files on their way from the walk to a worker: they wait here until several can go as a
// group, which is hashed side by side.
//
// Owns the descriptors that are in it. The broker's; bench/inprocess.c groups with it as well.
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct ov_ticket;

enum {
    OV_POOL_FILES = 192,
    OV_POOL_BYTES = 512 << 20,
    OV_GROUP_FILES = 48,        // at most
    OV_GROUP_BYTES = 256 << 20, // at most, beside the longest file
};

struct ov_pool_file {
    int fd;
    uint64_t size;
    struct ov_ticket *ticket; // whose result waits; borrowed
};

struct ov_pool {
    struct ov_pool_file files[OV_POOL_FILES]; // longest first
    uint32_t count;
    uint64_t bytes;
};

// Whether a group should be taken before the next file is added; one more file must be left room.
bool ov_pool_is_full(const struct ov_pool *pool);

// Takes the file over. The pool must not be full.
void ov_pool_add(struct ov_pool *pool, struct ov_pool_file file);

// Takes a group out of the pool, at least one file when there is any: the longest file, and others
// of about its length. With several workers a group is a fair part of what is there, so that in the
// end none has to wait for another for long. Returns the number of files.
uint32_t ov_pool_take(struct ov_pool *pool, unsigned workers,
                      struct ov_pool_file ret_files[OV_GROUP_FILES]);

// Closes what is left.
void ov_pool_close(struct ov_pool *pool);
