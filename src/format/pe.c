// SPDX-License-Identifier: Apache-2.0
// PE headers (Microsoft PE/COFF specification, sections 2 to 4), with clamscan's roundings.
#include "base/cursor.h"
#include "format/exe.h"
#include "format/format.h"

enum {
    LFANEW_OFFSET = 60,       // in the DOS header: where the PE signature is
    COFF_BYTES = 24,          // signature and file header
    IS_LIBRARY = 0x2000,      // of the file header's flags
    OPTIONAL32_BYTES = 96,    // without data directories
    OPTIONAL64_BYTES = 112,   // the same for PE32+
    OPTIONAL64_MAGIC = 0x20b, // clamscan takes every other magic for PE32
    DIRECTORY_BYTES = 8,
    SECTION_BYTES = 40,
    USUAL_ALIGN = 0x200, // what the loader of Windows uses, whatever the header says
    IMPORT_DIRECTORY = 1,
    RESOURCE_DIRECTORY = 2,
    CERTIFICATES_DIRECTORY = 4,
    RUNTIME_DIRECTORY = 14,
    USUAL_SECTION_ALIGN = 0x1000,
    SUBSYSTEM_NATIVE = 1,
    DIRECTORIES_MAX = 16, // those that exist; more are not read
};

// What the headers say, as read.
struct pe_headers {
    uint32_t section_count;
    uint32_t optional_bytes; // as declared
    uint64_t optional_at;
    uint32_t entry_rva;
    uint32_t section_align, file_align;
    uint32_t header_bytes;
    uint32_t directory_count;
    bool is_pe;     // the signature stands where it should
    bool is_native; // runs without a subsystem: drivers may be aligned as they like
};

// One of the data directories.
struct directory {
    uint32_t rva, bytes;
};

// The same, rounded down to a multiple of `align`; 0 rounds nothing.
static uint32_t round_down(uint32_t value, uint32_t align) {
    return align == 0 ? value : value / align * align;
}

static uint32_t round_up(uint32_t value, uint32_t align) {
    return align == 0 || value % align == 0 ? value : (value / align + 1) * align;
}

// Reads up to the optional header's fixed part; false when clamscan would stop there.
static bool read_headers(struct ov_cursor *in, struct pe_headers *headers, struct ov_exe *exe) {
    bool is_dos = ov_cursor_u16le(in) == 0x5a4d;
    ov_cursor_seek(in, LFANEW_OFFSET);
    uint32_t coff_at = ov_cursor_u32le(in);
    exe->is_broken = is_dos && in->has_failed; // without a signature it may be a program for DOS
    ov_cursor_seek(in, coff_at);
    bool is_pe = ov_cursor_u32le(in) == 0x4550;
    ov_cursor_skip(in, 2); // machine
    headers->section_count = ov_cursor_u16le(in);
    ov_cursor_skip(in, 12); // time, symbols
    headers->optional_bytes = ov_cursor_u16le(in);
    exe->pe.is_library = (ov_cursor_u16le(in) & IS_LIBRARY) != 0;
    headers->optional_at = in->at;
    headers->is_pe = is_dos && is_pe && coff_at != 0 && !in->has_failed;
    exe->pe.optional_offset = headers->optional_at;
    exe->is_64 = ov_cursor_u16le(in) == OPTIONAL64_MAGIC;
    uint32_t fixed_bytes = exe->is_64 ? OPTIONAL64_BYTES : OPTIONAL32_BYTES;
    if (!is_dos || !is_pe || coff_at == 0 || headers->section_count == 0 ||
        headers->optional_bytes < fixed_bytes) {
        return false;
    }
    ov_cursor_skip(in, 14); // linker version, sizes
    headers->entry_rva = ov_cursor_u32le(in);
    ov_cursor_skip(in, 12); // bases: 4 + 4 + 4 bytes, or 4 + 8
    headers->section_align = ov_cursor_u32le(in);
    headers->file_align = ov_cursor_u32le(in);
    ov_cursor_skip(in, 20); // versions, image size
    headers->header_bytes = ov_cursor_u32le(in);
    ov_cursor_skip(in, 4); // checksum
    headers->is_native = ov_cursor_u16le(in) == SUBSYSTEM_NATIVE;
    ov_cursor_seek(in, headers->optional_at + fixed_bytes - 4);
    uint32_t count = ov_cursor_u32le(in);
    headers->directory_count = count < DIRECTORIES_MAX ? count : DIRECTORIES_MAX;
    return !in->has_failed &&
           headers->optional_bytes - fixed_bytes >= headers->directory_count * DIRECTORY_BYTES;
}

