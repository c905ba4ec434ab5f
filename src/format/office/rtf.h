// SPDX-License-Identifier: Apache-2.0
//
// What the files of the RTF reader share. Worker process only.
#pragma once

#include "format/walk.h"

// Tells the OLE 1 objects that stand one after another in the bytes of \objdata: packaged files
// under their names, other data under the name of its class. What is no object is told as it is if
// `is_main`, else it is left out; from an OLE 2 mark on it is told in any case.
enum ov_status ov_rtf_object_tell(struct ov_walk *walk, struct ov_span bytes, bool is_main);
