// SPDX-License-Identifier: Apache-2.0
// Metadata rules: ranges, and names by PCRE2.
#include "match/metadata.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MATCH_LIMIT = 100000,
    DEPTH_LIMIT = 2000,
    NAME_BYTES_MAX = 4096, // of a name that is looked at
};

struct ov_metadata_rules {
    const struct ov_image_metadata *records;
    uint32_t count;
    uint32_t rule_count; // of the image
    struct ov_span code; // section
    pcre2_code **names;  // for each record; compiled when first asked for
    pcre2_match_context *context;
    pcre2_match_data *data;
};

enum ov_status ov_metadata_rules_new(const struct ov_image *image,
                                     char ret_reason[OV_IMAGE_REASON_BYTES],
                                     struct ov_metadata_rules **ret_rules) {
    uint32_t count;
    const struct ov_image_metadata *records =
        ov_image_array(image, OV_SECTION_METADATA, 0, sizeof *records, &count);
    if (count > image->header->rule_count) {
        (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES,
                       "more metadata records (%u) than rules (%u)", count,
                       image->header->rule_count);
        return OV_DAMAGED;
    }
    *ret_rules = NULL;
    if (count == 0) {
        return OV_OK;
    }
    struct ov_metadata_rules *rules = calloc(1, sizeof *rules);
    if (rules == NULL) {
        return OV_MEMORY;
    }
    rules->records = records;
    rules->count = count;
    rules->rule_count = image->header->rule_count;
    rules->code = ov_image_section(image, OV_SECTION_CODE, 0);
    rules->names = calloc(count, sizeof(pcre2_code *));
    rules->context = pcre2_match_context_create(NULL);
    rules->data = pcre2_match_data_create(1, NULL);
    if (rules->names == NULL || rules->context == NULL || rules->data == NULL) {
        ov_metadata_rules_free(rules);
        return OV_MEMORY;
    }
    (void)pcre2_set_match_limit(rules->context, MATCH_LIMIT);
    (void)pcre2_set_depth_limit(rules->context, DEPTH_LIMIT);
    *ret_rules = rules;
    return OV_OK;
}

void ov_metadata_rules_free(struct ov_metadata_rules *rules) {
    if (rules == NULL) {
        return;
    }
    for (uint32_t i = 0; rules->names != NULL && i < rules->count; i++) {
        pcre2_code_free(rules->names[i]);
    }
    free((void *)rules->names);
    pcre2_match_data_free(rules->data);
    pcre2_match_context_free(rules->context);
    free(rules);
}

static bool is_within(uint64_t value, uint32_t min, uint32_t max) {
    return value >= min && (max == UINT32_MAX || value <= max);
}

// Everything but the name.
static bool meets_numbers(const struct ov_image_metadata *record,
                          const struct ov_member_facts *facts) {
    bool has_checksum = (record->flags & OV_METADATA_CHECKSUM) != 0;
    return (record->container == 0 || record->container == facts->container) &&
           (record->encrypted == OV_METADATA_EITHER ||
            (record->encrypted != 0) == facts->is_encrypted) &&
           (!has_checksum || record->checksum == facts->checksum) &&
           is_within(facts->container_bytes, record->container_min, record->container_max) &&
           is_within(facts->packed_bytes, record->packed_min, record->packed_max) &&
           is_within(facts->plain_bytes, record->plain_min, record->plain_max) &&
           is_within(facts->position, record->position_min, record->position_max);
}

static enum ov_status compile_name(struct ov_metadata_rules *rules, uint32_t index) {
    const struct ov_image_metadata *record = &rules->records[index];
    if (record->name_at > rules->code.size ||
        record->name_bytes > rules->code.size - record->name_at) {
        return OV_DAMAGED;
    }
    struct ov_span text = ov_span_part(rules->code, record->name_at, record->name_bytes);
    // A dot is any byte, and only the end is the end: so it is in POSIX.
    uint32_t options = PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
                       ((record->flags & OV_METADATA_CASELESS) != 0 ? PCRE2_CASELESS : 0u);
    int error;
    PCRE2_SIZE at;
    rules->names[index] = pcre2_compile(text.data, text.size, options, &error, &at, NULL);
    if (rules->names[index] != NULL) {
        return OV_OK;
    }
    return error == PCRE2_ERROR_HEAP_FAILED || error == PCRE2_ERROR_NOMEMORY ? OV_MEMORY
                                                                             : OV_DAMAGED;
}

// OV_OK: it matches; OV_END: not.
static enum ov_status match_name(struct ov_metadata_rules *rules, uint32_t index,
                                 struct ov_span name) {
    if (rules->records[index].name_bytes == 0) {
        return OV_OK;
    }
    if (name.data == NULL) {
        return OV_END;
    }
    if (rules->names[index] == NULL) {
        TRY(compile_name(rules, index));
    }
    name = ov_span_part(name, 0, NAME_BYTES_MAX);
    name.size = ov_span_find(name, 0, 0);
    int result =
        pcre2_match(rules->names[index], name.data, name.size, 0, 0, rules->data, rules->context);
    if (result == PCRE2_ERROR_NOMEMORY || result == PCRE2_ERROR_HEAPLIMIT) {
        return OV_MEMORY;
    }
    return result >= 0 ? OV_OK : OV_END;
}

enum ov_status ov_metadata_rules_next(struct ov_metadata_rules *rules,
                                      const struct ov_member_facts *facts, uint32_t *at,
                                      uint32_t *ret_rule) {
    for (; *at < rules->count; (*at)++) {
        uint32_t index = rules->count - 1 - *at;
        const struct ov_image_metadata *record = &rules->records[index];
        if (!meets_numbers(record, facts)) {
            continue;
        }
        enum ov_status status = match_name(rules, index, facts->name);
        if (status == OV_END) {
            continue;
        }
        TRY(status);
        if (record->rule >= rules->rule_count) {
            return OV_DAMAGED;
        }
        (*at)++;
        *ret_rule = record->rule;
        return OV_OK;
    }
    return OV_END;
}
