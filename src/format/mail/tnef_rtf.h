// SPDX-License-Identifier: Apache-2.0
//
// Compressed RTF, as Outlook keeps bodies ([MS-OXRTFCP]): a dictionary that starts with common
// words.
#pragma once

#include "base/buf.h"

// Unpacks and appends at most `room` bytes. OV_OK; OV_DAMAGED: it is none, or breaks off; OV_LIMIT:
// there was more; OV_MEMORY. What could be read is there in all cases.
enum ov_status ov_tnef_rtf_unpack(struct ov_span packed, size_t room, struct ov_buf *plain);
