// SPDX-License-Identifier: Apache-2.0
// Entries: what is written is read back, and every change of form is refused.
#include "ledger/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HASH "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define SHA  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char release_text[] = "overt-ruleset/v1\n"
                                   "feed stable\n"
                                   "seq 1742\n"
                                   "previous " HASH "\n"
                                   "time 1790000000\n"
                                   "lang overt-rules/1\n"
                                   "engine-min 0.1.0\n"
                                   "bundle sha256 " SHA " 12345\n"
                                   "rules 77 " HASH "\n"
                                   "changes added 12 removed 1\n";

static void test_a_release_there_and_back(void **state) {
    (void)state;
    struct ov_release release;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    assert_int_equal(ov_leaf_kind_of(ov_span_text(release_text)), OV_LEAF_RULESET);
    assert_int_equal(ov_release_read(ov_span_text(release_text), &release), OV_OK);
    assert_string_equal(release.feed.text, "stable");
    assert_int_equal(release.seq, 1742);
    assert_true(release.has_previous);
    assert_int_equal(release.time, 1790000000);
    assert_int_equal(release.language, 1);
    assert_int_equal(release.engine_min.parts[1], 1);
    assert_int_equal(release.bundle_sha256[0], 0xe3);
    assert_int_equal(release.bundle_bytes, 12345);
    assert_int_equal(release.rule_count, 77);
    assert_int_equal(release.added_count, 12);
    assert_int_equal(release.removed_count, 1);
    ov_release_add(&out, &release);
    assert_true(ov_span_is_text(ov_buf_span(&out), release_text));
}

// Replaces `old` in the text by `new`, and reads it.
static enum ov_status read_with(const char *old, const char *new) {
    struct ov_release release;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    const char *hit = strstr(release_text, old);
    assert_non_null(hit);
    ov_buf_add(&out, release_text, (size_t)(hit - release_text));
    ov_buf_add_text(&out, new);
    ov_buf_add_text(&out, hit + strlen(old));
    return ov_release_read(ov_buf_span(&out), &release);
}

static void test_releases_that_are_refused(void **state) {
    (void)state;
    static const char *const changes[][2] = {
        {"v1\n", "v2\n"},
        {"feed stable", "feed Stable"},
        {"feed stable", "feed -stable"},
        {"feed stable", "feed "},
        {"seq 1742", "seq 0"},
        {"seq 1742", "seq 01742"},
        {"seq 1742", "seq 1"}, // with a previous one
        {"previous " HASH, "previous none"},
        {"previous " HASH, "previous  " HASH},
        {"time 1790000000", "time -1"},
        {"overt-rules/1", "overt-rules/"},
        {"overt-rules/1", "clamav-rules/1"},
        {"0.1.0", "0.1"},
        {"0.1.0", "0.1.0.0"},
        {"0.1.0", "00.1.0"},
        {SHA, "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"12345\n", "12345 \n"},
        {"12345\n", "\n"},
        {"rules 77", "rules 7 7"},
        {"removed 1\n", "removed 1 changed 3\n"},
        {"removed", "deleted"},
        {"removed 1\n", "removed 1"},
        {"removed 1\n", "removed 1\n\n"},
        {"removed 1\n", "removed 1\nmore\n"},
        {"feed stable\n", ""},
        {"feed stable\n", "feed stable\r\n"},
    };
    assert_int_equal(read_with("seq 1742", "seq 1743"), OV_OK);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_int_equal(read_with(changes[i][0], changes[i][1]), OV_DAMAGED);
    }
    struct ov_release release;
    for (size_t size = 0; size < sizeof release_text - 1; size++) {
        assert_int_equal(ov_release_read(ov_span_make(release_text, size), &release), OV_DAMAGED);
    }
}

static void test_versions_are_ordered_by_number(void **state) {
    (void)state;
    static const char *const rising[] = {"0.0.9", "0.1.0", "0.9.12", "0.10.0", "1.0.0", "10.0.0"};
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 6; k++) {
            struct ov_version a;
            struct ov_version b;
            assert_int_equal(ov_version_read(ov_span_text(rising[i]), &a), OV_OK);
            assert_int_equal(ov_version_read(ov_span_text(rising[k]), &b), OV_OK);
            int order = ov_version_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
}

