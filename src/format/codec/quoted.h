// SPDX-License-Identifier: Apache-2.0
//
// Quoted-printable (RFC 2045, 6.7), as lenient readers take it.
#pragma once

#include "base/buf.h"

// Decodes and appends at most `room` bytes. Line ends stay as they are; what is no escape stays as
// it stands; blanks at the end of a line are dropped, those before them kept when escaped. OV_OK;
// OV_LIMIT: there was more; OV_MEMORY.
enum ov_status ov_quoted_decode(struct ov_span text, size_t room, struct ov_buf *plain);
