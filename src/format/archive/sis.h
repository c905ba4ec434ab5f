// SPDX-License-Identifier: Apache-2.0
//
// Installers of Symbian 9 (Symbian OS v9.x SIS File Format Specification, 1.1): fields inside
// fields.
//
// Everything borrows from the spans that it was read from. Worker process only.
#pragma once

#include "format/walk.h"

enum { OV_SIS_PREFIX_BYTES = 16 }; // identifiers before the fields

// Types of fields; the others are passed over.
enum ov_sis_type {
    OV_SIS_ARRAY = 2,
    OV_SIS_COMPRESSED = 3,
    OV_SIS_CONTENTS = 12,
    OV_SIS_CONTROLLER = 13,
    OV_SIS_DESCRIPTION = 24, // of a file
    OV_SIS_IF = 26,
    OV_SIS_ELSE_IF = 27,
    OV_SIS_INSTALL_BLOCK = 28,
    OV_SIS_DATA = 30,
    OV_SIS_DATA_UNIT = 31,
    OV_SIS_FILE_DATA = 32,
    OV_SIS_DATA_INDEX = 40,
    OV_SIS_CAPABILITIES = 41,
};

// Reads a type.
uint32_t ov_sis_type(struct ov_cursor *in);

// Reads the length of a field, its value and the padding behind it. A value that goes on behind the
// end is cut there, and the cursor's flag set.
struct ov_span ov_sis_value(struct ov_cursor *in);

// What a field of the type COMPRESSED holds.
struct ov_sis_stream {
    struct ov_span packed;
    uint64_t plain_bytes;
    bool is_packed; // by zlib
};

struct ov_sis_stream ov_sis_stream(struct ov_span value);

// Where a file is to be installed, by its number in the data unit of its controller.
struct ov_sis_name {
    uint32_t unit, index;
    struct ov_span path; // UTF-16, little-endian
};

struct ov_sis_names {
    struct ov_sis_name *names; // in the arena
    uint32_t count;
};

// Reads the names in a controller and in those that are embedded in it. OV_OK, also when there are
// more than are kept; OV_MEMORY.
enum ov_status ov_sis_names_read(struct ov_span controller, struct ov_arena *arena,
                                 struct ov_sis_names *ret_names);

// Empty when there is none.
struct ov_span ov_sis_names_find(const struct ov_sis_names *names, uint32_t unit, uint32_t index);

// Tells of the files of such an installer.
enum ov_status ov_sis_fields_walk(struct ov_cursor *in, struct ov_walk *walk);
