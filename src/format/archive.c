// SPDX-License-Identifier: Apache-2.0
// Magics of archives and compressed files.
#include "format/format.h"

static const struct ov_magic magics_7z[] = {OV_MAGIC(0, "7z\xbc\xaf\x27\x1c")};
static const struct ov_magic magics_alz[] = {OV_MAGIC(0, "ALZ\x01")};
static const struct ov_magic magics_arj[] = {OV_MAGIC(0, "\x60\xea")};
static const struct ov_magic magics_binhex[] = {
    OV_MAGIC(0, "(This file must be conve")}; // "...rted with BinHex"
static const struct ov_magic magics_cryptff[] = {OV_MAGIC(0, "\xb6\xb9\xac\xae\xfe\xff\xff\xff")};
static const struct ov_magic magics_egg[] = {OV_MAGIC(0, "EGGA")};
static const struct ov_magic magics_lha[] = {
    OV_MAGIC(2, "-lh0-"), OV_MAGIC(2, "-lh1-"), OV_MAGIC(2, "-lh2-"), OV_MAGIC(2, "-lh3-"),
    OV_MAGIC(2, "-lh4-"), OV_MAGIC(2, "-lh5-"), OV_MAGIC(2, "-lh6-"), OV_MAGIC(2, "-lh7-"),
    OV_MAGIC(2, "-lhd-"), OV_MAGIC(2, "-lhx-"), OV_MAGIC(2, "-lz4-"), OV_MAGIC(2, "-lz5-"),
    OV_MAGIC(2, "-lzs-"), OV_MAGIC(2, "-pm0-"),
};
static const struct ov_magic magics_mscab[] = {OV_MAGIC(0, "MSCF\0\0\0\0")};
static const struct ov_magic magics_nulsft[] = {
    OV_MAGIC(OV_MAGIC_ANYWHERE, "\xef\xbe\xad\xdeNullsoftInst")};
static const struct ov_magic magics_rar[] = {OV_MAGIC(0, "Rar!")};
static const struct ov_magic magics_sis[] = {OV_MAGIC(8, "\x19\x04\x00\x10")};
static const struct ov_magic magics_szdd[] = {OV_MAGIC(0, "SZDD")};
static const struct ov_magic magics_xar[] = {OV_MAGIC(0, "xar!")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_7Z, OV_MAGICS(magics_7z)},
    {.type = OV_FILETYPE_ALZ, OV_MAGICS(magics_alz)},
    {.type = OV_FILETYPE_ARJ, OV_MAGICS(magics_arj)},
    {.type = OV_FILETYPE_BINHEX, OV_MAGICS(magics_binhex)},
    {.type = OV_FILETYPE_CRYPTFF, OV_MAGICS(magics_cryptff)},
    {.type = OV_FILETYPE_EGG, OV_MAGICS(magics_egg)},
    {.type = OV_FILETYPE_LHA_LZH, OV_MAGICS(magics_lha)},
    {.type = OV_FILETYPE_MSCAB, OV_MAGICS(magics_mscab)},
    {.type = OV_FILETYPE_NULSFT, OV_MAGICS(magics_nulsft)},
    {.type = OV_FILETYPE_RAR, OV_MAGICS(magics_rar)},
    {.type = OV_FILETYPE_SIS, OV_MAGICS(magics_sis)},
    {.type = OV_FILETYPE_MSSZDD, OV_MAGICS(magics_szdd)},
    {.type = OV_FILETYPE_XAR, OV_MAGICS(magics_xar)},
};

OV_FORMAT_SET(archive, formats);
