// SPDX-License-Identifier: Apache-2.0
// Checkpoints: those of others are opened, and what a policy does not cover is refused.
#include "ledger/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define DASH       "\xe2\x80\x94 "
#define EMPTY_ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static struct ov_policy policy;

static void read_policy(const char *text) {
    struct ov_policy_error error = {0};
    if (ov_policy_read(ov_span_text(text), &policy, &error) != OV_OK) {
        fail_msg("line %zu: %s", error.line, error.why);
    }
}

static void test_texts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum ov_status status;
    } rows[] = {
        {"a\n0\n" EMPTY_ROOT "\n", OV_OK},
        {"a b c\n9223372036854775807\n" EMPTY_ROOT "\n", OV_OK},
        {"a\n0\n" EMPTY_ROOT "\nextension\nmore\n", OV_OK},
        {"a\n9223372036854775808\n" EMPTY_ROOT "\n", OV_DAMAGED},
        {"", OV_DAMAGED},
        {"a\n", OV_DAMAGED},
        {"a\n0\n", OV_DAMAGED},
        {"\n0\n" EMPTY_ROOT "\n", OV_DAMAGED},
        {"a\n0\n" EMPTY_ROOT, OV_DAMAGED},
        {"a\n00\n" EMPTY_ROOT "\n", OV_DAMAGED},
        {"a\n+1\n" EMPTY_ROOT "\n", OV_DAMAGED},
        {"a\n\n" EMPTY_ROOT "\n", OV_DAMAGED},
        {"a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n", OV_DAMAGED},
        {"a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n", OV_DAMAGED},
        {"a\n0\n" EMPTY_ROOT "\n\n", OV_DAMAGED},
        {"a\n0\n" EMPTY_ROOT "\nextension\n\nmore\n", OV_DAMAGED},
        {"a\n0\n" EMPTY_ROOT "\nextension", OV_DAMAGED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ov_checkpoint checkpoint = {0};
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        enum ov_status status = ov_checkpoint_read(ov_span_text(rows[i].text), &checkpoint);
        if (status != rows[i].status) {
            fail_msg("%s: %s", rows[i].text, ov_status_text(status));
        }
        if (status == OV_OK) {
            ov_checkpoint_add(&out, &checkpoint);
            assert_true(ov_span_is_text(ov_buf_span(&out), rows[i].text));
        }
    }
}

