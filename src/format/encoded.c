// SPDX-License-Identifier: Apache-2.0
// Files that are a uuencoded, yEnc or BinHex block, or several, with or without text around them.
#include "format/mail/blocks.h"
#include "format/format.h"

static enum ov_status walk_blocks(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf scratch = {0};
    return ov_blocks_tell(in->bytes, walk, &scratch);
}

static const struct ov_magic magics_binhex[] = {
    OV_MAGIC(0, "(This file must be conve"), // ... rted with BinHex
};
static const struct ov_magic magics_uuencoded[] = {OV_MAGIC(0, "begin ")};
static const struct ov_magic magics_base64[] = {OV_MAGIC(0, "begin-base64 ")};
static const struct ov_magic magics_yenc[] = {OV_MAGIC(0, "=ybegin ")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_BINHEX, OV_MAGICS(magics_binhex), .walk = walk_blocks},
    {.type = OV_FILETYPE_UUENCODED, OV_MAGICS(magics_uuencoded), .walk = walk_blocks},
    {.type = OV_FILETYPE_BASE64, OV_MAGICS(magics_base64), .walk = walk_blocks, .is_beside = true},
    {.type = OV_FILETYPE_YENC, OV_MAGICS(magics_yenc), .walk = walk_blocks, .is_beside = true},
};

OV_FORMAT_SET(encoded, formats);
