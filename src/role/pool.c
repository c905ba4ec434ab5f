// SPDX-License-Identifier: Apache-2.0
// Groups large files for side by side hashing.
#include "role/pool.h"

#include "base/fd.h"

#include <string.h>

enum {
    SHARE_MIN_BYTES = 1 << 20,
    OPEN_FILES = 512, // in groups under way to all workers, at most
    GROUP_FILES_MIN = 8,
};

bool ov_pool_is_full(const struct ov_pool *pool) {
    return pool->count == OV_POOL_FILES || pool->bytes >= OV_POOL_BYTES;
}

void ov_pool_add(struct ov_pool *pool, struct ov_pool_file file) {
    uint32_t at = pool->count++;
    while (at > 0 && pool->files[at - 1].size < file.size) {
        pool->files[at] = pool->files[at - 1];
        at--;
    }
    pool->files[at] = file;
    pool->bytes += file.size;
}

static uint64_t find_share(const struct ov_pool *pool, unsigned workers) {
    uint64_t share = workers > 1 ? pool->bytes / (2 * workers) : pool->bytes;
    share = share > SHARE_MIN_BYTES ? share : SHARE_MIN_BYTES;
    return share < OV_GROUP_BYTES ? share : OV_GROUP_BYTES;
}

static uint32_t find_files_max(unsigned workers) {
    uint32_t most = OPEN_FILES / 2 / workers;
    most = most > GROUP_FILES_MIN ? most : GROUP_FILES_MIN;
    return most < OV_GROUP_FILES ? most : OV_GROUP_FILES;
}

uint32_t ov_pool_take(struct ov_pool *pool, unsigned workers,
                      struct ov_pool_file ret_files[OV_GROUP_FILES]) {
    uint64_t room = find_share(pool, workers); // beside the longest
    uint32_t files_max = find_files_max(workers);
    uint32_t taken = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        struct ov_pool_file file = pool->files[i];
        bool fits = taken == 0 || (taken < files_max && file.size <= room);
        if (!fits) {
            pool->files[kept++] = file;
            continue;
        }
        room -= taken == 0 ? 0 : file.size;
        ret_files[taken++] = file;
        pool->bytes -= file.size;
    }
    pool->count = kept;
    return taken;
}

void ov_pool_close(struct ov_pool *pool) {
    for (uint32_t i = 0; i < pool->count; i++) {
        ov_fd_close(&pool->files[i].fd);
    }
    *pool = (struct ov_pool){0};
}
