// SPDX-License-Identifier: Apache-2.0
// RC4, AES and the long SHA-2 against published test vectors.
#include "base/hex.h"
#include "base/sha512.h"
#include "format/codec/cipher.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct ov_span read_hex(const char *text, uint8_t *bytes) {
    size_t size = strlen(text) / 2;
    assert_int_equal(ov_hex_read(ov_span_text(text), bytes, size), OV_OK);
    return ov_span_make(bytes, size);
}

static void check_hex(const uint8_t *bytes, const char *expected) {
    char text[257];
    ov_hex_write(ov_span_make(bytes, strlen(expected) / 2), text);
    assert_string_equal(text, expected);
}

// RFC 6229, offsets 0 and 16, and the oldest vectors that were posted.
static void test_rc4_makes_the_streams_of_rfc_6229(void **state) {
    (void)state;
    static const struct {
        const char *key, *stream;
    } cases[] = {
        {"0102030405", "b2396305f03dc027ccc3524a0a1118a86982944f18fc82d589c403a47a0d0919"},
        {"0102030405060708090a0b0c0d0e0f10",
         "9ac7cc9a609d1ef7b2932899cde41b975248c4959014126a6e8a84f11d1a9e1c"},
        {"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
         "eaa6bd25880bf93d3f5d1e4ca2611d91cfa45c9f7e714b54bdfa80027cb14380"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t key[32], bytes[32] = {0};
        struct ov_rc4 rc4;
        ov_rc4_init(read_hex(cases[i].key, key), &rc4);
        ov_rc4_apply(&rc4, ov_span_make(bytes, 32), bytes);
        check_hex(bytes, cases[i].stream);
    }
}

// FIPS 197, appendix C: one block, which CBC with an empty start leaves as it is.
static void test_aes_makes_the_blocks_of_fips_197(void **state) {
    (void)state;
    static const char *const expected[] = {"69c4e0d86a7b0430d8cdb78070b4c55a",
                                           "dda97ca4864cdfe06eaf70a0ec0d7191",
                                           "8ea2b7ca516745bfeafc49904b496089"};
    uint8_t key[32];
    for (uint8_t i = 0; i < sizeof key; i++) {
        key[i] = i;
    }
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[16], iv[16] = {0};
        struct ov_aes aes;
        struct ov_span plain = read_hex("00112233445566778899aabbccddeeff", bytes);
        assert_true(ov_aes_init(ov_span_make(key, 16 + 8 * i), &aes));
        ov_aes_encrypt(&aes, iv, plain, bytes);
        check_hex(bytes, expected[i]);
        memset(iv, 0, sizeof iv);
        ov_aes_decrypt(&aes, iv, plain, bytes);
        check_hex(bytes, "00112233445566778899aabbccddeeff");
    }
}

