// SPDX-License-Identifier: Apache-2.0
//
// The whole scanner in one unconfined process: what a scan costs without the cage around it.
//
//   inprocess IMAGE.ovi|none TREE [ROUNDS [walk]]
//
// With none instead of an image, files are opened and read, but not scanned: no scanner can be
// faster than that.
//
// Opens, reads and closes every file and scans it, in the batches that the broker makes. With
// `walk` it also finds them as the broker does, else from a list made before. The difference to
// `overt scan --jobs 1` is then the price of confinement. Never ship such a program.
#include "load.h"

#include "base/fd.h"
#include "role/child.h"
#include "role/pool.h"
#include "role/walk.h"
#include "scan/scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BATCH_FILES = 64,
    BATCH_BYTES = 256 << 10,
    SLACK = 64,
};

// Small files lie one behind the other in `ring`; large ones wait in the broker's pool.
struct batch {
    struct ov_scanner *scanner;
    uint8_t *ring;
    size_t used;
    struct ov_scan_job jobs[BATCH_FILES];
    size_t count;
    struct ov_pool pool; // large files
    uint64_t found, clean, other;
};

static void finish_batch(struct batch *batch) {
    if (batch->count == 0) {
        return;
    }
    if (batch->scanner != NULL) {
        ov_scanner_run(batch->scanner, batch->jobs, batch->count);
    }
    for (size_t i = 0; i < batch->count; i++) {
        enum ov_verdict_kind kind = batch->jobs[i].verdict.kind;
        batch->found += kind == OV_VERDICT_FOUND;
        batch->clean += kind == OV_VERDICT_CLEAN;
        batch->other += kind != OV_VERDICT_FOUND && kind != OV_VERDICT_CLEAN;
    }
    batch->count = batch->used = 0;
}

// A group of large files, as the broker makes it for one worker.
static void scan_group(struct batch *batch, struct ov_pool *pool) {
    struct ov_pool_file files[OV_GROUP_FILES];
    struct ov_file_map maps[OV_GROUP_FILES];
    finish_batch(batch);
    uint32_t count = ov_pool_take(pool, 1, files);
    for (uint32_t i = 0; i < count; i++) {
        if (ov_file_map_open_fd(files[i].fd, &maps[i]) != OV_OK) {
            bench_die("a large file", "cannot be mapped");
        }
        batch->jobs[i].bytes = maps[i].bytes;
    }
    batch->count = count;
    finish_batch(batch);
    for (uint32_t i = 0; i < count; i++) {
        ov_file_map_close(&maps[i]);
        (void)close(files[i].fd);
    }
}

static void scan_opened(struct batch *batch, int fd, size_t size) {
    if (size > OV_SMALL_FILE_BYTES) {
        ov_pool_add(&batch->pool, (struct ov_pool_file){.fd = fd, .size = size});
        if (ov_pool_is_full(&batch->pool)) {
            scan_group(batch, &batch->pool);
        }
        return;
    }
    if (batch->count == BATCH_FILES || batch->used + size + SLACK > BATCH_BYTES) {
        finish_batch(batch);
    }
    size_t got = 0;
    if (ov_fd_read_full(fd, batch->ring + batch->used, size, &got) != OV_OK) {
        bench_die("a file", "cannot be read");
    }
    batch->jobs[batch->count++].bytes = ov_span_make(batch->ring + batch->used, got);
    batch->used += (size + SLACK + 63) & ~(size_t)63;
    close(fd);
}

static void scan_file(struct batch *batch, const char *path) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        bench_die(path, "cannot be opened");
    }
    scan_opened(batch, fd, (size_t)info.st_size);
}

static void scan_walked(struct batch *batch, const char *tree) {
    const struct ov_walk_options options = {0};
    struct ov_walk *walk = NULL;
    struct ov_walk_item item;
    enum ov_status status = ov_walk_new(&tree, 1, &options, &walk);
    while (status == OV_OK && (status = ov_walk_next(walk, &item)) == OV_OK) {
        if (item.kind == OV_WALK_FILE) {
            scan_opened(batch, item.fd, (size_t)item.info.st_size);
        }
    }
    if (status != OV_END) {
        bench_die(tree, "cannot be walked");
    }
    ov_walk_free(walk);
}

static void open_scanner(const char *path, struct ov_file_map *map,
                         struct ov_scanner **ret_scanner) {
    char reason[256] = "";
    struct ov_scan_options options = {.limits = ov_limits_default()};
    if (ov_file_map_open(path, map) != OV_OK) {
        bench_die(path, "cannot be opened");
    }
    if (ov_scanner_new(map->bytes, &options, reason, sizeof reason, ret_scanner) != OV_OK) {
        bench_die(path, reason);
    }
}

int main(int argc, char **argv) {
    bool is_walk = argc == 5 && strcmp(argv[4], "walk") == 0;
    if (argc < 3 || argc > 5 || (argc == 5 && !is_walk)) {
        bench_die("inprocess", "usage: inprocess IMAGE.ovi|none TREE [ROUNDS [walk]]");
    }
    struct ov_file_map map = {0};
    struct batch batch = {.ring = aligned_alloc(4096, BATCH_BYTES)};
    if (batch.ring == NULL) {
        bench_die("inprocess", "out of memory");
    }
    if (strcmp(argv[1], "none") != 0) {
        open_scanner(argv[1], &map, &batch.scanner);
    }
    struct bench_files files = bench_files_list(argv[2]);
    double best = 1e30;
    for (int round = argc >= 4 ? atoi(argv[3]) : 1; round > 0; round--) {
        batch.found = batch.clean = batch.other = 0;
        double before = bench_cpu_seconds();
        for (size_t i = 0; !is_walk && i < files.count; i++) {
            scan_file(&batch, files.list[i].path);
        }
        if (is_walk) {
            scan_walked(&batch, argv[2]);
        }
        finish_batch(&batch);
        while (batch.pool.count > 0) {
            scan_group(&batch, &batch.pool);
        }
        double spent = bench_cpu_seconds() - before;
        best = spent < best ? spent : best;
    }
    printf("program=inprocess files=%zu bytes=%llu cpu=%.6f found=%llu clean=%llu other=%llu\n",
           files.count, (unsigned long long)files.bytes, best, (unsigned long long)batch.found,
           (unsigned long long)batch.clean, (unsigned long long)batch.other);
    ov_scanner_free(batch.scanner);
    ov_file_map_close(&map);
    return 0;
}
