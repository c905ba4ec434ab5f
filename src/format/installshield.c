// SPDX-License-Identifier: Apache-2.0
// Installers of InstallShield: files behind a program, plain or scrambled, cabinets among them.
#include "format/archive/installshield.h"

#include "format/format.h"
#include "format/codec/utf16.h"

enum {
    LFANEW_AT = 60,
    SECTION_BYTES = 40,
    SECTIONS_MAX = 96,
    TEXT_MAX = 2048,
};

// ---- plain files behind a program --------------------------------------------------------------

// Where the file ends by the headers of the program; its own end when it has none.
static size_t find_overlay(struct ov_span file) {
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, LFANEW_AT);
    ov_cursor_seek(&in, ov_cursor_u32le(&in));
    bool is_pe = ov_cursor_u32le(&in) == 0x4550;
    ov_cursor_skip(&in, 2);
    uint32_t section_count = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, 12);
    uint32_t optional_bytes = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, 2 + optional_bytes);
    uint64_t end = 0;
    for (uint32_t i = 0; i < section_count && i < SECTIONS_MAX; i++) {
        ov_cursor_skip(&in, 16);
        uint64_t raw_end = ov_cursor_u32le(&in);
        raw_end += ov_cursor_u32le(&in);
        end = raw_end > end ? raw_end : end;
        ov_cursor_skip(&in, SECTION_BYTES - 24);
    }
    return is_pe && !in.has_failed && end < file.size ? (size_t)end : file.size;
}

// A path to debug information, which the linker of some versions left before the files.
static void skip_debug(struct ov_cursor *in) {
    enum { NB10_BYTES = 16 };
    if (ov_span_has_prefix(ov_span_from(in->bytes, in->at), "NB10")) {
        ov_cursor_skip(in, NB10_BYTES);
        (void)ov_cursor_until(in, 0);
    }
}

struct part {
    struct ov_span name; // in wide characters if the others are, too
    struct ov_span bytes;
    uint64_t size; // as told
};

static struct ov_span read_text(struct ov_cursor *in, bool is_wide) {
    if (!is_wide) {
        return ov_cursor_until(in, 0);
    }
    size_t start = in->at;
    while (!in->has_failed && ov_cursor_u16le(in) != 0) {
        if (in->at - start > TEXT_MAX) {
            in->has_failed = true;
        }
    }
    return ov_span_part(in->bytes, start, in->has_failed ? 0 : in->at - start - 2);
}

static bool read_size(struct ov_span text, unsigned step, uint64_t *ret_size) {
    enum { DIGITS_MAX = 11 };
    uint64_t size = 0;
    for (size_t i = 0; i < text.size; i += step) {
        if (text.data[i] < '0' || text.data[i] > '9' || i > (size_t)DIGITS_MAX * step) {
            return false;
        }
        size = size * 10 + (text.data[i] - '0');
    }
    *ret_size = size;
    return text.size > 0;
}

// Four texts, the last of them a size in digits, and then the file.
static bool read_part(struct ov_cursor *in, bool is_wide, struct part *ret) {
    struct part part = {.name = read_text(in, is_wide)};
    struct ov_span path = read_text(in, is_wide);
    struct ov_span version = read_text(in, is_wide);
    struct ov_span digits = read_text(in, is_wide);
    bool is_sound = !in->has_failed && part.name.size > 0 && part.name.data[0] >= ' ' &&
                    part.name.size <= TEXT_MAX && path.size <= TEXT_MAX &&
                    version.size <= TEXT_MAX && read_size(digits, is_wide ? 2 : 1, &part.size);
    size_t left = ov_cursor_left(in);
    part.bytes = ov_cursor_bytes(in, part.size < left ? part.size : left);
    *ret = part;
    return is_sound;
}

// Goes to the first file. False when there is none.
static bool find_parts(struct ov_cursor *in, bool *ret_is_wide) {
    ov_cursor_seek(in, find_overlay(in->bytes));
    skip_debug(in);
    size_t start = in->at;
    for (unsigned i = 0; i < 2; i++) {
        bool is_wide = i == 1;
        ov_cursor_seek(in, start + (is_wide ? 4 : 0)); // they are counted
        struct ov_cursor probe = *in;
        struct part part;
        if (read_part(&probe, is_wide, &part) && (part.size == part.bytes.size || i == 0)) {
            *ret_is_wide = is_wide;
            return true;
        }
    }
    return false;
}

