// SPDX-License-Identifier: Apache-2.0
// What an object is and where things lie in it.
#include "format/exe/icon.h"
#include "format/picture/picture.h"
#include "scan/identify.h"
#include "scan/scanner_state.h"

enum { TARGET_PE = 1, TARGET_ELF = 6, TARGET_MACHO = 9 };

static enum ov_status read_headers(struct ov_subject *subject) {
    struct ov_arena *arena = subject->arena;
    switch (subject->target) {
    case TARGET_PE:
        return ov_pe_read(subject->bytes, arena, &subject->exe);
    case TARGET_ELF:
        return ov_elf_read(subject->bytes, arena, &subject->exe);
    case TARGET_MACHO:
        return ov_macho_read(subject->bytes, arena, &subject->exe);
    default:
        return OV_OK;
    }
}

// What came with the rules goes before Overt's own list, except where that list has it too: it may
// look closer (a zip archive that is a document).
static enum ov_filetype identify(const struct ov_subject *subject) {
    struct ov_span first = ov_span_part(subject->bytes, 0, OV_IDENTIFY_BYTES);
    enum ov_filetype type = ov_identify_object(subject->bytes);
    const struct ov_magics *magics = subject->scanner->magics;
    enum ov_filetype told = magics != NULL ? ov_magics_find(magics, first) : OV_FILETYPE_NONE;
    return told == OV_FILETYPE_NONE || ov_identify_has_magic(first, told) ? type : told;
}

enum ov_status ov_subject_open(struct ov_subject *subject, enum ov_filetype type) {
    subject->type = type != OV_FILETYPE_NONE ? type : identify(subject);
    subject->target = ov_filetype_target(subject->type);
    subject->is_exe = subject->target == TARGET_PE || subject->target == TARGET_ELF ||
                      subject->target == TARGET_MACHO;
    TRY(read_headers(subject));
    uint32_t count = subject->exe.section_count;
    if (count == 0) {
        return OV_OK;
    }
    subject->sections = ov_arena_array(subject->arena, count, sizeof *subject->sections);
    if (subject->sections == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        subject->sections[i] = (struct ov_anchor_section){
            .raw_offset = subject->exe.sections[i].raw_offset,
            .raw_bytes = subject->exe.sections[i].raw_bytes,
        };
    }
    return OV_OK;
}

// The version strings, read when the first rule asks. A full arena means that there are none.
static const uint64_t *get_versions(void *arg, uint32_t *ret_count) {
    struct ov_subject *subject = arg;
    if (!subject->has_versions) {
        subject->has_versions = true;
        bool is_pe = subject->target == TARGET_PE && subject->exe.is_readable;
        if (is_pe &&
            ov_pe_version_offsets(subject->bytes, subject->arena, &subject->exe) != OV_OK) {
            subject->exe.version_count = 0;
        }
    }
    *ret_count = subject->exe.version_count;
    return subject->exe.version_offsets;
}

// The icons, likewise.
static const struct ov_icon *get_icons(void *arg, uint32_t *ret_count) {
    struct ov_subject *subject = arg;
    if (!subject->has_icons) {
        subject->has_icons = true;
        bool is_pe = subject->target == TARGET_PE && subject->exe.is_readable;
        if (is_pe && ov_pe_icons(subject->bytes, &subject->exe, &subject->scanner->budget,
                                 subject->arena, &subject->icons, &subject->icon_count) != OV_OK) {
            subject->icon_count = 0;
        }
    }
    *ret_count = subject->icon_count;
    return subject->icons;
}

// The hash of a picture, likewise. Why there is none matters only when a limit is to blame, which
// the budget keeps.
static bool get_picture(void *arg, uint64_t *ret_hash) {
    struct ov_subject *subject = arg;
    if (!subject->has_picture) {
        subject->has_picture = true;
        subject->is_picture =
            ov_picture_hash(subject->bytes, subject->type, &subject->scanner->budget,
                            &subject->picture_hash) == OV_OK;
    }
    *ret_hash = subject->picture_hash;
    return subject->is_picture;
}

// Whether clamscan would take the object for a picture and try to decode it.
static bool is_of_picture_type(const struct ov_subject *subject) {
    return subject->type == OV_FILETYPE_GRAPHICS || subject->type == OV_FILETYPE_GIF ||
           subject->type == OV_FILETYPE_JPEG || subject->type == OV_FILETYPE_PNG ||
           subject->type == OV_FILETYPE_TIFF;
}

struct ov_anchors ov_subject_anchors(struct ov_subject *subject) {
    return (struct ov_anchors){
        .is_disabled = subject->is_exe && !subject->exe.is_readable,
        .has_entry = subject->exe.has_entry,
        .entry = subject->exe.entry_offset,
        .section_count = subject->exe.section_count,
        .sections = subject->sections,
        .versions = get_versions,
        .icons = get_icons,
        .picture = is_of_picture_type(subject) ? get_picture : NULL,
        .arg = subject,
    };
}
