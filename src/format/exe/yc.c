// SPDX-License-Identifier: Apache-2.0
// Programs behind Yoda's Crypter 1.x: sections are decrypted in place, the stub is cut off.
//
// The crypter adds a section, in which a cipher decrypts the rest of the stub. There stands another
// cipher, for the sections of the program, and where it begins. Both are made up anew for each
// program: see poly.h.
#include "format/exe/packed.h"
#include "format/exe/poly.h"

enum {
    ENTRY_AT = 0x60, // of the stub in its section
    FIRST_CIPHER_AT = 0x93,
    CIPHER_BYTES = 0x30,
    CRYPTED_AT = 0xc6, // what the first cipher decrypts
    CRYPTED_MIN = 0x800,
    CRYPTED_MAX = 0x2000,
    USUAL_ENTRY_AT = 0xa0f, // of the plain program
    SECTION_BYTES = 40,
    COFF_BYTES = 24,
    OWN_ENTRY_AT = COFF_BYTES + 16, // in the headers
};

// The versions differ by how much stands before the parts of the stub.
struct version {
    int shift;
    uint32_t second_cipher_at; // in the shifted section
    uint32_t crypted_bytes;
    uint32_t to_section; // what makes an operand of the stub a place in its section
};

static bool has_bytes(struct ov_span stub, size_t at, const void *bytes, size_t size) {
    return ov_span_is_equal(ov_span_part(stub, at, size), ov_span_make(bytes, size));
}
#define HAS(stub, at, text) has_bytes(stub, at, text, sizeof(text) - 1)

static bool is_v13(struct ov_span stub) {
    return HAS(stub, 0, "\x55\x8b\xec\x53\x56\x57\x60\xe8\0\0\0\0\x5d\x81\xed") &&
           HAS(stub, 0x18, "\x81\xe9") && HAS(stub, 0x1e, "\x8b\xd5\x81\xc2") &&
           HAS(stub, 0x26, "\x8d\x3a\x8b\xf7\x33\xc0\xeb\x04\x90\xeb\x01\xc2\xac");
}

static bool is_v13_with_frame(struct ov_span stub) {
    return HAS(stub, 0, "\x55\x8b\xec\x83\xec\x40\x53\x56\x57") &&
           HAS(stub, 0x17, "\xe8\0\0\0\0\x5d\x81\xed");
}

static bool is_older(struct ov_span stub) {
    return HAS(stub, 0, "\x60\xe8\0\0\0\0\x5d\x81\xed") && HAS(stub, 0xd, "\xb9") &&
           HAS(stub, 0x12, "\x8d\xbd") && HAS(stub, 0x18, "\x8b\xf7\xac");
}

// The stub finds the crypted bytes by its own address (less the operand behind it) and an operand;
// their number is an operand, or the difference of two.
static bool read_version(struct ov_span stub, struct version *ret_version) {
    struct version version = {.second_cipher_at = 0x457};
    uint32_t crypted_at = 0;
    if (is_v13(stub) || is_v13_with_frame(stub)) {
        unsigned shift = is_v13(stub) ? 0 : 0x10;
        version.shift = (int)shift;
        if (!HAS(stub, 0x13 + shift, "\xb9")) {
            return false;
        }
        version.to_section = ENTRY_AT + 0xc + shift - ov_packed_u32(stub, 0xf + shift);
        crypted_at = version.to_section + ov_packed_u32(stub, 0x22 + shift);
        version.crypted_bytes =
            ov_packed_u32(stub, 0x14 + shift) - ov_packed_u32(stub, 0x1a + shift);
    } else if (is_older(stub)) {
        version = (struct version){.shift = -0x18, .second_cipher_at = 0x3ea};
        version.to_section = ENTRY_AT + 6 - ov_packed_u32(stub, 0x9);
        crypted_at = version.to_section + ov_packed_u32(stub, 0x14);
        version.crypted_bytes = ov_packed_u32(stub, 0xe);
    }
    *ret_version = version;
    return crypted_at == (uint32_t)(CRYPTED_AT + version.shift) &&
           version.crypted_bytes > CRYPTED_MIN && version.crypted_bytes < CRYPTED_MAX &&
           HAS(stub, (size_t)(CRYPTED_AT - ENTRY_AT - 3 + version.shift), "\xaa\xe2\xcc");
}

// Sections that the crypter leaves alone, by the first letters of their names.
static bool is_left_alone(const struct ov_packed *packed, const struct ov_span file, uint32_t i) {
    static const char *const names[] = {"rsrc", ".rsr", "relo", ".rel", ".eda",
                                        ".rda", ".ida", ".tls", "yC"};
    uint64_t at = (uint64_t)packed->headers_at + COFF_BYTES + packed->optional_bytes +
                  (uint64_t)i * SECTION_BYTES;
    struct ov_span name = ov_span_part(file, (size_t)at, 8);
    bool is_named = false;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        is_named = is_named || ov_span_has_prefix(name, names[k]);
    }
    const struct ov_packed_section *section = &packed->sections[i];
    return is_named || section->raw_offset == 0 || section->raw_bytes == 0;
}

// Runs the cipher that stands at `cipher_at` over a part of the same bytes.
static enum ov_status decrypt(struct ov_buf *file, size_t cipher_at, struct ov_place place,
                              uint32_t counter, struct ov_walk *walk) {
    struct ov_poly poly;
    struct ov_span code = ov_span_part(ov_buf_span(file), cipher_at, CIPHER_BYTES);
    if (code.size != CIPHER_BYTES || !ov_poly_read(code, &poly)) {
        return OV_DAMAGED;
    }
    return ov_poly_run(&poly, walk, place.data, place.size, counter);
}

