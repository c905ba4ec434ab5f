// SPDX-License-Identifier: Apache-2.0
// PE files packed by UPX: the program as it was before, as far as the packed bytes hold it.
//
// Where the packed bytes begin is read out of the first instructions of the stub, because malware
// wipes the header in which UPX notes it; the header is a help where it is there.
#include "format/exe/upx.h"

#include "format/format.h"
#include "format/exe/packed.h"

enum {
    SECTIONS_MAX = 96,
    SECTION_BYTES = 40,
    COFF_BYTES = 24,
    OPTIONAL64_MAGIC = 0x20b,
    NOTE_BYTES = 32, // of UPX, right before the packed bytes
    LFANEW_AT = 60,
    STUB_MAX = 4096, // bytes of the old DOS program that are kept
};

struct section {
    uint32_t virtual_bytes, address, raw_bytes, raw_offset;
};

// What the headers of a PE say, the packed one or the original.
struct headers {
    uint64_t at; // of the signature
    uint64_t end;
    uint32_t section_count;
    uint64_t sections_at;
    uint32_t entry, code_bytes, code_address;
    uint64_t image_base;
};

static bool read_headers(struct ov_span bytes, uint64_t at, struct headers *ret) {
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_cursor_seek(&in, at);
    bool is_pe = ov_cursor_u32le(&in) == 0x4550;
    ov_cursor_skip(&in, 2);
    struct headers headers = {.at = at, .section_count = ov_cursor_u16le(&in)};
    ov_cursor_skip(&in, 12);
    uint32_t optional_bytes = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, 2);
    bool is_64 = ov_cursor_u16le(&in) == OPTIONAL64_MAGIC;
    ov_cursor_skip(&in, 2);
    headers.code_bytes = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 8);
    headers.entry = ov_cursor_u32le(&in);
    headers.code_address = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 4);
    headers.image_base = is_64 ? 0 : ov_cursor_u32le(&in); // stubs of 64 bits do not need it
    headers.sections_at = at + COFF_BYTES + optional_bytes;
    headers.end = headers.sections_at + (uint64_t)headers.section_count * SECTION_BYTES;
    *ret = headers;
    return is_pe && !in.has_failed && headers.section_count > 0 &&
           headers.section_count <= SECTIONS_MAX && optional_bytes >= 96 &&
           headers.end <= bytes.size;
}

static struct section read_section(struct ov_span bytes, const struct headers *headers,
                                   uint32_t number) {
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_cursor_seek(&in, headers->sections_at + (uint64_t)number * SECTION_BYTES + 8);
    struct section section = {.virtual_bytes = ov_cursor_u32le(&in)};
    section.address = ov_cursor_u32le(&in);
    section.raw_bytes = ov_cursor_u32le(&in);
    section.raw_offset = ov_cursor_u32le(&in);
    return section;
}

// A packed program: a section for the plain one, and behind it one with the packed bytes and the
// stub, which is where the program begins.
struct packed {
    struct ov_span file;
    struct headers headers;
    struct section plain, data;
    uint64_t begin;   // of the packed bytes in the file
    bool is_guess;    // by no instruction of the stub
    bool has_headers; // the original ones were found
    struct headers original;
};

static bool find_sections(struct packed *packed) {
    uint32_t entry = packed->headers.entry;
    for (uint32_t i = 1; i < packed->headers.section_count; i++) {
        packed->plain = read_section(packed->file, &packed->headers, i - 1);
        packed->data = read_section(packed->file, &packed->headers, i);
        if (packed->plain.virtual_bytes > 0 && entry >= packed->data.address &&
            entry - packed->data.address < packed->data.raw_bytes) {
            return true;
        }
    }
    return false;
}

// Where the stub reads from: its first instructions load that address (PUSHA, MOV ESI; or four
// PUSHes and LEA RSI). DLLs have a test before it.
static bool find_begin(struct packed *packed) {
    static const uint8_t load32[] = {0x60, 0xbe},
                         load64[] = {0x53, 0x56, 0x57, 0x55, 0x48, 0x8d, 0x35};
    enum { STUB_BYTES = 48 };
    uint32_t in_section = packed->headers.entry - packed->data.address;
    uint64_t entry_at = (uint64_t)packed->data.raw_offset + in_section;
    struct ov_span stub = ov_span_part(packed->file, entry_at, STUB_BYTES);
    const uint8_t *hit = stub.size > 0 ? memmem(stub.data, stub.size, load32, 2) : NULL;
    const uint8_t *hit64 = stub.size > 0 ? memmem(stub.data, stub.size, load64, 7) : NULL;
    size_t skip = hit64 != NULL ? sizeof load64 : sizeof load32;
    hit = hit64 != NULL ? hit64 : hit;
    if (hit == NULL) {
        return false;
    }
    size_t operand_at = (size_t)(hit - stub.data) + skip;
    struct ov_cursor in = ov_cursor_init(stub);
    ov_cursor_seek(&in, operand_at);
    uint32_t operand = ov_cursor_u32le(&in);
    uint32_t address = hit64 != NULL ? packed->headers.entry + (uint32_t)operand_at + 4 + operand
                                     : operand - (uint32_t)packed->headers.image_base;
    uint32_t offset = address - packed->data.address;
    packed->begin = (uint64_t)packed->data.raw_offset + offset;
    return !in.has_failed && offset < packed->data.raw_bytes && packed->begin < packed->file.size;
}

