// SPDX-License-Identifier: Apache-2.0
// Magics of sound and film, and of other files that clamscan sets aside as harmless.
#include "format/format.h"

static const struct ov_magic magics_ignored[] = {
    OV_MAGIC(0, "ID3"),  OV_MAGIC(0, "\xff\xfb\x90"),      OV_MAGIC(0, "OggS"),
    OV_MAGIC(0, ".RMF"), OV_MAGIC(0, "SQLite format 3\0"),
};
static const struct ov_magic magics_riff[] = {OV_MAGIC(0, "RIFF"), OV_MAGIC(0, "RIFX")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_IGNORED, OV_MAGICS(magics_ignored)},
    {.type = OV_FILETYPE_RIFF, OV_MAGICS(magics_riff)},
};

OV_FORMAT_SET(media, formats);
