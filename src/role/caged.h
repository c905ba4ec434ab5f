// SPDX-License-Identifier: Apache-2.0
//
// One question about bytes of strangers, answered by a fork of this process that is caged before it
// looks at the first of them.
//
// What the question points to is memory that the fork has, too; it can open nothing. The answer
// comes from a process that may have been hijacked by what it read: every value in it is to be
// expected.
#pragma once

#include "base/buf.h"
#include "role/roles.h"

// Runs in the cage: appends what is to be told to `out`, and gives a number from 0 to 254.
typedef int ov_caged_tell_fn(void *arg, struct ov_buf *out);

struct ov_caged_work {
    enum ov_role_id role;  // whose cage it is: it may write to one pipe and do nothing else
    uint64_t mapped_bytes; // of files that are mapped for it
    ov_caged_tell_fn *tell;
    void *arg;
};

// Has it done. OV_OK: the fork ended well; its text is appended to `ret_text`, unchecked bytes, and
// its number goes to *ret_code. OV_SYSTEM (errno), OV_MEMORY; OV_PEER when it died.
enum ov_status ov_caged_run(const struct ov_caged_work *work, struct ov_buf *ret_text,
                            int *ret_code);

// Runs in the cage, with `answer` as it was given to ov_caged_ask.
typedef void ov_caged_fn(const void *question, void *answer);

// The same for an answer of fixed size: with OV_OK `answer` has all its `size` bytes, else it stays
// as it was.
enum ov_status ov_caged_ask(enum ov_role_id role, ov_caged_fn *work, const void *question,
                            void *answer, size_t size);
