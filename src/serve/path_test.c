// SPDX-License-Identifier: Apache-2.0
// The paths of a log's folder: each shape, and what is only like one.
#include "serve/path.h"

#include "ledger/log_names.h"
#include "ledger/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static enum ov_status read_path(const char *target, struct ov_log_path *ret_path) {
    return ov_log_path_read(ov_span_text(target), ret_path);
}

static void test_paths_of_a_log(void **state) {
    (void)state;
    static const struct {
        const char *target;
        enum ov_log_path_kind kind;
    } rows[] = {
        {"/checkpoint", OV_LOG_PATH_CHECKPOINT},
        {"/log.policy", OV_LOG_PATH_SETTING},
        {"/log.vkey", OV_LOG_PATH_SETTING},
        {"/overt.trust", OV_LOG_PATH_SETTING},
        {"/tile/0/000", OV_LOG_PATH_TILE},
        {"/tile/0/273.p/112", OV_LOG_PATH_TILE},
        {"/tile/63/000.p/1", OV_LOG_PATH_TILE},
        {"/tile/1/x001/x234/067", OV_LOG_PATH_TILE},
        {"/tile/1/x001/x234/067.p/255", OV_LOG_PATH_TILE},
        {"/tile/0/x100/000", OV_LOG_PATH_TILE},
        {"/tile/entries/005", OV_LOG_PATH_TILE},
        {"/tile/entries/x001/000.p/7", OV_LOG_PATH_TILE},
        {"/bundle/" HEX64 ".zst", OV_LOG_PATH_BUNDLE},
        {"/delta/" HEX64 "-" HEX64 ".zst", OV_LOG_PATH_BUNDLE},
        {"/feed/stable/latest.tlog-proof", OV_LOG_PATH_PROOF},
        {"/feed/0a-b-c/latest.tlog-proof", OV_LOG_PATH_PROOF},
        {"/feed/stable/policy-2.tlog-proof", OV_LOG_PATH_PROOF},
        {"/feed/stable/policy-9223372036854775807.tlog-proof", OV_LOG_PATH_PROOF},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ov_log_path path;
        assert_int_equal(read_path(rows[i].target, &path), OV_OK);
        assert_int_equal(path.kind, rows[i].kind);
        assert_string_equal(path.name, rows[i].target + 1);
    }
}

static void refuse_path(const char *target) {
    struct ov_log_path path = {.kind = OV_LOG_PATH_TILE, .name = "untouched"};
    assert_int_equal(read_path(target, &path), OV_DAMAGED);
    assert_string_equal(path.name, "untouched");
}

static void test_nothing_else_has_a_name(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "/",
        "checkpoint",
        "//checkpoint",
        "/checkpoint/",
        "/Checkpoint",
        "/checkpoint?a",
        "/checkpoint%00",
        "/%63heckpoint",
        "/./checkpoint",
        "/../checkpoint",
        "/tile",
        "/tile/",
        "/tile/0",
        "/tile/0/",
        "/tile/0/1",
        "/tile/0/0000",
        "/tile/0/00a",
        "/tile/00/000",
        "/tile/64/000",
        "/tile/100/000",
        "/tile/-1/000",
        "/tile/0/001/002",
        "/tile/0/x001",
        "/tile/0/x000/001",
        "/tile/0/x01/001",
        "/tile/0/y001/001",
        "/tile/0/../000",
        "/tile/0/000/..",
        "/tile/0//000",
        "/tile/0/000.p",
        "/tile/0/000.p/",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/01",
        "/tile/0/000.p/1/2",
        "/tile/0/000.p/1.p/2",
        "/tile/0/000.q/1",
        "/tile/0/.p/1",
        "/tile/Entries/000",
        "/tile/data/000",
        "/tile/0/x001/x001/x001/x001/x001/x001/x001/001",
        "/tile/0/x1/x1/x1/x1/x1/x1/x1/x1/x1/x1/x1/x1/x1/x1/x1/x1",
        "/bundle",
        "/bundle/",
        "/bundle/.zst",
        "/bundle/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef.zst",
        "/feed",
        "/feed/stable",
        "/feed//latest.tlog-proof",
        "/feed/../latest.tlog-proof",
        "/feed/.a/latest.tlog-proof",
        "/feed/a.b/latest.tlog-proof",
        "/feed/A/latest.tlog-proof",
        "/feed/a b/latest.tlog-proof",
        "/feed/stable/latest.tlog-proof/x",
        "/feed/stable/.latest",
        "/feed/stable/policy-.tlog-proof",
        "/feed/stable/policy-02.tlog-proof",
        "/feed/stable/policy-2a.tlog-proof",
        "/feed/stable/policy-9223372036854775808.tlog-proof",
        "/feed/stable/policy-2",
        "/feed/stable/2.tlog-proof",
        "/log.key",
        "/.overt",
        "/log.policy.new",
        "/checkpoint.tmp",
        "http://x/checkpoint",
        "*",
    };
    static const char *const with_digests[] = {
        "/bundle/" HEX64,
        "/bundle/" HEX64 "0.zst",
        "/bundle/" HEX64 ".zst/",
        "/bundle/" HEX64 ".zst.zst",
        "/bundle/x/" HEX64 ".zst",
        "/delta/" HEX64 ".zst",
        "/feed/" HEX64 "a/latest.tlog-proof",
        "/delta/" HEX64 "_" HEX64 ".zst",
        "/delta/" HEX64 "-" HEX64,
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        refuse_path(rows[i]);
    }
    for (size_t i = 0; i < sizeof with_digests / sizeof with_digests[0]; i++) {
        refuse_path(with_digests[i]);
    }
}

