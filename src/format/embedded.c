// SPDX-License-Identifier: Apache-2.0
// How archives, programs and images are found inside other objects: marks, and checks of headers.
#include "format/format.h"

#include <zlib.h>

// ---- archives ----------------------------------------------------------------------------------

enum {
    ZIP_LOCAL_BYTES = 30,
    ZIP_END_BYTES = 22,
    ZIP_NAME_MAX = 4096,
    ZIP_VERSION_MAX = 63, // 6.3, the newest that APPNOTE.TXT knows
    ZIP_FLAGS_UNUSED = 0xc780,
};

// Whether the numbers of a local header are such as archivers write (APPNOTE.TXT 4.3.7).
static bool is_zip_header(struct ov_span rest) {
    struct ov_cursor in = ov_cursor_init(rest);
    ov_cursor_skip(&in, 4);
    uint8_t version = ov_cursor_u8(&in);
    ov_cursor_skip(&in, 1); // system
    uint16_t flags = ov_cursor_u16le(&in);
    uint16_t method = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, 16); // time, sum, sizes
    uint16_t name_bytes = ov_cursor_u16le(&in);
    bool is_known = method <= 20 || (method >= 92 && method <= 99);
    return !in.has_failed && version <= ZIP_VERSION_MAX && (flags & ZIP_FLAGS_UNUSED) == 0 &&
           is_known && name_bytes > 0 && name_bytes <= ZIP_NAME_MAX &&
           rest.size > (size_t)ZIP_LOCAL_BYTES + name_bytes && rest.data[ZIP_LOCAL_BYTES] != 0;
}

// Whether the end record at `at` closes an archive that begins at `begin`: its directory lies right
// before it, and says so counted from the archive's start or from that of the object.
static bool is_zip_end(struct ov_span object, size_t begin, size_t at) {
    struct ov_cursor in = ov_cursor_init(ov_span_from(object, at));
    ov_cursor_skip(&in, 12);
    uint64_t directory_bytes = ov_cursor_u32le(&in);
    uint64_t directory_at = ov_cursor_u32le(&in);
    uint64_t end = directory_bytes + directory_at;
    return !in.has_failed && (end == at - begin || end == at);
}

static enum ov_inner find_zip(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    struct ov_span rest = ov_span_from(object, at);
    if (!is_zip_header(rest)) {
        return OV_INNER_NONE;
    }
    *ret_inner = rest;
    const uint8_t *hit = rest.data;
    for (size_t end = at; hit != NULL; end++) {
        struct ov_span later = ov_span_from(object, end);
        hit = memmem(later.data, later.size, "PK\5\6", 4);
        end += hit != NULL ? (size_t)(hit - later.data) : 0;
        if (hit != NULL && is_zip_end(object, at, end)) {
            struct ov_cursor in = ov_cursor_init(ov_span_from(object, end));
            ov_cursor_skip(&in, ZIP_END_BYTES - 2);
            size_t comment_bytes = ov_cursor_u16le(&in);
            *ret_inner = ov_span_part(object, at, end - at + ZIP_END_BYTES + comment_bytes);
            return OV_INNER_CLOSED;
        }
    }
    return OV_INNER_OPEN;
}

static enum ov_inner find_rar(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    enum { MAIN_HEADER = 0x73 };
    *ret_inner = ov_span_from(object, at);
    if (ret_inner->size < 20) {
        return OV_INNER_NONE;
    }
    const uint8_t *mark = ret_inner->data;
    bool is_new = mark[6] == 1 && mark[7] == 0; // version 5
    bool is_old = mark[6] == 0 && mark[9] == MAIN_HEADER;
    return is_new || is_old ? OV_INNER_OPEN : OV_INNER_NONE;
}

static enum ov_inner find_7z(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    enum { SUM_AT = 8, HEADER_AT = 12, HEADER_BYTES = 20, START_BYTES = 32 };
    struct ov_span rest = ov_span_from(object, at);
    struct ov_cursor in = ov_cursor_init(rest);
    ov_cursor_seek(&in, SUM_AT);
    uint32_t sum = ov_cursor_u32le(&in);
    struct ov_span header = ov_cursor_bytes(&in, HEADER_BYTES);
    if (in.has_failed || crc32(0, header.data, HEADER_BYTES) != sum) {
        return OV_INNER_NONE;
    }
    ov_cursor_seek(&in, HEADER_AT);
    uint64_t end = START_BYTES;
    uint64_t offset = ov_cursor_u64le(&in), bytes = ov_cursor_u64le(&in);
    bool is_huge = __builtin_add_overflow(end, offset, &end);
    is_huge = __builtin_add_overflow(end, bytes, &end) || is_huge;
    *ret_inner = ov_span_part(rest, 0, is_huge ? rest.size : end);
    return OV_INNER_CLOSED;
}

