// SPDX-License-Identifier: Apache-2.0
//
// The log of the worm Mydoom.M, in what has no type: unknown data, and what clamscan takes for text
// in UTF-16. Worker process only.
#pragma once

#include "format/walk.h"

// Tells the alert when the object is one.
void ov_mydoom_look(struct ov_span object, struct ov_walk *walk);
