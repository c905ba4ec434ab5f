// SPDX-License-Identifier: Apache-2.0
//
// What pax records say of the member that follows them, and sparse members. Worker process only.
//
// POSIX.1-2017, "pax", EXTENDED DESCRIPTION; GNU tar's manual, "Storing Sparse Files".
#pragma once

#include "format/archive/tar_header.h"
#include "format/walk.h"

// Spans are borrowed from the archive, but for a map that was written record by record.
struct ov_tar_pax {
    struct ov_span path;
    bool has_size;
    uint64_t size;
    bool is_sparse;
    bool has_map_in_data;       // GNU format 1.0
    struct ov_span map;         // format 0.1: offsets and sizes, with commas
    struct ov_buf *map_records; // format 0.0: the same, gathered here
    uint64_t real_bytes;        // of a sparse member
};

// Reads the records and adds what they say. OV_DAMAGED: some cannot be read.
enum ov_status ov_tar_pax_read(struct ov_span records, struct ov_tar_pax *pax);

// Writes out a sparse member whose map the records gave.
enum ov_status ov_tar_pax_expand(const struct ov_tar_pax *pax, struct ov_span data,
                                 struct ov_walk *walk, struct ov_buf *plain);

// Writes out a sparse member of GNU tar's old kind. `in` stands behind the header, and afterwards
// behind the blocks with the rest of the map; `size` bytes of data follow.
enum ov_status ov_tar_gnu_expand(const struct ov_tar_header *header, struct ov_cursor *in,
                                 struct ov_walk *walk, struct ov_buf *plain);
