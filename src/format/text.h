// SPDX-License-Identifier: Apache-2.0
//
// Text as rules for it (target 7) are written: lower case, white space runs as one space, nothing
// but ASCII.
#pragma once

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

// Larger texts have no such view (clamscan's MaxScriptNormalize).
enum { OV_TEXT_VIEW_BYTES_MAX = 20 << 20 };

// Whether the view would be the text itself, so that one look at it is enough. Mostly told by the
// first bytes.
bool ov_text_is_normal(struct ov_span text);

// Appends the view of the text. OV_OK or OV_MEMORY.
enum ov_status ov_text_normalise(struct ov_span text, struct ov_buf *view);