static enum ov_inner find_cab(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    struct ov_span rest = ov_span_from(object, at);
    struct ov_cursor in = ov_cursor_init(rest);
    ov_cursor_skip(&in, 8);
    uint32_t cabinet_bytes = ov_cursor_u32le(&in);
    uint32_t zero = ov_cursor_u32le(&in);
    uint32_t files_at = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 5); // reserved, minor version
    uint8_t major = ov_cursor_u8(&in);
    uint16_t folder_count = ov_cursor_u16le(&in);
    uint16_t file_count = ov_cursor_u16le(&in);
    *ret_inner = ov_span_part(rest, 0, cabinet_bytes);
    bool is_sure = !in.has_failed && zero == 0 && major == 1 && folder_count > 0 &&
                   file_count > 0 && files_at >= in.at && files_at < cabinet_bytes;
    return is_sure ? OV_INNER_CLOSED : OV_INNER_NONE;
}

static enum ov_inner find_arj(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    enum { HEADER_MIN = 30, HEADER_MAX = 2600, TYPE_AT = 6, COMMENT = 2 };
    *ret_inner = ov_span_from(object, at);
    struct ov_cursor in = ov_cursor_init(*ret_inner);
    ov_cursor_skip(&in, 2);
    uint16_t header_bytes = ov_cursor_u16le(&in);
    struct ov_span header = ov_cursor_bytes(&in, header_bytes);
    uint32_t sum = ov_cursor_u32le(&in);
    bool is_sure = !in.has_failed && header_bytes >= HEADER_MIN && header_bytes <= HEADER_MAX &&
                   header.data[TYPE_AT] == COMMENT && crc32(0, header.data, header_bytes) == sum;
    return is_sure ? OV_INNER_OPEN : OV_INNER_NONE;
}

// After the header come fields: its end, or that the archive is split or solid.
static enum ov_inner find_egg(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    enum { RESERVED_AT = 10, END = 0x08e28222, SPLIT = 0x24f5a262, SOLID = 0x24e5a060 };
    *ret_inner = ov_span_from(object, at);
    struct ov_cursor in = ov_cursor_init(*ret_inner);
    ov_cursor_skip(&in, RESERVED_AT);
    uint32_t reserved = ov_cursor_u32le(&in);
    uint32_t field = ov_cursor_u32le(&in);
    bool is_known = field == END || field == SPLIT || field == SOLID;
    return reserved == 0 && is_known ? OV_INNER_OPEN : OV_INNER_NONE;
}

// ---- programs and what installers put behind them ----------------------------------------------

enum {
    LFANEW_AT = 60,
    PE_DISTANCE_MAX = 302, // clamscan looks this far before a signature for the DOS header
    PE_DISTANCE_MIN = 62,
    SECTIONS_MAX = 96,
    SECTION_BYTES = 40,
    OPTIONAL_MIN = 96,
    OPTIONAL64_MAGIC = 0x20b,
};

// Where the file ends that begins with these headers: behind its last section and its certificates.
static uint64_t measure_pe(struct ov_cursor *in, uint64_t optional_at, uint32_t optional_bytes,
                           uint32_t section_count) {
    enum { CERTIFICATES = 4, DIRECTORY_BYTES = 8 };
    ov_cursor_seek(in, optional_at);
    uint64_t directory_at = ov_cursor_u16le(in) == OPTIONAL64_MAGIC ? 112 : 96;
    directory_at += (uint64_t)CERTIFICATES * DIRECTORY_BYTES;
    uint64_t end = 0;
    if (directory_at + DIRECTORY_BYTES <= optional_bytes) {
        ov_cursor_seek(in, optional_at + directory_at);
        uint64_t certificates_at = ov_cursor_u32le(in);
        end = certificates_at + ov_cursor_u32le(in);
    }
    ov_cursor_seek(in, optional_at + optional_bytes);
    for (uint32_t i = 0; i < section_count; i++) {
        ov_cursor_skip(in, 16); // name, place in memory
        uint64_t raw_end = ov_cursor_u32le(in);
        raw_end += ov_cursor_u32le(in);
        end = raw_end > end ? raw_end : end;
        ov_cursor_skip(in, SECTION_BYTES - 24);
    }
    return end;
}

