// SPDX-License-Identifier: Apache-2.0
// Metadata rules, asked for each member that a container tells of.
#include "match/metadata.h"

#include "scan/scanner_state.h"

enum { NAMELESS_ROOM = 1 };

// What clamscan leaves out of its description of a member, or counts in another way.
struct custom {
    enum ov_filetype container;
    bool has_no_packed_size; // told as 0
    bool is_one_size;        // the stored size is the real one
    bool is_from_zero;       // positions are
    bool has_no_position;    // told as 0
    bool needs_name;         // parts without one are no files: an unpacked program
};

// The containers whose members clamscan asks metadata rules about.
static const struct custom customs[] = {
    {.container = OV_FILETYPE_ZIP},
    {.container = OV_FILETYPE_ZIPSFX},
    {.container = OV_FILETYPE_OOXML_WORD},
    {.container = OV_FILETYPE_OOXML_XL},
    {.container = OV_FILETYPE_OOXML_PPT},
    {.container = OV_FILETYPE_OOXML_HWP},
    {.container = OV_FILETYPE_RAR},
    {.container = OV_FILETYPE_RARSFX},
    {.container = OV_FILETYPE_ARJ},
    {.container = OV_FILETYPE_ARJSFX},
    {.container = OV_FILETYPE_EGG},
    {.container = OV_FILETYPE_EGGSFX},
    {.container = OV_FILETYPE_7Z, .has_no_packed_size = true, .is_from_zero = true},
    {.container = OV_FILETYPE_7ZSFX, .has_no_packed_size = true, .is_from_zero = true},
    {.container = OV_FILETYPE_MSCAB, .has_no_packed_size = true, .is_from_zero = true},
    {.container = OV_FILETYPE_CABSFX, .has_no_packed_size = true, .is_from_zero = true},
    {.container = OV_FILETYPE_MSCHM, .has_no_packed_size = true, .is_from_zero = true},
    {.container = OV_FILETYPE_POSIX_TAR, .is_one_size = true},
    {.container = OV_FILETYPE_OLD_TAR, .is_one_size = true},
    {.container = OV_FILETYPE_CPIO_OLD, .is_one_size = true},
    {.container = OV_FILETYPE_CPIO_ODC, .is_one_size = true},
    {.container = OV_FILETYPE_CPIO_NEWC, .is_one_size = true},
    {.container = OV_FILETYPE_CPIO_CRC, .is_one_size = true},
    {.container = OV_FILETYPE_ISO9660, .is_one_size = true, .has_no_position = true},
    {.container = OV_FILETYPE_MSEXE, .is_one_size = true, .is_from_zero = true, .needs_name = true},
    {.container = OV_FILETYPE_MAIL, .is_one_size = true, .has_no_position = true},
};

static const struct custom *find_custom(enum ov_filetype container) {
    for (size_t i = 0; i < sizeof customs / sizeof customs[0]; i++) {
        if (customs[i].container == container) {
            return &customs[i];
        }
    }
    return NULL;
}

static struct ov_member_facts describe(const struct ov_subject *container,
                                       const struct ov_child *child, const struct custom *custom) {
    static const uint8_t nameless[NAMELESS_ROOM];
    uint64_t position = container->member_count - (custom->is_from_zero ? 1 : 0);
    bool has_name = child->name.data != NULL;
    return (struct ov_member_facts){
        .container = (uint16_t)container->type,
        .container_bytes = container->bytes.size,
        .name = has_name ? child->name : ov_span_make(nameless, 0),
        .packed_bytes = custom->has_no_packed_size ? 0
                        : custom->is_one_size      ? child->plain_bytes
                                                   : child->packed_bytes,
        .plain_bytes = child->plain_bytes,
        .position = custom->has_no_position ? 0 : position,
        .checksum = child->checksum,
        .is_encrypted = child->is_encrypted,
    };
}

enum ov_status ov_subject_match_member(struct ov_subject *container, const struct ov_child *child) {
    struct ov_scanner *scanner = container->scanner;
    const struct custom *custom = find_custom(container->type);
    if (scanner->metadata == NULL || custom == NULL ||
        (custom->needs_name && child->name.size == 0)) {
        return OV_OK;
    }
    struct ov_member_facts facts = describe(container, child, custom);
    // Told with the member's place, unless it lies deeper than a place can say.
    struct ov_subject member = {.scanner = scanner,
                                .container = container,
                                .depth = container->depth + 1,
                                .number = container->member_count,
                                .name = child->name};
    struct ov_subject *place = container->depth < OV_MEMBER_DEPTH ? &member : container;
    uint32_t at = 0, rule;
    enum ov_status status;
    scanner->finds.count = 0;
    while ((status = ov_metadata_rules_next(scanner->metadata, &facts, &at, &rule)) == OV_OK) {
        const struct ov_image_rule *record = ov_matcher_rule(scanner->matcher, rule);
        bool is_pua = record != NULL && (record->flags & OV_RULE_FLAG_PUA) != 0;
        ov_finds_add_metadata(&scanner->finds, rule, at, is_pua);
    }
    ov_subject_report(place);
    return status == OV_END ? OV_OK : status;
}