// transparency-dev/tessera, testdata/log/checkpoint.N: a log that was not made here.
static void test_a_log_of_tessera(void **state) {
    (void)state;
    static const struct {
        uint64_t size;
        const char *root, *signature;
    } rows[] = {
        {0, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
         "M9e0lhxJACzE1KoUdqKuPa+9p6R7dSW8BlEvrg/n"
         "oo8FkGg6PbJoRNOcdjqjOq89wVvTA60eubCc4oufo5BvIVEgtQc="},
        {1, "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=",
         "M9e0lhr9kuLxGdAtaUrhm84TQffVsLdcy808sN0a"
         "3WyniNlfcr9+bywoiIke1YYciCNjJGkCgIlQ8b16jhsmg/SChAM="},
        {2, "T1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4=",
         "M9e0llH4NKmlf0u7C8tkJioQOmi7l5ELqljXgKRg"
         "6R3G5JJ7vx7emDWo5fpqKuA/Dk/jRrI6il+7QCVirNhyUAWGoAk="},
        {3, "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=",
         "M9e0lvAQRtH832pk2RTbeSeZMkp4FZSdJYFBUjO5"
         "SKxuRbywPUF3cx+HUrb50kjd3rUWW/fj53Wj1dwcwh9bGQnqVAg="},
        {4, "zY1lN35vrXYAPixXSd59LsU29xUJtuW4o2dNNg5Y2Co=",
         "M9e0lnFuWt0cp60moO4jAkeXvMNLIIOGn4WdyeHQ"
         "urBt9mBi0tWdfkldiAt9k0FpwuZymvttsVn9uwyouXU3vPpeNAc="},
        {5, "gy5gl3aksFyiCO95a/1vLXz88A3dRq+0l9Sxte8ZqZQ=",
         "M9e0lmn5eDHyHP10zJObZdFAX2y1V8fdDKBi4IiH"
         "bDYf1TCUBwxZOhqwv2QZCqrdda2zTRTrmnwjwscN5RBTEmZUYAs="},
        {6, "a6sWvsc2eEzmj72vah7mZ5dwFltivehh2b11qwlp5Jg=",
         "M9e0ln+nHSdGSHEZBcjvqyYDXDbG8WxDwCDjbbGA"
         "Mv/NTynAtJWhckSXIpuwpN3yJ4PTtzUbD34YGqIZr6RgJRn16gU="},
        {7, "IrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=",
         "M9e0luA5JhTRUki/BBQD0QNiH6AEJ2pdtsA5CQjq"
         "JErViuuKrN6513RCTL2640wXJv0dCed3neRGI6dMzBq9uANf2Qc="},
        {8, "bC+VwvrJbalNVjfkdI8kUgs7mJoXrqiXCE7bgnD28pY=",
         "M9e0lq1EK37dHtgv9O3UzPxisw5vwIPcJsX9ab0x"
         "t4mvVfbdUR1fbMjN6sBFYpBoBEmD4+cWhj/AVgI5MitCO5+mews="},
        {9, "CvhHViE3S9E3htHLR+25mapWoGCJ3WckMq1UtC3VmEY=",
         "M9e0ls3mdnWX0qk4P3uGG0eYiFRWSwPR+RdeD1AR"
         "mrHPHjXP0x9UJWASPFTOTqJo0mp7Epck2O9RFB0J9IjDdAewagw="},
        {10, "y8/gZsZCtitsMan09tY+k8I7Qpr7Y5fbO2tLi9GQnfU=",
         "M9e0lrmwaVEOWFZ+HS5ITnRd2YMOSWE5QeoYu+6D"
         "HwJLnJ+SVeJ2ZiYeD7lVC5oGJx76gbfLSyCUEq6D8JkarrsuiQQ="},
        {11, "Yok1cS5VdokGLBy73BC2I16b3atss6KBN9jnIi6Fz/A=",
         "M9e0lqbRtWirJwbUy4w3VrK2RyzfW8P+OIkc8t6b"
         "6AVG/tQd1Q2SN+uCLYzNNFnf/PhzeCdURSGQe1MRnohCxPu21wg="},
        {12, "uZo6M+IhVna+CLgWCrJs0xBPUHbozHkYTQASduHSLME=",
         "M9e0lrFzoTgi+ovhrqX0DpsEAp3wLu1coMLIkeCw"
         "SkGfS4Ox4pLXo2LHudqm4merh0ZkCNzHr8kQwq5gS5mmimIvdA4="},
        {13, "av0kLH0VkkVDrTuZzBGIx7d9z5G1l/GlKz/nAV/8woQ=",
         "M9e0liO8x8xfEOGmZVYODUjQajkEpjccPQ9EkG3y"
         "EEDet4K3BWE/DFRPH6H+b6gFFFaG5KS1bBmYS/xeZJs8lj+z+wM="},
        {14, "SvCd38yNade7xEPY1a/aAc1M3A2AHYVF8lIiUnsH1ao=",
         "M9e0lu8roIpjC+NXEG7JDkajIahoYDYWgxDtxfx/"
         "6rzLoztU9t/PvivZ48xt8ygJpjzaboSpkbVv3Jb+D3NdXWQf5wo="},
        {15, "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=",
         "M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1"
         "zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI="},
    };
    read_policy(
        "log example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx\n"
        "quorum none\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct ov_checkpoint_opened opened;
        OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
        struct ov_tree_hash root;
        const char *why = NULL;
        ov_buf_printf(&note, "example.com/log/testdata\n%lu\n%s\n\n" DASH, rows[i].size,
                      rows[i].root);
        ov_buf_printf(&note, "example.com/log/testdata %s\n", rows[i].signature);
        assert_int_equal(ov_checkpoint_open(ov_buf_span(&note), &policy, &opened, &why), OV_OK);
        assert_int_equal(opened.checkpoint.head.size, rows[i].size);
        assert_int_equal(ov_tree_hash_read(ov_span_text(rows[i].root), &root), OV_OK);
        assert_true(ov_tree_hash_is_equal(&root, &opened.checkpoint.head.root));
        assert_true(opened.is_quorum_met && opened.quorum_time == 0);
        note.data[sizeof "example.com/log/testdata"] ^= 1; // the size
        assert_int_not_equal(ov_checkpoint_open(ov_buf_span(&note), &policy, &opened, &why), OV_OK);
    }
}

// ---- logs and witnesses of our own
// ------------------------------------------------------------------

enum { SIGNERS = 8 };

// 0 to 2 are logs: "log.example", another key of that name, "other.example"; the rest are
// witnesses.
static struct ov_signer signers[SIGNERS];