// NIST SP 800-38A, F.2.1 and F.2.5.
static void test_cbc_chains_as_in_sp_800_38a(void **state) {
    (void)state;
    static const char plain_text[] =
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
    static const struct {
        const char *key, *packed;
    } cases[] = {
        {"2b7e151628aed2a6abf7158809cf4f3c",
         "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
         "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"},
        {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
         "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
         "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t key[32], start[16], iv[16], bytes[64];
        struct ov_aes aes;
        assert_true(ov_aes_init(read_hex(cases[i].key, key), &aes));
        struct ov_span plain = read_hex(plain_text, bytes);
        (void)read_hex("000102030405060708090a0b0c0d0e0f", start);
        memcpy(iv, start, sizeof iv);
        ov_aes_encrypt(&aes, iv, plain, bytes);
        check_hex(bytes, cases[i].packed);
        memcpy(iv, start, sizeof iv);
        ov_aes_decrypt(&aes, iv, ov_span_part(plain, 0, 16), bytes);
        ov_aes_decrypt(&aes, iv, ov_span_from(plain, 16), &bytes[16]);
        check_hex(bytes, plain_text);
    }
}

static void test_keys_of_other_sizes_are_refused(void **state) {
    (void)state;
    struct ov_aes aes;
    assert_false(ov_aes_init(ov_span_make("123456789012345", 15), &aes));
    assert_false(ov_aes_init(ov_span_make(NULL, 0), &aes));
}

// FIPS 180-4's examples, and lengths around the ends of blocks (values of coreutils' sha512sum and
// sha384sum).
static void test_sha2_makes_the_digests_of_fips_180(void **state) {
    (void)state;
    uint8_t digest[OV_SHA512_BYTES];
    ov_sha512(ov_span_text("abc"), digest);
    check_hex(digest, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    ov_sha384(ov_span_text("abc"), digest);
    check_hex(digest, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                      "8086072ba1e7cc2358baeca134c825a7");
    ov_sha512(ov_span_make(NULL, 0), digest);
    check_hex(digest, "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                      "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
    static const struct {
        size_t size;
        const char *sha384, *sha512;
    } cases[] = {
        {111,
         "3c37955051cb5c3026f94d551d5b5e2ac38d572ae4e07172085fed81f8466b8f"
         "90dc23a8ffcdea0b8d8e58e8fdacc80a",
         "fa9121c7b32b9e01733d034cfc78cbf67f926c7ed83e82200ef8681819692176"
         "0b4beff48404df811b953828274461673c68d04e297b0eb7b2b4d60fc6b566a2"},
        {112,
         "187d4e07cb306103c69967bf544d0dfbe9042577599c73c330abc0cb64c61236"
         "d5ed565ee19119d8c31779a38f791fcd",
         "c01d080efd492776a1c43bd23dd99d0a2e626d481e16782e75d54c2503b5dc32"
         "bd05f0f1ba33e568b88fd2d970929b719ecbb152f58f130a407c8830604b70ca"},
        {127,
         "9bd06b1763c2cf7aef40e795dc65bc96d59c41b537f3ad72ebdefd485476b571"
         "7c1aeb37c327fe9c1831b12b9efd08ae",
         "828613968b501dc00a97e08c73b118aa8876c26b8aac93df128502ab360f91ba"
         "b50a51e088769a5c1eff4782ace147dce3642554199876374291f5d921629502"},
        {128,
         "edb12730a366098b3b2beac75a3bef1b0969b15c48e2163c23d96994f8d1bef7"
         "60c7e27f3c464d3829f56c0d53808b0b",
         "b73d1929aa615934e61a871596b3f3b33359f42b8175602e89f7e06e5f658a24"
         "3667807ed300314b95cacdd579f3e33abdfbe351909519a846d465c59582f321"},
        {129,
         "39b6f5a7b0e781dbc419f72e49b30eaac10f2c98c4403bc610da31067fd1b48f"
         "324138c8615d2b496d08d73d5e865326",
         "4f681e0bd53cda4b5a2041cc8a06f2eabde44fb16c951fbd5b87702f07aeab61"
         "1565b19c47fde30587177ebb852e3971bbd8d3fd30da18d71037dfbd98420429"},
        {240,
         "4d86957beab348a29180f02d02564ac1d32f5b4c217ece2b038f7c184f0cafc8"
         "c8e438eb82aa03796170e0a7ce8c0675",
         "4c296d90c61052a62ffb1dd196f1b7b09373b1f93e71836baebf89690546b759"
         "5684dbe9467a8e484fa0d1094272b4344a7c24f5fee8daedeb0bf549c985ab5f"},
    };
    uint8_t bytes[256];
    memset(bytes, 'a', sizeof bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ov_sha384(ov_span_make(bytes, cases[i].size), digest);
        check_hex(digest, cases[i].sha384);
        ov_sha512(ov_span_make(bytes, cases[i].size), digest);
        check_hex(digest, cases[i].sha512);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rc4_makes_the_streams_of_rfc_6229),
        cmocka_unit_test(test_aes_makes_the_blocks_of_fips_197),
        cmocka_unit_test(test_cbc_chains_as_in_sp_800_38a),
        cmocka_unit_test(test_keys_of_other_sizes_are_refused),
        cmocka_unit_test(test_sha2_makes_the_digests_of_fips_180),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