// What UPX notes before the packed bytes; zeros when it is not there.
struct note {
    unsigned method;
    uint32_t plain_bytes;
    unsigned filter;
    uint8_t mark;
};

static struct note read_note(const struct packed *packed) {
    struct note note = {0};
    if (packed->begin < NOTE_BYTES || packed->is_guess) {
        return note;
    }
    struct ov_cursor in = ov_cursor_init(packed->file);
    ov_cursor_seek(&in, packed->begin - NOTE_BYTES + 6);
    note.method = ov_cursor_u8(&in);
    ov_cursor_skip(&in, 9); // level, sums
    note.plain_bytes = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 8); // sizes
    note.filter = ov_cursor_u8(&in);
    note.mark = ov_cursor_u8(&in);
    return note;
}

static bool is_original(struct ov_span plain, uint64_t at, uint32_t address, struct headers *ret) {
    struct headers headers;
    if (!read_headers(plain, at, &headers) || read_section(plain, &headers, 0).address != address) {
        return false;
    }
    *ret = headers;
    return true;
}

// The original headers lie in what was unpacked, behind the sections, and its last four bytes say
// where; the first of their sections begins where the empty section does. Programs have others
// inside: without that number the last headers count.
static bool find_original(struct ov_span plain, uint32_t address, struct headers *ret) {
    struct ov_cursor in = ov_cursor_init(plain);
    ov_cursor_seek(&in, plain.size < 4 ? 0 : plain.size - 4);
    bool is_found = is_original(plain, ov_cursor_u32le(&in), address, ret);
    struct ov_span rest = is_found ? ov_span_make(NULL, 0) : plain;
    while (rest.size > 0) {
        const uint8_t *hit = memmem(rest.data, rest.size, "PE\0\0", 4);
        if (hit == NULL) {
            break;
        }
        size_t at = (size_t)(hit - plain.data);
        is_found = is_original(plain, at, address, ret) || is_found;
        rest = ov_span_from(plain, at + 1);
    }
    return is_found;
}

// Unpacks by the noted method, else by each in turn: a wrong one soon breaks off, or gives nothing
// that has headers. Malware wipes these, too: what ends with a mark of its own is taken without
// them.
static enum ov_status unpack(struct packed *packed, const struct note *note, struct ov_walk *walk,
                             struct ov_buf *plain) {
    static const uint8_t methods[] = {OV_UPX_NRV2E, OV_UPX_NRV2B, OV_UPX_NRV2D, OV_UPX_LZMA};
    uint64_t room = (uint64_t)packed->plain.virtual_bytes + packed->data.virtual_bytes;
    struct ov_upx_run run = {.packed = ov_span_from(packed->file, packed->begin)};
    unsigned ended = 0;
    for (unsigned i = 0; i <= sizeof methods + 1; i++) {
        bool is_last = i == sizeof methods + 1; // once more, without headers
        run.method = i == 0 ? note->method : is_last ? ended : methods[i - 1];
        run.plain_bytes = i == 0 && note->plain_bytes <= room ? note->plain_bytes : room;
        if (packed->is_guess && run.method == OV_UPX_LZMA) {
            continue; // reads anything
        }
        ov_buf_reset(plain);
        enum ov_status status = ov_upx_unpack(&run, walk, plain);
        if (status == OV_MEMORY || status == OV_LIMIT || (is_last && status == OV_OK)) {
            return status;
        }
        packed->has_headers =
            find_original(ov_buf_span(plain), packed->plain.address, &packed->original);
        if (packed->has_headers) {
            return status;
        }
        ended = status == OV_OK && plain->size > 0 ? run.method : ended;
    }
    return OV_UNSUPPORTED; // not packed by UPX, most likely
}

// Puts `bytes` at `at`, with zeros before them where there is nothing yet.
static void put_at(struct ov_buf *image, uint64_t at, struct ov_span bytes, size_t room) {
    if (at > room || bytes.size > room - at) {
        return;
    }
    if (at + bytes.size > image->size) {
        (void)ov_buf_extend(image, at + bytes.size - image->size);
    }
    if (!image->has_failed && image->data != NULL && bytes.size > 0) {
        memcpy(image->data + at, bytes.data, bytes.size);
    }
}

// The program as a file: the old DOS part, the original headers, each section at its place.
// Imports, relocations and resources are not put back where UPX took them apart.
static enum ov_status rebuild(const struct packed *packed, const struct headers *original,
                              struct ov_span plain, struct ov_walk *walk, struct ov_buf *image) {
    size_t room = ov_walk_room(walk);
    uint64_t stub_bytes = packed->headers.at < STUB_MAX ? packed->headers.at : STUB_MAX;
    put_at(image, 0, ov_span_part(packed->file, 0, stub_bytes), room);
    struct ov_span headers = ov_span_part(plain, original->at, original->end - original->at);
    put_at(image, packed->headers.at < STUB_MAX ? packed->headers.at : 0, headers, room);
    for (uint32_t i = 0; i < original->section_count; i++) {
        struct section section = read_section(plain, original, i);
        uint32_t at = section.address - packed->plain.address;
        if (section.raw_offset != 0 && at < plain.size) {
            put_at(image, section.raw_offset, ov_span_part(plain, at, section.raw_bytes), room);
        }
    }
    return ov_buf_status(image);
}

