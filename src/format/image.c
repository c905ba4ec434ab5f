// SPDX-License-Identifier: Apache-2.0
// Pictures: their magics, and their structure as far as clamscan has a word for what breaks it.
#include "format/format.h"
#include "format/image/image.h"

static const struct ov_magic magics_bmp[] = {OV_MAGIC(0, "BM")};
static const struct ov_magic magics_gif[] = {OV_MAGIC(0, "GIF")};
static const struct ov_magic magics_jpeg[] = {OV_MAGIC(0, "\xff\xd8\xff")};
static const struct ov_magic magics_png[] = {OV_MAGIC(0, "\x89PNG")};
static const struct ov_magic magics_tiff[] = {OV_MAGIC(0, "II*\0"), OV_MAGIC(0, "MM\0*")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_GRAPHICS, OV_MAGICS(magics_bmp)},
    {.type = OV_FILETYPE_GIF, OV_MAGICS(magics_gif), .walk = ov_gif_walk},
    {.type = OV_FILETYPE_JPEG, OV_MAGICS(magics_jpeg), .walk = ov_jpeg_walk},
    {.type = OV_FILETYPE_PNG, OV_MAGICS(magics_png), .walk = ov_png_walk},
    {.type = OV_FILETYPE_TIFF, OV_MAGICS(magics_tiff), .walk = ov_tiff_walk},
};

OV_FORMAT_SET(image, formats);
