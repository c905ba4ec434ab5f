// SPDX-License-Identifier: Apache-2.0
// The target description block of a logical rule.
#include "rules/clamav/tdb.h"

#include "base/filetype.h"

enum {
    TARGETS = 15,
    ATTRIBUTE_LEVEL = 51, // attributes beside Engine and Target need at least this level
    TARGET_PE = 1,
    TARGET_ELF = 6,
    TARGET_MACHO = 9,
};

struct attribute {
    const char *name;
    enum ov_status (*read)(struct ov_parser *parser, struct ov_span value, struct ov_rule *rule);
};

static enum ov_status read_range(struct ov_parser *parser, struct ov_span value,
                                 struct ov_range *ret_range) {
    struct ov_span fields[2] = {0};
    size_t count = ov_fields_split(value, '-', fields, 2);
    int min = 0;
    int max = 0;
    if (count != 2 || !ov_number_read_int(fields[0], &min) ||
        !ov_number_read_int(fields[1], &max)) {
        return ov_parser_fail(parser, value.data, "a range such as 10-20 expected");
    }
    *ret_range = (struct ov_range){.min = (uint32_t)min, .max = (uint32_t)max};
    return OV_OK;
}

static enum ov_status read_engine(struct ov_parser *parser, struct ov_span value,
                                  struct ov_rule *rule) {
    struct ov_range levels = {0};
    TRY(read_range(parser, value, &levels));
    if (levels.min > OV_RULE_LEVEL || levels.max < OV_RULE_LEVEL) {
        return ov_parser_skip(parser, "for functionality levels %u to %u, and this is %d",
                              levels.min, levels.max, OV_RULE_LEVEL);
    }
    rule->level_min = levels.min;
    rule->level_max = levels.max;
    return OV_OK;
}

static enum ov_status read_target(struct ov_parser *parser, struct ov_span value,
                                  struct ov_rule *rule) {
    int target = 0;
    if (!ov_number_read_int(value, &target)) {
        return ov_parser_fail(parser, value.data, "a target number expected");
    }
    if (target < 0 || target >= TARGETS) {
        return ov_parser_skip(parser, "for target %d, which is not known", target);
    }
    rule->target = (uint32_t)target;
    return OV_OK;
}

static enum ov_status read_file_size(struct ov_parser *parser, struct ov_span value,
                                     struct ov_rule *rule) {
    rule->has_file_size = true;
    return read_range(parser, value, &rule->file_size);
}

static enum ov_status read_entry_point(struct ov_parser *parser, struct ov_span value,
                                       struct ov_rule *rule) {
    rule->has_entry_point = true;
    return read_range(parser, value, &rule->entry_point);
}

static enum ov_status read_section_count(struct ov_parser *parser, struct ov_span value,
                                         struct ov_rule *rule) {
    rule->has_section_count = true;
    return read_range(parser, value, &rule->section_count);
}

static enum ov_status read_icon_group1(struct ov_parser *parser, struct ov_span value,
                                       struct ov_rule *rule) {
    (void)parser;
    rule->icon_groups[0] = value;
    return OV_OK;
}

static enum ov_status read_icon_group2(struct ov_parser *parser, struct ov_span value,
                                       struct ov_rule *rule) {
    (void)parser;
    rule->icon_groups[1] = value;
    return OV_OK;
}

static enum ov_status read_type(struct ov_parser *parser, struct ov_span value,
                                uint16_t *ret_type) {
    enum ov_filetype type = ov_filetype_from_name(value);
    if (type == OV_FILETYPE_NONE) {
        return ov_parser_skip(parser, "for file type `%.*s`, which is not known",
                              (int)(value.size < 40 ? value.size : 40), (const char *)value.data);
    }
    *ret_type = (uint16_t)type;
    return OV_OK;
}

static enum ov_status read_container(struct ov_parser *parser, struct ov_span value,
                                     struct ov_rule *rule) {
    return read_type(parser, value, &rule->container);
}

