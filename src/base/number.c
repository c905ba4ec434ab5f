// SPDX-License-Identifier: Apache-2.0
// Reads decimal numbers strictly.
#include "base/number.h"

enum ov_status ov_number_read(struct ov_span text, uint64_t *ret_number) {
    uint64_t number = 0;
    if (text.size == 0 || text.size > 19 || (text.data[0] == '0' && text.size > 1)) {
        return OV_DAMAGED;
    }
    for (size_t i = 0; i < text.size; i++) { // 19 digits fit in 64 bits
        if (text.data[i] < '0' || text.data[i] > '9') {
            return OV_DAMAGED;
        }
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (number > OV_NUMBER_MAX) {
        return OV_DAMAGED;
    }
    *ret_number = number;
    return OV_OK;
}
