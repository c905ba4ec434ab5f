// SPDX-License-Identifier: Apache-2.0
// Magics of documents.
#include "format/format.h"

static const struct ov_magic magics_ps[] = {OV_MAGIC(0, "%!PS-Adobe-")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_PS, OV_MAGICS(magics_ps)},
};

OV_FORMAT_SET(document, formats);