// The headers as they were, as far as that is known, but for the entry point: the stub and its
// imports are gone.
static void mend_headers(const struct ov_packed *packed, struct ov_buf *file) {
    enum { COUNT_AT = 6, IMAGE_BYTES_AT = 0x38, IMPORTS_AT = 0x68 };
    uint64_t at = packed->headers_at, optional_at = at + COFF_BYTES;
    const struct ov_packed_section *stub = &packed->sections[packed->section_count - 1];
    uint32_t count = ov_packed_u32(ov_buf_span(file), at + COUNT_AT);
    ov_packed_put_u32(file, at + COUNT_AT, (count & 0xffff0000) | (packed->section_count - 1));
    ov_packed_put_u32(file, optional_at + IMPORTS_AT, 0);
    ov_packed_put_u32(file, optional_at + IMPORTS_AT + 4, 0);
    uint32_t image_bytes = ov_packed_u32(ov_buf_span(file), optional_at + IMAGE_BYTES_AT);
    ov_packed_put_u32(file, optional_at + IMAGE_BYTES_AT, image_bytes - stub->virtual_bytes);
}

static enum ov_status decrypt_sections(const struct ov_packed *packed, size_t cipher_at,
                                       size_t plain_bytes, struct ov_buf *file,
                                       struct ov_walk *walk) {
    for (uint32_t i = 0; i + 1 < packed->section_count; i++) {
        const struct ov_packed_section *section = &packed->sections[i];
        if (is_left_alone(packed, ov_buf_span(file), i) || section->raw_offset >= plain_bytes) {
            continue;
        }
        size_t room = plain_bytes - section->raw_offset;
        size_t size = section->told_raw_bytes < room ? section->told_raw_bytes : room;
        TRY(decrypt(file, cipher_at, ov_place_init(file, section->raw_offset, size),
                    section->told_raw_bytes, walk));
    }
    return OV_OK;
}

// Where the entry point of the plain program stands, in the file: behind the image base, which the
// stub loads to find the imports. 0: it does not.
static size_t find_entry(struct ov_span file, const struct ov_packed_section *stub,
                         const struct version *version) {
    static const uint8_t use[] = {0x8b, 0x02,              // MOV EAX, [EDX]
                                  0x03, 0x40, 0x3c,        // ADD EAX, [EAX + 60]: the PE header
                                  0x05, 0x80, 0,    0, 0}; // its imports
    enum { OPERAND_BYTES = 4 };
    struct ov_span code = ov_span_part(file, stub->raw_offset, stub->told_raw_bytes);
    size_t at = ov_span_search(code, OPERAND_BYTES, ov_span_make(use, sizeof use));
    if (at == code.size || version->to_section == 0) {
        return 0;
    }
    uint32_t base_at = ov_packed_u32(code, at - OPERAND_BYTES) + version->to_section;
    bool is_inside = ov_packed_holds(0, code.size, base_at, 2 * sizeof base_at);
    return is_inside ? (size_t)stub->raw_offset + base_at + sizeof base_at : 0;
}

// Tells of the program. clamscan looks for its entry point where the usual version has it; with
// another one that is another program, and rules may be written for either.
static enum ov_status tell(const struct ov_packed *packed, const struct version *version,
                           struct ov_buf *file, size_t plain_bytes, struct ov_walk *walk) {
    const struct ov_packed_section *stub = &packed->sections[packed->section_count - 1];
    struct ov_span bytes = ov_buf_span(file);
    size_t usual_at = stub->raw_offset + (size_t)(ptrdiff_t)version->shift + USUAL_ENTRY_AT;
    size_t found_at = find_entry(bytes, stub, version);
    const uint32_t entries[] = {ov_packed_u32(bytes, usual_at),
                                ov_packed_u32(bytes, found_at != 0 ? found_at : usual_at)};
    mend_headers(packed, file);
    for (unsigned i = 0; i < 2; i++) {
        if (i == 1 && entries[1] == entries[0]) {
            continue;
        }
        ov_packed_put_u32(file, (uint64_t)packed->headers_at + OWN_ENTRY_AT, entries[i]);
        struct ov_span plain = ov_span_part(ov_buf_span(file), 0, plain_bytes);
        TRY(ov_walk_member(walk, plain, ov_span_make(NULL, 0), OV_FILETYPE_MSEXE));
    }
    return OV_OK;
}

enum ov_status ov_yc_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    const struct ov_packed_section *stub = &packed->sections[packed->section_count - 1];
    struct version version;
    if (packed->section_count < 2 || packed->entry != stub->address + ENTRY_AT ||
        !read_version(packed->stub, &version)) {
        return OV_UNSUPPORTED;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf file = {0};
    TRY(ov_packed_room(walk, packed->file.size, &file));
    memcpy(file.data, packed->file.data, packed->file.size);
    size_t base = stub->raw_offset + (size_t)(ptrdiff_t)version.shift;
    TRY(decrypt(&file, base + FIRST_CIPHER_AT,
                ov_place_init(&file, base + CRYPTED_AT, version.crypted_bytes),
                version.crypted_bytes, walk));
    size_t plain_bytes = packed->file.size - stub->told_raw_bytes;
    enum ov_status status =
        decrypt_sections(packed, base + version.second_cipher_at, plain_bytes, &file, walk);
    if (status == OV_LIMIT) {
        return status;
    }
    TRY(tell(packed, &version, &file, plain_bytes, walk));
    return status;
}
