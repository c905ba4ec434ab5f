// SPDX-License-Identifier: Apache-2.0
// CRC-32C: the examples of RFC 3720, and the eight-byte ways beside the one-bit way.
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint32_t crc_by_bits(struct ov_span bytes) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= bytes.data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
        }
    }
    return ~crc;
}

// Appendix B.4, whose bytes of the result stand in the order of the wire.
static void test_examples_of_rfc_3720(void **state) {
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(ov_crc32c(ov_span_make(bytes, 32)), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(ov_crc32c(ov_span_make(bytes, 32)), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    assert_int_equal(ov_crc32c(ov_span_make(bytes, 32)), 0x46dd794e);
    assert_int_equal(ov_crc32c(ov_span_text("123456789")), 0xe3069283);
}

static void test_all_lengths_beside_the_bits(void **state) {
    (void)state;
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
    }
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct ov_span span = ov_span_make(bytes, size);
        assert_int_equal(ov_crc32c(span), crc_by_bits(span));
        assert_int_equal(ov_crc32c_plain(span), crc_by_bits(span));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_of_rfc_3720),
        cmocka_unit_test(test_all_lengths_beside_the_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
