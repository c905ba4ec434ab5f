// SPDX-License-Identifier: Apache-2.0
// Archives of 7-Zip, by libarchive.
#include "format/format.h"
#include "format/archive/libarchive.h"

static enum ov_status walk_7z(struct ov_cursor *in, struct ov_walk *walk) {
    return ov_archive_walk(in, walk, OV_ARCHIVE_7Z);
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "7z\xbc\xaf\x27\x1c")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_7Z, OV_MAGICS(magics), .walk = walk_7z},
};

OV_FORMAT_SET(sevenzip, formats);
