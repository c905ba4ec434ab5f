// SPDX-License-Identifier: Apache-2.0
// Magics of archives and compressed files.
#include "format/format.h"

static const struct ov_magic magics_cryptff[] = {OV_MAGIC(0, "\xb6\xb9\xac\xae\xfe\xff\xff\xff")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_CRYPTFF, OV_MAGICS(magics_cryptff)},
};

OV_FORMAT_SET(archive, formats);
