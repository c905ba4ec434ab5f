// SPDX-License-Identifier: Apache-2.0
//
// Binary in base64, as certificates come in files of text: RFC 7468, and RFC 4648, section 4.
//
// Worker process only.
#pragma once

#include "base/buf.h"

// Appends what the text stands for; ends of lines may stand anywhere in it. OV_DAMAGED, OV_MEMORY.
enum ov_status ov_pem_decode(struct ov_span text, struct ov_buf *out);

// Takes the next certificate off the text, what stands before it included, and appends it. OV_END:
// there is no more; OV_DAMAGED, OV_MEMORY.
enum ov_status ov_pem_next(struct ov_span *text, struct ov_buf *out);
