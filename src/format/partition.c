// SPDX-License-Identifier: Apache-2.0
// Marks of disk images with partitions.
#include "format/format.h"

// An Apple partition map has its mark in two blocks.
static bool is_apple_map(struct ov_span first) {
    return first.size > 513 && first.data[512] == 'P' && first.data[513] == 'M';
}

// The mark of a GUID partition table is the stronger one: most of them begin with a boot sector.
static bool is_boot_sector(struct ov_span first) {
    return !ov_span_has_prefix(ov_span_part(first, 512, 8), "EFI PART");
}

static const struct ov_magic magics_apm[] = {OV_MAGIC(0, "ER")};
static const struct ov_magic magics_gpt[] = {OV_MAGIC(512, "EFI PART")};
static const struct ov_magic magics_mbr[] = {OV_MAGIC(510, "\x55\xaa")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_APM, OV_MAGICS(magics_apm), .is_sure = is_apple_map},
    {.type = OV_FILETYPE_GPT, OV_MAGICS(magics_gpt)},
    {.type = OV_FILETYPE_MBR, OV_MAGICS(magics_mbr), .is_sure = is_boot_sector},
};

OV_FORMAT_SET(partition, formats);
