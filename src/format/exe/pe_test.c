// SPDX-License-Identifier: Apache-2.0
// PE headers, import text and version strings of files made here; expected values from clamscan.
#include "format/exe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    FILE_BYTES = 0x1000,
    COFF_AT = 0x80,
    OPTIONAL_AT = COFF_AT + 24,
    OPTIONAL_BYTES = 224,
    SECTIONS_AT = OPTIONAL_AT + OPTIONAL_BYTES,
    DIRECTORIES_AT = OPTIONAL_AT + 96,
};

struct fixture {
    uint8_t bytes[FILE_BYTES];
    struct ov_arena arena;
    struct ov_exe exe;
};

static void put(struct fixture *fixture, size_t at, uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; i++) {
        fixture->bytes[at + i] = (uint8_t)(value >> 8 * i);
    }
}

static void put_text(struct fixture *fixture, size_t at, const char *text) {
    memcpy(fixture->bytes + at, text, strlen(text) + 1);
}

static void put_section(struct fixture *fixture, unsigned index, const uint32_t values[4]) {
    for (unsigned i = 0; i < 4; i++) {
        put(fixture, SECTIONS_AT + 40 * index + 8 + 4 * i, values[i], 4);
    }
}

// One section: address 0x1000, raw 0x400 to 0xc00, entry at 0x1010.
static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    ov_arena_init(&fixture->arena, 1 << 20);
    put(fixture, 0, 0x5a4d, 2);
    put(fixture, 60, COFF_AT, 4);
    put(fixture, COFF_AT, 0x4550, 4);
    put(fixture, COFF_AT + 6, 1, 2);
    put(fixture, COFF_AT + 20, OPTIONAL_BYTES, 2);
    put(fixture, OPTIONAL_AT, 0x10b, 2);
    put(fixture, OPTIONAL_AT + 16, 0x1010, 4);
    put(fixture, OPTIONAL_AT + 32, 0x1000, 4);
    put(fixture, OPTIONAL_AT + 36, 0x200, 4);
    put(fixture, OPTIONAL_AT + 60, 0x400, 4);
    put(fixture, OPTIONAL_AT + 92, 16, 4);
    put_section(fixture, 0, (uint32_t[]){0x800, 0x1000, 0x800, 0x400});
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    ov_arena_release(&fixture->arena);
    free(fixture);
    return 0;
}

static struct ov_span span_file(struct fixture *fixture) {
    return ov_span_make(fixture->bytes, sizeof fixture->bytes);
}

static bool is_readable(struct fixture *fixture) {
    assert_int_equal(ov_pe_read(span_file(fixture), &fixture->arena, &fixture->exe), OV_OK);
    return fixture->exe.is_readable;
}

static void reads_plain_file(void **state) {
    struct fixture *fixture = *state;
    assert_true(is_readable(fixture));
    assert_true(fixture->exe.has_entry);
    assert_int_equal(fixture->exe.entry_offset, 0x410);
    assert_int_equal(fixture->exe.section_count, 1);
    assert_int_equal(fixture->exe.sections[0].raw_offset, 0x400);
    assert_int_equal(fixture->exe.sections[0].raw_bytes, 0x800);
    assert_int_equal(fixture->exe.sections[0].address, 0x1000);
    assert_int_equal(fixture->exe.sections[0].virtual_bytes, 0x1000);
}

static void rounds_raw_offsets_and_sizes(void **state) {
    struct fixture *fixture = *state;
    put_section(fixture, 0, (uint32_t[]){0x800, 0x1000, 0x201, 0x5ff});
    assert_true(is_readable(fixture));
    assert_int_equal(fixture->exe.sections[0].raw_offset, 0x400);
    assert_int_equal(fixture->exe.sections[0].raw_bytes, 0x400);
}

static void cuts_sections_at_the_end(void **state) {
    struct fixture *fixture = *state;
    put_section(fixture, 0, (uint32_t[]){0x800, 0x1000, 0x20000, 0x400});
    assert_true(is_readable(fixture));
    assert_int_equal(fixture->exe.sections[0].raw_bytes, FILE_BYTES - 0x400);
}

static void refuses_missing_entry(void **state) {
    struct fixture *fixture = *state;
    put(fixture, OPTIONAL_AT + 16, 0x9000, 4);
    assert_false(is_readable(fixture));
    put(fixture, OPTIONAL_AT + 16, 0x20, 4); // in the headers: an offset
    assert_true(is_readable(fixture));
    assert_int_equal(fixture->exe.entry_offset, 0x20);
}

