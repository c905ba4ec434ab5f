// SPDX-License-Identifier: Apache-2.0
// Strict UTF-8, RFC 3629 section 4.
#include "base/utf8.h"

unsigned ov_utf8_length(struct ov_span bytes) {
    if (bytes.size == 0) {
        return 0;
    }
    uint8_t lead = bytes.data[0];
    if (lead < 0x80) {
        return 1;
    }
    unsigned length = lead >= 0xc2 && lead <= 0xdf   ? 2
                      : lead >= 0xe0 && lead <= 0xef ? 3
                      : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                     : 0;
    if (length == 0 || bytes.size < length) {
        return 0;
    }
    for (unsigned i = 1; i < length; i++) {
        if ((bytes.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    uint8_t second = bytes.data[1];
    bool is_short = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    bool is_surrogate = lead == 0xed && second > 0x9f;
    bool is_beyond = lead == 0xf4 && second > 0x8f;
    return is_short || is_surrogate || is_beyond ? 0 : length;
}
