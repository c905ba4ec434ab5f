// SPDX-License-Identifier: Apache-2.0
//
// The reader of hostile bytes, held against arithmetic on plain indexes: the first half of the
// input says what to read, the second half is read.
// rooms: base
#include "base/cursor.h"
#include "base/utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// What the cursor should be after each step.
struct model {
    struct ov_span bytes;
    uint64_t at;
    bool has_failed;
};

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

// Where a run of `size` bytes starts, or NULL when the model says that there are too few.
static const uint8_t *take(struct model *model, uint64_t size) {
    if (size > model->bytes.size - model->at) {
        model->at = model->bytes.size;
        model->has_failed = true;
        return NULL;
    }
    model->at += size;
    return model->bytes.data + model->at - size;
}

static void step_integer(struct ov_cursor *cursor, struct model *model, unsigned width,
                         bool is_big) {
    const uint8_t *run = take(model, width);
    uint64_t expected = 0;
    for (unsigned i = 0; run != NULL && i < width; i++) {
        expected |= (uint64_t)run[i] << 8 * (is_big ? width - 1 - i : i);
    }
    uint64_t value = width == 1             ? ov_cursor_u8(cursor)
                     : width == 2 && is_big ? ov_cursor_u16be(cursor)
                     : width == 2           ? ov_cursor_u16le(cursor)
                     : width == 4 && is_big ? ov_cursor_u32be(cursor)
                     : width == 4           ? ov_cursor_u32le(cursor)
                     : is_big               ? ov_cursor_u64be(cursor)
                                            : ov_cursor_u64le(cursor);
    expect(value == expected);
}

static void step_until(struct ov_cursor *cursor, struct model *model, uint8_t stop) {
    uint64_t end = model->at;
    while (end < model->bytes.size && model->bytes.data[end] != stop) {
        end++;
    }
    expect(ov_cursor_until(cursor, stop).size == end - model->at);
    model->at = end < model->bytes.size ? end + 1 : end;
}

static void step_count(struct ov_cursor *cursor, struct model *model, uint64_t count) {
    size_t item = 1 + (size_t)(count & 7);
    uint64_t given = ov_cursor_count(cursor, count, item);
    model->has_failed |= given != count;
    expect(given == 0 || given == count);
    expect((__uint128_t)given * item <= model->bytes.size - model->at);
    expect(given == count || (__uint128_t)count * item > model->bytes.size - model->at);
}

static void step(struct ov_cursor *cursor, struct model *model, uint8_t what, uint64_t operand) {
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
    case 3:
        step_integer(cursor, model, 1u << what % 4, (what & 0x80) != 0);
        break;
    case 4: {
        struct ov_span run = ov_cursor_bytes(cursor, operand);
        const uint8_t *expected = take(model, operand);
        expect(run.size == (expected != NULL ? operand : 0));
        expect(run.size == 0 || run.data == expected);
        break;
    }
    case 5:
        ov_cursor_seek(cursor, operand);
        model->has_failed |= operand > model->bytes.size;
        model->at = operand > model->bytes.size ? model->bytes.size : operand;
        break;
    case 6:
        step_until(cursor, model, (uint8_t)operand);
        break;
    default:
        step_count(cursor, model, operand);
        break;
    }
    expect(cursor->at == model->at && cursor->has_failed == model->has_failed);
    expect(ov_cursor_left(cursor) == model->bytes.size - model->at);
    (void)ov_utf8_length(ov_span_part(cursor->bytes, cursor->at, 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t half = size / 2;
    struct model model = {.bytes = ov_span_make(data + half, size - half)};
    struct ov_cursor cursor = ov_cursor_init(model.bytes);
    for (size_t i = 0; i + 2 < half; i += 3) {
        uint64_t operand = data[i + 1] | (uint64_t)data[i + 2] << 8;
        if (data[i + 1] == 0xff) { // now and then a huge one
            operand = UINT64_MAX - data[i + 2];
        }
        step(&cursor, &model, data[i], operand);
    }
    return 0;
}
