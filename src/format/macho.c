// SPDX-License-Identifier: Apache-2.0
// Mach-O headers (Apple, mach-o/loader.h and mach-o/fat.h), as far as clamscan follows them.
#include "format/exe.h"
#include "format/format.h"
#include "format/codec/order.h"

enum {
    CPU_X86 = 7,
    CPU_POWERPC = 18,
    CPU_POWERPC64 = 0x1000012,
    COMMAND_SEGMENT32 = 1,
    COMMAND_THREAD = 4,
    COMMAND_UNIXTHREAD = 5,
    COMMAND_SEGMENT64 = 25,
    COMMANDS_MAX = 1024, // with more, clamscan refuses the file
    SECTIONS_MAX = 255,  // in one segment
    ALIGN_MAX = 31,      // as a power of two
    COMMAND_BYTES = 8,
    SECTION32_BYTES = 68,
    SECTION64_BYTES = 80,
};

// Register blocks after the eight bytes of flavor and count; clamscan reads these three by their
// fixed size whatever the command says of its own.
enum { X86_STATE_BYTES = 64, POWERPC_STATE_BYTES = 160, POWERPC64_STATE_BYTES = 312 };

struct macho_reader {
    struct ov_cursor in;
    bool is_big, is_64;
    uint32_t cpu;
    uint32_t command_count;
    uint32_t entry; // address; 0 when no thread command tells one
    struct ov_exe_section *sections;
    uint32_t section_count, section_room;
    bool is_whole; // its header is
};

static bool read_header(struct macho_reader *reader) {
    struct ov_cursor *in = &reader->in;
    uint32_t magic = ov_cursor_u32be(in);
    reader->is_big = magic == 0xfeedface || magic == 0xfeedfacf;
    reader->is_64 = magic == 0xfeedfacf || magic == 0xcffaedfe;
    bool is_macho = reader->is_big || reader->is_64 || magic == 0xcefaedfe;
    reader->cpu = ov_order_u32(in, reader->is_big);
    ov_cursor_skip(in, 8); // cpu subtype, file type
    reader->command_count = ov_order_u32(in, reader->is_big);
    ov_cursor_skip(in, reader->is_64 ? 12 : 8); // size of commands, flags, reserved
    reader->is_whole = is_macho && !in->has_failed;
    return reader->is_whole && reader->command_count > 0 && reader->command_count <= COMMANDS_MAX;
}

// Whether a section is zeros that the file does not hold: plain, large or of each thread.
static bool is_zero_fill(uint32_t flags) {
    uint32_t type = flags & 0xff;
    return type == 0x01 || type == 0x0c || type == 0x12;
}

// Reads one section; false when its alignment is out of bounds or its rounded size overflows.
static bool read_section(struct macho_reader *reader, struct ov_exe_section *ret_section) {
    struct ov_cursor *in = &reader->in;
    ov_cursor_skip(in, 32); // names of section and segment
    uint64_t address = ov_order_word(in, reader->is_big, reader->is_64);
    uint32_t virtual_bytes = (uint32_t)ov_order_word(in, reader->is_big, reader->is_64);
    uint32_t raw_offset = ov_order_u32(in, reader->is_big);
    uint32_t align = ov_order_u32(in, reader->is_big);
    ov_cursor_skip(in, 8); // relocations
    bool is_zeros = is_zero_fill(ov_order_u32(in, reader->is_big));
    ov_cursor_skip(in, reader->is_64 ? 12 : 8); // reserved
    if (align > ALIGN_MAX) {
        return false;
    }
    uint32_t unit = UINT32_C(1) << align;
    uint32_t raw_bytes = is_zeros ? 0 : (virtual_bytes + (unit - 1)) & ~(unit - 1);
    if (!is_zeros && raw_bytes < virtual_bytes) {
        return false;
    }
    *ret_section = (struct ov_exe_section){
        .raw_offset = raw_offset,
        .raw_bytes = raw_bytes,
        .address = (uint32_t)address,
        .virtual_bytes = virtual_bytes,
    };
    return true;
}