// Whether plausible headers of a program begin at `at`, and how long the file is by them.
static bool is_program(struct ov_span object, size_t at, size_t distance,
                       struct ov_span *ret_inner) {
    struct ov_span rest = ov_span_from(object, at);
    struct ov_cursor in = ov_cursor_init(rest);
    bool is_dos = ov_cursor_u16le(&in) == 0x5a4d;
    ov_cursor_seek(&in, LFANEW_AT);
    if (!is_dos || ov_cursor_u32le(&in) != distance) {
        return false;
    }
    ov_cursor_seek(&in, distance + 6); // signature, machine
    uint32_t section_count = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, 12); // time, symbols
    uint32_t optional_bytes = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, 2); // flags
    if (in.has_failed || section_count == 0 || section_count > SECTIONS_MAX ||
        optional_bytes < OPTIONAL_MIN) {
        return false;
    }
    uint64_t end = measure_pe(&in, in.at, optional_bytes, section_count);
    end = end > in.at ? end : in.at; // sections may stand in the headers
    *ret_inner = ov_span_part(rest, 0, end);
    return !in.has_failed;
}

static enum ov_inner find_pe(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    for (size_t distance = PE_DISTANCE_MIN; distance <= PE_DISTANCE_MAX && distance < at;
         distance++) {
        if (is_program(object, at - distance, distance, ret_inner)) {
            return OV_INNER_CLOSED;
        }
    }
    return OV_INNER_NONE;
}

// ---- documents and images of disks -------------------------------------------------------------

static enum ov_inner find_pdf(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    *ret_inner = ov_span_from(object, at);
    bool is_sure = ret_inner->size > 6 && ret_inner->data[6] == '.';
    return is_sure ? OV_INNER_OPEN : OV_INNER_NONE;
}

// Two volume descriptors in a row (ECMA-119, 8); they begin 16 sectors into the image. Sectors may
// be raw, with more than their data.
static enum ov_inner find_iso(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    enum { FIRST_SECTOR = 16 };
    static const uint16_t sizes[] = {2048, 2336, 2352, 2448};
    for (size_t i = 0; i < OV_COUNT(sizes); i++) {
        size_t start = (size_t)FIRST_SECTOR * sizes[i];
        if (at >= start && ov_span_has_prefix(ov_span_from(object, at + sizes[i] + 1), "CD001")) {
            *ret_inner = ov_span_from(object, at - start);
            return OV_INNER_OPEN;
        }
    }
    return OV_INNER_NONE;
}

// On discs with both, the descriptors of UDF stand behind those of ISO 9660.
static enum ov_inner find_udf(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    enum { DESCRIPTORS_AT = 32768, SECTOR_BYTES = 2048, DESCRIPTORS_MAX = 64 };
    *ret_inner = object;
    bool is_behind = at % SECTOR_BYTES == 0 && at / SECTOR_BYTES <= 16 + DESCRIPTORS_MAX;
    return at <= DESCRIPTORS_AT || is_behind ? OV_INNER_CLOSED : OV_INNER_NONE;
}

// The trailer of an Apple disk image.
static enum ov_inner find_dmg(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    enum { TRAILER_BYTES = 512 };
    *ret_inner = object;
    return at + TRAILER_BYTES == object.size ? OV_INNER_CLOSED : OV_INNER_NONE;
}

static enum ov_inner find_gpt(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    (void)at;
    *ret_inner = object;
    return OV_INNER_CLOSED;
}