// Reads where a data directory is; zeros when there is none.
static void read_directory(struct ov_cursor *in, const struct pe_headers *headers, bool is_64,
                           uint32_t number, struct directory *ret_directory) {
    uint32_t fixed_bytes = is_64 ? OPTIONAL64_BYTES : OPTIONAL32_BYTES;
    *ret_directory = (struct directory){0};
    if (headers->directory_count > number) {
        ov_cursor_seek(in, headers->optional_at + fixed_bytes + number * DIRECTORY_BYTES);
        ret_directory->rva = ov_cursor_u32le(in);
        ret_directory->bytes = ov_cursor_u32le(in);
    }
}

// Reads the data directories that later steps need.
static void read_directories(struct ov_cursor *in, const struct pe_headers *headers,
                             struct ov_exe *exe) {
    struct directory found;
    uint32_t fixed_bytes = exe->is_64 ? OPTIONAL64_BYTES : OPTIONAL32_BYTES;
    ov_cursor_seek(in, headers->optional_at + fixed_bytes +
                           headers->directory_count * DIRECTORY_BYTES); // fails if some are cut off
    read_directory(in, headers, exe->is_64, IMPORT_DIRECTORY, &found);
    exe->pe.imports_rva = found.rva;
    exe->pe.imports_bytes = found.bytes;
    read_directory(in, headers, exe->is_64, RESOURCE_DIRECTORY, &found);
    exe->pe.resources_rva = found.rva;
    exe->pe.resources_bytes = found.bytes;
    read_directory(in, headers, exe->is_64, RUNTIME_DIRECTORY, &found);
    exe->pe.runtime_rva = found.rva;
    exe->pe.runtime_bytes = found.bytes;
    read_directory(in, headers, exe->is_64, CERTIFICATES_DIRECTORY, &found);
    exe->pe.certificates_offset = found.rva; // here it is one
    exe->pe.certificates_bytes = found.bytes;
    exe->pe.certificates_end = (uint64_t)found.rva + found.bytes;
}

// Linkers write raw offsets that break the declared file alignment but keep the usual one: the
// usual one is then meant.
static uint32_t choose_file_align(struct ov_cursor in, uint32_t count, uint32_t declared) {
    for (uint32_t i = 0; declared != 0 && i < count; i++) {
        ov_cursor_skip(&in, 16);
        uint32_t raw_bytes = ov_cursor_u32le(&in);
        uint32_t raw_offset = ov_cursor_u32le(&in);
        ov_cursor_skip(&in, 16);
        if (raw_bytes != 0 && raw_offset % declared != 0 && raw_offset % USUAL_ALIGN == 0) {
            return USUAL_ALIGN;
        }
    }
    return declared;
}

// How a section passed clamscan's check for values with the top bit set, which it does twice.
struct section_check {
    bool is_missing; // lies past the end of the file: the pass for hashes leaves it out
    bool has_top_bit;
    uint32_t address; // as written
    uint64_t end;     // in the file, as written
};

static struct section_check read_section(struct ov_cursor *in, const struct pe_headers *headers,
                                         uint64_t file_bytes, struct ov_exe_section *ret_section) {
    ov_cursor_skip(in, 8); // name
    uint32_t virtual_bytes = ov_cursor_u32le(in);
    uint32_t address = ov_cursor_u32le(in);
    uint32_t raw_bytes = ov_cursor_u32le(in);
    uint32_t raw_offset = ov_cursor_u32le(in);
    ov_cursor_skip(in, 16); // relocations, line numbers, flags
    struct ov_exe_section section = {
        .raw_offset = round_down(raw_offset, headers->file_align),
        .raw_bytes = round_up(raw_bytes, headers->file_align),
        .address = round_down(address, headers->section_align),
        .virtual_bytes = round_up(virtual_bytes, headers->section_align),
    };
    bool is_missing = section.raw_bytes != 0 && raw_offset >= file_bytes;
    if (is_missing) {
        section.raw_bytes = 0;
        raw_bytes = 0;
    } else if (section.raw_bytes != 0) {
        uint64_t left = file_bytes - section.raw_offset;
        section.raw_bytes = section.raw_bytes < left ? section.raw_bytes : left;
        left = file_bytes - raw_offset;
        raw_bytes = raw_bytes < left ? raw_bytes : (uint32_t)left;
    }
    *ret_section = section;
    uint32_t top = address | virtual_bytes | raw_bytes | (section.raw_bytes != 0 ? raw_offset : 0);
    return (struct section_check){.is_missing = is_missing,
                                  .has_top_bit = top >> 31 != 0,
                                  .address = address,
                                  .end = raw_bytes == 0 ? 0 : (uint64_t)raw_offset + raw_bytes};
}

