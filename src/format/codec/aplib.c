// SPDX-License-Identifier: Apache-2.0
// The bit stream of Ibsen's aPLib, in which small packers of programs write.
//
// After a first byte as it is come tags: 0 a byte; 10 a match; 110 a short match in one byte, which
// is 0 at the end; 111 a single byte from up to 15 back, or a zero. A match may repeat the last
// distance, unless another match stands right before it.
#include "format/exe/packed.h"

enum {
    LENGTH_MAX = 1 << 30,
    NEAR_END = 0x80,   // matches from nearer than this are two bytes longer
    FAR_BEGIN = 0x500, // and from here on one byte longer,
    FARTHEST = 0x7d00, // and one more
    TIME_CHECK_STEPS = 1 << 16,
};

struct aplib {
    struct ov_cursor *in;
    struct ov_place *place;
    unsigned word, bits_left;
    uint32_t distance; // of the last match
    bool is_after_match;
};

static uint32_t take_bit(struct aplib *aplib) {
    if (aplib->bits_left == 0) {
        aplib->word = ov_cursor_u8(aplib->in);
        aplib->bits_left = 8;
    }
    aplib->bits_left--;
    return aplib->word >> aplib->bits_left & 1;
}

// A number from 2 on: after each of its bits stands whether another one follows.
static uint32_t read_number(struct aplib *aplib) {
    uint32_t number = 1;
    do {
        number = number * 2 + take_bit(aplib);
    } while (take_bit(aplib) != 0 && number < LENGTH_MAX && !aplib->in->has_failed);
    return number;
}

static bool copy(struct aplib *aplib, uint32_t length) {
    aplib->is_after_match = true;
    return !aplib->in->has_failed && ov_place_copy(aplib->place, aplib->distance, length);
}

static bool copy_match(struct aplib *aplib) {
    uint32_t top = read_number(aplib) - 2;
    if (!aplib->is_after_match) {
        if (top == 0) {
            return copy(aplib, read_number(aplib));
        }
        top--;
    }
    uint32_t distance = top << 8 | ov_cursor_u8(aplib->in);
    uint32_t length = read_number(aplib);
    length += (distance >= FARTHEST) + (distance >= FAR_BEGIN) + 2 * (distance < NEAR_END);
    aplib->distance = distance;
    return copy(aplib, length);
}

static bool copy_single(struct aplib *aplib) {
    uint32_t distance = 0;
    for (unsigned i = 0; i < 4; i++) {
        distance = distance * 2 + take_bit(aplib);
    }
    aplib->is_after_match = false;
    return !aplib->in->has_failed && (distance == 0 ? ov_place_put(aplib->place, 0)
                                                    : ov_place_copy(aplib->place, distance, 1));
}

static bool put_literal(struct aplib *aplib) {
    uint8_t byte = ov_cursor_u8(aplib->in);
    aplib->is_after_match = false;
    return !aplib->in->has_failed && ov_place_put(aplib->place, byte);
}

enum ov_status ov_aplib_unpack(struct ov_cursor *in, struct ov_walk *walk, struct ov_place *place) {
    struct aplib aplib = {.in = in, .place = place};
    bool is_good = put_literal(&aplib);
    for (uint64_t step = 1; is_good; step++) {
        if (step % TIME_CHECK_STEPS == 0) {
            TRY(ov_walk_has_time(walk));
        }
        if (take_bit(&aplib) == 0) {
            is_good = put_literal(&aplib);
        } else if (take_bit(&aplib) == 0) {
            is_good = copy_match(&aplib);
        } else if (take_bit(&aplib) == 0) {
            uint32_t byte = ov_cursor_u8(in);
            if (byte >> 1 == 0 && !in->has_failed) {
                return OV_OK;
            }
            aplib.distance = byte >> 1;
            is_good = copy(&aplib, 2 + (byte & 1));
        } else {
            is_good = copy_single(&aplib);
        }
    }
    return OV_DAMAGED;
}
