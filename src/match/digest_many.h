// SPDX-License-Identifier: Apache-2.0
//
// Digests of many objects at once, side by side in vector registers where that is faster.
//
// Borrows the bytes and the jobs; allocates nothing and makes no system calls, so that the caged
// worker may call it. The bytes may change while they are read (a shared mapping): that object's
// digests are then of no use, the others' stand. Any number of threads.
#pragma once

#include "base/digest.h"

struct ov_digest_job {
    struct ov_span bytes;
    unsigned kinds; // wanted: bits 1 << enum ov_hash_kind
    uint8_t md5[OV_MD5_BYTES];
    uint8_t sha1[OV_SHA1_BYTES];
    uint8_t sha256[OV_SHA256_BYTES];
};

// Fills in the wanted digests of every job and leaves the others as they are.
void ov_digest_many(struct ov_digest_job *jobs, size_t count);

// Where a job keeps its digest of `kind`.
uint8_t *ov_digest_job_bytes(struct ov_digest_job *job, enum ov_hash_kind kind);