bool ov_pe_find_offset(const struct ov_exe *exe, uint64_t file_bytes, uint32_t rva,
                       uint64_t *ret_offset) {
    if (rva < exe->pe.header_bytes) {
        *ret_offset = rva;
        return rva < file_bytes;
    }
    // The last section that holds an address wins.
    for (uint32_t i = exe->section_count; i > 0; i--) {
        const struct ov_exe_section *section = &exe->sections[i - 1];
        if (section->address <= rva && rva - section->address < section->raw_bytes) {
            *ret_offset = section->raw_offset + (rva - section->address);
            return true;
        }
    }
    return false;
}

static bool is_aligned_oddly(const struct pe_headers *headers) {
    return !headers->is_native &&
           (headers->section_align == 0 || headers->section_align % USUAL_SECTION_ALIGN != 0 ||
            headers->file_align == 0 || headers->file_align % USUAL_ALIGN != 0);
}

// Whether a section does not stand where the one before it ends, or is not aligned. `next` is where
// it should stand.
static bool is_misplaced(const struct section_check *check, const struct pe_headers *headers,
                         uint32_t next) {
    return headers->section_align == 0 || check->address % headers->section_align != 0 ||
           check->address != next;
}

// Reads the section table behind the cursor into `sections`, and what it says of the whole.
static void read_sections(struct ov_cursor *in, const struct pe_headers *headers,
                          struct ov_exe_section *sections, struct ov_exe *exe) {
    uint64_t file_bytes = in->bytes.size;
    bool has_top_bit = false;
    bool has_odd = false; // what is missing does not count: clamscan takes it out of the table
    uint32_t missing_count = 0;
    uint32_t next = exe->pe.header_bytes;
    for (uint32_t i = 0; i < exe->section_count; i++) {
        struct section_check check = read_section(in, headers, file_bytes, &sections[i]);
        has_top_bit = has_top_bit || check.has_top_bit;
        if (check.is_missing) {
            missing_count++;
            continue;
        }
        exe->is_hashable = exe->is_hashable && !check.has_top_bit;
        uint64_t end = check.end > exe->pe.overlay_offset ? check.end : exe->pe.overlay_offset;
        exe->pe.overlay_offset = end;
        has_odd = has_odd || is_misplaced(&check, headers, next);
        next = check.address + (uint32_t)sections[i].virtual_bytes;
    }
    exe->sections = sections;
    exe->is_readable = !has_top_bit;
    exe->is_broken =
        exe->is_broken || has_odd || !exe->is_hashable || missing_count == exe->section_count;
}

enum ov_status ov_pe_read(struct ov_span file, struct ov_arena *arena, struct ov_exe *ret_exe) {
    struct ov_exe exe = {0};
    struct pe_headers headers = {0};
    struct ov_cursor in = ov_cursor_init(file);
    if (!read_headers(&in, &headers, &exe)) {
        exe.is_broken = exe.is_broken || headers.is_pe;
        *ret_exe = exe;
        return OV_OK;
    }
    read_directories(&in, &headers, &exe);
    exe.is_broken = is_aligned_oddly(&headers);
    bool has_directories = !in.has_failed;
    ov_cursor_seek(&in, headers.optional_at + headers.optional_bytes);
    uint32_t count = (uint32_t)ov_cursor_count(&in, headers.section_count, SECTION_BYTES);
    if (in.has_failed) {
        exe.is_broken = exe.is_broken || has_directories;
        *ret_exe = exe;
        return OV_OK;
    }
    struct ov_exe_section *sections = ov_arena_array(arena, count, sizeof *sections);
    if (sections == NULL) {
        return OV_MEMORY;
    }
    headers.file_align = choose_file_align(in, count, headers.file_align);
    exe.section_count = count;
    exe.is_hashable = true;
    exe.pe.header_bytes = round_up(headers.header_bytes, headers.section_align);
    read_sections(&in, &headers, sections, &exe);
    exe.has_entry = ov_pe_find_offset(&exe, file.size, headers.entry_rva, &exe.entry_offset);
    exe.is_readable = exe.is_readable && exe.has_entry;
    exe.is_hashable = exe.is_hashable && exe.has_entry;
    exe.is_broken = exe.is_broken || !exe.has_entry;
    *ret_exe = exe;
    return OV_OK;
}

static const struct ov_magic magics_pe[] = {OV_MAGIC(0, "MZ")};
static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_MSEXE, OV_MAGICS(magics_pe), .read = ov_pe_read},
};

OV_FORMAT_SET(pe, formats);