// Makes room for `count` more sections; the list doubles, so that many small segments stay cheap.
static enum ov_status grow_sections(struct macho_reader *reader, struct ov_arena *arena,
                                    uint32_t count) {
    if (count <= reader->section_room - reader->section_count) {
        return OV_OK;
    }
    uint32_t room = reader->section_count + count;
    room = room < reader->section_room * 2 ? reader->section_room * 2 : room;
    struct ov_exe_section *sections = ov_arena_array(arena, room, sizeof *sections);
    if (sections == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < reader->section_count; i++) {
        sections[i] = reader->sections[i];
    }
    reader->sections = sections;
    reader->section_room = room;
    return OV_OK;
}

// Reads a segment command after its first eight bytes and adds its sections to the list.
static enum ov_status read_segment(struct macho_reader *reader, struct ov_arena *arena) {
    struct ov_cursor *in = &reader->in;
    ov_cursor_skip(in, reader->is_64 ? 56 : 40); // name, places, protections
    uint32_t declared = ov_order_u32(in, reader->is_big);
    ov_cursor_skip(in, 4); // flags
    uint32_t count =
        (uint32_t)ov_cursor_count(in, declared, reader->is_64 ? SECTION64_BYTES : SECTION32_BYTES);
    if (in->has_failed || count > SECTIONS_MAX) {
        return OV_DAMAGED;
    }
    TRY(grow_sections(reader, arena, count));
    for (uint32_t i = 0; i < count; i++) {
        if (!read_section(reader, &reader->sections[reader->section_count])) {
            return OV_DAMAGED;
        }
        reader->section_count++;
    }
    return OV_OK;
}

// Reads a thread command after its first eight bytes. clamscan knows entry points of PowerPC alone
// (it takes those of Intel for 0). False: the command is to be skipped by its own size.
static bool read_thread(struct macho_reader *reader) {
    struct ov_cursor *in = &reader->in;
    switch (reader->cpu) {
    case CPU_X86:
        ov_cursor_skip(in, 8 + X86_STATE_BYTES);
        return true;
    case CPU_POWERPC:
        ov_cursor_skip(in, 8);
        reader->entry = ov_order_u32(in, reader->is_big);
        ov_cursor_skip(in, POWERPC_STATE_BYTES - 4);
        return true;
    case CPU_POWERPC64:
        ov_cursor_skip(in, 8);
        reader->entry = (uint32_t)ov_order_u64(in, reader->is_big);
        ov_cursor_skip(in, POWERPC64_STATE_BYTES - 8);
        return true;
    default:
        return false;
    }
}

static enum ov_status read_command(struct macho_reader *reader, struct ov_arena *arena) {
    uint32_t command = ov_order_u32(&reader->in, reader->is_big);
    uint32_t command_bytes = ov_order_u32(&reader->in, reader->is_big);
    if (command == (reader->is_64 ? COMMAND_SEGMENT64 : COMMAND_SEGMENT32)) {
        return read_segment(reader, arena);
    }
    bool is_thread = command == COMMAND_THREAD || command == COMMAND_UNIXTHREAD;
    if ((!is_thread || !read_thread(reader)) && command_bytes > COMMAND_BYTES) {
        // To point past the end is no error before somebody reads there.
        uint64_t left = ov_cursor_left(&reader->in);
        uint64_t skip = command_bytes - COMMAND_BYTES;
        ov_cursor_skip(&reader->in, skip < left ? skip : left);
    }
    return ov_cursor_status(&reader->in);
}

// The file offset of the entry point; the first section that holds it wins.
static bool find_entry(const struct ov_exe *exe, uint32_t entry, uint64_t *ret_offset) {
    *ret_offset = entry;
    if (entry == 0 || exe->section_count == 0) {
        return true;
    }
    for (uint32_t i = 0; i < exe->section_count; i++) {
        const struct ov_exe_section *section = &exe->sections[i];
        uint32_t start = (uint32_t)section->address;
        if (start <= entry && (uint32_t)(start + section->virtual_bytes) > entry) {
            *ret_offset = (uint32_t)(entry - start + section->raw_offset);
            return true;
        }
    }
    return false;
}

