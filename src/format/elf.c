// SPDX-License-Identifier: Apache-2.0
// ELF headers (System V gABI, chapters 4 and 5), with clamscan's limits and 32-bit offsets.
#include "format/exe.h"
#include "format/format.h"
#include "format/codec/order.h"

enum {
    CLASS_OFFSET = 4, // in e_ident
    CLASS_32 = 1,
    CLASS_64 = 2,
    DATA_LITTLE = 1, // clamscan takes every other value for big-endian
    IDENT_BYTES = 16,
    SEGMENT32_BYTES = 32,
    SEGMENT64_BYTES = 56,
    SECTION32_BYTES = 40,
    SECTION64_BYTES = 64,
    SEGMENTS_MAX = 128, // with more of either, clamscan refuses the file
    SECTIONS_MAX = 256,
    LISTED_SECTIONS_MAX = 2048,
};

struct elf_headers {
    bool is_big, is_64;
    uint64_t entry;
    uint64_t segments_at, sections_at;
    uint16_t segment_bytes, segment_count;
    uint16_t section_bytes, section_count;
    bool is_whole; // enough of it is there to be judged
};

static bool read_headers(struct ov_cursor *in, struct elf_headers *headers) {
    bool is_elf = ov_cursor_u32be(in) == 0x7f454c46;
    uint8_t class = ov_cursor_u8(in);
    headers->is_big = ov_cursor_u8(in) != DATA_LITTLE;
    headers->is_64 = class == CLASS_64;
    bool has_class = class == CLASS_32 || class == CLASS_64;
    ov_cursor_seek(in, IDENT_BYTES);
    ov_cursor_skip(in, 8); // type, machine, version
    headers->entry = ov_order_word(in, headers->is_big, headers->is_64);
    headers->segments_at = ov_order_word(in, headers->is_big, headers->is_64);
    headers->sections_at = ov_order_word(in, headers->is_big, headers->is_64);
    ov_cursor_skip(in, 6); // flags, own size
    headers->segment_bytes = ov_order_u16(in, headers->is_big);
    headers->segment_count = ov_order_u16(in, headers->is_big);
    headers->section_bytes = ov_order_u16(in, headers->is_big);
    headers->section_count = ov_order_u16(in, headers->is_big);
    ov_cursor_skip(in, 2); // index of the section with names
    headers->is_whole = is_elf && !in->has_failed;
    return headers->is_whole && has_class;
}

struct elf_segment {
    uint64_t offset, address, memory_bytes;
};

static struct elf_segment read_segment(struct ov_cursor *in, const struct elf_headers *headers) {
    bool is_big = headers->is_big;
    bool is_64 = headers->is_64;
    struct elf_segment segment = {0};
    ov_cursor_skip(in, is_64 ? 8 : 4); // type; flags in 64-bit files
    segment.offset = ov_order_word(in, is_big, is_64);
    segment.address = ov_order_word(in, is_big, is_64);
    ov_cursor_skip(in, is_64 ? 16 : 8); // physical address, size in the file
    segment.memory_bytes = ov_order_word(in, is_big, is_64);
    ov_cursor_skip(in, 8); // flags and alignment, or a wide alignment
    return segment;
}

// The file offset of the entry point: through the first segment whose memory holds it. A file
// without an entry address, or without segments, has it at offset 0. False: no segment holds it.
static bool find_entry(struct ov_cursor in, const struct elf_headers *headers,
                       uint64_t *ret_offset) {
    size_t segment_bytes = headers->is_64 ? SEGMENT64_BYTES : SEGMENT32_BYTES;
    uint64_t address_mask = headers->is_64 ? UINT64_MAX : UINT32_MAX;
    *ret_offset = 0;
    if (headers->entry == 0 || headers->segment_count == 0) {
        return true;
    }
    ov_cursor_seek(&in, headers->segments_at);
    uint64_t count = ov_cursor_count(&in, headers->segment_count, segment_bytes);
    for (uint64_t i = 0; i < count && headers->segment_bytes == segment_bytes; i++) {
        struct elf_segment segment = read_segment(&in, headers);
        uint64_t end = (segment.address + segment.memory_bytes) & address_mask;
        if (segment.address <= headers->entry && end > headers->entry) {
            *ret_offset = (uint32_t)(headers->entry - segment.address + segment.offset);
            return true;
        }
    }
    return false;
}

