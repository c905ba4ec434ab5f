// SPDX-License-Identifier: Apache-2.0
// Offsets of rules as ranges of file offsets.
#include "match/place.h"

// ov_offset_kind of rules/tree.h as it stands in the image.
enum {
    KIND_ANY,
    KIND_ABSOLUTE,
    KIND_EOF,
    KIND_ENTRY,
    KIND_SECTION,
    KIND_LAST_SECTION,
    KIND_IN_SECTION,
    KIND_VERSION,
};

// base + value as an offset in the object; false outside it.
static bool add_offset(uint64_t base, int64_t value, const struct ov_object *object,
                       size_t *ret_start) {
    uint64_t start;
    if (__builtin_add_overflow(base, value, &start) || start > object->bytes.size) {
        return false;
    }
    *ret_start = (size_t)start;
    return true;
}

bool ov_start_of(uint8_t offset_kind, uint32_t section, int64_t value,
                 const struct ov_object *object, size_t *ret_start) {
    const struct ov_anchors *anchors = &object->anchors;
    if (offset_kind == KIND_ABSOLUTE) {
        return add_offset(0, value, object, ret_start);
    }
    if (anchors->is_disabled) {
        return false;
    }
    switch (offset_kind) {
    case KIND_EOF:
        return value >= 0 && add_offset(object->bytes.size, -value, object, ret_start);
    case KIND_ENTRY:
        return anchors->has_entry && add_offset(anchors->entry, value, object, ret_start);
    case KIND_LAST_SECTION:
        section = anchors->section_count - 1;
        [[fallthrough]];
    case KIND_SECTION:
        return section < anchors->section_count &&
               add_offset(anchors->sections[section].raw_offset, value, object, ret_start);
    default:
        return false;
    }
}

// The start number `index` of the object's VersionInfo entries.
static bool get_version(const struct ov_object *object, uint32_t index, size_t *ret_start) {
    const struct ov_anchors *anchors = &object->anchors;
    if (anchors->is_disabled || anchors->versions == NULL) {
        return false;
    }
    uint32_t count = 0;
    const uint64_t *versions = anchors->versions(anchors->arg, &count);
    return index < count && add_offset(versions[index], 0, object, ret_start);
}

static bool get_section_range(const struct ov_image_sub *sub, const struct ov_object *object,
                              struct ov_start_range *ret_range) {
    const struct ov_anchors *anchors = &object->anchors;
    if (anchors->is_disabled || sub->offset_section >= anchors->section_count) {
        return false;
    }
    const struct ov_anchor_section *section = &anchors->sections[sub->offset_section];
    size_t first;
    if (!add_offset(section->raw_offset, 0, object, &first)) {
        return false;
    }
    uint64_t left = object->bytes.size - first;
    ret_range->first = first;
    uint64_t reach = section->raw_bytes + sub->offset_shift;
    ret_range->last = first + (size_t)(reach < left ? reach : left);
    return true;
}

bool ov_start_range_get(const struct ov_image_sub *sub, const struct ov_object *object,
                        uint32_t index, struct ov_start_range *ret_range) {
    if (sub->offset_kind == KIND_VERSION) {
        size_t start;
        if (!get_version(object, index, &start)) {
            return false;
        }
        *ret_range = (struct ov_start_range){.first = start, .last = start};
        return true;
    }
    if (index > 0) {
        return false;
    }
    if (sub->offset_kind == KIND_ANY) {
        *ret_range = (struct ov_start_range){.first = 0, .last = object->bytes.size};
        return true;
    }
    if (sub->offset_kind == KIND_IN_SECTION) {
        return get_section_range(sub, object, ret_range);
    }
    size_t start;
    if (!ov_start_of(sub->offset_kind, sub->offset_section, sub->offset_value, object, &start)) {
        return false;
    }
    size_t left = object->bytes.size - start;
    ret_range->first = start;
    ret_range->last = start + (sub->offset_shift < left ? sub->offset_shift : left);
    return true;
}

bool ov_start_is_allowed(const struct ov_image_sub *sub, const struct ov_object *object,
                         size_t start) {
    struct ov_start_range range;
    for (uint32_t i = 0; ov_start_range_get(sub, object, i, &range); i++) {
        if (start >= range.first && start <= range.last) {
            return true;
        }
    }
    return false;
}
