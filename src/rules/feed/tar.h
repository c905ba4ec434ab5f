// SPDX-License-Identifier: Apache-2.0
//
// Writes tar files (POSIX.1-1988, ustar) as databases use them: plain files with short names.
//
// They are read with clamav/archive.h, by who verifies them and by who reads their rules, so that
// both see the same members. Worker process only.
#pragma once

#include "base/buf.h"

enum { OV_TAR_NAME_BYTES = 100 };

// Writes a member, the same for the same name and bytes. The name has at most 99 bytes.
void ov_tar_add(struct ov_buf *out, struct ov_span name, struct ov_span bytes);

// Writes what a tar file ends with.
void ov_tar_end(struct ov_buf *out);
