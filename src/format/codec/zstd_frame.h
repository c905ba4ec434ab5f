// SPDX-License-Identifier: Apache-2.0
//
// One zstd frame (RFC 8878), all of a file, unpacked piece by piece; maybe against another file.
//
// For rule feeds: their bundles are zstd, their deltas are zstd with the bundle before as prefix
// (`zstd --patch-from`). Worker process only.
#pragma once

#include "base/span.h"
#include "base/status.h"

struct ov_zstd_frame {
    struct ov_span packed;
    struct ov_span prefix; // what it was packed against; empty for none
    uint64_t most_bytes;   // that it may unpack to
    void *arg;
    enum ov_status (*put)(void *arg, struct ov_span bytes); // takes the next piece
};

// Unpacks. OV_DAMAGED: it is no whole zstd frame, or something follows it, or it was packed against
// something else and its checksum told so; OV_LIMIT: it unpacks to more than `most_bytes`, or wants
// a window of more than that and the prefix; OV_MEMORY; what `put` gave. Whatever was put before
// that is worth nothing.
enum ov_status ov_zstd_frame_unpack(const struct ov_zstd_frame *frame);
