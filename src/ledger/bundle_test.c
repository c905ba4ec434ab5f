// SPDX-License-Identifier: Apache-2.0
// Bundles: what is written is read back, tar agrees, and nothing else is a bundle.
#include "ledger/bundle.h"

#include "base/buf.h"
#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const names[] = {"a.ndb", "b/c.ldb", "b/d.ldb", "z.hdb"};
enum { NAMES = 4 };

// The content of file i: sizes about the edges of a block.
static struct ov_span content_of(size_t i) {
    static uint8_t bytes[1025];
    static const size_t sizes[NAMES] = {0, 511, 512, 1025};
    memset(bytes, 'x', sizeof bytes);
    return ov_span_make(bytes, sizes[i]);
}

static struct ov_file_map write_bundle(uint8_t ret_sha256[OV_SHA256_BYTES]) {
    OV_AUTO_FD fd = memfd_create("bundle", 0);
    struct ov_bundle_writer writer;
    struct ov_file_map map = {0};
    assert_true(fd >= 0);
    ov_bundle_write_init(fd, &writer);
    for (size_t i = 0; i < NAMES; i++) {
        assert_int_equal(ov_bundle_write_file(&writer, names[i], content_of(i)), OV_OK);
    }
    assert_int_equal(ov_bundle_write_file(&writer, names[0], content_of(0)), OV_INVALID);
    assert_int_equal(ov_bundle_write_end(&writer, ret_sha256), OV_OK);
    assert_int_equal(ov_file_map_open_fd(fd, &map), OV_OK);
    assert_int_equal(map.bytes.size, writer.size_bytes);
    return map;
}

static enum ov_status read_all(struct ov_span bytes, size_t *ret_count) {
    struct ov_bundle bundle = ov_bundle_init(bytes);
    struct ov_bundle_file file;
    enum ov_status status = ov_bundle_next(&bundle, &file);
    *ret_count = 0;
    while (status == OV_OK) {
        (*ret_count)++;
        status = ov_bundle_next(&bundle, &file);
    }
    return status;
}

static void test_there_and_back(void **state) {
    (void)state;
    uint8_t sha256[OV_SHA256_BYTES];
    uint8_t expected[OV_SHA256_BYTES];
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = write_bundle(sha256);
    struct ov_bundle bundle = ov_bundle_init(map.bytes);
    ov_sha256(map.bytes, expected);
    assert_memory_equal(sha256, expected, sizeof expected);
    for (size_t i = 0; i < NAMES; i++) {
        struct ov_bundle_file file;
        assert_int_equal(ov_bundle_next(&bundle, &file), OV_OK);
        assert_string_equal(file.name, names[i]);
        assert_true(ov_span_is_equal(file.bytes, content_of(i)));
    }
    struct ov_bundle_file none;
    assert_int_equal(ov_bundle_next(&bundle, &none), OV_END);
}

// Any other byte anywhere but in a file's content makes it no bundle; so does a byte more or less.
static void test_one_form_alone(void **state) {
    (void)state;
    uint8_t sha256[OV_SHA256_BYTES];
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = write_bundle(sha256);
    uint8_t *copy = malloc(map.bytes.size + 1);
    size_t kept_count = 0;
    size_t count = 0;
    assert_non_null(copy);
    memcpy(copy, map.bytes.data, map.bytes.size);
    copy[map.bytes.size] = 0;
    for (size_t i = 0; i < map.bytes.size; i++) {
        copy[i] ^= 1;
        bool is_content = map.bytes.data[i] == 'x';
        enum ov_status status = read_all(ov_span_make(copy, map.bytes.size), &count);
        assert_int_equal(status, is_content ? OV_END : OV_DAMAGED);
        kept_count += is_content;
        copy[i] ^= 1;
    }
    assert_int_equal(kept_count, 511 + 512 + 1025);
    for (size_t size = 0; size <= map.bytes.size + 1; size++) {
        enum ov_status status = read_all(ov_span_make(copy, size), &count);
        assert_int_equal(status, size == map.bytes.size ? OV_END : OV_DAMAGED);
    }
    free(copy);
}

static void test_names(void **state) {
    (void)state;
    static const char *const good[] = {"a", "A.b-c_d+e", "a/b/c.yar", "0"};
    static const char *const bad[] = {"",     "/a",   "a/",     "a//b",     ".a",
                                      "a/.b", "..",   "a/../b", "-rf",      "a/-b",
                                      "a b",  "a\\b", "a:b",    "\xc3\xa4", "a\n"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(ov_bundle_name_is_valid(ov_span_text(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(ov_bundle_name_is_valid(ov_span_text(bad[i])));
    }
    char name[OV_BUNDLE_NAME_BYTES + 2];
    memset(name, 'n', sizeof name);
    assert_true(ov_bundle_name_is_valid(ov_span_make(name, OV_BUNDLE_NAME_BYTES)));
    assert_false(ov_bundle_name_is_valid(ov_span_make(name, OV_BUNDLE_NAME_BYTES + 1)));
}

static void test_tar_unpacks_it(void **state) {
    (void)state;
    uint8_t sha256[OV_SHA256_BYTES];
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = write_bundle(sha256);
    FILE *tar = popen("tar tvf - | awk '{print $1, $2, $3, $6}' | "
                      "cmp - /proc/self/fd/9 9<<'END'\n"
                      "-rw-r--r-- 0/0 0 a.ndb\n-rw-r--r-- 0/0 511 b/c.ldb\n"
                      "-rw-r--r-- 0/0 512 b/d.ldb\n-rw-r--r-- 0/0 1025 z.hdb\nEND\n",
                      "w");
    assert_non_null(tar);
    assert_int_equal(fwrite(map.bytes.data, 1, map.bytes.size, tar), map.bytes.size);
    assert_int_equal(pclose(tar), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_one_form_alone),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_tar_unpacks_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
