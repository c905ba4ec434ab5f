// SPDX-License-Identifier: Apache-2.0
//
// Packs a file into one zstd frame (RFC 8878), maybe against another file: what zstd_frame.h
// unpacks, and `zstd -d`, `zstd -d --patch-from` do.
//
// For whoever publishes rules: packed once, fetched often. The same bytes and the same libzstd give
// the same frame. Worker process only.
#pragma once

#include "base/span.h"
#include "base/status.h"

struct ov_zstd_pack {
    struct ov_span plain;
    struct ov_span prefix; // what it is packed against; empty for none
    void *arg;
    enum ov_status (*put)(void *arg, struct ov_span bytes); // takes the next piece
};

// Packs. OV_LIMIT: the file is larger than 2 GiB; OV_MEMORY; what `put` gave.
enum ov_status ov_zstd_pack_make(const struct ov_zstd_pack *pack);