// Whether the file holds all that was unpacked: the stub does not ask what the original headers say
// of places in the file, so these may be wrong on purpose.
static bool is_whole(const struct packed *packed, struct ov_span plain, size_t image_bytes) {
    const struct headers *original = &packed->original;
    uint64_t end = 0, covered = 0, looked_at = 0;
    for (uint32_t i = 0; i < original->section_count && looked_at <= plain.size; i++) {
        struct section section = read_section(plain, original, i);
        uint32_t at = section.address - packed->plain.address;
        uint64_t raw_end = (uint64_t)section.raw_offset + section.raw_bytes;
        bool is_in = section.raw_offset != 0 && section.raw_offset >= end && raw_end <= image_bytes;
        uint32_t raw_bytes = is_in ? section.raw_bytes : 0;
        uint32_t virtual_bytes = section.virtual_bytes > raw_bytes ? section.virtual_bytes : 0;
        struct ov_span rest = ov_span_part(ov_span_from(plain, at), raw_bytes, virtual_bytes);
        looked_at += rest.size; // sections may overlap, without end
        for (size_t k = 0; k < rest.size; k++) {
            if (rest.data[k] != 0) {
                return false;
            }
        }
        end = is_in ? raw_end : end;
        covered = at + raw_bytes > covered ? (uint64_t)at + raw_bytes : covered;
    }
    return covered >= plain.size / 2 && looked_at <= plain.size;
}

// What was unpacked as it lies in memory, as clamscan tells it when it finds no headers.
static enum ov_status tell_memory(struct ov_span plain, struct ov_walk *walk) {
    enum { ADDRESS = 0x1000, IMAGE_BASE = 0x400000, PAGE_BYTES = 0x1000 };
    const struct ov_pe_piece piece = {
        .address = ADDRESS, .virtual_bytes = (uint32_t)plain.size, .bytes = plain};
    const struct ov_pe_pieces pieces = {.pieces = &piece,
                                        .count = 1,
                                        .image_base = IMAGE_BASE,
                                        .entry = ADDRESS,
                                        .align = PAGE_BYTES};
    return ov_pe_tell(&pieces, walk);
}

static enum ov_status tell_file(const struct packed *packed, const struct note *note,
                                struct ov_walk *walk, struct ov_buf *plain) {
    const struct headers *original = &packed->original;
    uint32_t code_at = original->code_address - packed->plain.address;
    if (code_at < plain->size) {
        size_t left = plain->size - code_at;
        size_t size = original->code_bytes < left ? original->code_bytes : left;
        ov_upx_unfilter(&plain->data[code_at], size, note->filter, note->mark, code_at);
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf image = {0};
    TRY(rebuild(packed, original, ov_buf_span(plain), walk, &image));
    TRY(ov_walk_member(walk, ov_buf_span(&image), ov_span_make(NULL, 0), OV_FILETYPE_MSEXE));
    return is_whole(packed, ov_buf_span(plain), image.size) ? OV_OK
                                                            : tell_memory(ov_buf_span(plain), walk);
}

static enum ov_status unpack_from(struct packed *packed, struct ov_walk *walk) {
    struct note note = read_note(packed);
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = unpack(packed, &note, walk, &plain);
    if (status == OV_LIMIT && plain.size > 0) {
        TRY(tell_memory(ov_buf_span(&plain), walk)); // the headers lie at its end
    }
    if (status != OV_OK && status != OV_DAMAGED) {
        return status;
    }
    return packed->has_headers ? tell_file(packed, &note, walk, &plain)
                               : tell_memory(ov_buf_span(&plain), walk);
}

// Stubs are scrambled as well. The packed bytes then begin where the section does, or 21 bytes
// later.
enum ov_status ov_upx_walk_pe(struct ov_cursor *in, struct ov_walk *walk) {
    static const uint8_t guesses[] = {0, 21};
    struct packed packed = {.file = in->bytes};
    ov_cursor_seek(in, LFANEW_AT);
    if (!read_headers(in->bytes, ov_cursor_u32le(in), &packed.headers) || !find_sections(&packed)) {
        return OV_UNSUPPORTED; // not packed
    }
    enum ov_status status = find_begin(&packed) ? unpack_from(&packed, walk) : OV_UNSUPPORTED;
    packed.is_guess = true;
    for (unsigned i = 0; i < sizeof guesses && packed.plain.raw_bytes == 0; i++) {
        if (status == OV_UNSUPPORTED) {
            packed.begin = (uint64_t)packed.data.raw_offset + guesses[i];
            status = unpack_from(&packed, walk);
        }
    }
    return status;
}

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ELF, .walk = ov_upx_walk_elf, .is_late = true},
};

OV_FORMAT_SET(upx, formats);