enum ov_status ov_macho_read(struct ov_span file, struct ov_arena *arena, struct ov_exe *ret_exe) {
    struct ov_exe exe = {0};
    struct macho_reader reader = {.in = ov_cursor_init(file)};
    enum ov_status status = read_header(&reader) ? OV_OK : OV_DAMAGED;
    for (uint32_t i = 0; status == OV_OK && i < reader.command_count; i++) {
        status = read_command(&reader, arena);
    }
    if (status == OV_MEMORY) {
        return OV_MEMORY;
    }
    exe.is_64 = reader.is_64;
    exe.sections = reader.sections;
    exe.section_count = reader.section_count;
    exe.has_entry = status == OV_OK && find_entry(&exe, reader.entry, &exe.entry_offset);
    exe.is_readable = exe.has_entry;
    exe.is_broken = reader.is_whole && status != OV_OK;
    *ret_exe = exe;
    return OV_OK;
}

enum { UNIVERSAL_COUNT_OFFSET = 7, UNIVERSAL_COUNT_MAX = 0x1f };

enum ov_status ov_macho_image(struct ov_span file, uint32_t index, struct ov_span *ret_image) {
    struct ov_cursor in = ov_cursor_init(file);
    bool is_ours = ov_cursor_u32be(&in) == 0xcafebabe;
    uint32_t count = ov_cursor_u32be(&in);
    if (!is_ours || index >= count || count > UNIVERSAL_COUNT_MAX) {
        return OV_END;
    }
    uint32_t offset = 0;
    uint32_t size = 0;
    // An image that starts before its own table entry ends ends the walk, also for those after it.
    for (uint32_t i = 0; i <= index; i++) {
        ov_cursor_skip(&in, 8); // cpu, subtype
        offset = ov_cursor_u32be(&in);
        size = ov_cursor_u32be(&in);
        ov_cursor_skip(&in, 4); // alignment
        if (in.has_failed || offset < in.at) {
            return OV_END;
        }
    }
    // No size, or one past the end, means all the rest.
    *ret_image = ov_span_part(file, offset, size == 0 ? SIZE_MAX : size);
    return OV_OK;
}

// Each architecture is an object of its own. Tables may overlap: told is what they say.
static enum ov_status walk_universal(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span image;
    for (uint32_t i = 0; ov_macho_image(in->bytes, i, &image) == OV_OK; i++) {
        TRY(ov_walk_member(walk, image, ov_span_make(NULL, 0), OV_FILETYPE_NONE));
    }
    return OV_OK;
}

// With a larger number after its magic, it is taken for Java (see program.c).
static bool is_universal(struct ov_span first) {
    return first.size > UNIVERSAL_COUNT_OFFSET &&
           first.data[UNIVERSAL_COUNT_OFFSET] <= UNIVERSAL_COUNT_MAX;
}

static const struct ov_magic magics_macho[] = {
    OV_MAGIC(0, "\xfe\xed\xfa\xce"),
    OV_MAGIC(0, "\xfe\xed\xfa\xcf"),
    OV_MAGIC(0, "\xce\xfa\xed\xfe"),
    OV_MAGIC(0, "\xcf\xfa\xed\xfe"),
};
static const struct ov_magic magics_universal[] = {OV_MAGIC(0, "\xca\xfe\xba\xbe\0\0\0")};
static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MACHO, OV_MAGICS(magics_macho), .read = ov_macho_read},
    {.type = OV_FILETYPE_MACHO_UNIBIN,
     OV_MAGICS(magics_universal),
     .is_sure = is_universal,
     .read = ov_macho_read,
     .walk = walk_universal},
};

OV_FORMAT_SET(macho, formats);
