// SPDX-License-Identifier: Apache-2.0
// rooms: scan
//
// Types of hostile objects: an answer within bounds, and the same when asked twice.
#include "scan/identify.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span first = ov_span_make(data, size);
    enum ov_filetype type = ov_identify(first, size);
    if (type <= OV_FILETYPE_ANY || type >= OV_FILETYPE_COUNT || ov_filetype_target(type) > 14) {
        abort();
    }
    // What lies behind the window has no say.
    struct ov_span window = ov_span_part(first, 0, OV_IDENTIFY_BYTES);
    if (ov_identify(window, size) != type) {
        abort();
    }
    return 0;
}
