// SPDX-License-Identifier: Apache-2.0
// Magics of archives and compressed files.
#include "format/format.h"

static const struct ov_magic magics_alz[] = {OV_MAGIC(0, "ALZ\x01")};
static const struct ov_magic magics_cryptff[] = {OV_MAGIC(0, "\xb6\xb9\xac\xae\xfe\xff\xff\xff")};
static const struct ov_magic magics_egg[] = {OV_MAGIC(0, "EGGA")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ALZ, OV_MAGICS(magics_alz)},
    {.type = OV_FILETYPE_CRYPTFF, OV_MAGICS(magics_cryptff)},
    {.type = OV_FILETYPE_EGG, OV_MAGICS(magics_egg)},
};

OV_FORMAT_SET(archive, formats);
