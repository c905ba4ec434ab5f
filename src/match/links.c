// SPDX-License-Identifier: Apache-2.0
// Lists for links in mails: hosts by binary search, expressions by PCRE2.
#include "match/links.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 2000 };

struct ov_link_lists {
    const struct ov_image_link *records;
    uint32_t count;
    uint32_t host_count; // they stand first, sorted
    struct ov_span code; // section
    pcre2_code **codes;  // for each expression; compiled when first asked for
    pcre2_match_context *context;
    pcre2_match_data *data;
};

static struct ov_span get_text(const struct ov_link_lists *lists, uint32_t index) {
    const struct ov_image_link *record = &lists->records[index];
    return ov_span_part(lists->code, record->text_at, record->text_bytes);
}

// The order of hosts: by list, then by their bytes from the last one on.
static int compare_hosts(unsigned list_a, struct ov_span a, unsigned list_b, struct ov_span b) {
    if (list_a != list_b) {
        return list_a < list_b ? -1 : 1;
    }
    size_t common = a.size < b.size ? a.size : b.size;
    for (size_t i = 1; i <= common; i++) {
        uint8_t x = a.data[a.size - i], y = b.data[b.size - i];
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return (a.size > b.size) - (a.size < b.size);
}

static bool lies_within(const struct ov_link_lists *lists, uint32_t at, uint32_t bytes) {
    return at <= lists->code.size && bytes <= lists->code.size - at;
}

static bool is_sound(const struct ov_link_lists *lists, uint32_t index) {
    const struct ov_image_link *record = &lists->records[index];
    if (record->list >= OV_LINK_LISTS || record->is_regex > 1 || record->zero != 0 ||
        record->text_bytes == 0 || !lies_within(lists, record->text_at, record->text_bytes) ||
        !lies_within(lists, record->tail_at, record->tail_bytes)) {
        return false;
    }
    const struct ov_image_link *before = index > 0 ? record - 1 : NULL;
    if (before == NULL || record->is_regex != 0) {
        return true;
    }
    return before->is_regex == 0 && compare_hosts(before->list, get_text(lists, index - 1),
                                                  record->list, get_text(lists, index)) < 0;
}

static enum ov_status check_records(struct ov_link_lists *lists,
                                    char reason[OV_IMAGE_REASON_BYTES]) {
    for (uint32_t i = 0; i < lists->count; i++) {
        if (!is_sound(lists, i)) {
            (void)snprintf(reason, OV_IMAGE_REASON_BYTES, "entry %u for links is damaged", i);
            return OV_DAMAGED;
        }
        lists->host_count += lists->records[i].is_regex == 0;
    }
    return OV_OK;
}

enum ov_status ov_link_lists_new(const struct ov_image *image,
                                 char ret_reason[OV_IMAGE_REASON_BYTES],
                                 struct ov_link_lists **ret_lists) {
    uint32_t count;
    const struct ov_image_link *records =
        ov_image_array(image, OV_SECTION_LINKS, 0, sizeof *records, &count);
    *ret_lists = NULL;
    if (count == 0) {
        return OV_OK;
    }
    struct ov_link_lists *lists = calloc(1, sizeof *lists);
    if (lists == NULL) {
        return OV_MEMORY;
    }
    lists->records = records;
    lists->count = count;
    lists->code = ov_image_section(image, OV_SECTION_CODE, 0);
    enum ov_status status = check_records(lists, ret_reason);
    if (status != OV_OK) {
        ov_link_lists_free(lists);
        return status;
    }
    lists->codes = calloc(count, sizeof(pcre2_code *));
    lists->context = pcre2_match_context_create(NULL);
    lists->data = pcre2_match_data_create(1, NULL);
    if (lists->codes == NULL || lists->context == NULL || lists->data == NULL) {
        ov_link_lists_free(lists);
        return OV_MEMORY;
    }
    (void)pcre2_set_match_limit(lists->context, MATCH_LIMIT);
    (void)pcre2_set_depth_limit(lists->context, DEPTH_LIMIT);
    *ret_lists = lists;
    return OV_OK;
}

void ov_link_lists_free(struct ov_link_lists *lists) {
    if (lists == NULL) {
        return;
    }
    for (uint32_t i = 0; lists->codes != NULL && i < lists->count; i++) {
        pcre2_code_free(lists->codes[i]);
    }
    free((void *)lists->codes);
    pcre2_match_data_free(lists->data);
    pcre2_match_context_free(lists->context);
    free(lists);
}

bool ov_link_lists_have(const struct ov_link_lists *lists, unsigned list, struct ov_span text) {
    uint32_t low = 0, high = lists->host_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_hosts(lists->records[middle].list, get_text(lists, middle), list, text);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static enum ov_status compile(struct ov_link_lists *lists, uint32_t index) {
    struct ov_span text = get_text(lists, index);
    int error;
    PCRE2_SIZE at;
    // A dot is any byte, and only the end is the end: so it is in POSIX.
    lists->codes[index] =
        pcre2_compile(text.data, text.size, PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &error, &at, NULL);
    if (lists->codes[index] != NULL) {
        return OV_OK;
    }
    bool has_memory = error != PCRE2_ERROR_HEAP_FAILED && error != PCRE2_ERROR_NOMEMORY;
    return has_memory ? OV_DAMAGED : OV_MEMORY;
}

static enum ov_status match_one(struct ov_link_lists *lists, uint32_t index, struct ov_span text) {
    const struct ov_image_link *record = &lists->records[index];
    struct ov_span tail = ov_span_part(lists->code, record->tail_at, record->tail_bytes);
    if (tail.size > 0 && ov_span_search(text, 0, tail) == text.size) {
        return OV_END;
    }
    if (lists->codes[index] == NULL) {
        TRY(compile(lists, index));
    }
    int result =
        pcre2_match(lists->codes[index], text.data, text.size, 0, 0, lists->data, lists->context);
    if (result == PCRE2_ERROR_NOMEMORY || result == PCRE2_ERROR_HEAPLIMIT) {
        return OV_MEMORY;
    }
    if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT) {
        return OV_LIMIT;
    }
    return result >= 0 ? OV_OK : OV_END;
}

enum ov_status ov_link_lists_match(struct ov_link_lists *lists, unsigned list,
                                   struct ov_span text) {
    enum ov_status answer = OV_END;
    for (uint32_t i = lists->host_count; i < lists->count; i++) {
        if (lists->records[i].list != list) {
            continue;
        }
        enum ov_status status = match_one(lists, i, text);
        if (status != OV_END && status != OV_LIMIT) {
            return status;
        }
        answer = status == OV_LIMIT ? OV_LIMIT : answer;
    }
    return answer;
}
