// SPDX-License-Identifier: Apache-2.0
//
// The names of file types, shared by rules (which ask for them) and formats (which find them).
//
// Numbers are ours and may change with the image version; names are ClamAV's CL_TYPE_* words.
#pragma once

#include "base/span.h"

enum ov_filetype {
    OV_FILETYPE_NONE = 0, // not given
    OV_FILETYPE_ANY,      // CL_TYPE_ANY
    OV_FILETYPE_COUNT
};