static enum ov_status read_handler(struct ov_parser *parser, struct ov_span value,
                                   struct ov_rule *rule) {
    return read_type(parser, value, &rule->handler);
}

static enum ov_status read_intermediates(struct ov_parser *parser, struct ov_span value,
                                         struct ov_rule *rule) {
    struct ov_span fields[OV_INTERMEDIATES_MAX] = {0};
    size_t count = ov_fields_split(value, '>', fields, OV_INTERMEDIATES_MAX);
    if (count > OV_INTERMEDIATES_MAX) {
        return ov_parser_skip(parser, "for %zu layers of containers, and %d are possible", count,
                              OV_INTERMEDIATES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        TRY(read_type(parser, fields[i], &rule->intermediates[i]));
    }
    rule->intermediate_count = (uint32_t)count;
    return OV_OK;
}

static const struct attribute attributes[] = {
    {"Engine", read_engine},
    {"Target", read_target},
    {"FileSize", read_file_size},
    {"EntryPoint", read_entry_point},
    {"NumberOfSections", read_section_count},
    {"IconGroup1", read_icon_group1},
    {"IconGroup2", read_icon_group2},
    {"Container", read_container},
    {"Intermediates", read_intermediates},
    {"HandlerType", read_handler},
};

enum { ATTRIBUTES = sizeof attributes / sizeof attributes[0], ENGINE = 0, TARGET = 1 };

// Reads one `Name:value`, the `position`th of its block; the name's index goes to *ret_index.
static enum ov_status read_attribute(struct ov_parser *parser, struct ov_span text, size_t position,
                                     struct ov_rule *rule, size_t *ret_index) {
    size_t colon = ov_span_find(text, 0, ':');
    if (colon >= text.size) {
        return ov_parser_fail(parser, text.data, "`Attribute:value` expected");
    }
    struct ov_span name = ov_span_part(text, 0, colon);
    struct ov_span value = ov_span_make(text.data + colon + 1, text.size - colon - 1);
    size_t index = 0;
    while (index < ATTRIBUTES && !ov_span_is_text(name, attributes[index].name)) {
        index++;
    }
    if (index == ATTRIBUTES) {
        return ov_parser_skip(parser, "for attribute `%.*s`, which is not known",
                              (int)(name.size < 40 ? name.size : 40), (const char *)name.data);
    }
    if (index == ENGINE && position != 0) {
        return ov_parser_fail(parser, text.data, "Engine must be the first attribute, and stands");
    }
    *ret_index = index;
    return attributes[index].read(parser, value, rule);
}

enum ov_status ov_clamav_tdb_read(struct ov_parser *parser, struct ov_span text,
                                  struct ov_rule *rule) {
    bool is_given[ATTRIBUTES] = {0};
    bool needs_level = false;
    size_t at = 0;
    for (size_t position = 0; at <= text.size; position++) {
        size_t end = ov_span_find(text, at, ',');
        struct ov_span part = ov_span_make(text.data + at, end - at);
        size_t index = 0;
        TRY(read_attribute(parser, part, position, rule, &index));
        is_given[index] = true;
        needs_level = needs_level || index > TARGET;
        at = end + 1;
    }
    if (needs_level && rule->level_min < ATTRIBUTE_LEVEL) {
        return ov_parser_fail(parser, text.data,
                              "attributes beside Target need Engine:51 or higher before them");
    }
    if (!is_given[TARGET]) {
        return ov_parser_fail(parser, text.data, "no Target in the description that begins");
    }
    bool is_executable =
        rule->target == TARGET_PE || rule->target == TARGET_ELF || rule->target == TARGET_MACHO;
    if ((rule->has_entry_point || rule->has_section_count) && !is_executable) {
        return ov_parser_fail(parser, text.data,
                              "EntryPoint or NumberOfSections without target 1, 6 or 9");
    }
    if ((is_given[5] || is_given[6]) && rule->target != TARGET_PE) {
        return ov_parser_fail(parser, text.data, "IconGroup without target 1");
    }
    return OV_OK;
}
