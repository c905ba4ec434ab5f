// SPDX-License-Identifier: Apache-2.0
//
// What the files of the reader of NTFS share. Worker process only.
//
// Microsoft has not described the format: "NTFS Documentation" of the Linux-NTFS project (Russon,
// Fledel); [MS-XCA] 2.5 for compressed files.
#pragma once

#include "base/buf.h"
#include "format/walk.h"

enum {
    OV_NTFS_RUNS_MAX = 1 << 15,
    OV_NTFS_COMPRESSED = 0x00ff, // flags of an attribute
    OV_NTFS_ENCRYPTED = 0x4000,
};

// Clusters of a stream that follow one another on the volume.
struct ov_ntfs_run {
    uint64_t count;
    uint64_t cluster; // the first
    bool is_hole;
};

// One attribute of a record. Borrowed from the record.
struct ov_ntfs_attribute {
    uint32_t kind;
    uint16_t flags;
    bool is_resident;
    struct ov_span name;  // in UTF-16
    struct ov_span value; // of a resident one
    struct ov_span runs;  // of the others, packed
    uint64_t first;       // cluster of the stream that the runs begin with
    uint64_t bytes;       // of the stream
    uint64_t ready_bytes; // the rest reads as zeros
    unsigned unit_bits;   // clusters of a unit that is compressed by itself
};

struct ov_ntfs {
    struct ov_walk *walk;
    struct ov_span volume;
    uint32_t cluster_bytes, record_bytes;
    struct ov_ntfs_run *runs; // of the stream that is being read
    uint32_t run_count;
    uint64_t run_clusters; // all of them together
    bool is_damaged;
};

// Reads the attribute at the cursor and moves on to the next. False: there is none.
bool ov_ntfs_next(struct ov_cursor *in, struct ov_ntfs_attribute *ret_attribute);

// Adds packed runs to those of the stream.
void ov_ntfs_add_runs(struct ov_ntfs *ntfs, struct ov_span packed);

// The bytes of the stream that the runs tell of, as the attribute with its beginning describes
// them: of the volume itself, or made in `whole`. OV_OK, also when some of it is missing or does
// not fit, which is noted; OV_LIMIT: no time is left; OV_MEMORY.
enum ov_status ov_ntfs_read(struct ov_ntfs *ntfs, const struct ov_ntfs_attribute *stream,
                            struct ov_buf *whole, struct ov_span *ret_bytes);
