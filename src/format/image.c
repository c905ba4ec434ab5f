// SPDX-License-Identifier: Apache-2.0
// Magics of images.
#include "format/format.h"

static const struct ov_magic magics_bmp[] = {OV_MAGIC(0, "BM")};
static const struct ov_magic magics_gif[] = {OV_MAGIC(0, "GIF")};
static const struct ov_magic magics_jpeg[] = {OV_MAGIC(0, "\xff\xd8\xff")};
static const struct ov_magic magics_png[] = {OV_MAGIC(0, "\x89PNG")};
static const struct ov_magic magics_tiff[] = {OV_MAGIC(0, "II*\0"), OV_MAGIC(0, "MM\0*")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_GRAPHICS, OV_MAGICS(magics_bmp)},
    {.type = OV_FILETYPE_GIF, OV_MAGICS(magics_gif)},
    {.type = OV_FILETYPE_JPEG, OV_MAGICS(magics_jpeg)},
    {.type = OV_FILETYPE_PNG, OV_MAGICS(magics_png)},
    {.type = OV_FILETYPE_TIFF, OV_MAGICS(magics_tiff)},
};

OV_FORMAT_SET(image, formats);
