// SPDX-License-Identifier: Apache-2.0
//
// What the files of the reader of HFS+ share. Worker process only.
//
// Apple Technical Note 1150, "HFS Plus Volume Format"; sys/decmpfs.h of XNU for packed files.
#pragma once

#include "base/buf.h"
#include "format/walk.h"

enum { OV_HFS_EXTENTS = 8 };

struct ov_hfs_extent {
    uint32_t block, count;
};

// Where the bytes of one fork of a file are.
struct ov_hfs_fork {
    uint64_t bytes;
    uint32_t block_count;
    struct ov_hfs_extent extents[OV_HFS_EXTENTS];
};

enum ov_hfs_fork_kind {
    OV_HFS_FORK_DATA = 0,
    OV_HFS_FORK_RESOURCE = 0xff,
};

// A record of a tree, by the number of the file or folder that it tells of.
struct ov_hfs_item {
    struct ov_hfs_item *next;
    uint32_t id;
    uint32_t parent;       // of a folder; of extents: the first block
    struct ov_span name;   // of a folder or an attribute, in UTF-16
    struct ov_span record; // of the tree
    enum ov_hfs_fork_kind fork;
};

enum { OV_HFS_BUCKETS = 4096 };

struct ov_hfs_index {
    struct ov_hfs_item **buckets;
    uint32_t count;
};

struct ov_hfs {
    struct ov_walk *walk;
    struct ov_span volume;
    uint32_t block_bytes;
    struct ov_hfs_index folders, extents, attributes;
    bool is_damaged;
    bool is_unsupported;
};

// ---- forks -------------------------------------------------------------------------------------

// Reads 80 bytes.
struct ov_hfs_fork ov_hfs_read_fork(struct ov_cursor *in);

// The content of a fork of file `id`: of the volume itself, or gathered in `whole`. OV_OK, also
// when some of it is missing or does not fit, which is noted. OV_LIMIT: no time is left. OV_MEMORY.
enum ov_status ov_hfs_fork_bytes(struct ov_hfs *hfs, const struct ov_hfs_fork *fork, uint32_t id,
                                 enum ov_hfs_fork_kind kind, struct ov_buf *whole,
                                 struct ov_span *ret_bytes);

// ---- trees -------------------------------------------------------------------------------------

// One record of a leaf: its key, without its length, and what follows it.
typedef enum ov_status ov_hfs_visitor(struct ov_hfs *hfs, void *arg, struct ov_span key,
                                      struct ov_span record);

// Shows all records of all leaves of the tree in these bytes, in the order in which they stand.
enum ov_status ov_hfs_visit(struct ov_hfs *hfs, struct ov_span tree, ov_hfs_visitor *visit,
                            void *arg);

// Adds an item. OV_MEMORY when the arena is full.
enum ov_status ov_hfs_index_add(struct ov_hfs *hfs, struct ov_hfs_index *index,
                                struct ov_hfs_item item);

// The items of a bucket in which those of `id` are, the last added first; others may be among them.
const struct ov_hfs_item *ov_hfs_index_find(const struct ov_hfs_index *index, uint32_t id);

// ---- packed files ------------------------------------------------------------------------------

// Unpacks what the attribute com.apple.decmpfs of a file says to `plain`. `resource` is its
// resource fork. OV_OK; OV_DAMAGED: `plain` holds what came before; OV_UNSUPPORTED: a method that
// is not built; OV_LIMIT, OV_MEMORY.
enum ov_status ov_hfs_unpack(struct ov_hfs *hfs, struct ov_span attribute, struct ov_span resource,
                             struct ov_buf *plain);
