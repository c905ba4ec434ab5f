// SPDX-License-Identifier: Apache-2.0
// What is packed comes back by libzstd's own function; the same bytes give the same frame.
#include "format/codec/zstd_pack.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zstd.h>

enum { PLAIN_BYTES = 1 << 20 };

static uint8_t before[PLAIN_BYTES], after[PLAIN_BYTES], back[PLAIN_BYTES + 1];

static enum ov_status keep(void *arg, struct ov_span bytes) {
    ov_buf_add(arg, bytes.data, bytes.size);
    return ov_buf_status(arg);
}

// Noise, which nothing but a prefix makes small; and the same with some bytes put in.
static int fill(void **state) {
    (void)state;
    uint64_t word = 88172645463325252u;
    for (size_t i = 0; i < sizeof before; i++) {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        before[i] = (uint8_t)(word >> 32);
    }
    memcpy(after, before, PLAIN_BYTES / 2);
    memcpy(after + PLAIN_BYTES / 2, "a new rule\n", 11);
    memcpy(after + PLAIN_BYTES / 2 + 11, before + PLAIN_BYTES / 2, PLAIN_BYTES / 2 - 11);
    return 0;
}

static void pack(struct ov_span plain, struct ov_span prefix, struct ov_buf *out) {
    struct ov_zstd_pack work = {.plain = plain, .prefix = prefix, .arg = out, .put = keep};
    ov_buf_reset(out);
    assert_int_equal(ov_zstd_pack_make(&work), OV_OK);
}

static size_t unpack(const struct ov_buf *frame, struct ov_span prefix) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    (void)ZSTD_DCtx_refPrefix(context, prefix.data, prefix.size);
    size_t size = ZSTD_decompressDCtx(context, back, sizeof back, frame->data, frame->size);
    (void)ZSTD_freeDCtx(context);
    return size;
}

static void test_a_file_comes_back(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 128 << 10, (128 << 10) + 1, PLAIN_BYTES};
    OV_CLEANUP(ov_buf_release) struct ov_buf frame = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct ov_span plain = ov_span_make(before, sizes[i]);
        pack(plain, (struct ov_span){0}, &frame);
        pack(plain, (struct ov_span){0}, &again);
        assert_true(ov_span_is_equal(ov_buf_span(&frame), ov_buf_span(&again)));
        assert_int_equal(unpack(&frame, (struct ov_span){0}), sizes[i]);
        assert_memory_equal(back, before, sizes[i]);
        assert_int_equal(ZSTD_getFrameContentSize(frame.data, frame.size), sizes[i]);
    }
}

static void test_a_delta_is_small_and_needs_its_prefix(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf frame = {0};
    pack(ov_span_make(after, PLAIN_BYTES), ov_span_make(before, PLAIN_BYTES), &frame);
    assert_true(frame.size < 500);
    assert_int_equal(unpack(&frame, ov_span_make(before, PLAIN_BYTES)), PLAIN_BYTES);
    assert_memory_equal(back, after, PLAIN_BYTES);
    assert_true(ZSTD_isError(unpack(&frame, (struct ov_span){0})));
}

static enum ov_status refuse(void *arg, struct ov_span bytes) {
    (void)arg;
    (void)bytes;
    return OV_SYSTEM;
}

static void test_what_cannot_be_written_ends_it(void **state) {
    (void)state;
    struct ov_zstd_pack work = {.plain = ov_span_make(before, 1000), .put = refuse};
    assert_int_equal(ov_zstd_pack_make(&work), OV_SYSTEM);
    work.plain.size = ((size_t)2 << 30) + 1; // not looked at
    assert_int_equal(ov_zstd_pack_make(&work), OV_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_comes_back),
        cmocka_unit_test(test_a_delta_is_small_and_needs_its_prefix),
        cmocka_unit_test(test_what_cannot_be_written_ends_it),
    };
    return cmocka_run_group_tests_name("format/zstd_pack", tests, fill, NULL);
}