// Boot code of all kinds ends with these two bytes: the table before them must make sense.
static enum ov_inner find_mbr(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    (void)at;
    enum { TABLE_AT = 446, ENTRIES = 4, SECTOR_BYTES = 512, ACTIVE = 0x80 };
    struct ov_cursor in = ov_cursor_init(object);
    ov_cursor_seek(&in, TABLE_AT);
    bool has_partition = false;
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint8_t status = ov_cursor_u8(&in);
        ov_cursor_skip(&in, 3);
        uint8_t type = ov_cursor_u8(&in);
        ov_cursor_skip(&in, 3);
        uint64_t first = ov_cursor_u32le(&in);
        uint64_t count = ov_cursor_u32le(&in);
        if ((status & ~ACTIVE) != 0 || (first + count) * SECTOR_BYTES > object.size) {
            return OV_INNER_NONE;
        }
        has_partition = has_partition || (type != 0 && count > 0);
    }
    *ret_inner = object;
    return has_partition ? OV_INNER_CLOSED : OV_INNER_NONE;
}

static enum ov_inner find_xdp(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    (void)at;
    *ret_inner = object;
    return OV_INNER_CLOSED;
}

// ---- the table ---------------------------------------------------------------------------------

#define ANYWHERE(text) .mark = OV_MAGIC(OV_MAGIC_ANYWHERE, text)

static const struct ov_embedded in_7z[] = {
    {ANYWHERE("7z\xbc\xaf\x27\x1c"), .find = find_7z},
};
static const struct ov_embedded in_arj[] = {{ANYWHERE("\x60\xea"), .find = find_arj}};
static const struct ov_embedded in_cab[] = {{ANYWHERE("MSCF\0\0\0\0"), .find = find_cab}};
static const struct ov_embedded in_dmg[] = {{ANYWHERE("koly"), .find = find_dmg}};
static const struct ov_embedded in_egg[] = {{ANYWHERE("EGGA\0\1"), .find = find_egg}};
static const struct ov_embedded in_gpt[] = {{.mark = OV_MAGIC(512, "EFI PART"), .find = find_gpt}};
static const struct ov_embedded in_iso[] = {{ANYWHERE("\1CD001"), .find = find_iso}};
static const struct ov_embedded in_mbr[] = {{.mark = OV_MAGIC(510, "\x55\xaa"), .find = find_mbr}};
static const struct ov_embedded in_pdf[] = {
    {ANYWHERE("%PDF-"), .find = find_pdf},
    {ANYWHERE("%pdf-"), .find = find_pdf},
};
static const struct ov_embedded in_pe[] = {
    {ANYWHERE("PE\0\0"), .host = OV_HOST_EXE_OR_OLE2, .find = find_pe},
};
static const struct ov_embedded in_rar[] = {{ANYWHERE("Rar!\x1a\x07"), .find = find_rar}};
static const struct ov_embedded in_udf[] = {{ANYWHERE("\0BEA01"), .find = find_udf}};
static const struct ov_embedded in_xdp[] = {
    {ANYWHERE("<xdp:xdp"), .host = OV_HOST_UNTYPED, .find = find_xdp},
};
static const struct ov_embedded in_zip[] = {
    {ANYWHERE("PK\x03\x04"), .is_repeated = true, .find = find_zip},
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_7Z, OV_EMBEDDED(in_7z)},
    {.type = OV_FILETYPE_ARJ, OV_EMBEDDED(in_arj)},
    {.type = OV_FILETYPE_DMG, OV_EMBEDDED(in_dmg)},
    {.type = OV_FILETYPE_EGG, OV_EMBEDDED(in_egg)},
    {.type = OV_FILETYPE_GPT, OV_EMBEDDED(in_gpt)},
    {.type = OV_FILETYPE_ISO9660, OV_EMBEDDED(in_iso)},
    {.type = OV_FILETYPE_MBR, OV_EMBEDDED(in_mbr)},
    {.type = OV_FILETYPE_MSCAB, OV_EMBEDDED(in_cab)},
    {.type = OV_FILETYPE_MSEXE, OV_EMBEDDED(in_pe)},
    {.type = OV_FILETYPE_PDF, OV_EMBEDDED(in_pdf)},
    {.type = OV_FILETYPE_RAR, OV_EMBEDDED(in_rar)},
    {.type = OV_FILETYPE_UDF, OV_EMBEDDED(in_udf)},
    {.type = OV_FILETYPE_XDP, OV_EMBEDDED(in_xdp)},
    {.type = OV_FILETYPE_ZIP, OV_EMBEDDED(in_zip)},
};

OV_FORMAT_SET(embedded, formats);
