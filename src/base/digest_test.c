// SPDX-License-Identifier: Apache-2.0
// Digests: published vectors, every length up to 1000 against Python's hashlib, engines against
// each other, and every way to cut a message in two.
#include "base/digest.h"
#include "base/digest_engines.h"
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SAMPLE_BYTES = 1 << 20 };

// Bytes that hashlib was given, too: (167 i + 13 (i / 256) + 5) mod 256.
static uint8_t *sample;

static int make_sample(void **state) {
    (void)state;
    sample = malloc(SAMPLE_BYTES);
    assert_non_null(sample);
    for (size_t i = 0; i < SAMPLE_BYTES; i++) {
        sample[i] = (uint8_t)(i * 167 + (i >> 8) * 13 + 5);
    }
    return 0;
}

static int drop_sample(void **state) {
    (void)state;
    free(sample);
    return 0;
}

// Runs `check` once with each engine that this processor has.
static void with_each_engine(void (*check)(void)) {
    const struct ov_digest_engine *best = ov_digest_engine();
    print_message("best engine here: %s\n", best->name);
    check();
    ov_digest_set_engine(&ov_digest_plain);
    check();
    ov_digest_set_engine(NULL);
    assert_ptr_equal(ov_digest_engine(), best);
}

static void assert_digest(enum ov_hash_kind kind, struct ov_span bytes, const char *want) {
    uint8_t digest[OV_HASH_BYTES_MAX];
    char text[2 * OV_HASH_BYTES_MAX + 1];
    ov_digest_of(kind, bytes, digest);
    ov_hex_write(ov_span_make(digest, ov_hash_bytes(kind)), text);
    assert_string_equal(text, want);
}

