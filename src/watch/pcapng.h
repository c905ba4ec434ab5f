// SPDX-License-Identifier: Apache-2.0
//
// Writes captured frames as pcapng (draft-ietf-opsawg-pcapng): one section, one Ethernet interface.
#pragma once

#include "base/buf.h"
#include "base/digest.h"

struct ov_pcapng {
    int fd;
    uint64_t bytes;     // given to the file
    uint64_t bytes_max; // of it; 0: no bound
    struct ov_digest digest;
    struct ov_buf blocks; // that are not given to it yet
};

// Takes over a file that is open for writing, and empty.
enum ov_status ov_pcapng_open(int fd, uint64_t bytes_max, struct ov_pcapng *ret_pcapng);
// One whole frame; `time_ns` since 1970, `is_outbound`: what is watched sent it. OV_LIMIT: it has
// no room within the bound, and was left out; a smaller one may have. OV_SYSTEM (errno), OV_MEMORY.
enum ov_status ov_pcapng_add(struct ov_pcapng *pcapng, uint64_t time_ns, bool is_outbound,
                             struct ov_span frame);
// Gives all that was added to the file. OV_SYSTEM (errno): the file ends as it was before.
enum ov_status ov_pcapng_flush(struct ov_pcapng *pcapng);
// SHA-256 of all that the file has.
void ov_pcapng_digest(const struct ov_pcapng *pcapng, uint8_t ret_sha256[OV_SHA256_BYTES]);
void ov_pcapng_close(struct ov_pcapng *pcapng);
