// SPDX-License-Identifier: Apache-2.0
// Signatures that the vendor made hold, by the vendor's keys alone and over what was signed alone;
// and so do those that python's cryptography made with keys of its own.
#include "trust/vendor.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

// The header of bytecode.cvd 333, main.info 63, test-2.cdiff: digests and signatures as they stand.
static const char header_md5[] = "d82da5df59cd2fc80f01f7895a5a88fd";
static const char header_text[] =
    "fZK0/xJjlUDNYHpYX/4kE5X1aEWoNa0FR9TJwCtPa071Fky1U8Q/26q/pKHh7/2PWhPOEKup7bWVDFDUjqLU"
    "LDrQIASQTmoueAWpO9AbjjUV7JRnzoOszlyfvHEYPdLbaU66YHGXKp83MQzF0tyQd7OygMpCIy/2Y9utHcEM"
    "b9i";
static const char info_sha256[] =
    "701ef7a3a7469a9bf25aa876d46391a7ca8fc0325f882f5b424b2a7c8bcbbc49";
static const char info_text[] =
    "7e+Y58KA42Fs+symg3j9MB/0PT/g+dhD6A+zl9QVbhGpuewSspK2j2QtJTpM6opIXpmHK89y4SvKxBqZ7SDk"
    "VZuwCG66qnza6yoMYzyZsKdC8CUErHkr1YAzItPt7AzKvvw0P9VxzawO0S/8OPxAwSbv82Qn/mICCkNTI5zd"
    "4jWjs4LdTU7O5ImpkarkzAvIjev8F/3o6MvlLmleqtfzIwIL4U9+Dx/lDAywt583z57rHls7e6BJT0/rR7vx"
    "4+ug5O+Fgg9Vl7oC3jpQnZIGq90cx7qvUlkhA5It0icRtwTipy0tX7FvjGfgoA/tGWVc+7w0DyjS9cDojeaJ"
    "4m7yJ";
static const char cdiff_sha256[] =
    "eb8db63477d7e933290cf9465750bbdf3a9bf160e84e941e02ad7ae80d1023f5";
static const char cdiff_text[] =
    "3GYo0NXQzFJfEudDQDAxL2xGzIw/86MgHbcBGxmc3/BQZFUg0sl5JIBRuIExBN6rtbigqEb/dUpdGWEeb+/b"
    "L/AhlOeeRhjOluJZUkKLhB45OFGdUmQCyv54NoTm4Ju2qoKxm/LIym7jpQOF/6rXIvg6QjKDQxwI4kSObM+W"
    "f2FCA2znvaI+Y+iZl+gKC4i/yiEjU5z5zqfZSmBGXxvrNj06F82SeCvtQQnC0wK7mLzBMFhEI+kkbJvNdyzM"
    "I33yBbZuWU0+Ia8fUsWgeGloGCvLljWWguVr8vVW7XVDitd4Wp9wTHA4t2CyDZdKq5w9qp/JP6g6NTNV/Wmt"
    "Xaotb";

// RSASSA-PSS over "overt" with 32 bytes of salt, with 31, and a number that begins with a zero.
static const char own_modulus[] =
    "dbb3c891644c2b561b3a3272aef0f6c771b961ef086c19b49bd7687c9faaa725d9bdbb55dbd5ebc8c040"
    "3ba667c4b0c52df87c2cc191d08fbbebcfeb58288ac34e84bc74a6c5656f22a99b855d481d78e6dea74e"
    "c329cedcd85f7d755e8c6963293d6f60f1f44fbb47d7b7d45d7a800939b901b13c2c04e7637d5b9c3a51"
    "5a623751f00e400979a60b5436a8a2d08cdf489608733edbcabaa5283c44f50594c62cf48db90fc8e4eb"
    "3228b9cc28af4bebf0ea439fd9a4e4bb795b5f763d8b0d94d2ce2ae69b88268fcf574e619b30458b2b65"
    "c52675f99c28c9fcc785fde23ff670158ee6b83dad1ea7f8748655f828c2aceb68ebdf7e4e8cb4bd9eeb"
    "ea5361c9";
