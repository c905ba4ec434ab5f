// SPDX-License-Identifier: Apache-2.0
//
// Reading a file of evidence: a stranger's bytes, looked at by a fork of this process that is caged
// before it does.
#pragma once

#include "base/buf.h"
#include "base/status.h"

// Runs in the cage: appends what is to be told to `out`, and gives a number from 0 to 254. It has
// the memory of this process, and can open nothing.
typedef int ov_evidence_fn(void *arg, struct ov_buf *out);

// Runs `tell`. OV_OK: it ended well; its text is appended to `ret_text`: unchecked bytes, as it
// may have been hijacked; and its number goes to *ret_code. OV_SYSTEM (errno), OV_MEMORY; OV_PEER
// when it died. `mapped_bytes`: of files that are mapped for it.
enum ov_status ov_evidence_job_run(ov_evidence_fn *tell, void *arg, uint64_t mapped_bytes,
                                   struct ov_buf *ret_text, int *ret_code);
