// SPDX-License-Identifier: Apache-2.0
// ELF headers in both widths and orders; expected values from clamscan.
#include "format/exe.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { FILE_BYTES = 2048, SECTIONS_AT = 0x400 };

struct builder {
    uint8_t bytes[FILE_BYTES];
    bool is_big, is_64;
};

static void put(struct builder *builder, size_t at, uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; i++) {
        unsigned shift = builder->is_big ? 8 * (width - 1 - i) : 8 * i;
        builder->bytes[at + i] = (uint8_t)(value >> shift);
    }
}

// One segment at 0x400000 from offset 0, one section of 0x100 bytes at 0x500; entry at offset
// 0x510.
static void build(struct builder *builder, bool is_64, bool is_big) {
    *builder = (struct builder){.is_64 = is_64, .is_big = is_big};
    memcpy(builder->bytes,
           "\x7f"
           "ELF",
           4);
    builder->bytes[4] = is_64 ? 2 : 1;
    builder->bytes[5] = is_big ? 2 : 1;
    unsigned word = is_64 ? 8 : 4;
    size_t segments_at = is_64 ? 64 : 52;
    put(builder, 24, 0x400510, word);
    put(builder, 24 + word, segments_at, word);
    put(builder, 24 + 2 * word, SECTIONS_AT, word);
    size_t tail = 24 + 3 * word + 6;
    put(builder, tail, is_64 ? 56 : 32, 2);
    put(builder, tail + 2, 1, 2);
    put(builder, tail + 4, is_64 ? 64 : 40, 2);
    put(builder, tail + 6, 1, 2);
    put(builder, segments_at, 1, 4);
    put(builder, segments_at + (is_64 ? 16 : 8), 0x400000, word);
    put(builder, segments_at + (is_64 ? 40 : 20), 0x800, word);
    size_t place = SECTIONS_AT + (is_64 ? 16 : 12);
    put(builder, place, 0x400500, word);
    put(builder, place + word, 0x500, word);
    put(builder, place + 2 * word, 0x100, word);
}

static struct ov_exe read_size(struct builder *builder, struct ov_arena *arena, size_t size) {
    struct ov_exe exe;
    assert_int_equal(ov_elf_read(ov_span_make(builder->bytes, size), arena, &exe), OV_OK);
    return exe;
}

static void reads_widths_and_orders(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    for (unsigned kind = 0; kind < 4; kind++) {
        struct builder builder;
        build(&builder, kind & 1, kind & 2);
        struct ov_exe exe = read_size(&builder, &arena, FILE_BYTES);
        assert_true(exe.is_readable && exe.has_entry);
        assert_int_equal(exe.is_64, builder.is_64);
        assert_int_equal(exe.entry_offset, 0x510);
        assert_int_equal(exe.section_count, 1);
        assert_int_equal(exe.sections[0].raw_offset, 0x500);
        assert_int_equal(exe.sections[0].raw_bytes, 0x100);
        assert_int_equal(exe.sections[0].address, 0x400500);
    }
    ov_arena_release(&arena);
}

static void reads_every_truncation(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    struct builder builder;
    build(&builder, true, false);
    for (size_t size = 0; size < FILE_BYTES; size++) {
        assert_int_equal(read_size(&builder, &arena, size).is_readable, size >= SECTIONS_AT + 64);
    }
    ov_arena_release(&arena);
}

static void refuses_what_clamscan_refuses(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    static const struct {
        size_t at;
        uint64_t value;
        unsigned width;
    } breaks[] = {
        {0, 0x7e, 1},        {4, 3, 1},     {24, 0x500000, 8}, // magic, class, entry in no segment
        {54, 55, 2},         {58, 0, 2},                       // sizes of table items
        {56, 129, 2},        {60, 257, 2},                     // too many
        {32, 2000, 8},       {40, 2000, 8},                    // tables past the end
        {40, 1ull << 40, 8},
    };
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        struct builder builder;
        build(&builder, true, false);
        put(&builder, breaks[i].at, breaks[i].value, breaks[i].width);
        assert_false(read_size(&builder, &arena, FILE_BYTES).is_readable);
    }
    ov_arena_release(&arena);
}

static void puts_absent_entry_at_zero(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    struct builder builder;
    build(&builder, true, false);
    put(&builder, 24, 0, 8);
    struct ov_exe exe = read_size(&builder, &arena, FILE_BYTES);
    assert_true(exe.is_readable && exe.has_entry);
    assert_int_equal(exe.entry_offset, 0);
    ov_arena_release(&arena);
}

static void says_when_memory_ends(void **state) {
    (void)state;
    struct ov_arena tiny;
    ov_arena_init(&tiny, 8);
    struct builder builder;
    struct ov_exe exe;
    build(&builder, true, false);
    assert_int_equal(ov_elf_read(ov_span_make(builder.bytes, FILE_BYTES), &tiny, &exe), OV_MEMORY);
    ov_arena_release(&tiny);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_widths_and_orders),
        cmocka_unit_test(reads_every_truncation),
        cmocka_unit_test(refuses_what_clamscan_refuses),
        cmocka_unit_test(puts_absent_entry_at_zero),
        cmocka_unit_test(says_when_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
