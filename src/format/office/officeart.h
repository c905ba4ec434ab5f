// SPDX-License-Identifier: Apache-2.0
//
// Pictures of old Office documents ([MS-ODRAW]). Worker process only.
#pragma once

#include "format/walk.h"

// Tells the pictures among records of OfficeArt, as the files that they were. OV_OK, OV_MEMORY,
// OV_LIMIT, or what the sink said.
enum ov_status ov_officeart_tell(struct ov_walk *walk, struct ov_span records);
