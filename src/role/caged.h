// SPDX-License-Identifier: Apache-2.0
//
// One question about bytes of strangers, answered by a fork of this process that is caged before it
// looks at the first of them: an answer of fixed size comes out, or none.
//
// What the question points to is memory that the fork has, too. The answer comes from a process
// that may have been hijacked by what it read: every value in it is to be expected. For the files
// of this room alone.
#pragma once

#include "base/status.h"
#include "role/roles.h"

#include <stddef.h>

// Runs in the cage, with `answer` as it was given to ov_caged_ask.
typedef void ov_caged_fn(const void *question, void *answer);

// Asks in the cage of that role, which may write to one pipe and do nothing else. OV_OK: the fork
// ended well, and `answer` has all its `size` bytes. OV_SYSTEM (errno); OV_PEER when it died. What
// `answer` has then is of no meaning.
enum ov_status ov_caged_ask(enum ov_role_id role, ov_caged_fn *work, const void *question,
                            void *answer, size_t size);
