// SPDX-License-Identifier: Apache-2.0
// Names and widths of tiles as tlog-tiles has them, entry bundles, and what the readers refuse.
// Whole folders: tests/log_tiles_test.py.
#include "ledger/entries.h"
#include "ledger/tile.h"

#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_paths(void **state) {
    (void)state;
    static const struct {
        unsigned level;
        uint64_t number;
        unsigned width;
        const char *path;
        const char *entries;
    } rows[] = {
        {0, 0, 256, "tile/0/000", "tile/entries/000"},
        {0, 5, 256, "tile/0/005", "tile/entries/005"},
        {1, 5, 1, "tile/1/005.p/1", "tile/entries/005.p/1"},
        {0, 273, 112, "tile/0/273.p/112", "tile/entries/273.p/112"},
        {2, 999, 255, "tile/2/999.p/255", "tile/entries/999.p/255"},
        {0, 1000, 256, "tile/0/x001/000", "tile/entries/x001/000"},
        {0, 1234067, 256, "tile/0/x001/x234/067", "tile/entries/x001/x234/067"},
        {63, 36028797018963967, 7, "tile/63/x036/x028/x797/x018/x963/967.p/7",
         "tile/entries/x036/x028/x797/x018/x963/967.p/7"},
    };
    struct ov_tile_path path;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ov_tile_path(rows[i].level, rows[i].number, rows[i].width, &path), OV_OK);
        assert_string_equal(path.text, rows[i].path);
        assert_int_equal(ov_entries_path(rows[i].number, rows[i].width, &path), OV_OK);
        assert_string_equal(path.text, rows[i].entries);
    }
    assert_int_equal(ov_tile_path(64, 0, 1, &path), OV_INVALID);
    assert_int_equal(ov_tile_path(0, 0, 0, &path), OV_INVALID);
    assert_int_equal(ov_tile_path(0, 0, 257, &path), OV_INVALID);
    assert_int_equal(ov_tile_path(0, OV_NUMBER_MAX / 256 + 1, 1, &path), OV_INVALID);
    assert_int_equal(ov_entries_path(UINT64_MAX, 1, &path), OV_INVALID);
    assert_string_equal(path.text, rows[7].entries);
}

static void test_widths(void **state) {
    (void)state;
    static const struct {
        uint64_t size;
        uint64_t number;
        unsigned level;
        unsigned width;
    } rows[] = {
        {0, 0, 0, 0},
        {1, 0, 0, 1},
        {255, 0, 0, 255},
        {256, 0, 0, 256},
        {256, 1, 0, 0},
        {256, 0, 1, 1},
        {257, 1, 0, 1},
        {70000, 272, 0, 256},
        {70000, 273, 0, 112},
        {70000, 274, 0, 0},
        {70000, 0, 1, 256},
        {70000, 1, 1, 17},
        {70000, 0, 2, 1},
        {70000, 0, 3, 0},
        {70000, 0, 63, 0},
        {OV_NUMBER_MAX, 0, 7, 127},
        {OV_NUMBER_MAX, 0, 8, 0},
        {OV_NUMBER_MAX, UINT64_MAX, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ov_tile_width(rows[i].size, rows[i].level, rows[i].number), rows[i].width);
    }
}

// ---- entries ------------------------------------------------------------------------------------

static void test_entries_come_back(void **state) {
    (void)state;
    static uint8_t longest[OV_ENTRY_BYTES_MAX + 1];
    OV_CLEANUP(ov_buf_release) struct ov_buf bundle = {0};
    struct ov_entries entries = {.count = 9};
    assert_int_equal(ov_entries_add(&bundle, ov_span_text("one")), OV_OK);
    assert_int_equal(ov_entries_add(&bundle, ov_span_text("")), OV_OK);
    assert_int_equal(ov_entries_add(&bundle, ov_span_make(longest, sizeof longest - 1)), OV_OK);
    assert_int_equal(ov_entries_add(&bundle, ov_span_make(longest, sizeof longest)), OV_INVALID);
    assert_memory_equal(bundle.data, "\0\3one\0\0\xff\xff\0", 10);
    assert_int_equal(ov_entries_read(ov_buf_span(&bundle), 2, &entries), OV_DAMAGED);
    assert_int_equal(ov_entries_read(ov_buf_span(&bundle), 4, &entries), OV_DAMAGED);
    assert_int_equal(entries.count, 9);
    assert_int_equal(ov_entries_read(ov_buf_span(&bundle), 3, &entries), OV_OK);
    assert_int_equal(entries.count, 3);
    assert_true(ov_span_is_text(entries.entries[0], "one"));
    assert_int_equal(entries.entries[1].size, 0);
    assert_int_equal(entries.entries[2].size, OV_ENTRY_BYTES_MAX);
}