static void refuses_broken_headers(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        size_t at;
        uint64_t value;
        unsigned width;
    } breaks[] = {
        {0, 0x4d5a, 2},                 // ZM
        {60, 0, 4},                     // no PE header
        {60, FILE_BYTES - 8, 4},        // PE header past the end
        {COFF_AT, 0x4551, 4},           // signature
        {COFF_AT + 6, 0, 2},            // no section
        {COFF_AT + 6, 0xffff, 2},       // sections past the end
        {COFF_AT + 20, 95, 2},          // optional header too short
        {COFF_AT + 20, 223, 2},         // too short for the directories
        {SECTIONS_AT + 12, 1u << 31, 4} // address with its top bit set
    };
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        uint8_t kept[8];
        memcpy(kept, fixture->bytes + breaks[i].at, sizeof kept);
        put(fixture, breaks[i].at, breaks[i].value, breaks[i].width);
        assert_false(is_readable(fixture));
        memcpy(fixture->bytes + breaks[i].at, kept, sizeof kept);
    }
    assert_true(is_readable(fixture));
}

static void reads_every_truncation(void **state) {
    struct fixture *fixture = *state;
    for (size_t size = 0; size < FILE_BYTES; size++) {
        uint8_t *copy = malloc(size + 1); // so that the sanitizer sees each read past the end
        assert_non_null(copy);
        memcpy(copy, fixture->bytes, size);
        struct ov_exe exe;
        enum ov_status status = ov_pe_read(ov_span_make(copy, size), &fixture->arena, &exe);
        free(copy);
        assert_int_equal(status, OV_OK);
        assert_int_equal(exe.is_readable, size > 0x410);
    }
}

static void says_when_memory_ends(void **state) {
    struct fixture *fixture = *state;
    struct ov_arena tiny;
    ov_arena_init(&tiny, 8);
    assert_int_equal(ov_pe_read(span_file(fixture), &tiny, &fixture->exe), OV_MEMORY);
    ov_arena_release(&tiny);
}

// Two libraries: names at 0x480, thunks at 0x440.
static void put_imports(struct fixture *fixture) {
    put(fixture, DIRECTORIES_AT + 8, 0x1000, 4);
    put(fixture, DIRECTORIES_AT + 12, 60, 4);
    put(fixture, 0x400, 0x1040, 4);
    put(fixture, 0x40c, 0x1080, 4);
    put(fixture, 0x414 + 12, 0x1090, 4);
    put(fixture, 0x414 + 16, 0x1050, 4); // FirstThunk alone
    put(fixture, 0x440, 0x10a0, 4);
    put(fixture, 0x444, 0x80000007, 4);
    put(fixture, 0x450, 0x80000001, 4);
    put_text(fixture, 0x480, "KERNEL32.dll");
    put_text(fixture, 0x490, "WS2_32.DLL");
    put_text(fixture, 0x4a2, "LoadLibraryA");
}

static void writes_import_text(void **state) {
    struct fixture *fixture = *state;
    struct ov_span text = {0};
    put_imports(fixture);
    assert_true(is_readable(fixture));
    assert_int_equal(ov_pe_import_text(span_file(fixture), &fixture->exe, &fixture->arena, &text),
                     OV_OK);
    assert_true(ov_span_is_text(text, "kernel32.loadlibrarya,kernel32.ord7,ws2_32.accept"));
    fixture->bytes[0x4a4] = '?'; // one odd name spoils all
    assert_int_equal(ov_pe_import_text(span_file(fixture), &fixture->exe, &fixture->arena, &text),
                     OV_OK);
    assert_int_equal(text.size, 0);
}

static void says_when_memory_ends_in_imports(void **state) {
    struct fixture *fixture = *state;
    struct ov_span text = {0};
    put_imports(fixture);
    assert_true(is_readable(fixture));
    struct ov_arena tiny;
    ov_arena_init(&tiny, 8);
    assert_int_equal(ov_pe_import_text(span_file(fixture), &fixture->exe, &tiny, &text), OV_MEMORY);
    ov_arena_release(&tiny);
}

static void has_no_versions_without_resources(void **state) {
    struct fixture *fixture = *state;
    assert_true(is_readable(fixture));
    assert_int_equal(ov_pe_version_offsets(span_file(fixture), &fixture->arena, &fixture->exe),
                     OV_OK);
    assert_int_equal(fixture->exe.version_count, 0);
}

int main(void) {

    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_plain_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rounds_raw_offsets_and_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cuts_sections_at_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_missing_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_broken_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_every_truncation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_when_memory_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_import_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_when_memory_ends_in_imports, set_up, tear_down),
        cmocka_unit_test_setup_teardown(has_no_versions_without_resources, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