static int make_signers(void **state) {
    (void)state;
    static const char *const names[SIGNERS] = {
        "log.example", "log.example", "other.example", "w3", "w4", "w5", "w6", "w7"};
    for (unsigned i = 0; i < SIGNERS; i++) {
        uint8_t seed[OV_KEY_SEED_BYTES] = {(uint8_t)i};
        if (ov_signer_from_seed(names[i], i < 3 ? OV_KEY_NOTE : OV_KEY_COSIGNATURE, seed,
                                &signers[i]) != OV_OK) {
            return -1;
        }
    }
    return 0;
}

static int release_signers(void **state) {
    (void)state;
    for (size_t i = 0; i < SIGNERS; i++) {
        ov_signer_release(&signers[i]);
    }
    return 0;
}

// Logs 0 to 2; witnesses 3, 4, 5, two of which make the quorum.
static struct ov_buf policy_text;

static void use_own_policy(void) {
    struct ov_policy_error error = {0};
    ov_buf_reset(&policy_text);
    for (size_t i = 0; i < 6; i++) {
        ov_buf_add_text(&policy_text, i < 3 ? "log " : "witness ");
        if (i >= 3) {
            ov_buf_printf(&policy_text, "%s ", signers[i].key.name);
        }
        assert_int_equal(ov_key_add(&policy_text, &signers[i].key), OV_OK);
        ov_buf_add_text(&policy_text, "\n");
    }
    ov_buf_add_text(&policy_text, "group g 2 w3 w4 w5\nquorum g\n");
    assert_int_equal(ov_policy_read(ov_buf_span(&policy_text), &policy, &error), OV_OK);
}

// Signs `text` with the signers of these bits; witness i says the time 1000 * i.
static void sign(struct ov_buf *note, const char *text, unsigned who) {
    ov_buf_reset(note);
    ov_note_add_text(note, ov_span_text(text));
    for (unsigned i = 0; i < SIGNERS; i++) {
        if ((who >> i & 1) != 0) {
            ov_note_sign(note, ov_span_text(text), &signers[i], 1000 * i);
        }
    }
}

#define FIRST "log.example\n5\nt97DqTfPS1sMGRzP0zaZGZy3L40xVs1ECwWoUUBP+vE=\n"

static void test_who_has_signed_and_whether_that_is_enough(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned who;
        enum ov_status status;
        bool is_met;
        const char *why;
    } rows[] = {
        {FIRST, 0x39, OV_OK, true, NULL},
        {FIRST, 0x19, OV_OK, true, NULL},
        {FIRST, 0xd9, OV_OK, true, NULL},              // and witnesses that nobody knows
        {FIRST, 0xc9, OV_OK, false, NULL},             // which do not count
        {FIRST, 0x01, OV_OK, false, NULL},             // the log alone
        {FIRST, 0x02, OV_OK, false, NULL},             // by its other key
        {FIRST, 0x03, OV_OK, false, NULL},             // by both
        {FIRST, 0x38, OV_DENIED, false, "not signed"}, // witnesses alone
        {FIRST, 0x3c, OV_DENIED, false, "not signed"}, // and a log of another origin
        {"other.example\n5\nt97DqTfPS1sMGRzP0zaZGZy3L40xVs1ECwWoUUBP+vE=\n", 0x39, OV_DENIED, false,
         "not signed"},
        {"third.example\n5\nt97DqTfPS1sMGRzP0zaZGZy3L40xVs1ECwWoUUBP+vE=\n", 0x3f, OV_DENIED, false,
         "another log"},
        {FIRST "extension\n", 0x39, OV_UNSUPPORTED, false, "extension"},
        {"log.example\n5\n", 0x39, OV_DAMAGED, false, "no checkpoint"},
        {"log.example\n0\n" EMPTY_ROOT "\n", 0x39, OV_OK, true, NULL},
        {"log.example\n0\nt97DqTfPS1sMGRzP0zaZGZy3L40xVs1ECwWoUUBP+vE=\n", 0x39, OV_DAMAGED, false,
         "empty tree"},
    };
    use_own_policy();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
        static struct ov_checkpoint_opened opened;
        const char *why = NULL;
        sign(&note, rows[i].text, rows[i].who);
        enum ov_status status = ov_checkpoint_open(ov_buf_span(&note), &policy, &opened, &why);
        if (status != rows[i].status || (why == NULL) != (rows[i].why == NULL) ||
            (why != NULL && strstr(why, rows[i].why) == NULL)) {
            fail_msg("row %zu: %s, %s", i, ov_status_text(status), why != NULL ? why : "");
        }
        if (status == OV_OK) {
            assert_int_equal(opened.is_quorum_met, rows[i].is_met);
            assert_int_equal(opened.witnesses, rows[i].who >> 3 & 7);
            status = ov_checkpoint_open_witnessed(ov_buf_span(&note), &policy, &opened, &why);
            assert_int_equal(status, rows[i].is_met ? OV_OK : OV_DENIED);
        }
    }
}