static void test_bundles_that_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        unsigned width;
        enum ov_status status;
    } rows[] = {
        {"", 0, 1, OV_DAMAGED},
        {"\0", 1, 1, OV_DAMAGED},
        {"\0\1", 2, 1, OV_DAMAGED},
        {"\0\1x\0", 4, 1, OV_DAMAGED},
        {"\0\1x\0", 4, 2, OV_DAMAGED},
        {"\0\0\0\0", 4, 1, OV_DAMAGED},
        {"\0\0", 2, 0, OV_INVALID},
        {"\0\0", 2, 257, OV_INVALID},
        {"\x1f\x8b\x08\0\0\0\0\0", 8, 1, OV_UNSUPPORTED},
        {"\x1f\x8b", 2, 1, OV_DAMAGED},
    };
    struct ov_entries entries = {.count = 9};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ov_span bytes = ov_span_make(rows[i].bytes, rows[i].size);
        assert_int_equal(ov_entries_read(bytes, rows[i].width, &entries), rows[i].status);
    }
    assert_int_equal(entries.count, 9);
}

// An entry of 8075 bytes begins as a gzip file does: its length is 1f 8b.
static void test_an_entry_that_looks_like_gzip(void **state) {
    (void)state;
    static uint8_t bytes[2 + 0x1f8b] = {0x1f, 0x8b, 0x08};
    struct ov_entries entries;
    assert_int_equal(ov_entries_read(ov_span_make(bytes, sizeof bytes), 1, &entries), OV_OK);
    assert_int_equal(entries.entries[0].size, 0x1f8b);
}

// ---- folders ------------------------------------------------------------------------------------

static int open_fresh_folder(void) {
    char path[] = "tile-XXXXXX";
    assert_non_null(mkdtemp(path));
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    return folder;
}

static void write_file(int folder, const char *path, size_t size) {
    static uint8_t bytes[OV_TILE_WIDTH * OV_SHA256_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i / OV_SHA256_BYTES);
    }
    OV_AUTO_FD fd = openat(folder, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ov_fd_write_all(fd, ov_span_make(bytes, size)), OV_OK);
}

static void test_a_reader_reads_what_the_tree_has(void **state) {
    (void)state;
    static struct ov_tile_reader reader;
    OV_AUTO_FD folder = open_fresh_folder();
    struct ov_tree_hash hash;
    assert_int_equal(mkdirat(folder, "tile", 0700), 0);
    assert_int_equal(mkdirat(folder, "tile/0", 0700), 0);
    write_file(folder, "tile/0/000", 256 * 32);
    ov_tile_reader_init(folder, 300, &reader);
    struct ov_tree_source source = ov_tile_reader_source(&reader);
    assert_int_equal(source.read(source.arg, 0, 7, &hash), OV_OK);
    assert_int_equal(hash.bytes[31], 7);
    assert_int_equal(source.read(source.arg, 7, 2, &hash), OV_INVALID); // not complete
    assert_int_equal(source.read(source.arg, 9, 0, &hash), OV_INVALID);
    assert_int_equal(source.read(source.arg, 64, 0, &hash), OV_INVALID);
    assert_int_equal(source.read(source.arg, 0, 300, &hash), OV_INVALID);
    assert_int_equal(source.read(source.arg, 0, 299, &hash), OV_SYSTEM);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(reader.flaw.path.text, "tile/0/001.p/44");
    assert_int_equal(mkdirat(folder, "tile/0/001.p", 0700), 0);
    write_file(folder, "tile/0/001.p/44", 44 * 32 - 1);
    assert_int_equal(source.read(source.arg, 0, 299, &hash), OV_DAMAGED);
    write_file(folder, "tile/0/001", 256 * 32); // not asked for while the partial one is there
    assert_int_equal(source.read(source.arg, 0, 299, &hash), OV_DAMAGED);
    assert_int_equal(unlinkat(folder, "tile/0/001.p/44", 0), 0);
    assert_int_equal(source.read(source.arg, 0, 299, &hash), OV_OK);
    assert_int_equal(hash.bytes[0], 43);
    // What was read once is remembered.
    assert_int_equal(unlinkat(folder, "tile/0/001", 0), 0);
    assert_int_equal(source.read(source.arg, 0, 256, &hash), OV_OK);
}

static void test_only_regular_files_are_read(void **state) {
    (void)state;
    OV_AUTO_FD folder = open_fresh_folder();
    struct ov_tile_hashes tile;
    assert_int_equal(mkdirat(folder, "tile", 0700), 0);
    assert_int_equal(mkdirat(folder, "tile/0", 0700), 0);
    assert_int_equal(mkfifoat(folder, "tile/0/000", 0600), 0);
    assert_int_equal(ov_tile_read(folder, 0, 0, 256, &tile), OV_DAMAGED);
    assert_int_equal(mkdirat(folder, "tile/0/001", 0700), 0);
    assert_int_equal(ov_tile_read(folder, 0, 1, 256, &tile), OV_DAMAGED);
    write_file(folder, "aside", 256 * 32);
    assert_int_equal(symlinkat("../../aside", folder, "tile/0/002"), 0);
    assert_int_equal(ov_tile_read(folder, 0, 2, 256, &tile), OV_SYSTEM);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(ov_tile_read(folder, 0, 0, 300, &tile), OV_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_entries_come_back),
        cmocka_unit_test(test_bundles_that_are_refused),
        cmocka_unit_test(test_an_entry_that_looks_like_gzip),
        cmocka_unit_test(test_a_reader_reads_what_the_tree_has),
        cmocka_unit_test(test_only_regular_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
