// SPDX-License-Identifier: Apache-2.0
// rooms: format base
//
// What formats say of the marks in a hostile object: where something begins and ends lies inside.
#include "format/format.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void ask(const struct ov_embedded *embedded, struct ov_span object, size_t at) {
    struct ov_span inner = ov_span_make(NULL, 0);
    if (embedded->find(object, at, &inner) == OV_INNER_NONE || inner.size == 0) {
        return;
    }
    if (inner.data < object.data || inner.data > object.data + object.size ||
        inner.size > (size_t)(object.data + object.size - inner.data)) {
        abort();
    }
}

static void look(const struct ov_embedded *embedded, struct ov_span object) {
    struct ov_span mark = ov_span_make(embedded->mark.bytes, embedded->mark.size);
    bool is_anywhere = embedded->mark.offset == OV_MAGIC_ANYWHERE;
    for (size_t at = is_anywhere ? 0 : embedded->mark.offset; at < object.size; at++) {
        if (ov_span_is_equal(ov_span_part(object, at, mark.size), mark)) {
            ask(embedded, object, at);
        }
        if (!is_anywhere) {
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span object = ov_span_make(data, size);
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[i];
            for (uint32_t k = 0; k < format->embedded_count; k++) {
                look(&format->embedded[k], object);
            }
        }
    }
    return 0;
}
