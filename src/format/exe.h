// SPDX-License-Identifier: Apache-2.0
//
// Where things lie in an executable: entry point, sections, version strings, imports.
//
// The answers are those that clamscan 1.4 gives, because rules were written against it: EP, Sx, SL,
// SEx and VI of body signatures, sections of .mdb rules, text behind .imp rules. Sections and
// offsets live in the caller's arena. Worker process only: the bytes are hostile, and may change
// while they are read, so no value is trusted because it was checked in an earlier read.
#pragma once

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

struct ov_exe_section {
    uint64_t raw_offset;    // where it starts in the file, rounded as clamscan rounds it
    uint64_t raw_bytes;     // its size in the file, rounded likewise; may be 0
    uint64_t address;       // where it is loaded; relative to the image base in a PE
    uint64_t virtual_bytes; // its size in memory
};

// What the later steps for a PE need out of its headers.
struct ov_pe_places {
    bool is_library;       // a DLL
    uint32_t header_bytes; // addresses below this are file offsets
    uint32_t imports_rva, imports_bytes;
    uint32_t resources_rva, resources_bytes;
    uint32_t runtime_rva, runtime_bytes; // the header of .NET
    uint64_t overlay_offset;             // where what no section holds begins, as written
    uint64_t certificates_end;           // where the certificates end, which mostly begin there
    uint32_t certificates_offset, certificates_bytes; // as written; zeros without such a directory
    uint64_t optional_offset;                         // of the optional header
};

struct ov_exe {
    bool is_readable; // false: clamscan refuses the headers; no relative offset means anything
    bool is_broken;   // clamscan would alert, when asked to: contradictions that it reads past, too
    bool is_hashable; // PE: section and import hashes apply; clamscan decides this apart
    bool is_64;
    bool has_entry;
    uint64_t entry_offset;  // in the file, not an address
    uint32_t section_count; // the table may be longer than any limit of the format's own
    const struct ov_exe_section *sections; // in the arena
    uint32_t version_count;
    const uint64_t *version_offsets; // PE: starts of version strings, ascending; in the arena
    struct ov_pe_places pe;
};

// Read the headers of a whole file. OV_OK with is_readable false when clamscan would refuse it;
// OV_MEMORY when the arena is full. They look at headers alone, never at content.
enum ov_status ov_pe_read(struct ov_span file, struct ov_arena *arena, struct ov_exe *ret_exe);
enum ov_status ov_elf_read(struct ov_span file, struct ov_arena *arena, struct ov_exe *ret_exe);
enum ov_status ov_macho_read(struct ov_span file, struct ov_arena *arena, struct ov_exe *ret_exe);

// The image of architecture `index` in a universal Mach-O file; clamscan looks at each as an object
// of its own, and takes the whole for one without readable headers. OV_OK: ret_image is set, empty
// when the file does not hold it. OV_END: there are no more.
enum ov_status ov_macho_image(struct ov_span file, uint32_t index, struct ov_span *ret_image);

// Fills version_count and version_offsets of a readable PE: the offset of the key of each string in
// each version resource. Apart from ov_pe_read because few rules ask for it. OV_OK also when there
// are none; OV_MEMORY.
enum ov_status ov_pe_version_offsets(struct ov_span file, struct ov_arena *arena,
                                     struct ov_exe *exe);

// The text whose MD5, SHA-1 or SHA-256 is the import hash of a readable PE, in the arena: items
// `library.function` joined by commas. Empty when there is none. OV_OK or OV_MEMORY.
enum ov_status ov_pe_import_text(struct ov_span file, const struct ov_exe *exe,
                                 struct ov_arena *arena, struct ov_span *ret_text);

enum { OV_PE_SIGNED_PARTS = 3 };

// What a signature of a program is made over, and the signature.
struct ov_pe_signature {
    struct ov_span parts[OV_PE_SIGNED_PARTS]; // of the file, in order; may be empty
    struct ov_span bytes;                     // PKCS #7; empty: it has none
};

// Finds them in a readable PE. OV_DAMAGED when the headers or the directory of certificates are not
// as signed files have them. exe/pe_signature.c
enum ov_status ov_pe_signature_find(struct ov_span file, const struct ov_exe *exe,
                                    struct ov_pe_signature *ret_signature);

// The file offset of a relative virtual address in a readable PE; false when no section holds it.
bool ov_pe_find_offset(const struct ov_exe *exe, uint64_t file_bytes, uint32_t rva,
                       uint64_t *ret_offset);
