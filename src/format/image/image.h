// SPDX-License-Identifier: Apache-2.0
//
// The structure of pictures: blocks and segments, and what follows behind them. No pixels.
//
// Each tells clamscan's alert for the first thing that breaks its format, and reads no further.
// Worker process only.
#pragma once

#include "format/walk.h"

// GIF 89a. What stands behind its end, or where it breaks off, is told as a part.
enum ov_status ov_gif_walk(struct ov_cursor *in, struct ov_walk *walk);

// ISO/IEC 10918-1 (JPEG), with JFIF, Exif and SPIFF. The small picture of a Photoshop segment is
// told as a part.
enum ov_status ov_jpeg_walk(struct ov_cursor *in, struct ov_walk *walk);

// PNG (W3C, 2003). What stands behind its end, or where it breaks off, is told as a part.
enum ov_status ov_png_walk(struct ov_cursor *in, struct ov_walk *walk);

// TIFF 6.0. It has no parts.
enum ov_status ov_tiff_walk(struct ov_cursor *in, struct ov_walk *walk);