static void test_withdrawals(void **state) {
    (void)state;
    static const char text[] = "overt-withdraw/v1\nfeed stable\nseq 7\ntime 1790000000\n"
                               "reason finds documents, not malware\n";
    struct ov_withdrawal withdrawal;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    assert_int_equal(ov_leaf_kind_of(ov_span_text(text)), OV_LEAF_WITHDRAWAL);
    assert_int_equal(ov_withdrawal_read(ov_span_text(text), &withdrawal), OV_OK);
    assert_int_equal(withdrawal.seq, 7);
    ov_withdrawal_add(&out, &withdrawal);
    assert_true(ov_span_is_text(ov_buf_span(&out), text));
    for (size_t size = 0; size < sizeof text - 1; size++) {
        assert_int_equal(ov_withdrawal_read(ov_span_make(text, size), &withdrawal), OV_DAMAGED);
    }
    static const char escape[] = "overt-withdraw/v1\nfeed stable\nseq 7\ntime 1\nreason \x1b[2J\n";
    assert_int_equal(ov_withdrawal_read(ov_span_text(escape), &withdrawal), OV_DAMAGED);
}

static void test_engines(void **state) {
    (void)state;
    static const char text[] = "overt-engine/v1\nversion 0.1.0\ntime 1790000000\n"
                               "file sha256 " SHA " 0 amd64/overt\n"
                               "file sha256 " SHA " 99 overt-0.1.0.tar.gz\n";
    struct ov_engine engine;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    assert_int_equal(ov_leaf_kind_of(ov_span_text(text)), OV_LEAF_ENGINE);
    assert_int_equal(ov_engine_read(ov_span_text(text), &engine), OV_OK);
    assert_int_equal(engine.file_count, 2);
    assert_true(ov_span_is_text(engine.files[0].name, "amd64/overt"));
    assert_int_equal(engine.files[1].bytes, 99);
    ov_engine_add(&out, &engine);
    assert_true(ov_span_is_text(ov_buf_span(&out), text));
    static const char none[] = "overt-engine/v1\nversion 0.1.0\ntime 1790000000\n";
    assert_int_equal(ov_engine_read(ov_span_text(none), &engine), OV_DAMAGED);
    ov_buf_reset(&out);
    ov_buf_add_text(&out, none);
    for (unsigned i = 0; i <= OV_ENGINE_FILES_MAX; i++) {
        assert_int_equal(ov_engine_read(ov_buf_span(&out), &engine), i == 0 ? OV_DAMAGED : OV_OK);
        ov_buf_add_text(&out, "file sha256 " SHA " 0 x\n");
    }
    assert_int_equal(ov_engine_read(ov_buf_span(&out), &engine), OV_LIMIT);
}

static void test_rotations(void **state) {
    (void)state;
    static const char trust[] = "overt-trust/v1\n\nfeed stable\n";
    static const char policy[] = "log x\n# why\nquorum none\n";
    struct ov_rotation rotation = {.feed = {"stable"}, .version = 2, .time = 5};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf back = {0};
    assert_int_equal(ov_rotation_add(&out, &rotation, ov_span_text(trust), ov_span_text(policy)),
                     OV_OK);
    assert_int_equal(ov_leaf_kind_of(ov_buf_span(&out)), OV_LEAF_ROTATION);
    assert_int_equal(ov_rotation_read(ov_buf_span(&out), &rotation), OV_OK);
    assert_int_equal(rotation.version, 2);
    ov_rotation_add_file(&back, &rotation, "trust");
    assert_true(ov_span_is_text(ov_buf_span(&back), trust));
    ov_buf_reset(&back);
    ov_rotation_add_file(&back, &rotation, "policy");
    assert_true(ov_span_is_text(ov_buf_span(&back), policy));
    static const char *const bad[] = {
        "overt-policy/v1\nfeed a\nversion 2\ntime 5\n",
        "overt-policy/v1\nfeed a\nversion 2\ntime 5\ntrust a\n",
        "overt-policy/v1\nfeed a\nversion 2\ntime 5\npolicy a\ntrust a\n",
        "overt-policy/v1\nfeed a\nversion 2\ntime 5\ntrust a\npolicy a",
        "overt-policy/v1\nfeed a\nversion 2\ntime 5\ntrust a\nother a\npolicy a\n",
        "overt-policy/v1\nfeed a\nversion 2\ntime 5\ntrust \npolicy a\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ov_rotation_read(ov_span_text(bad[i]), &rotation), OV_DAMAGED);
    }
}

static void test_others_are_others(void **state) {
    (void)state;
    static const char *const others[] = {"", "x", "overt-ruleset/v1 \n", "overt-ruleset/v2\n",
                                         "Overt-ruleset/v1\n"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(ov_leaf_kind_of(ov_span_text(others[i])), OV_LEAF_OTHER);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_release_there_and_back),
        cmocka_unit_test(test_releases_that_are_refused),
        cmocka_unit_test(test_versions_are_ordered_by_number),
        cmocka_unit_test(test_withdrawals),
        cmocka_unit_test(test_engines),
        cmocka_unit_test(test_rotations),
        cmocka_unit_test(test_others_are_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
