// SPDX-License-Identifier: Apache-2.0
//
// Checks an image in full before it is used for the first time, and remembers that it was sound.
//
// What is remembered is the file as it was (device, inode, size, times), so that later starts read
// nothing but the stamp: docs/formats/scan-state.md.
#pragma once

#include "role/scan_job.h"

// OV_DAMAGED, and why, when the image is not the one that was built. That the stamp cannot be
// written is no error: the image is then checked again next time.
enum ov_status ov_scan_image_verify(const struct ov_scan_image *image,
                                    char ret_reason[OV_SCAN_REASON_BYTES]);
