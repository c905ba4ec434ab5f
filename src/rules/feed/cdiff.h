// SPDX-License-Identifier: Apache-2.0
//
// An update of a database (.cdiff): a header, a script in gzip, and a signature over both.
//
// Borrows the bytes. Worker process only. docs/formats/clamav-feed.md.
#pragma once

#include "base/buf.h"
#include "base/database.h"
#include "trust/rsa.h"

enum { OV_CDIFF_SCRIPT_BYTES_MAX = 256 << 20 };

struct ov_cdiff {
    uint64_t version;      // that comes out of it
    uint64_t script_bytes; // unpacked
    struct ov_span packed;
    struct ov_span text;      // all that is signed
    struct ov_span signature; // as text
};

// Finds the parts, and looks whether they are signed. OV_DAMAGED: *ret_refusal says why.
enum ov_status ov_cdiff_read(struct ov_span bytes, const struct ov_rsa_key *key,
                             struct ov_cdiff *ret_cdiff, enum ov_database_refusal *ret_refusal);

// Unpacks the script, and appends it. OV_DAMAGED: it is damaged, longer or shorter than it says, or
// not all that is there; OV_MEMORY.
enum ov_status ov_cdiff_unpack(const struct ov_cdiff *cdiff, struct ov_buf *script);
