// SPDX-License-Identifier: Apache-2.0
// Keys: the example of the specification, real keys of others, and what is no key.
#include "ledger/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/encoding.h"

// signed-note, "Example".
#define EXAMPLE "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

static void assert_written(const struct ov_key *key, const char *text) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    assert_int_equal(ov_key_add(&out, key), OV_OK);
    assert_true(ov_span_is_text(ov_buf_span(&out), text));
}

static void test_keys_of_others_are_read_and_written(void **state) {
    (void)state;
    static const struct {
        const char *vkey, *name;
        enum ov_key_type type;
    } rows[] = {
        {EXAMPLE, "example.com/foo", OV_KEY_NOTE},
        // transparency-dev/tessera, testdata/log
        {"example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
         "example.com/log/testdata", OV_KEY_NOTE},
        // FiloSottile/sunlight, cmd/skylight/testdata
        {"witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN",
         "witness.example.org", OV_KEY_COSIGNATURE},
        {"mirror.example.org+3fb148ef+BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O",
         "mirror.example.org", OV_KEY_COSIGNATURE},
        // sum.golang.org, the checksum database of Go
        {"sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "sum.golang.org",
         OV_KEY_NOTE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ov_key key;
        assert_int_equal(ov_key_read(ov_span_text(rows[i].vkey), &key), OV_OK);
        assert_string_equal(key.name, rows[i].name);
        assert_int_equal(key.type, rows[i].type);
        assert_true(ov_key_can_verify(&key));
        assert_written(&key, rows[i].vkey);
    }
}

static void test_what_is_no_key(void **state) {
    (void)state;
    static const struct {
        const char *vkey;
        enum ov_status status;
    } rows[] = {
        {"", OV_DAMAGED},
        {"example.com/foo", OV_DAMAGED},
        {"example.com/foo+530d903a", OV_DAMAGED},
        {"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", OV_DAMAGED},
        {EXAMPLE "\n", OV_DAMAGED},
        {"example.com/foo+530d903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", OV_DAMAGED},
        {"example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", OV_DAMAGED},
        {"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", OV_DAMAGED},
        {"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", OV_DAMAGED},
        {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l", OV_DAMAGED},
        {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==", OV_DAMAGED},
        {"example com+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", OV_DAMAGED},
        {"example.com/foo+530d903a+", OV_UNSUPPORTED},
        {"example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", OV_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ov_key key = {.id = 77};
        assert_int_equal(ov_key_read(ov_span_text(rows[i].vkey), &key), rows[i].status);
        assert_int_equal(key.id, 77);
    }
}

static void test_names(void **state) {
    (void)state;
    static const char *const good[] = {"a", "example.com/log", "\xc3\xa9", "\xf0\x9f\x94\x91",
                                       "\xe2\x80\x94"};
    static const char *const bad[] = {"",         "a b",          "a+b",          "a\tb",
                                      "a\nb",     "\x1f",         "\xc2\x85",     "\xc2\xa0",
                                      "\xff",     "\xe2\x80\x80", "\xe2\x80\x8a", "\xe2\x80\xa8",
                                      "\xc0\x80", "\xe3\x80\x80", "\xe1\x9a\x80", "\xe2\x81\x9f"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(ov_key_name_is_good(ov_span_text(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(ov_key_name_is_good(ov_span_text(bad[i])));
    }
}

// Points of low order, other spellings of points, and what is no point (RFC 8032 section 5.1.3).
static void test_points_that_no_honest_key_is(void **state) {
    (void)state;
    static const uint8_t rows[][OV_KEY_BYTES] = {
        {0},                                   // order 4
        {1},                                   // the neutral element
        {[0] = 1, [31] = 0x80},                // with the wrong sign
        {[0] = 2},                             // no point
        {[0] = 0xec, [1 ... 30] = 0xff, 0x7f}, // order 2
        {[0] = 0xed, [1 ... 30] = 0xff, 0x7f}, // 0, not reduced
        {[0] = 0xee, [1 ... 30] = 0xff, 0x7f}, // 1, not reduced
        {[0 ... 31] = 0xff},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05}, // order 8
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ov_key key;
        assert_int_equal(ov_key_make("a", OV_KEY_NOTE, rows[i], &key), OV_DAMAGED);
    }
}

static void test_a_key_of_ml_dsa_is_known_and_verifies_nothing(void **state) {
    (void)state;
    uint8_t material[1 + OV_KEY_ML_DSA_BYTES] = {OV_KEY_ML_DSA, 1, 2, 3};
    struct ov_digest digest;
    uint8_t hash[OV_SHA256_BYTES], signature[OV_SIGNATURE_BYTES] = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf vkey = {0};
    struct ov_key key;
    ov_digest_init(OV_HASH_SHA256, &digest);
    ov_digest_update(&digest, ov_span_text("w\n"));
    ov_digest_update(&digest, ov_span_make(material, sizeof material));
    ov_digest_finish(&digest, hash);
    ov_buf_printf(&vkey, "w+%02x%02x%02x%02x+", hash[0], hash[1], hash[2], hash[3]);
    ov_base64_add(&vkey, ov_span_make(material, sizeof material));
    assert_int_equal(ov_key_read(ov_buf_span(&vkey), &key), OV_OK);
    assert_false(ov_key_can_verify(&key));
    assert_int_equal(ov_key_verify(&key, ov_span_text(""), signature), OV_DENIED);
    assert_int_equal(ov_key_add(&vkey, &key), OV_UNSUPPORTED);
    vkey.size -= 4; // three bytes fewer
    assert_int_not_equal(ov_key_read(ov_buf_span(&vkey), &key), OV_OK);
}

static void test_a_new_signer_signs_is_written_and_read_again(void **state) {
    (void)state;
    static const enum ov_key_type types[] = {OV_KEY_NOTE, OV_KEY_COSIGNATURE};
    for (size_t i = 0; i < 2; i++) {
        OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0}, again = {0};
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        uint8_t signature[OV_SIGNATURE_BYTES], second[OV_SIGNATURE_BYTES];
        struct ov_span message = ov_span_text("message");
        assert_int_equal(ov_signer_new_random("a.example", types[i], &signer), OV_OK);
        ov_signer_sign(&signer, message, signature);
        assert_int_equal(ov_key_verify(&signer.key, message, signature), OV_OK);
        assert_int_equal(ov_key_verify(&signer.key, ov_span_text("Message"), signature), OV_DENIED);
        ov_signer_add(&text, &signer);
        assert_int_equal(ov_signer_read(ov_buf_span(&text), &again), OV_OK);
        assert_memory_equal(&again.key, &signer.key, sizeof again.key);
        ov_signer_sign(&again, message, second);
        assert_memory_equal(signature, second, sizeof signature);
        ov_signer_wipe(&text);
        assert_int_equal(text.size, 0);
        assert_int_equal(text.data[0], 0);
    }
}

// golang.org/x/mod/sumdb/note, example_test.go.
static void test_a_secret_key_of_go(void **state) {
    (void)state;
    static const char text[] =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
    assert_int_equal(ov_signer_read(ov_span_text(text), &signer), OV_OK);
    assert_written(&signer.key,
                   "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    ov_signer_add(&out, &signer);
    assert_true(ov_span_is_text(ov_buf_span(&out), text));
}

static void test_what_is_no_secret_key(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "PRIVATE+KEY+",
        EXAMPLE,
        "PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
        "PRIVATE+KEY+PeterNeuman+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFzAAAA",
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n\n",
        "private+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
        assert_int_equal(ov_signer_read(ov_span_text(rows[i]), &signer), OV_DAMAGED);
        assert_null(signer.secret);
    }
    OV_CLEANUP(ov_signer_release) struct ov_signer signer = {0};
    assert_int_equal(ov_signer_new_random("a b", OV_KEY_NOTE, &signer), OV_INVALID);
    assert_int_equal(ov_signer_new_random("a", OV_KEY_ML_DSA, &signer), OV_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_of_others_are_read_and_written),
        cmocka_unit_test(test_what_is_no_key),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_points_that_no_honest_key_is),
        cmocka_unit_test(test_a_key_of_ml_dsa_is_known_and_verifies_nothing),
        cmocka_unit_test(test_a_new_signer_signs_is_written_and_read_again),
        cmocka_unit_test(test_a_secret_key_of_go),
        cmocka_unit_test(test_what_is_no_secret_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
