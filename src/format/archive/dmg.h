// SPDX-License-Identifier: Apache-2.0
//
// What the files of the reader of Apple disk images share. Worker process only.
//
// Apple has not described the format: libdmg-hfsplus (dmglib.h) and the notes of its readers.
#pragma once

#include "base/buf.h"
#include "format/walk.h"

// Unpacks the partition that a block table ("mish") describes, and appends it to `plain`. `data` is
// the part of the image that chunks are counted in. OV_OK; OV_DAMAGED: it is no table, or chunks
// are missing, for which there are zeros; OV_UNSUPPORTED: the same, by a method that is not built;
// OV_LIMIT: cut; OV_MEMORY.
enum ov_status ov_dmg_unpack(struct ov_walk *walk, struct ov_span data, struct ov_span table,
                             struct ov_buf *plain);

// Unpacks Apple Data Compression and appends to `plain`. OV_OK, OV_DAMAGED, OV_LIMIT, OV_MEMORY.
enum ov_status ov_adc_unpack(struct ov_walk *walk, struct ov_span packed, struct ov_buf *plain);
