// SPDX-License-Identifier: Apache-2.0
// Frames that libzstd packs come back, alone and against a prefix; others are refused for what is
// wrong with them.
#include "format/codec/zstd_frame.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zstd.h>

enum { PLAIN_BYTES = 3 << 20, PREFIX_BYTES = 300 << 10 };

static uint8_t plain[PLAIN_BYTES];
static uint8_t packed[PLAIN_BYTES + (PLAIN_BYTES >> 7) + 512];

static enum ov_status keep(void *arg, struct ov_span bytes) {
    ov_buf_add(arg, bytes.data, bytes.size);
    return ov_buf_status(arg);
}

// Noise, which nothing but a prefix makes small.
static int fill(void **state) {
    (void)state;
    uint64_t word = 88172645463325252u;
    for (size_t i = 0; i < sizeof plain; i++) {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        plain[i] = (uint8_t)(word >> 32);
    }
    return 0;
}

static struct ov_span pack(struct ov_span bytes, struct ov_span prefix) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    if (prefix.size > 0) {
        (void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 19);
        (void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 23);
        (void)ZSTD_CCtx_refPrefix(context, prefix.data, prefix.size);
    }
    size_t size = ZSTD_compress2(context, packed, sizeof packed, bytes.data, bytes.size);
    assert_false(ZSTD_isError(size));
    (void)ZSTD_freeCCtx(context);
    return ov_span_make(packed, size);
}

static enum ov_status unpack(struct ov_span bytes, struct ov_span prefix, uint64_t most,
                             struct ov_buf *out) {
    ov_buf_reset(out);
    struct ov_zstd_frame frame = {
        .packed = bytes, .prefix = prefix, .most_bytes = most, .arg = out, .put = keep};
    return ov_zstd_frame_unpack(&frame);
}

static void a_frame_comes_back(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 128 << 10, PLAIN_BYTES};
    struct ov_buf out = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct ov_span bytes = ov_span_make(plain, sizes[i]);
        struct ov_span frame = pack(bytes, (struct ov_span){0});
        assert_int_equal(unpack(frame, (struct ov_span){0}, sizes[i], &out), OV_OK);
        assert_true(ov_span_is_equal(ov_buf_span(&out), bytes));
        if (sizes[i] > 0) {
            assert_int_equal(unpack(frame, (struct ov_span){0}, sizes[i] - 1, &out), OV_LIMIT);
        }
    }
    ov_buf_release(&out);
}

static void against_a_prefix_it_is_small_and_needs_it(void **state) {
    (void)state;
    struct ov_buf out = {0};
    static uint8_t before[PREFIX_BYTES]; // libzstd wants them apart
    memcpy(before, plain, sizeof before);
    struct ov_span prefix = ov_span_make(before, sizeof before);
    struct ov_span bytes = ov_span_make(plain + 5, PREFIX_BYTES);
    struct ov_span frame = pack(bytes, prefix);
    assert_true(frame.size < 1000);
    assert_int_equal(unpack(frame, prefix, PLAIN_BYTES, &out), OV_OK);
    assert_true(ov_span_is_equal(ov_buf_span(&out), bytes));
    assert_int_equal(unpack(frame, (struct ov_span){0}, PLAIN_BYTES, &out), OV_DAMAGED);
    prefix.size--;
    assert_int_equal(unpack(frame, prefix, PLAIN_BYTES, &out), OV_DAMAGED);
    ov_buf_release(&out);
}

static void damage_is_refused(void **state) {
    (void)state;
    struct ov_buf out = {0};
    struct ov_span none = {0};
    struct ov_span frame = pack(ov_span_make(plain, 2000), none);
    for (size_t size = 0; size < frame.size; size++) {
        assert_int_equal(unpack(ov_span_part(frame, 0, size), none, 2000, &out), OV_DAMAGED);
    }
    for (size_t i = 0; i < frame.size; i++) {
        packed[i] ^= 0x40;
        assert_int_not_equal(unpack(frame, none, 2000, &out), OV_OK);
        packed[i] ^= 0x40;
    }
    packed[frame.size] = 0; // something behind it
    assert_int_equal(unpack(ov_span_make(packed, frame.size + 1), none, 2000, &out), OV_DAMAGED);
    // A frame that is skipped is well formed, and nothing.
    assert_int_equal(unpack(ov_span_make("\x50\x2a\x4d\x18\0\0\0\0", 8), none, 9, &out),
                     OV_DAMAGED);
    ov_buf_release(&out);
}

// RFC 8878, 3.1.1.1: no size, a window of 2^31 and of 2^27 bytes, an empty last block.
static void a_window_beyond_the_limit_is_refused(void **state) {
    (void)state;
    static const uint8_t huge[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0};
    static const uint8_t large[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 1, 0, 0};
    struct ov_span none = {0};
    struct ov_buf out = {0};
    assert_int_equal(unpack(ov_span_make(huge, sizeof huge), none, 1 << 20, &out), OV_LIMIT);
    assert_int_equal(unpack(ov_span_make(huge, sizeof huge), none, UINT64_MAX, &out), OV_OK);
    assert_int_equal(unpack(ov_span_make(large, sizeof large), none, 1 << 20, &out), OV_OK);
    ov_buf_release(&out);
}

// A stream that does not say how large it gets.
static void a_bomb_ends_at_the_limit(void **state) {
    (void)state;
    struct ov_buf out = {0};
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_outBuffer to = {.dst = packed, .size = sizeof packed};
    for (unsigned i = 0; i < 40; i++) {
        static const uint8_t zeros[1 << 20];
        ZSTD_inBuffer from = {.src = zeros, .size = sizeof zeros};
        size_t left =
            ZSTD_compressStream2(context, &to, &from, i < 39 ? ZSTD_e_continue : ZSTD_e_end);
        assert_false(ZSTD_isError(left) || from.pos < from.size);
    }
    (void)ZSTD_freeCCtx(context);
    struct ov_span frame = ov_span_make(packed, to.pos);
    assert_int_equal(unpack(frame, (struct ov_span){0}, 1 << 20, &out), OV_LIMIT);
    assert_true(out.size <= 1 << 20);
    assert_int_equal(unpack(frame, (struct ov_span){0}, 40 << 20, &out), OV_OK);
    assert_int_equal(out.size, 40 << 20);
    ov_buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_comes_back),
        cmocka_unit_test(against_a_prefix_it_is_small_and_needs_it),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(a_window_beyond_the_limit_is_refused),
        cmocka_unit_test(a_bomb_ends_at_the_limit),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
