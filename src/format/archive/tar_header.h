// SPDX-License-Identifier: Apache-2.0
//
// The header blocks of tar, as all kinds of tar have them. Worker process only.
//
// V7, POSIX.1-1988 ustar, the pax format (POSIX.1-2017, "pax", EXTENDED DESCRIPTION), and GNU tar's
// own (its manual, "Basic Tar Format").
#pragma once

#include "base/buf.h"
#include "base/cursor.h"

enum { OV_TAR_BLOCK_BYTES = 512 };

struct ov_tar_header {
    struct ov_span block;  // the whole of it
    struct ov_span name;   // up to its NUL
    struct ov_span prefix; // goes before the name, with a slash; mostly empty
    uint64_t size;         // of the data that follows; 0 when it cannot be read
    uint8_t type;
};

// Reads a block. False when its checksum does not say that it is a header.
bool ov_tar_header_read(struct ov_span block, struct ov_tar_header *ret_header);

// A number in a field of a header: octal, or binary as GNU tar writes large ones.
bool ov_tar_number(struct ov_span field, uint64_t *ret_value);
