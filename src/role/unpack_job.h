// SPDX-License-Identifier: Apache-2.0
//
// Unpacks the zstd files of rule feeds, for whoever asks: paths in, bytes into a descriptor.
//
// The caged builder does it; no packed byte is looked at in this process. What comes out is as
// unchecked as what went in: hold it against its digest.
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { OV_UNPACK_REASON_BYTES = 256 };

struct ov_unpack_request {
    const char *packed; // one zstd frame
    const char *prefix; // what it was packed against (`zstd --patch-from`), or NULL
    uint64_t most_bytes;
    int out; // an empty file open for writing, which may be a memfd
};

// Unpacks. OV_OK; otherwise what was written is worth nothing, and `ret_reason` says why: OV_SYSTEM
// a file cannot be read (or written), OV_DAMAGED, OV_LIMIT more than `most_bytes`, OV_MEMORY,
// OV_PEER the builder died.
enum ov_status ov_unpack_run(const struct ov_unpack_request *request,
                             char ret_reason[OV_UNPACK_REASON_BYTES]);
