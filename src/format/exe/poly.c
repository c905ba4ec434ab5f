// SPDX-License-Identifier: Apache-2.0
// Byte ciphers written as instructions of x86 (Intel 64 and IA-32 manual, volume 2).
#include "format/exe/poly.h"

enum operation { ADD, SUB, XOR, ROTATE_LEFT, ROTATE_RIGHT };

enum {
    INCREMENT = 0xc0, // the second byte of FE, C0 and D2: what is done to AL
    ROTATE_TO_RIGHT = 0xc8,
    CHUNK_BYTES = 1 << 16, // between two looks at the clock
};

static bool add_step(struct ov_poly *poly, enum operation operation, bool is_by_counter,
                     uint8_t operand) {
    if (poly->count == OV_POLY_STEPS_MAX) {
        return false;
    }
    poly->steps[poly->count++] = (struct ov_poly_step){
        .operation = (uint8_t)operation, .is_by_counter = is_by_counter, .operand = operand};
    return true;
}

static bool read_rotation(struct ov_cursor *in, bool is_by_counter, struct ov_poly *poly) {
    uint8_t kind = ov_cursor_u8(in);
    uint8_t operand = is_by_counter ? 0 : ov_cursor_u8(in);
    return add_step(poly, kind == ROTATE_TO_RIGHT ? ROTATE_RIGHT : ROTATE_LEFT, is_by_counter,
                    operand);
}

// By CL: the second byte of the instruction names the registers, always the same.
static bool read_by_counter(struct ov_cursor *in, enum operation operation, struct ov_poly *poly) {
    ov_cursor_skip(in, 1);
    return add_step(poly, operation, true, 0);
}

static bool read_step(struct ov_cursor *in, struct ov_poly *poly) {
    switch (ov_cursor_u8(in)) {
    case 0x02:
        return read_by_counter(in, ADD, poly);
    case 0x2a:
        return read_by_counter(in, SUB, poly);
    case 0x32:
        return read_by_counter(in, XOR, poly);
    case 0x04:
        return add_step(poly, ADD, false, ov_cursor_u8(in));
    case 0x2c:
        return add_step(poly, SUB, false, ov_cursor_u8(in));
    case 0x34:
        return add_step(poly, XOR, false, ov_cursor_u8(in));
    case 0xc0:
        return read_rotation(in, false, poly);
    case 0xd2:
        return read_rotation(in, true, poly);
    case 0xfe:
        return add_step(poly, ov_cursor_u8(in) == INCREMENT ? ADD : SUB, false, 1);
    case 0xeb: // over bytes that are there to confuse
        ov_cursor_skip(in, ov_cursor_u8(in));
        return true;
    case 0x0a: // OR AL, AL
        ov_cursor_skip(in, 1);
        return true;
    case 0x90: // NOP, CLC, STC
    case 0xf8:
    case 0xf9:
        return true;
    default:
        return false;
    }
}

bool ov_poly_read(struct ov_span code, struct ov_poly *ret_poly) {
    struct ov_cursor in = ov_cursor_init(code);
    struct ov_poly poly = {0};
    while (ov_cursor_left(&in) > 0) {
        if (!read_step(&in, &poly)) {
            return false;
        }
    }
    *ret_poly = poly;
    return !in.has_failed;
}

static uint8_t rotate_left(uint8_t value, unsigned count) {
    count %= 8;
    return (uint8_t)(value << count | value >> (8 - count));
}

static uint8_t change(const struct ov_poly *poly, uint8_t value, uint8_t counter) {
    for (unsigned i = 0; i < poly->count; i++) {
        const struct ov_poly_step *step = &poly->steps[i];
        uint8_t operand = step->is_by_counter ? counter : step->operand;
        switch (step->operation) {
        case ADD:
            value = (uint8_t)(value + operand);
            break;
        case SUB:
            value = (uint8_t)(value - operand);
            break;
        case XOR:
            value ^= operand;
            break;
        case ROTATE_LEFT:
            value = rotate_left(value, operand);
            break;
        default:
            value = rotate_left(value, 8 - operand % 8u);
            break;
        }
    }
    return value;
}

enum ov_status ov_poly_run(const struct ov_poly *poly, struct ov_walk *walk, uint8_t *bytes,
                           size_t size, uint32_t counter) {
    for (size_t i = 0; i < size; i++) {
        if (i % CHUNK_BYTES == 0) {
            TRY(ov_walk_has_time(walk));
        }
        bytes[i] = change(poly, bytes[i], (uint8_t)(counter - i));
    }
    return OV_OK;
}
