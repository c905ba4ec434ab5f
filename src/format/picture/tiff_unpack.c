// SPDX-License-Identifier: Apache-2.0
// How TIFF packs its points (TIFF 6.0, sections 9 and 13; technical note 2 on Deflate).
#include "format/codec/codec.h"
#include "format/picture/codes.h"
#include "format/picture/tiff.h"

enum { LZW_LITERAL_BITS = 8, STEP_BYTES = 1 << 20 };

static enum ov_status copy_plain(struct ov_span bytes, uint8_t *out, uint64_t count) {
    if (bytes.size < count) {
        return OV_DAMAGED;
    }
    memcpy(out, bytes.data, count);
    return OV_OK;
}

// A byte below 128: so many and one more follow as they are; above: the next one is repeated.
static enum ov_status unpack_bits(struct ov_span bytes, uint8_t *out, uint64_t count) {
    size_t at = 0;
    uint64_t done = 0;
    while (done < count) {
        if (at >= bytes.size) {
            return OV_DAMAGED;
        }
        unsigned head = bytes.data[at++];
        if (head == 128) {
            continue;
        }
        bool is_run = head > 128;
        unsigned length = is_run ? 257 - head : head + 1;
        struct ov_span from = ov_span_part(bytes, at, is_run ? 1 : length);
        if (from.size < (is_run ? 1 : length)) {
            return OV_DAMAGED;
        }
        for (unsigned i = 0; i < length && done < count; i++) {
            out[done++] = from.data[is_run ? 0 : i];
        }
        at += from.size;
    }
    return OV_OK;
}

static enum ov_status inflate(struct ov_picture *picture, struct ov_span bytes, uint8_t *out,
                              uint64_t count) {
    void *state = ov_codec_zlib.open();
    if (state == NULL) {
        ov_budget_note(picture->budget, OV_LIMIT_MEMORY);
        return OV_LIMIT;
    }
    enum ov_status status = OV_OK;
    struct ov_span left = bytes;
    for (uint64_t done = 0; done < count && status == OV_OK;) {
        uint64_t room = count - done < STEP_BYTES ? count - done : STEP_BYTES;
        struct ov_codec_step step = {.in = left, .out_bytes = room, .is_last = true};
        step.out = &out[done];
        status = ov_codec_zlib.step(state, &step);
        bool is_stuck = step.out_bytes == room && step.in.size == left.size;
        left = step.in;
        done += room - step.out_bytes;
        if (done == count) {
            status = OV_OK;
        } else if (status == OV_END || (status == OV_OK && is_stuck)) {
            status = OV_DAMAGED;
        } else if (status == OV_OK && !ov_budget_has_time(picture->budget)) {
            status = OV_LIMIT;
        }
    }
    ov_codec_zlib.close(state);
    return status;
}

enum ov_status ov_tiff_unpack(struct ov_picture *picture, uint32_t packing, struct ov_span bytes,
                              uint64_t size, uint8_t *ret_out, uint64_t count) {
    struct ov_span told = ov_span_part(bytes, 0, size);
    struct ov_codes codes = {.in = told, .literal_bits = LZW_LITERAL_BITS, .is_tiff = true};
    switch (packing) {
    case OV_TIFF_PLAIN:
        return copy_plain(bytes, ret_out, count);
    case OV_TIFF_LZW:
        return ov_codes_unpack(&codes, picture, ret_out, count);
    case OV_TIFF_DEFLATE:
    case OV_TIFF_OLD_DEFLATE:
        return inflate(picture, bytes, ret_out, count);
    case OV_TIFF_PACKBITS:
        return unpack_bits(told, ret_out, count);
    default:
        return OV_UNSUPPORTED;
    }
}
