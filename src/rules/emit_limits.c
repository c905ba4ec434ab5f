// SPDX-License-Identifier: Apache-2.0
// What logical rules ask of an object beside its bytes, icons, and hashes of pictures, as they
// stand in an image.
#include "rules/emit_state.h"
#include "rules/reader.h"

#include <stdlib.h>

static bool has_icon_group(const struct ov_rule *rule) {
    return rule->icon_groups[0].data != NULL || rule->icon_groups[1].data != NULL;
}

// The number of the group that the rule asks for in that list.
static uint16_t find_icon_group(const struct ov_ruleset *set, const struct ov_rule *rule,
                                unsigned list) {
    struct ov_span name = rule->icon_groups[list];
    bool is_any = name.data == NULL || ov_span_is_text(name, "*");
    return is_any ? OV_ICON_GROUP_ANY : (uint16_t)ov_ruleset_find_icon_group(set, list, name);
}

uint32_t ov_emit_limits(struct ov_emit *emit, const struct ov_rule *rule) {
    bool has_icon = has_icon_group(rule);
    if (!rule->has_file_size && !rule->has_entry_point && !rule->has_section_count && !has_icon &&
        rule->container == 0 && rule->handler == 0 && rule->intermediate_count == 0) {
        return OV_IMAGE_NONE;
    }
    struct ov_image_limits limits = {
        .file_size_max = UINT32_MAX,
        .entry_min = rule->entry_point.min,
        .entry_max = rule->entry_point.max,
        .sections_min = rule->section_count.min,
        .sections_max = rule->section_count.max,
        .has_entry = rule->has_entry_point,
        .has_sections = rule->has_section_count,
        .container = rule->container,
        .handler = rule->handler,
        .intermediate_count = (uint16_t)rule->intermediate_count,
        .needs_icon = has_icon,
        .icon_groups = {find_icon_group(emit->set, rule, 0), find_icon_group(emit->set, rule, 1)},
    };
    if (rule->has_file_size) {
        limits.file_size_min = rule->file_size.min;
        limits.file_size_max = rule->file_size.max;
    }
    memcpy(limits.intermediates, rule->intermediates, sizeof limits.intermediates);
    uint32_t index = ov_emit_count(emit->limits, sizeof limits);
    ov_buf_add(emit->limits, &limits, sizeof limits);
    return index;
}

enum ov_status ov_emit_icons(struct ov_emit *emit) {
    for (size_t i = 0; i < emit->set->icon_count; i++) {
        const struct ov_icon_rule *icon = &emit->set->icons[i];
        struct ov_image_icon record = {.groups = {icon->groups[0], icon->groups[1]},
                                       .icon = icon->icon};
        ov_buf_add(emit->icons, &record, sizeof record);
    }
    return ov_buf_status(emit->icons);
}

static int compare_pictures(const void *a, const void *b) {
    const struct ov_image_picture *left = a, *right = b;
    if (left->hash != right->hash) {
        return left->hash > right->hash ? 1 : -1;
    }
    return (left->sub > right->sub) - (left->sub < right->sub);
}

enum ov_status ov_emit_pictures(struct ov_emit *emit) {
    uint32_t count = ov_emit_count(emit->pictures, sizeof(struct ov_image_picture));
    if (count > 1) {
        qsort(emit->pictures->data, count, sizeof(struct ov_image_picture), compare_pictures);
    }
    return ov_buf_status(emit->pictures);
}