// RFC 1321 A.5, FIPS 180-4's examples.
static void check_vectors(void) {
    static const struct {
        enum ov_hash_kind kind;
        const char *text, *digest;
    } vectors[] = {
        {OV_HASH_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
        {OV_HASH_MD5, "a", "0cc175b9c0f1b6a831c399e269772661"},
        {OV_HASH_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
        {OV_HASH_MD5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {OV_HASH_MD5, "abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {OV_HASH_MD5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {OV_HASH_MD5,
         "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
        {OV_HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {OV_HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {OV_HASH_SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {OV_HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {OV_HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {OV_HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_digest(vectors[i].kind, ov_span_text(vectors[i].text), vectors[i].digest);
    }
}

static void vectors_match(void **state) {
    (void)state;
    with_each_engine(check_vectors);
}

// FIPS 180-4's long example: a million times 'a'; given in pieces of growing size.
static void check_million(void) {
    static const char *const want[OV_HASH_KINDS] = {
        "7707d6ae4e027c70eea2a935c2296f21",
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    };
    uint8_t piece[1500];
    memset(piece, 'a', sizeof piece);
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        struct ov_digest digest;
        ov_digest_init(kind, &digest);
        size_t left = 1000000, size = 0;
        while (left > 0) {
            size = size % sizeof piece < left ? size % sizeof piece : left;
            ov_digest_update(&digest, ov_span_make(piece, size));
            left -= size++;
        }
        uint8_t bytes[OV_HASH_BYTES_MAX];
        char text[2 * OV_HASH_BYTES_MAX + 1];
        ov_digest_finish(&digest, bytes);
        ov_hex_write(ov_span_make(bytes, ov_hash_bytes(kind)), text);
        assert_string_equal(text, want[kind]);
    }
}

static void million_matches(void **state) {
    (void)state;
    with_each_engine(check_million);
}

// The digest over the digests of every prefix of 0 to 1000 bytes, and the digest of the whole
// sample, as Python's hashlib computes them.
static void check_lengths(void) {
    static const char *const prefixes[OV_HASH_KINDS] = {
        "9ef184970853ab63ffd7ba7c51a989e5",
        "832b3f010a3ed7705362a5400b2d54e24e105f0b",
        "4da98c7a6e354701ba7a8b5145dbf6e1a97318e86f9789e8915d724b398118ab",
    };
    static const char *const whole[OV_HASH_KINDS] = {
        "7ec26e8f3c65f3cdf6e4ee16bcc37630",
        "9940dd3a558e35f4a0039d8d816bcb4bcb1e8197",
        "e48c41794c4b32afc0cc0c59cfe5fd9482c279a835b997456469db0e18d5d7b9",
    };
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        uint8_t all[1001 * OV_HASH_BYTES_MAX];
        size_t size = ov_hash_bytes(kind);
        for (size_t i = 0; i <= 1000; i++) {
            ov_digest_of(kind, ov_span_make(sample, i), all + i * size);
        }
        assert_digest(kind, ov_span_make(all, 1001 * size), prefixes[kind]);
        assert_digest(kind, ov_span_make(sample, SAMPLE_BYTES), whole[kind]);
    }
}

static void lengths_match(void **state) {
    (void)state;
    with_each_engine(check_lengths);
}

static void check_cuts(void) {
    enum { MESSAGE_BYTES = 200 };
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        uint8_t want[OV_HASH_BYTES_MAX], got[OV_HASH_BYTES_MAX];
        ov_digest_of(kind, ov_span_make(sample, MESSAGE_BYTES), want);
        for (size_t cut = 0; cut <= MESSAGE_BYTES; cut++) {
            struct ov_digest digest;
            ov_digest_init(kind, &digest);
            ov_digest_update(&digest, ov_span_make(sample, cut));
            ov_digest_update(&digest, ov_span_make(NULL, 0));
            ov_digest_update(&digest, ov_span_make(sample + cut, MESSAGE_BYTES - cut));
            ov_digest_finish(&digest, got);
            assert_memory_equal(got, want, ov_hash_bytes(kind));
        }
    }
}

static void cuts_do_not_matter(void **state) {
    (void)state;
    with_each_engine(check_cuts);
}

// Of equal and of different lengths, with some of the bytes given before.
static void check_two_at_once(void) {
    for (size_t size = 0; size <= 450; size++) {
        for (unsigned step = 0; step < 4; step++) {
            const size_t sizes[2] = {size, size + step * step * 7};
            struct ov_digest digests[2];
            uint8_t got[2][OV_SHA256_BYTES], want[OV_SHA256_BYTES];
            struct ov_span last[2];
            for (unsigned i = 0; i < 2; i++) {
                size_t before = sizes[i] / (2 + i + step);
                ov_digest_init(OV_HASH_SHA256, &digests[i]);
                ov_digest_update(&digests[i], ov_span_make(sample + i, before));
                last[i] = ov_span_make(sample + i + before, sizes[i] - before);
            }
            ov_digest_finish_two((struct ov_digest *const[2]){&digests[0], &digests[1]}, last,
                                 (uint8_t *const[2]){got[0], got[1]});
            for (unsigned i = 0; i < 2; i++) {
                ov_sha256(ov_span_make(sample + i, sizes[i]), want);
                assert_memory_equal(got[i], want, sizeof want);
            }
        }
    }
}

static void two_at_once_are_as_one_by_one(void **state) {
    (void)state;
    with_each_engine(check_two_at_once);
}

static void short_forms_agree(void **state) {
    (void)state;
    uint8_t a[OV_HASH_BYTES_MAX], b[OV_HASH_BYTES_MAX];
    struct ov_span bytes = ov_span_make(sample, 12345);
    ov_md5(bytes, a);
    ov_digest_of(OV_HASH_MD5, bytes, b);
    assert_memory_equal(a, b, OV_MD5_BYTES);
    ov_sha1(bytes, a);
    ov_digest_of(OV_HASH_SHA1, bytes, b);
    assert_memory_equal(a, b, OV_SHA1_BYTES);
    ov_sha256(bytes, a);
    ov_digest_of(OV_HASH_SHA256, bytes, b);
    assert_memory_equal(a, b, OV_SHA256_BYTES);
}

// Nothing beyond the digest's own length is written.
static void results_stay_in_bounds(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        uint8_t bytes[OV_HASH_BYTES_MAX + 1];
        memset(bytes, 0xa5, sizeof bytes);
        ov_digest_of(kind, ov_span_make(sample, 77), bytes);
        for (size_t i = ov_hash_bytes(kind); i < sizeof bytes; i++) {
            assert_int_equal(bytes[i], 0xa5);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_at_once_are_as_one_by_one),
        cmocka_unit_test(vectors_match),
        cmocka_unit_test(million_matches),
        cmocka_unit_test(lengths_match),
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(short_forms_agree),
        cmocka_unit_test(results_stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, make_sample, drop_sample);
}
