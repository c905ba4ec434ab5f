// SPDX-License-Identifier: Apache-2.0
//
// Documents of Hangul (Hancom's Hwp): what the versions have in common. Worker process only.
#pragma once

#include "format/office/ole_file.h"

// Tells a part that is deflated, without a header. What does not unpack to its end is told as it
// stands as well: it may not be packed at all. OV_OK, OV_MEMORY, OV_LIMIT (no time), or what the
// sink said; why it broke off is kept in io_worst.
enum ov_status ov_hwp_tell_packed(struct ov_walk *walk, struct ov_span packed, struct ov_span name,
                                  enum ov_status *io_worst);

// ---- version 5, a compound file ----------------------------------------------------------------

// Looks for a FileHeader among the streams, and notes its flags in `ole->hwp_flags`; tells
// OV_FACT_ENCRYPTED. OV_OK, OV_MEMORY or OV_LIMIT.
enum ov_status ov_hwp5_open(struct ov_ole *ole);

// Whether the stream is one of those that such a document packs or encrypts.
bool ov_hwp5_is_packed(const struct ov_ole *ole, uint32_t entry);

// Tells what such a stream holds.
enum ov_status ov_hwp5_tell(struct ov_ole *ole, struct ov_span stream, struct ov_span name);
