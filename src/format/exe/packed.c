// SPDX-License-Identifier: Apache-2.0
// PE headers as unpackers ask for them, and the program as it lies in memory.
#include "format/exe/packed.h"

enum { LFANEW_AT = 60, COFF_BYTES = 24, SECTION_BYTES = 40 };

uint32_t ov_packed_u32(struct ov_span bytes, uint64_t at) {
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_cursor_seek(&in, at);
    return ov_cursor_u32le(&in);
}

void ov_packed_put_u32(struct ov_buf *bytes, uint64_t at, uint32_t value) {
    for (unsigned i = 0; i < sizeof value; i++) {
        if (at + i < bytes->size) {
            bytes->data[at + i] = (uint8_t)(value >> (8 * i));
        }
    }
}

// A section once more as it stands, beside the rounded one; false when it lies past the file's end.
static bool read_section(struct ov_cursor *in, const struct ov_exe_section *rounded,
                         struct ov_packed_section *ret_section) {
    ov_cursor_skip(in, 8); // name
    struct ov_packed_section section = {.address = (uint32_t)rounded->address,
                                        .virtual_bytes = (uint32_t)rounded->virtual_bytes,
                                        .raw_offset = (uint32_t)rounded->raw_offset,
                                        .raw_bytes = (uint32_t)rounded->raw_bytes,
                                        .told_virtual_bytes = ov_cursor_u32le(in)};
    section.told_address = ov_cursor_u32le(in);
    section.told_raw_bytes = ov_cursor_u32le(in);
    section.told_raw_offset = ov_cursor_u32le(in);
    ov_cursor_skip(in, 12); // relocations, line numbers
    section.flags = ov_cursor_u32le(in);
    bool is_missing = section.told_raw_bytes != 0 && section.raw_bytes == 0;
    uint64_t left =
        section.told_raw_offset < in->bytes.size ? in->bytes.size - section.told_raw_offset : 0;
    if (section.raw_bytes != 0 && section.told_raw_bytes > left) {
        section.told_raw_bytes = (uint32_t)left;
    }
    *ret_section = section;
    return !is_missing;
}

// Where the header gives no size in memory, that in the file is meant.
static uint32_t choose_virtual_bytes(const struct ov_packed_section *section, uint32_t align) {
    if (section->virtual_bytes != 0 || section->raw_bytes == 0 || align == 0) {
        return section->virtual_bytes;
    }
    return (section->told_raw_bytes / align + (section->told_raw_bytes % align != 0)) * align;
}

static enum ov_status read_sections(struct ov_cursor *in, const struct ov_exe *exe, uint32_t align,
                                    struct ov_arena *arena, struct ov_packed *packed) {
    struct ov_packed_section *sections =
        ov_arena_array(arena, exe->section_count, sizeof *sections);
    if (sections == NULL) {
        return OV_MEMORY;
    }
    packed->low = UINT32_MAX;
    for (uint32_t i = 0; i < exe->section_count; i++) {
        struct ov_packed_section *section = &sections[packed->section_count];
        if (!read_section(in, &exe->sections[i], section)) {
            continue;
        }
        section->virtual_bytes = choose_virtual_bytes(section, align);
        uint32_t end = section->address + section->raw_bytes;
        packed->low = section->address < packed->low ? section->address : packed->low;
        packed->high = end > packed->high ? end : packed->high;
        packed->section_count++;
    }
    packed->sections = sections;
    return packed->section_count > 0 && !in->has_failed ? OV_OK : OV_UNSUPPORTED;
}

enum ov_status ov_packed_read(struct ov_span file, struct ov_arena *arena,
                              struct ov_packed *ret_packed) {
    struct ov_exe exe;
    TRY(ov_pe_read(file, arena, &exe));
    if (!exe.is_readable || exe.is_64 || exe.section_count > OV_PACKED_SECTIONS_MAX) {
        return OV_UNSUPPORTED;
    }
    struct ov_packed packed = {.file = file,
                               .is_library = exe.pe.is_library,
                               .header_bytes = exe.pe.header_bytes,
                               .entry_offset = exe.entry_offset,
                               .stub = ov_span_from(file, exe.entry_offset),
                               .resources_address = exe.pe.resources_rva,
                               .resources_bytes = exe.pe.resources_bytes};
    packed.headers_at = ov_packed_u32(file, LFANEW_AT);
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, (uint64_t)packed.headers_at + COFF_BYTES - 4);
    packed.optional_bytes = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, 2 + 16); // flags; magic, linker, sizes
    packed.entry = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 8); // bases
    packed.image_base = ov_cursor_u32le(&in);
    uint32_t align = ov_cursor_u32le(&in);
    ov_cursor_seek(&in, (uint64_t)packed.headers_at + COFF_BYTES + packed.optional_bytes);
    TRY(read_sections(&in, &exe, align, arena, &packed));
    *ret_packed = packed;
    return OV_OK;
}

struct ov_span ov_packed_raw(const struct ov_packed *packed,
                             const struct ov_packed_section *section) {
    return ov_span_part(packed->file, section->raw_offset, section->raw_bytes);
}

enum ov_status ov_packed_room(struct ov_walk *walk, uint64_t bytes, struct ov_buf *ret_memory) {
    if (bytes > ov_walk_room(walk)) {
        ov_walk_note_cut(walk);
        return OV_LIMIT;
    }
    ov_buf_reset(ret_memory);
    return bytes == 0 || ov_buf_extend(ret_memory, (size_t)bytes) != NULL ? OV_OK : OV_MEMORY;
}

bool ov_packed_load(const struct ov_packed *packed, uint32_t base, struct ov_buf *memory) {
    for (uint32_t i = 0; i < packed->section_count; i++) {
        const struct ov_packed_section *section = &packed->sections[i];
        struct ov_span raw =
            ov_span_part(packed->file, section->raw_offset, section->told_raw_bytes);
        if (section->raw_bytes == 0 || section->raw_offset == 0) {
            continue;
        }
        struct ov_place place = ov_place_init(memory, 0, memory->size);
        if (raw.size != section->told_raw_bytes ||
            !ov_packed_holds(base, place.size, section->address, raw.size)) {
            return false;
        }
        if (raw.size > 0) {
            memcpy(&place.data[section->address - base], raw.data, raw.size);
        }
    }
    return true;
}

struct ov_place ov_place_init(struct ov_buf *memory, size_t begin, size_t size) {
    struct ov_span part = ov_span_part(ov_buf_span(memory), begin, size);
    return (struct ov_place){.data = part.size > 0 ? &memory->data[begin] : NULL,
                             .size = part.size};
}

bool ov_place_copy(struct ov_place *place, size_t distance, size_t size) {
    if (distance == 0 || distance > place->at) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!ov_place_put(place, place->data[place->at - distance])) {
            return false;
        }
    }
    return true;
}
