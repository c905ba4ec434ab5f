// SPDX-License-Identifier: Apache-2.0
// A PE file put together from unpacked sections.
//
// Only the headers are made up. Their numbers are those of the files that clamscan makes, since
// rules were written against such files.
#include "format/exe/packed.h"

#include <stdio.h>

enum {
    HEADERS_AT = 0xd0,
    DIRECTORIES_AT = 0x148,
    DIRECTORY_COUNT = 16,
    RESOURCE_DIRECTORY = 2,
    SECTIONS_AT = 0x1c8,
    SECTION_BYTES = 40,
    FILE_ALIGN = 0x200,
    MEMORY_ALIGN = 0x1000,
    FLAGS_ALL = -1, // of sections: they may all do everything
};

static uint64_t round_up(uint64_t value, uint64_t align) {
    return align == 0 ? value : (value + align - 1) / align * align;
}

// The sizes of the file in the making. A gap before the first section is one of its own: `empty`.
struct layout {
    bool has_gap;
    uint32_t gap_at, gap_bytes;
    uint32_t header_bytes;
    uint32_t image_bytes;
};

static uint32_t measure_headers(uint32_t section_count) {
    return (uint32_t)round_up(SECTIONS_AT + SECTION_BYTES * (uint64_t)section_count, FILE_ALIGN);
}

static struct layout plan(const struct ov_pe_pieces *pieces) {
    struct layout layout = {.header_bytes = measure_headers(pieces->count)};
    uint32_t first = pieces->pieces[0].address;
    layout.has_gap = first > round_up(layout.header_bytes, MEMORY_ALIGN);
    if (layout.has_gap) {
        layout.header_bytes = measure_headers(pieces->count + 1);
    }
    layout.gap_at = (uint32_t)round_up(layout.header_bytes, MEMORY_ALIGN);
    layout.gap_bytes = layout.has_gap ? first - layout.gap_at : 0;
    uint64_t image_bytes = layout.gap_at + round_up(layout.gap_bytes, MEMORY_ALIGN);
    for (uint32_t i = 0; i < pieces->count; i++) {
        uint64_t bytes = round_up(pieces->pieces[i].virtual_bytes, pieces->align);
        image_bytes += round_up(bytes, MEMORY_ALIGN);
    }
    layout.image_bytes = (uint32_t)image_bytes;
    return layout;
}

static void add_u16(struct ov_buf *file, uint16_t value) {
    ov_buf_add_u8(file, (uint8_t)value);
    ov_buf_add_u8(file, (uint8_t)(value >> 8));
}

static void add_u32s(struct ov_buf *file, const uint32_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ov_buf_add_u32le(file, values[i]);
    }
}

static void fill_up(struct ov_buf *file, size_t size) {
    if (file->size < size) {
        (void)ov_buf_extend(file, size - file->size);
    }
}

// A DOS program that says what this is.
static void add_dos(struct ov_buf *file) {
    static const uint16_t header[] = {0x5a4d, 0x90, 2, 0, 4, 15,   0xffff,
                                      0,      0xb0, 0, 0, 0, 0x40, 26};
    static const uint8_t code[] = {0x0e, 0x1f, 0xb4, 0x09, 0xba, 0x0d, 0x00, // write the text
                                   0xcd, 0x21, 0xb4, 0x4c, 0xcd, 0x21};      // and end
    for (size_t i = 0; i < sizeof header / sizeof *header; i++) {
        add_u16(file, header[i]);
    }
    fill_up(file, 60);
    ov_buf_add_u32le(file, HEADERS_AT);
    ov_buf_add(file, code, sizeof code);
    ov_buf_add_text(file, "Put together by a scanner from an unpacked program.\r\n$");
    fill_up(file, HEADERS_AT);
}

