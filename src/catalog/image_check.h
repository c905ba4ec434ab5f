// SPDX-License-Identifier: Apache-2.0
//
// Reads every byte of an image and says whether it is the one that its builder wrote.
//
// For the broker, which is not linked with the matcher: before an image is used for the first time.
// Allocates nothing; the image is borrowed. docs/formats/image.md, "Digests".
#pragma once

#include "base/span.h"
#include "base/status.h"

enum { OV_IMAGE_CHECK_REASON_BYTES = 160 };

// OV_DAMAGED when anything was changed, cut off or added; `ret_reason` says what and at which byte.
enum ov_status ov_image_check(struct ov_span image, char ret_reason[OV_IMAGE_CHECK_REASON_BYTES]);
