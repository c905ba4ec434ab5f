// SPDX-License-Identifier: Apache-2.0
// Magics of file types that came with the rules.
#include "scan/magics.h"

#include "scan/identify.h"

#include <stdio.h>
#include <stdlib.h>

struct ov_magics {
    const struct ov_image_magic *records;
    uint32_t count;
    struct ov_span code;
    uint32_t *next;      // of each record that stands at 0: the one before it with its first byte
    uint32_t first[256]; // the last record at 0 with that first byte, plus one
    uint32_t others;     // the last record at another place, plus one
};

static bool is_sound(const struct ov_magics *magics, const struct ov_image_magic *record) {
    return record->bytes > 0 && record->bytes_at <= magics->code.size &&
           record->bytes <= magics->code.size - record->bytes_at &&
           record->type > OV_FILETYPE_NONE && record->type < OV_FILETYPE_COUNT;
}

enum ov_status ov_magics_new(const struct ov_image *image, char ret_reason[OV_IMAGE_REASON_BYTES],
                             struct ov_magics **ret_magics) {
    uint32_t count;
    const struct ov_image_magic *records =
        ov_image_array(image, OV_SECTION_MAGICS, 0, sizeof *records, &count);
    *ret_magics = NULL;
    if (count == 0) {
        return OV_OK;
    }
    struct ov_magics *magics = calloc(1, sizeof *magics);
    if (magics == NULL) {
        return OV_MEMORY;
    }
    magics->records = records;
    magics->count = count;
    magics->code = ov_image_section(image, OV_SECTION_CODE, 0);
    magics->next = calloc(count, sizeof *magics->next);
    if (magics->next == NULL) {
        ov_magics_free(magics);
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_sound(magics, &records[i])) {
            (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES, "magic %u is damaged", i);
            ov_magics_free(magics);
            return OV_DAMAGED;
        }
        uint8_t byte = magics->code.data[records[i].bytes_at];
        uint32_t *list = records[i].offset == 0 ? &magics->first[byte] : &magics->others;
        magics->next[i] = *list;
        *list = i + 1;
    }
    *ret_magics = magics;
    return OV_OK;
}

void ov_magics_free(struct ov_magics *magics) {
    if (magics != NULL) {
        free(magics->next);
        free(magics);
    }
}

static bool fits(const struct ov_magics *magics, const struct ov_image_magic *record,
                 struct ov_span first) {
    struct ov_span stands = ov_span_part(first, record->offset, record->bytes);
    return ov_span_is_equal(stands, ov_span_part(magics->code, record->bytes_at, record->bytes));
}

// The last record of a list that fits, plus one; 0 when none does.
static uint32_t find_in_list(const struct ov_magics *magics, uint32_t at, struct ov_span first) {
    while (at != 0 && !fits(magics, &magics->records[at - 1], first)) {
        at = magics->next[at - 1];
    }
    return at;
}

enum ov_filetype ov_magics_find(const struct ov_magics *magics, struct ov_span first) {
    if (first.size < OV_IDENTIFY_MIN_BYTES) {
        return OV_FILETYPE_NONE;
    }
    uint32_t at = find_in_list(magics, magics->first[first.data[0]], first);
    uint32_t other = find_in_list(magics, magics->others, first);
    at = at > other ? at : other;
    return at != 0 ? (enum ov_filetype)magics->records[at - 1].type : OV_FILETYPE_NONE;
}