static void add_headers(struct ov_buf *file, const struct ov_pe_pieces *pieces,
                        const struct layout *layout) {
    enum { I386 = 0x14c, OPTIONAL_BYTES = 0xe0, FLAGS = 0x8f83, OPTIONAL32_MAGIC = 0x10b, GUI = 2 };
    const uint32_t head[] = {0x4d414c43, 0, 0}; // time, symbols
    const uint32_t sizes[] = {MEMORY_ALIGN,
                              MEMORY_ALIGN,
                              0,
                              pieces->entry,
                              MEMORY_ALIGN,
                              MEMORY_ALIGN,
                              pieces->image_base,
                              MEMORY_ALIGN,
                              FILE_ALIGN,
                              1,
                              0,
                              10 << 16 | 3,
                              0, // versions
                              layout->image_bytes,
                              layout->header_bytes,
                              0,
                              GUI};
    const uint32_t stack[] = {1 << 20, MEMORY_ALIGN, 1 << 20, MEMORY_ALIGN, 0, DIRECTORY_COUNT};
    ov_buf_add_u32le(file, 0x4550);
    add_u16(file, I386);
    add_u16(file, (uint16_t)(pieces->count + layout->has_gap));
    add_u32s(file, head, sizeof head / sizeof *head);
    add_u16(file, OPTIONAL_BYTES);
    add_u16(file, FLAGS);
    add_u16(file, OPTIONAL32_MAGIC);
    add_u16(file, 0); // linker
    add_u32s(file, sizes, sizeof sizes / sizeof *sizes);
    add_u32s(file, stack, sizeof stack / sizeof *stack);
    fill_up(file, DIRECTORIES_AT + RESOURCE_DIRECTORY * 8);
    ov_buf_add_u32le(file, pieces->resources_address);
    ov_buf_add_u32le(file, pieces->resources_bytes);
    fill_up(file, SECTIONS_AT);
}

static void add_section(struct ov_buf *file, const char *name, const uint32_t places[4]) {
    char padded[8] = {0};
    memcpy(padded, name, strnlen(name, sizeof padded));
    ov_buf_add(file, padded, sizeof padded);
    add_u32s(file, places, 4);
    fill_up(file, file->size + 12);
    ov_buf_add_u32le(file, (uint32_t)FLAGS_ALL);
}

static void add_sections(struct ov_buf *file, const struct ov_pe_pieces *pieces,
                         const struct layout *layout) {
    if (layout->has_gap) {
        add_section(file, "empty", (const uint32_t[4]){layout->gap_bytes, layout->gap_at, 0, 0});
    }
    uint64_t raw_at = layout->header_bytes;
    for (uint32_t i = 0; i < pieces->count; i++) {
        const struct ov_pe_piece *piece = &pieces->pieces[i];
        char name[16];
        snprintf(name, sizeof name, ".clam%02u", i + 1);
        uint64_t raw_bytes = round_up(piece->bytes.size, pieces->align);
        const uint32_t places[4] = {(uint32_t)round_up(piece->virtual_bytes, pieces->align),
                                    (uint32_t)round_up(piece->address, pieces->align),
                                    (uint32_t)raw_bytes, (uint32_t)raw_at};
        add_section(file, name, places);
        raw_at += round_up(raw_bytes, FILE_ALIGN);
    }
    fill_up(file, layout->header_bytes);
}

enum ov_status ov_pe_rebuild(const struct ov_pe_pieces *pieces, struct ov_walk *walk,
                             struct ov_buf *ret_file) {
    if (pieces->count == 0 || pieces->count >= OV_PACKED_SECTIONS_MAX) {
        return OV_UNSUPPORTED;
    }
    struct layout layout = plan(pieces);
    size_t room = ov_walk_room(walk);
    ov_buf_reset(ret_file);
    add_dos(ret_file);
    add_headers(ret_file, pieces, &layout);
    add_sections(ret_file, pieces, &layout);
    bool is_cut = ret_file->size > room;
    for (uint32_t i = 0; i < pieces->count && !is_cut; i++) {
        struct ov_span bytes = pieces->pieces[i].bytes;
        uint64_t raw_bytes = round_up(round_up(bytes.size, pieces->align), FILE_ALIGN);
        uint64_t end = ret_file->size + raw_bytes;
        is_cut = end > room;
        bytes = ov_span_part(bytes, 0, room - ret_file->size);
        ov_buf_add(ret_file, bytes.data, bytes.size);
        fill_up(ret_file, is_cut ? room : (size_t)end);
    }
    if (is_cut) {
        ov_walk_note_cut(walk);
        ret_file->size = ret_file->size < room ? ret_file->size : room;
    }
    return ov_buf_status(ret_file);
}

enum ov_status ov_pe_tell(const struct ov_pe_pieces *pieces, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf file = {0};
    TRY(ov_pe_rebuild(pieces, walk, &file));
    return ov_walk_member(walk, ov_buf_span(&file), ov_span_make(NULL, 0), OV_FILETYPE_MSEXE);
}