static const char own_text[] =
    "xesUpee0yE+bofYF0JVw1Uatbke7bIwS4p8y9t0EhTeF00TSCcFActIe6h9gNM5hhMwi5tXEt4Q4RKA1bGK/"
    "X6Ab1jCQgp9kCl5ZGO4lWpl3rH2Os/weOxE+dkxMFrPusz7c9+dJnsOEmFP0+bgAiE77XvvFSygVli4FLI5Y"
    "WJ04eLQGiSCNFE3L0l/XBRf9Ps+6XIeEiFvpe1uxMnmtyWwSvKMCQ4rDPhdua9HAwigvXmJL8Yixtylx3uTJ"
    "vmHtLDwAHWrRVftbND/NsziIHcdec8JFBPmF87fSetdJ+G2XsviWLABDXntKRc4WTpT0LMHXDVACGgeW/4PU"
    "TblCfd";
static const char short_text[] =
    "h3mlL4uINGdZFcvrU2jwE+j9os7Vw5I5wym9gHDUWhkToAYvdy/LKMyrzfGKuPGe9HzCVav4oDTG0kLuudOw"
    "vLi2mvH+bwJSE8PnptnI2L/btOFYA7zHncbrdGA6nIPdjOEPLokTgepGSULVdwKRye2ZaMTd3zqi/HVqi/yG"
    "lMGKzgDQB36TKSbFFqKDb+TSChcPMBbJKk1sRlKc0W2W+MhGN7sRyOJweCPeunBvcFg+R6NW8j+DnwqSpzCk"
    "Vs0LFekll33jpyXjDUlIH+WFsP9nSEZNfyw3POIbqbJgEbF5JPLz8LFAnPbBmXUF2LsASKXiHtxRiP6+2yu/"
    "knHz9c";
static const char small_modulus[] =
    "a628f7dc7ea8440cf9226e2c4117cf7a88593f9fcdc7d6ca9ad35b06995b8341bda80c5f2a6c895e849c"
    "6f173164665b9b8042cd95352ff4d56bf1c8d6cff56b29e237c1a8e7b65ce26d52ce1f6c0c4eee2c96f7"
    "4d215a614b4c7eb6e1c99933ffaf76b59126bd04ceb70bd112e4bc4be356055d4cbe314bed2a2e0d4c12"
    "684f";
static const char zero_md5[] = "00d4e461268c8034f5c8564e155c67a6";
static const char zero_text[] =
    "fpGhupI5iRV5jMa+FITeR0wBI3uSam++f4Rx4Hxxcc/Dmm9y82FLcA8So6oOI+fULInbihvaXA87EyLqySq5"
    "Ekk1GQfFQDNwXXxhv93+ttHc5WxUXjfYUvbqBlBLO7Nr0sFLqvw1iQlXuJ7muZSGX0GSr/1i8Iddmhlzf6Pl"
    "SF";

struct own_key {
    uint8_t modulus[256];
    struct ov_rsa_key key;
};

static void read_key(const char *digits, struct own_key *ret_key) {
    static const uint8_t exponent[] = {1, 0, 1};
    size_t size = strlen(digits) / 2;
    assert_int_equal(ov_hex_read(ov_span_text(digits), ret_key->modulus, size), OV_OK);
    ret_key->key = (struct ov_rsa_key){.modulus = ov_span_make(ret_key->modulus, size),
                                       .exponent = ov_span_make(exponent, sizeof exponent)};
}

static bool holds(const struct ov_rsa_key *key, const char *text, const char *digits) {
    uint8_t digest[OV_SHA256_BYTES];
    size_t size = strlen(digits) / 2;
    assert_int_equal(ov_hex_read(ov_span_text(digits), digest, size), OV_OK);
    return size == OV_MD5_BYTES ? ov_vendor_verify_md5(key, ov_span_text(text), digest)
                                : ov_vendor_verify_sha256(key, ov_span_text(text), digest);
}

