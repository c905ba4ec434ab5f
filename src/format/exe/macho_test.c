// SPDX-License-Identifier: Apache-2.0
// Mach-O headers in both widths and orders; expected values from clamscan.
#include "format/exe.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { FILE_BYTES = 2048, CPU_X86 = 7, CPU_POWERPC = 18 };

struct builder {
    uint8_t bytes[FILE_BYTES];
    bool is_big, is_64;
    size_t at;
};

static void put(struct builder *builder, uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; i++) {
        unsigned shift = builder->is_big ? 8 * (width - 1 - i) : 8 * i;
        builder->bytes[builder->at++] = (uint8_t)(value >> shift);
    }
}

static void put_section(struct builder *builder, uint64_t address, uint32_t offset,
                        uint32_t align) {
    unsigned word = builder->is_64 ? 8 : 4;
    builder->at += 32;
    put(builder, address, word);
    put(builder, 0x101, word);
    put(builder, offset, 4);
    put(builder, align, 4);
    builder->at += builder->is_64 ? 24 : 20;
}

// A segment with two sections at 0x1000 and 0x2000, then a thread that starts at 0x1010.
static void build(struct builder *builder, bool is_64, bool is_big, uint32_t cpu, uint32_t align) {
    *builder = (struct builder){.is_64 = is_64, .is_big = is_big};
    put(builder, is_64 ? 0xfeedfacf : 0xfeedface, 4);
    put(builder, cpu, 4);
    builder->at += 8;
    put(builder, 2, 4);
    builder->at += is_64 ? 12 : 8;
    put(builder, is_64 ? 25 : 1, 4);
    builder->at += 4 + (is_64 ? 56 : 40);
    put(builder, 2, 4);
    builder->at += 4;
    put_section(builder, 0x1000, 0x400, align);
    put_section(builder, 0x2000, 0x600, align);
    put(builder, 5, 4);
    put(builder, 176, 4);
    builder->at += 8;
    put(builder, 0x1010, 4);
    builder->at += 156;
}

static struct ov_exe read_size(struct builder *builder, struct ov_arena *arena, size_t size) {
    struct ov_exe exe;
    assert_int_equal(ov_macho_read(ov_span_make(builder->bytes, size), arena, &exe), OV_OK);
    return exe;
}

static void reads_widths_and_orders(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    for (unsigned kind = 0; kind < 4; kind++) {
        struct builder builder;
        build(&builder, kind & 1, kind & 2, CPU_POWERPC, 4);
        struct ov_exe exe = read_size(&builder, &arena, FILE_BYTES);
        assert_true(exe.is_readable && exe.has_entry);
        assert_int_equal(exe.is_64, builder.is_64);
        assert_int_equal(exe.entry_offset, 0x410);
        assert_int_equal(exe.section_count, 2);
        assert_int_equal(exe.sections[1].raw_offset, 0x600);
        assert_int_equal(exe.sections[1].raw_bytes, 0x110); // rounded up to 16
        assert_int_equal(exe.sections[1].virtual_bytes, 0x101);
    }
    ov_arena_release(&arena);
}

static void knows_no_entry_of_intel(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    struct builder builder;
    build(&builder, false, false, CPU_X86, 0);
    struct ov_exe exe = read_size(&builder, &arena, FILE_BYTES);
    assert_true(exe.is_readable);
    assert_int_equal(exe.entry_offset, 0);
    ov_arena_release(&arena);
}

static void refuses_large_alignment(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    struct builder builder;
    build(&builder, true, false, CPU_X86, 31);
    assert_true(read_size(&builder, &arena, FILE_BYTES).is_readable);
    build(&builder, true, false, CPU_X86, 32);
    assert_false(read_size(&builder, &arena, FILE_BYTES).is_readable);
    ov_arena_release(&arena);
}

static void reads_every_truncation(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    struct builder builder;
    build(&builder, false, true, CPU_POWERPC, 4);
    for (size_t size = 0; size < FILE_BYTES; size++) {
        assert_int_equal(read_size(&builder, &arena, size).is_readable, size >= builder.at);
    }
    ov_arena_release(&arena);
}

static void says_when_memory_ends(void **state) {
    (void)state;
    struct ov_arena tiny;
    ov_arena_init(&tiny, 8);
    struct builder builder;
    struct ov_exe exe;
    build(&builder, true, false, CPU_X86, 0);
    assert_int_equal(ov_macho_read(ov_span_make(builder.bytes, FILE_BYTES), &tiny, &exe),
                     OV_MEMORY);
    ov_arena_release(&tiny);
}

static void walks_universal_images(void **state) {
    (void)state;
    struct builder builder = {.is_big = true};
    static const uint32_t places[][2] = {{0x100, 0x80}, {0x5000, 0x80}, {0x200, 0}, {0x40, 0x80}};
    put(&builder, 0xcafebabe, 4);
    put(&builder, 5, 4);
    for (unsigned i = 0; i < 4; i++) {
        builder.at += 8;
        put(&builder, places[i][0], 4);
        put(&builder, places[i][1], 4);
        builder.at += 4;
    }
    struct ov_span file = ov_span_make(builder.bytes, FILE_BYTES);
    struct ov_span image = {0};
    assert_int_equal(ov_macho_image(file, 0, &image), OV_OK);
    assert_ptr_equal(image.data, builder.bytes + 0x100);
    assert_int_equal(image.size, 0x80);
    assert_int_equal(ov_macho_image(file, 1, &image), OV_OK);
    assert_int_equal(image.size, 0); // past the end
    assert_int_equal(ov_macho_image(file, 2, &image), OV_OK);
    assert_int_equal(image.size, FILE_BYTES - 0x200);
    assert_int_equal(ov_macho_image(file, 3, &image), OV_END); // inside the table
    assert_int_equal(ov_macho_image(file, 5, &image), OV_END);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_widths_and_orders), cmocka_unit_test(knows_no_entry_of_intel),
        cmocka_unit_test(refuses_large_alignment), cmocka_unit_test(reads_every_truncation),
        cmocka_unit_test(says_when_memory_ends),   cmocka_unit_test(walks_universal_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
