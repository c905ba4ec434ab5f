// SPDX-License-Identifier: Apache-2.0
// The file that says what is installed: what is read is written again as the same bytes.
// rooms: feed
//
// Input: the file.
#include "feed/active.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct ov_active active;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_span text = ov_span_make(data, size);
    if (ov_active_read(text, &active) != OV_OK) {
        return 0;
    }
    ov_active_add(&out, &active);
    if (!ov_span_is_equal(ov_buf_span(&out), text)) {
        abort();
    }
    for (size_t i = 0; i < active.feed_count; i++) {
        if (ov_active_find(&active, active.feeds[i].name.text) != &active.feeds[i]) {
            abort();
        }
    }
    return 0;
}
