// SPDX-License-Identifier: Apache-2.0
// rooms: format base
//
// Pictures, by their first bytes: decoded, scaled and hashed. A picture has one hash.
#include "format/picture/picture.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TIME_MS = 500 };

static enum ov_filetype find_type(struct ov_span bytes) {
    static const struct {
        const char *magic;
        enum ov_filetype type;
    } known[] = {
        {"BM", OV_FILETYPE_GRAPHICS}, {"GIF", OV_FILETYPE_GIF},  {"\xff\xd8", OV_FILETYPE_JPEG},
        {"\x89PNG", OV_FILETYPE_PNG}, {"II*", OV_FILETYPE_TIFF}, {"MM", OV_FILETYPE_TIFF},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (ov_span_has_prefix(bytes, known[i].magic)) {
            return known[i].type;
        }
    }
    return OV_FILETYPE_NONE;
}

static enum ov_status hash(struct ov_span bytes, uint64_t *ret_hash) {
    struct ov_limits limits = ov_limits_default();
    limits.time_ms = TIME_MS;
    struct ov_budget budget;
    ov_budget_init(&budget, &limits);
    enum ov_status status = ov_picture_hash(bytes, find_type(bytes), &budget, ret_hash);
    if ((status == OV_LIMIT) != (budget.hit != OV_LIMIT_NONE)) {
        abort(); // a limit that nobody is told of, or that nothing was left out for
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size);
    uint64_t first = 0, second = 0;
    if (hash(bytes, &first) == OV_OK && hash(bytes, &second) == OV_OK && first != second) {
        abort();
    }
    return 0;
}
