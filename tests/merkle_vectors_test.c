// SPDX-License-Identifier: Apache-2.0
// rooms: ledger base
//
// The Merkle tree beside what others computed: constants of RFC 6962 implementations, the eight
// entries that Certificate Transparency has always tested with, a log of Tessera, and 196 proofs,
// most of them wrong.
#include "base/hex.h"
#include "ledger/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/merkle_vectors.h"

enum { VECTORS = 98 };
_Static_assert(sizeof inclusion_vectors / sizeof *inclusion_vectors == VECTORS, "all of them");
_Static_assert(sizeof consistency_vectors / sizeof *consistency_vectors == VECTORS, "all of them");

static struct ov_tree_hash read_hex(const char *text) {
    struct ov_tree_hash hash;
    assert_int_equal(ov_hex_read(ov_span_text(text), hash.bytes, sizeof hash.bytes), OV_OK);
    return hash;
}

static void assert_hash(const struct ov_tree_hash *hash, const char *expected) {
    struct ov_tree_hash wanted = read_hex(expected);
    assert_memory_equal(hash->bytes, wanted.bytes, sizeof wanted.bytes);
}

static void test_constants_of_rfc_6962(void **state) {
    (void)state;
    struct ov_tree_hash hash;
    struct ov_tree tree;
    ov_tree_init(&tree);
    ov_tree_root(&tree, &hash);
    assert_hash(&hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ov_leaf_hash(ov_span_text(""), &hash);
    assert_hash(&hash, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    ov_leaf_hash(ov_span_text("L123456"), &hash);
    assert_hash(&hash, "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
    // The hash of a node knows no other length than 32 bytes: its texts are hashed here by hand.
    ov_sha256(ov_span_text("\x01N123N456"), hash.bytes);
    assert_hash(&hash, "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
    struct ov_tree_hash left, right;
    uint8_t text[1 + 2 * OV_SHA256_BYTES] = {0x01};
    memset(left.bytes, 'l', sizeof left.bytes);
    memset(right.bytes, 'r', sizeof right.bytes);
    memset(text + 1, 'l', OV_SHA256_BYTES);
    memset(text + 1 + OV_SHA256_BYTES, 'r', OV_SHA256_BYTES);
    ov_sha256(ov_span_make(text, sizeof text), hash.bytes);
    ov_node_hash(&left, &right, &right);
    assert_memory_equal(hash.bytes, right.bytes, sizeof hash.bytes);
}

// Entries and roots as in the tests of Google's C++ implementation and of those that followed it.
static void test_eight_entries_of_certificate_transparency(void **state) {
    (void)state;
    static const struct {
        const char *entry;
        const char *root;
    } rows[] = {
        {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"606162636465666768696a6b6c6d6e6f",
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct ov_tree tree;
    ov_tree_init(&tree);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t entry[16];
        size_t size = strlen(rows[i].entry) / 2;
        struct ov_tree_hash hash;
        assert_int_equal(ov_hex_read(ov_span_text(rows[i].entry), entry, size), OV_OK);
        ov_leaf_hash(ov_span_make(entry, size), &hash);
        ov_tree_append(&tree, &hash);
        ov_tree_root(&tree, &hash);
        assert_hash(&hash, rows[i].root);
    }
}

// A log that was written by Tessera (its testdata/log), with the root of each of its checkpoints.
static void test_fifteen_entries_of_a_tessera_log(void **state) {
    (void)state;
    static const struct {
        const char *entry;
        const char *root;
    } rows[] = {
        {"one", "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek="},
        {"two", "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4="},
        {"three", "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk="},
        {"four", "zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co="},
        {"five", "gy5gl3aksFyiCO95a/1vLXz88A3dRq+0l9Sxte8ZqZQ="},
        {"six", "a6sWvsc2eEzmj72vah7mZ5dwFltivehh2b11qwlp5Jg="},
        {"seven", "IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U="},
        {"eit", "bC+VwvrJbalNVjfkdI8kUgs7mJoXrqiXCE7bgnD28pY="},
        {"nain", "CvhHViE3S9E3htHLR+25mapWoGCJ3WckMq1UtC3VmEY="},
        {"ten", "y8/gZsZCtitsMan09tY+k8I7Qpr7Y5fbO2tLi9GQnfU="},
        {"ileven", "Yok1cS5VdokGLBy73BC2I16b3atss6KBN9jnIi6Fz/A="},
        {"twelf", "uZo6M+IhVna+CLgWCrJs0xBPUHbozHkYTQASduHSLME="},
        {"threeten", "av0kLH0VkkVDrTuZzBGIx7d9z5G1l/GlKz/nAV/8woQ="},
        {"fourten", "SvCd38yNade7xEPY1a/aAc1M3A2AHYVF8lIiUnsH1ao="},
        {"fivten", "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs="},
    };
    struct ov_tree tree;
    ov_tree_init(&tree);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ov_tree_hash hash, root;
        ov_leaf_hash(ov_span_text(rows[i].entry), &hash);
        ov_tree_append(&tree, &hash);
        ov_tree_root(&tree, &hash);
        assert_int_equal(ov_tree_hash_read(ov_span_text(rows[i].root), &root), OV_OK);
        assert_true(ov_tree_hash_is_equal(&hash, &root));
    }
}

// Reads what a vector names; false when one of them is no hash.
static bool read_vector(const struct vector *vector, struct ov_tree_hash *ret_hash,
                        struct ov_tree_hash *ret_root, struct ov_tree_proof *ret_proof) {
    bool is_right =
        ov_tree_hash_read(ov_span_text(vector_hashes[vector->hash]), ret_hash) == OV_OK &&
        ov_tree_hash_read(ov_span_text(vector_hashes[vector->root]), ret_root) == OV_OK;
    ret_proof->count = vector->count;
    for (size_t i = 0; i < vector->count && is_right; i++) {
        struct ov_span text = ov_span_text(vector_hashes[vector->proof[i]]);
        is_right = ov_tree_hash_read(text, &ret_proof->hashes[i]) == OV_OK;
    }
    return is_right;
}

static void test_inclusion_vectors(void **state) {
    (void)state;
    unsigned unreadable = 0, good = 0;
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *vector = &inclusion_vectors[i];
        struct ov_tree_head head = {.size = vector->size};
        struct ov_tree_hash leaf;
        struct ov_tree_proof proof;
        if (!read_vector(vector, &leaf, &head.root, &proof)) {
            assert_false(vector->is_good);
            unreadable++;
            continue;
        }
        enum ov_status status = ov_inclusion_verify(vector->first, &leaf, &proof, &head);
        if (status != (vector->is_good ? OV_OK : OV_DAMAGED)) {
            fail_msg("%s: %s", vector->name, ov_status_text(status));
        }
        good += vector->is_good;
    }
    assert_int_equal(unreadable, 26);
    assert_int_equal(good, 6);
}

static void test_consistency_vectors(void **state) {
    (void)state;
    unsigned unreadable = 0, good = 0, empty = 0;
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *vector = &consistency_vectors[i];
        struct ov_tree_head old_head = {.size = vector->first};
        struct ov_tree_head new_head = {.size = vector->size};
        struct ov_tree_proof proof;
        if (!read_vector(vector, &old_head.root, &new_head.root, &proof)) {
            // The one good proof between what are no roots: two sizes of one.
            bool is_dummy = strstr(vector->name, "sizes-are-equal-one-and-proof-is-empty") != NULL;
            assert_int_equal(vector->is_good, is_dummy);
            unreadable++;
            continue;
        }
        // From nothing: refused by that library, and left to the caller by ours (merkle.h).
        enum ov_status refusal = vector->first == 0 ? OV_INVALID : OV_DAMAGED;
        enum ov_status status = ov_consistency_verify(&old_head, &new_head, &proof);
        if (status != (vector->is_good ? OV_OK : refusal)) {
            fail_msg("%s: %s", vector->name, ov_status_text(status));
        }
        good += vector->is_good;
        empty += vector->first == 0;
    }
    assert_int_equal(unreadable, 27);
    assert_int_equal(good, 5);
    assert_int_equal(empty, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants_of_rfc_6962),
        cmocka_unit_test(test_eight_entries_of_certificate_transparency),
        cmocka_unit_test(test_fifteen_entries_of_a_tessera_log),
        cmocka_unit_test(test_inclusion_vectors),
        cmocka_unit_test(test_consistency_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
