// SPDX-License-Identifier: Apache-2.0
// SHA-384 and SHA-512 in pieces give what they give at once; the values are those of others
// (format/codec/cipher_test.c).
#include "base/sha512.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { BYTES = 700 };

static void check_pieces(size_t size, size_t step) {
    uint8_t bytes[BYTES], whole[OV_SHA512_BYTES], pieces[OV_SHA512_BYTES];
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    struct ov_span text = ov_span_make(bytes, size);
    struct ov_sha512 sha;
    ov_sha512_init(OV_SHA512_BYTES, &sha);
    for (size_t at = 0; at < size; at += step) {
        ov_sha512_update(&sha, ov_span_part(text, at, step));
    }
    ov_sha512_finish(&sha, pieces);
    ov_sha512(text, whole);
    assert_memory_equal(pieces, whole, sizeof whole);
}

static void test_pieces_of_any_size_give_the_digest_of_the_whole(void **state) {
    (void)state;
    for (size_t size = 0; size < BYTES; size += 13) {
        check_pieces(size, 1);
        check_pieces(size, 63);
        check_pieces(size, 128);
        check_pieces(size, 131);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_any_size_give_the_digest_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
