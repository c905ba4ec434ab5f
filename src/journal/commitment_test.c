// SPDX-License-Identifier: Apache-2.0
// Commitments: as Python's hashlib computes them from docs/formats/journal.md.
#include "journal/commitment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The key is the bytes 0 to 31, the run the bytes 100 to 115:
//   salt = sha256(b"overt-salt/v1\n" + key + run + number.to_bytes(8, "big")).digest()[:16]
//   base64(sha256(b"overt-name/v1\n" + salt + path).digest())
static const struct {
    uint64_t number;
    const char *path;
    uint8_t salt[OV_SALT_BYTES];
    const char *commitment;
} cases[] = {
    {0,
     "/etc/passwd",
     {0x7f, 0x05, 0xd0, 0xc2, 0x55, 0x47, 0x23, 0xab, 0x30, 0x74, 0x60, 0xf3, 0x08, 0xa2, 0x99,
      0xfc},
     "xxQp4mB8hgT4XGG/6nosUunUVjPdtyEUIpAnHl2fqRU="},
    {1,
     "/etc/passwd",
     {0x57, 0x37, 0x64, 0x18, 0x0d, 0x4d, 0xd0, 0xfa, 0x28, 0x62, 0x27, 0x78, 0x7a, 0x3a, 0x30,
      0x6d},
     "I3qmlbjhQPYA/7UHBYm51tRJcSggBfhAhMU7SZUpJlQ="},
    {0x0102030405060708,
     "",
     {0xc8, 0xec, 0x77, 0x8b, 0x75, 0xf5, 0x9c, 0xda, 0xd6, 0x3c, 0x00, 0x27, 0xa3, 0x70, 0xcf,
      0xe6},
     "Xgrz5lK7DkJFOPcGA4bkc/lhK1/Skm2RT11/r7q0pzE="},
};

static void test_salts_and_commitments(void **state) {
    (void)state;
    uint8_t key[OV_NAMES_KEY_BYTES];
    struct ov_entry_run run;
    for (unsigned i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    for (unsigned i = 0; i < sizeof run.bytes; i++) {
        run.bytes[i] = (uint8_t)(100 + i);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_salt salt;
        struct ov_tree_hash commitment;
        ov_salt_of(key, &run, cases[i].number, &salt);
        assert_memory_equal(salt.bytes, cases[i].salt, sizeof salt.bytes);
        ov_commitment_of(&salt, ov_span_text(cases[i].path), &commitment);
        ov_tree_hash_add(&out, &commitment);
        assert_true(ov_span_is_text(ov_buf_span(&out), cases[i].commitment));
    }
}

// Two at once, beside one after the other, of which the second path is longer by nothing or a bit.
static void check_two(const struct ov_salts *salts, uint64_t number, const char *path) {
    for (size_t more = 0; more <= 64 && number + more <= 5000; more += 16) {
        const struct ov_span paths[2] = {ov_span_make(path, number),
                                         ov_span_make(path, number + more)};
        struct ov_tree_hash both[2];
        ov_commitment_of_two(salts, number, paths, both);
        for (unsigned i = 0; i < 2; i++) {
            struct ov_salt salt;
            struct ov_tree_hash one;
            ov_salts_get(salts, number + i, &salt);
            ov_commitment_of(&salt, paths[i], &one);
            assert_true(ov_tree_hash_is_equal(&one, &both[i]));
        }
    }
}

// Around the ends of blocks, and of what is hashed in one go: the same computed for a path of that
// many letters x, with that number.
static void test_paths_of_any_length(void **state) {
    (void)state;
    static const struct {
        size_t size;
        const char *commitment;
    } rows[] = {
        {25, "9q73PPUhF/KXxYqknu3YJib1LeIfSRGXjvs7lZFywoc="},
        {26, "5uxahrfZJ1mwBx5p8lrEu8zohWat4c6PURUw5sXP2yA="},
        {89, "vsLJhgcGfHlDc13y/SSZEGDHNmkM3zPOrSY024tChnA="},
        {90, "Z8y+2aYFA+mkGVVomESCwERB7tXXFoPJ1xmllSnOz1k="},
        {482, "ImsenO2mMtv9HZGeSibyGqiLrTUutm/0AO7UwgId7U8="},
        {483, "MvdsNBMSTOoDo26RO9YT98LaO06G2auL2nxFZPNPr+g="},
        {5000, "51x5OH8x821F5XO1wLyO4p7x31ME8GkdWdT5TnTBkOY="},
    };
    uint8_t key[OV_NAMES_KEY_BYTES];
    struct ov_entry_run run;
    struct ov_salts salts;
    static char path[5000];
    memset(path, 'x', sizeof path);
    for (unsigned i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    for (unsigned i = 0; i < sizeof run.bytes; i++) {
        run.bytes[i] = (uint8_t)(100 + i);
    }
    ov_salts_init(key, &run, &salts);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        struct ov_salt salt;
        struct ov_tree_hash commitment;
        ov_salts_get(&salts, rows[i].size, &salt);
        ov_commitment_of(&salt, ov_span_make(path, rows[i].size), &commitment);
        ov_tree_hash_add(&out, &commitment);
        assert_true(ov_span_is_text(ov_buf_span(&out), rows[i].commitment));
        check_two(&salts, rows[i].size, path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_salts_and_commitments),
        cmocka_unit_test(test_paths_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