static void accept_name(const char *name, enum ov_log_path_kind kind) {
    char target[OV_LOG_PATH_BYTES + 1];
    struct ov_log_path path;
    (void)snprintf(target, sizeof target, "/%s", name);
    assert_int_equal(read_path(target, &path), OV_OK);
    assert_int_equal(path.kind, kind);
    assert_string_equal(path.name, name);
}

static void test_what_a_log_names_is_a_path(void **state) {
    (void)state;
    static const uint64_t numbers[] = {
        0,    1,      9,       10,      255,        999,       1000,
        1001, 999999, 1000000, 1234067, 4294967296, 999999999, INT64_MAX / 256};
    static const unsigned widths[] = {1, 9, 10, 99, 100, 255, 256};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++) {
            struct ov_tile_path path;
            assert_int_equal(ov_tile_path(0, numbers[i], widths[k], &path), OV_OK);
            accept_name(path.text, OV_LOG_PATH_TILE);
            assert_int_equal(ov_entries_path(numbers[i], widths[k], &path), OV_OK);
            accept_name(path.text, OV_LOG_PATH_TILE);
            if (ov_tile_path(3, numbers[i], widths[k], &path) == OV_OK) {
                accept_name(path.text, OV_LOG_PATH_TILE);
            }
        }
    }
    struct ov_feed_name feed;
    const uint8_t digests[2][OV_SHA256_BYTES] = {{0xab}, {0xff, 0x09}};
    assert_int_equal(ov_feed_name_read(ov_span_text("stable-2"), &feed), OV_OK);
    accept_name(ov_log_name_bundle(digests[0]).text, OV_LOG_PATH_BUNDLE);
    accept_name(ov_log_name_delta(digests[0], digests[1]).text, OV_LOG_PATH_BUNDLE);
    accept_name(ov_log_name_latest(&feed).text, OV_LOG_PATH_PROOF);
    accept_name(ov_log_name_rotation(&feed, 2).text, OV_LOG_PATH_PROOF);
    accept_name(OV_LOG_CHECKPOINT, OV_LOG_PATH_CHECKPOINT);
    accept_name(OV_LOG_POLICY, OV_LOG_PATH_SETTING);
    accept_name(OV_LOG_VKEY, OV_LOG_PATH_SETTING);
    accept_name(OV_LOG_TRUST, OV_LOG_PATH_SETTING);
}

static void test_nul_is_no_end(void **state) {
    (void)state;
    struct ov_log_path path;
    assert_int_equal(ov_log_path_read(ov_span_make("/checkpoint\0", 12), &path), OV_DAMAGED);
    assert_int_equal(ov_log_path_read(ov_span_make("/feed/a\0b/latest.tlog-proof", 27), &path),
                     OV_DAMAGED);
}

static void test_origin_paths(void **state) {
    (void)state;
    struct ov_span hex;
    assert_int_equal(ov_origin_path_read(ov_span_text("/" HEX64 "/checkpoint"), &hex), OV_OK);
    assert_true(ov_span_is_text(hex, HEX64));
    static const char *const rows[] = {
        "",
        "/" HEX64,
        "/" HEX64 "/",
        "/" HEX64 "/Checkpoint",
        "/" HEX64 "/checkpoint/",
        "/" HEX64 "0/checkpoint",
        "/x/" HEX64 "/checkpoint",
        "/checkpoint",
        "/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef/checkpoint",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ov_origin_path_read(ov_span_text(rows[i]), &hex), OV_DAMAGED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_of_a_log),
        cmocka_unit_test(test_nothing_else_has_a_name),
        cmocka_unit_test(test_what_a_log_names_is_a_path),
        cmocka_unit_test(test_nul_is_no_end),
        cmocka_unit_test(test_origin_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
