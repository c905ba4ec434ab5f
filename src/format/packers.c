// SPDX-License-Identifier: Apache-2.0
// PE programs that were packed: the plain program, by whichever unpacker knows the stub.
#include "format/format.h"
#include "format/packed.h"
#include "format/upx.h"

// In the order in which clamscan asks them. The first that knows a program is the last.
static ov_packer *const packers[] = {
    ov_mew_unpack, ov_upack_unpack,  ov_fsg_unpack,    ov_petite_unpack, ov_pespin_unpack,
    ov_yc_unpack,  ov_wwpack_unpack, ov_aspack_unpack, ov_nspack_unpack,
};

// UPX comes first, and by itself: its programs may be of 64 bits.
static enum ov_status walk_pe(struct ov_cursor *in, struct ov_walk *walk) {
    enum ov_status status = ov_upx_walk_pe(in, walk);
    if (status != OV_UNSUPPORTED) {
        return status;
    }
    struct ov_packed packed;
    status = ov_packed_read(in->bytes, walk->arena, &packed);
    bool is_known = status != OV_OK; // not a PE that could be packed
    for (size_t i = 0; i < OV_COUNT(packers) && !is_known; i++) {
        status = packers[i](&packed, walk);
        is_known = status != OV_UNSUPPORTED;
    }
    return status == OV_UNSUPPORTED ? OV_OK : status;
}

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MSEXE, .walk = walk_pe, .is_late = true},
};

OV_FORMAT_SET(packers, formats);
