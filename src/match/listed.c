// SPDX-License-Identifier: Apache-2.0
// Digests out of catalogs.
#include "match/listed.h"

#include <stddef.h>
#include <stdio.h>

enum { KEY_BYTES = offsetof(struct ov_image_listed, zero) };

static int compare_keys(const struct ov_image_listed *a, const struct ov_image_listed *b) {
    return memcmp(a, b, KEY_BYTES);
}

enum ov_status ov_listed_open(const struct ov_image *image, char ret_reason[OV_IMAGE_REASON_BYTES],
                              struct ov_listed *ret_listed) {
    struct ov_listed listed = {0};
    struct ov_span section = ov_image_section(image, OV_SECTION_LISTED, 0);
    listed.items = ov_image_array(image, OV_SECTION_LISTED, 0, sizeof *listed.items, &listed.count);
    if (section.size % sizeof *listed.items != 0) {
        (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES, "the last listed digest is cut off");
        return OV_DAMAGED;
    }
    for (uint32_t i = 0; i < listed.count; i++) {
        const struct ov_image_listed *item = &listed.items[i];
        bool is_kind = item->kind == OV_HASH_SHA1 || item->kind == OV_HASH_SHA256;
        bool is_in_order = i == 0 || compare_keys(&listed.items[i - 1], item) <= 0;
        if (item->what > OV_LISTED_FILE || !is_kind || !is_in_order) {
            (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES, "listed digest %u is damaged", i);
            return OV_DAMAGED;
        }
        listed.has[item->what][item->kind] = true;
    }
    *ret_listed = listed;
    return OV_OK;
}

bool ov_listed_has(const struct ov_listed *listed, unsigned what, enum ov_hash_kind kind,
                   const uint8_t *digest, int64_t now) {
    struct ov_image_listed wanted = {.what = (uint8_t)what, .kind = (uint8_t)kind};
    memcpy(wanted.digest, digest, ov_hash_bytes(kind));
    uint32_t low = 0, high = listed->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_keys(&listed->items[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < listed->count && compare_keys(&listed->items[low], &wanted) == 0; low++) {
        if (now >= listed->items[low].not_before && now <= listed->items[low].not_after) {
            return true;
        }
    }
    return false;
}