static void test_what_is_told_of_an_opened_one(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
    static struct ov_checkpoint_opened opened;
    const char *why = NULL;
    use_own_policy();
    sign(&note, FIRST, 0x3a);
    assert_int_equal(ov_checkpoint_open(ov_buf_span(&note), &policy, &opened, &why), OV_OK);
    assert_int_equal(opened.log_index, 1);
    assert_int_equal(opened.witnesses, 7);
    assert_int_equal(opened.times[0], 3000);
    assert_int_equal(opened.times[2], 5000);
    assert_int_equal(opened.times[3], 0);
    assert_int_equal(opened.quorum_time, 4000); // of three times, two are as late
}

// Beside all the others, one false line of a known key, whatever it is about.
static void test_one_false_line_spoils_it(void **state) {
    (void)state;
    use_own_policy();
    for (unsigned i = 0; i < 6; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf note = {0};
        static struct ov_checkpoint_opened opened;
        const char *why = NULL;
        sign(&note, FIRST, 0x3f & ~(1u << i));
        ov_note_sign(&note, ov_span_text("log.example\n6\n"), &signers[i], 7000);
        assert_int_equal(ov_checkpoint_open(ov_buf_span(&note), &policy, &opened, &why), OV_DENIED);
        assert_non_null(strstr(why, "false"));
    }
}

// A witness that signs with ML-DSA-44 may stand in a policy. What it says cannot be verified here,
// so it is neither counted nor called false.
static void test_a_witness_of_ml_dsa_is_passed_over(void **state) {
    (void)state;
    uint8_t material[1 + OV_KEY_ML_DSA_BYTES] = {OV_KEY_ML_DSA, 1, 2, 3}, blob[4 + 8 + 2420] = {0};
    static struct ov_checkpoint_opened opened;
    struct ov_policy_error error;
    struct ov_digest digest;
    uint8_t hash[OV_SHA256_BYTES];
    const char *why = NULL;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0}, note = {0};
    ov_digest_init(OV_HASH_SHA256, &digest);
    ov_digest_update(&digest, ov_span_text("m.example\n"));
    ov_digest_update(&digest, ov_span_make(material, sizeof material));
    ov_digest_finish(&digest, hash);
    memcpy(blob, hash, 4);
    ov_buf_add_text(&text, "log ");
    assert_int_equal(ov_key_add(&text, &signers[0].key), OV_OK);
    ov_buf_add_text(&text, "\nwitness w3 ");
    assert_int_equal(ov_key_add(&text, &signers[3].key), OV_OK);
    ov_buf_printf(&text, "\nwitness m m.example+%02x%02x%02x%02x+", hash[0], hash[1], hash[2],
                  hash[3]);
    ov_base64_add(&text, ov_span_make(material, sizeof material));
    ov_buf_add_text(&text, "\ngroup g all w3 m\nquorum g\n");
    assert_int_equal(ov_policy_read(ov_buf_span(&text), &policy, &error), OV_OK);
    sign(&note, FIRST, 0x09);
    ov_buf_add_text(&note, DASH "m.example ");
    ov_base64_add(&note, ov_span_make(blob, sizeof blob));
    ov_buf_add_text(&note, "\n");
    assert_int_equal(ov_checkpoint_open(ov_buf_span(&note), &policy, &opened, &why), OV_OK);
    assert_int_equal(opened.witnesses, 1);
    assert_false(opened.is_quorum_met);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_a_log_of_tessera),
        cmocka_unit_test(test_who_has_signed_and_whether_that_is_enough),
        cmocka_unit_test(test_what_is_told_of_an_opened_one),
        cmocka_unit_test(test_one_false_line_spoils_it),
        cmocka_unit_test(test_a_witness_of_ml_dsa_is_passed_over),
    };
    int failures = cmocka_run_group_tests(tests, make_signers, release_signers);
    ov_buf_release(&policy_text);
    return failures;
}
