// SPDX-License-Identifier: Apache-2.0
// PE programs: viruses in them, the plain program, by whichever unpacker knows the stub, and what
// they carry.
#include "format/format.h"
#include "format/exe/infected.h"
#include "format/exe/packed.h"
#include "format/exe/pe_parts.h"
#include "format/exe/upx.h"

// In the order in which clamscan asks them. All are asked: a stub may look like that of another.
static ov_packer *const packers[] = {
    ov_mew_unpack, ov_upack_unpack,  ov_fsg_unpack,    ov_petite_unpack, ov_pespin_unpack,
    ov_yc_unpack,  ov_wwpack_unpack, ov_aspack_unpack, ov_nspack_unpack,
};

// Whether nothing more is to be told.
static bool is_stop(enum ov_status status) {
    return status != OV_OK && status != OV_DAMAGED && status != OV_UNSUPPORTED;
}

// UPX reads the headers by itself: its programs may be of 64 bits.
static enum ov_status unpack(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_packed packed;
    enum ov_status read = ov_packed_read(in->bytes, walk->arena, &packed);
    TRY(read == OV_OK ? ov_infected_look(&packed, walk) : OV_OK);
    enum ov_status status = ov_upx_walk_pe(in, walk);
    if (is_stop(status)) {
        return status;
    }
    bool is_damaged = status == OV_DAMAGED;
    status = read;
    for (size_t i = 0; i < OV_COUNT(packers) && status == OV_OK; i++) {
        enum ov_status told = packers[i](&packed, walk);
        is_damaged = is_damaged || told == OV_DAMAGED;
        status = is_stop(told) ? told : OV_OK;
    }
    if (is_stop(status)) {
        return status;
    }
    return is_damaged ? OV_DAMAGED : OV_OK;
}

static enum ov_status walk_pe(struct ov_cursor *in, struct ov_walk *walk) {
    enum ov_status status = unpack(in, walk);
    if (is_stop(status)) {
        return status;
    }
    TRY(ov_pe_parts_walk(in->bytes, walk));
    return status;
}

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MSEXE, .walk = walk_pe, .is_late = true},
};

OV_FORMAT_SET(packers, formats);