static struct ov_exe_section read_section(struct ov_cursor *in, const struct elf_headers *headers) {
    bool is_big = headers->is_big;
    bool is_64 = headers->is_64;
    struct ov_exe_section section = {0};
    ov_cursor_skip(in, is_64 ? 16 : 12); // name, type, flags
    section.address = ov_order_word(in, is_big, is_64);
    section.raw_offset = (uint32_t)ov_order_word(in, is_big, is_64);
    section.raw_bytes = (uint32_t)ov_order_word(in, is_big, is_64);
    section.virtual_bytes = section.raw_bytes;
    ov_cursor_skip(in, is_64 ? 24 : 16); // link, info, alignment, entry size
    return section;
}

// Reads the section table; the file stays unreadable when clamscan would refuse it.
static enum ov_status read_sections(struct ov_cursor *in, const struct elf_headers *headers,
                                    struct ov_arena *arena, struct ov_exe *exe) {
    size_t section_bytes = headers->is_64 ? SECTION64_BYTES : SECTION32_BYTES;
    if (headers->section_bytes != section_bytes || headers->section_count > SECTIONS_MAX) {
        return OV_OK;
    }
    if (headers->section_count > 0) {
        ov_cursor_seek(in, headers->sections_at);
        uint32_t count = (uint32_t)ov_cursor_count(in, headers->section_count, section_bytes);
        if (in->has_failed) {
            return OV_OK;
        }
        struct ov_exe_section *sections = ov_arena_array(arena, count, sizeof *sections);
        if (sections == NULL) {
            return OV_MEMORY;
        }
        for (uint32_t i = 0; i < count; i++) {
            sections[i] = read_section(in, headers);
        }
        exe->sections = sections;
        exe->section_count = count;
    }
    exe->is_readable = true;
    return OV_OK;
}

// Whether clamscan can go through the section table when it looks for what is broken: it does so
// for more sections than when it looks for offsets, and passes over a table of very many.
static bool has_sections(struct ov_cursor in, const struct elf_headers *headers) {
    size_t section_bytes = headers->is_64 ? SECTION64_BYTES : SECTION32_BYTES;
    if (headers->section_count > LISTED_SECTIONS_MAX || headers->section_count == 0) {
        return headers->section_count != 0 || headers->section_bytes == section_bytes;
    }
    ov_cursor_seek(&in, headers->sections_at);
    (void)ov_cursor_count(&in, headers->section_count, section_bytes);
    return headers->section_bytes == section_bytes && !in.has_failed;
}

enum ov_status ov_elf_read(struct ov_span file, struct ov_arena *arena, struct ov_exe *ret_exe) {
    struct ov_exe exe = {0};
    struct elf_headers headers = {0};
    struct ov_cursor in = ov_cursor_init(file);
    if (read_headers(&in, &headers) && headers.segment_count <= SEGMENTS_MAX &&
        find_entry(in, &headers, &exe.entry_offset)) {
        exe.is_64 = headers.is_64;
        exe.has_entry = true;
        exe.is_broken = !has_sections(in, &headers);
        TRY(read_sections(&in, &headers, arena, &exe));
    } else {
        exe.is_broken = headers.is_whole;
    }
    *ret_exe = exe;
    return OV_OK;
}

static const struct ov_magic magics_elf[] = {OV_MAGIC(0, "\x7f"
                                                         "ELF")};
static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ELF, OV_MAGICS(magics_elf), .read = ov_elf_read},
};

OV_FORMAT_SET(elf, formats);