// What is not part of a cabinet is told as it comes.
static enum ov_status walk_parts(struct ov_cursor *in, bool is_wide, struct ov_shield_set *set,
                                 struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    struct part part;
    while (ov_cursor_left(in) > 0 && read_part(in, is_wide, &part)) {
        ov_buf_reset(&name);
        if (is_wide) {
            ov_utf16_add_bytes(&name, part.name);
        } else {
            ov_buf_add(&name, part.name.data, part.name.size);
        }
        TRY(ov_buf_status(&name));
        struct ov_span *place = ov_shield_place(set, ov_buf_span(&name));
        if (place != NULL && place->size == 0) {
            *place = part.bytes;
        } else {
            TRY(ov_walk_stored(walk, part.bytes, ov_buf_span(&name)));
        }
        if (part.bytes.size < part.size) {
            return OV_DAMAGED;
        }
    }
    return OV_OK;
}

static enum ov_status tell_volumes(const struct ov_shield_set *set, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf name = {0};
    if (set->header.size > 0) {
        TRY(ov_walk_stored(walk, set->header, ov_span_text("data1.hdr")));
    }
    for (uint32_t i = 1; i <= OV_SHIELD_VOLUMES_MAX; i++) {
        if (set->volumes[i].size > 0) {
            ov_buf_reset(&name);
            ov_buf_printf(&name, "data%u.cab", i);
            TRY(ov_buf_status(&name));
            TRY(ov_walk_stored(walk, set->volumes[i], ov_buf_span(&name)));
        }
    }
    return OV_OK;
}

static enum ov_status walk_program(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_shield_set set = {0};
    bool is_wide;
    if (!find_parts(in, &is_wide)) {
        return OV_OK;
    }
    enum ov_status parts = walk_parts(in, is_wide, &set, walk);
    if (parts != OV_OK && parts != OV_DAMAGED) {
        return parts;
    }
    enum ov_status files = ov_shield_walk_set(&set, walk);
    if (files != OV_OK && files != OV_DAMAGED && files != OV_UNSUPPORTED) {
        return files;
    }
    TRY(tell_volumes(&set, walk));
    return parts != OV_OK ? parts : files;
}

// ---- the formats -------------------------------------------------------------------------------

static bool is_cabinet(struct ov_span object) {
    return ov_span_has_prefix(object, "ISc(");
}

// A program with files behind it, or a cabinet that holds its own header.
static bool is_shield(struct ov_span object) {
    struct ov_cursor in = ov_cursor_init(object);
    bool is_wide;
    return is_cabinet(object) ? ov_shield_is_whole(object) : find_parts(&in, &is_wide);
}

static enum ov_status walk_shield(struct ov_cursor *in, struct ov_walk *walk) {
    if (!is_cabinet(in->bytes)) {
        return walk_program(in, walk);
    }
    struct ov_shield_set set = {.header = in->bytes};
    set.volumes[1] = in->bytes;
    return ov_shield_walk_set(&set, walk);
}

static enum ov_inner find_stream(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    *ret_inner = ov_span_from(object, at);
    return ov_shield_is_stream(*ret_inner) ? OV_INNER_OPEN : OV_INNER_NONE;
}

static const struct ov_magic magics_shield[] = {OV_MAGIC(0, "MZ"), OV_MAGIC(0, "ISc(")};
static const struct ov_embedded in_stream[] = {
    {.mark = OV_MAGIC(OV_MAGIC_ANYWHERE, "InstallShield\0"),
     .host = OV_HOST_EXE,
     .find = find_stream},
    {.mark = OV_MAGIC(OV_MAGIC_ANYWHERE, "ISSetupStream\0"),
     .host = OV_HOST_EXE,
     .find = find_stream},
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_ISHIELD_MSI, .walk = ov_shield_walk_stream, OV_EMBEDDED(in_stream)},
    {.type = OV_FILETYPE_INSTALLSHIELD,
     OV_MAGICS(magics_shield),
     .is_sure = is_shield,
     .walk = walk_shield,
     .is_late = true,
     .is_beside = true},
};

OV_FORMAT_SET(installshield, formats);
