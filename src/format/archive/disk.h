// SPDX-License-Identifier: Apache-2.0
//
// The partitions of a disk, each told once, whatever table it stands in. Worker process only.
#pragma once

#include "format/walk.h"

enum {
    OV_DISK_SECTOR_BYTES = 512,
    OV_DISK_PARTITIONS_MAX = 256,
};

struct ov_disk_place {
    uint64_t at, size;
};

struct ov_disk {
    struct ov_walk *walk;
    struct ov_span image;
    struct ov_disk_place told[OV_DISK_PARTITIONS_MAX];
    uint32_t told_count;
    bool is_damaged; // a partition reaches behind the end of the image
};

// Tells of the partition of `count` sectors from `first` on, as far as the image goes. What begins
// with the image is the image itself, and is not told.
enum ov_status ov_disk_tell(struct ov_disk *disk, struct ov_disk_place sectors,
                            uint32_t sector_bytes, struct ov_span name);

// The type of a partition that a table alone tells of: clamscan knows HFS+ in no other place.
enum ov_filetype ov_disk_type(struct ov_span partition);

// Tells of a partition, cut to ov_walk_room(), as what it is.
enum ov_status ov_disk_tell_bytes(struct ov_walk *walk, struct ov_span bytes, struct ov_span name);