static void what_the_vendor_signed_holds_by_its_key_alone(void **state) {
    (void)state;
    static const struct {
        enum ov_vendor_key_id id;
        const char *text, *digits;
    } cases[] = {
        {OV_VENDOR_HEADER, header_text, header_md5},
        {OV_VENDOR_INFO, info_text, info_sha256},
        {OV_VENDOR_CDIFF, cdiff_text, cdiff_sha256},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned id = 0; id < OV_VENDOR_KEY_COUNT; id++) {
            const struct ov_rsa_key *key = ov_vendor_key((enum ov_vendor_key_id)id);
            assert_int_equal(holds(key, cases[i].text, cases[i].digits), id == cases[i].id);
        }
    }
}

// Every letter of the signature and every digit of the digest counts.
static void a_changed_letter_breaks_it(const struct ov_rsa_key *key, const char *text,
                                       const char *digits) {
    char changed[400];
    assert_true(holds(key, text, digits));
    for (size_t i = 0; i < strlen(text); i++) {
        (void)snprintf(changed, sizeof changed, "%s", text);
        changed[i] = text[i] == 'a' ? 'b' : 'a';
        assert_false(holds(key, changed, digits));
    }
    for (size_t i = 0; i < strlen(digits); i++) {
        (void)snprintf(changed, sizeof changed, "%s", digits);
        changed[i] = digits[i] == '0' ? '1' : '0';
        assert_false(holds(key, text, changed));
    }
}

static void changes_break_it(void **state) {
    (void)state;
    a_changed_letter_breaks_it(ov_vendor_key(OV_VENDOR_HEADER), header_text, header_md5);
    a_changed_letter_breaks_it(ov_vendor_key(OV_VENDOR_INFO), info_text, info_sha256);
}

static void own_keys_do_for_tests(void **state) {
    (void)state;
    static const char overt[] = "bbae4b3b8313e419973785da9ad2171553ec7884c8e3609f6f513e6222695950";
    struct own_key own, small;
    read_key(own_modulus, &own);
    read_key(small_modulus, &small);
    assert_true(holds(&own.key, own_text, overt));
    assert_false(holds(&own.key, short_text, overt));
    assert_true(holds(&small.key, zero_text, zero_md5));
    assert_false(holds(&small.key, own_text, overt));
    // The digest itself, where an exponent of one would do, and a modulus that is even.
    own.modulus[255] ^= 1;
    assert_false(holds(&own.key, own_text, overt));
    own.modulus[255] ^= 1;
    own.key.exponent = ov_span_make("\x01", 1);
    assert_false(holds(&own.key, own_text, overt));
}

static void what_is_no_number_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"", "a", "A A", "-", "b", "\x80", "aaaa=", "X"};
    char many[401];
    const struct ov_rsa_key *header = ov_vendor_key(OV_VENDOR_HEADER);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(holds(header, texts[i], header_md5));
    }
    // The same number with zeros above it is the same; with anything else there, or too many, none.
    (void)snprintf(many, sizeof many, "%s%s", header_text, "aaaa");
    assert_true(holds(header, many, header_md5));
    (void)snprintf(many, sizeof many, "%s%s", header_text, "aaab");
    assert_false(holds(header, many, header_md5));
    (void)snprintf(many, sizeof many, "%-400s", header_text);
    for (char *at = many; *at != '\0'; at++) {
        *at = *at == ' ' ? 'a' : *at;
    }
    assert_false(holds(header, many, header_md5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_vendor_signed_holds_by_its_key_alone),
        cmocka_unit_test(changes_break_it),
        cmocka_unit_test(own_keys_do_for_tests),
        cmocka_unit_test(what_is_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
