// SPDX-License-Identifier: Apache-2.0
//
// What the files of the reader of UDF share. Worker process only.
//
// ECMA-167 (third edition); OSTA UDF 2.60.
#pragma once

#include "format/archive/disc.h"

enum {
    OV_UDF_MAPS_MAX = 8,
    OV_UDF_TAG_FILE_SET = 256,
    OV_UDF_TAG_NAME = 257,
    OV_UDF_TAG_MORE_EXTENTS = 258,
    OV_UDF_TAG_FILE = 261,
    OV_UDF_TAG_LARGE_FILE = 266,
};

// Where something begins: a block of a partition, by number of the partition's map.
struct ov_udf_place {
    uint32_t bytes, block;
    uint16_t map;
};

struct ov_udf_map {
    uint64_t start;               // of its partition, in bytes
    uint16_t partition;           // its number
    bool is_metadata;             // blocks are counted within a file
    uint32_t metadata_file;       // its first block
    struct ov_span metadata;      // the content of that file
    struct ov_buf metadata_bytes; // holds it when it lies in pieces
};

struct ov_udf {
    struct ov_disc disc;
    uint32_t sector_bytes, block_bytes;
    struct ov_udf_map maps[OV_UDF_MAPS_MAX];
    uint32_t map_count;
    struct ov_udf_place file_set;
    bool is_damaged;
};

// Reads three numbers: 16 bytes with those of an extent (ECMA-167, 4/14.14.2).
struct ov_udf_place ov_udf_read_place(struct ov_cursor *in);

// The bytes at a place; shorter than asked for where there are no more.
struct ov_span ov_udf_bytes(const struct ov_udf *udf, struct ov_udf_place place, uint64_t size);

// The descriptor at the start of these bytes, or 0 when its checksum is wrong.
uint16_t ov_udf_tag(struct ov_span bytes);

// The content of the file whose entry begins these bytes: of the image, or gathered in `whole`.
enum ov_status ov_udf_read_file(struct ov_udf *udf, struct ov_span entry, uint16_t map,
                                struct ov_buf *whole, struct ov_span *ret_bytes);

// Tells of all files below the directory whose entry is at a place.
enum ov_status ov_udf_walk_tree(struct ov_udf *udf, struct ov_udf_place root);
