// SPDX-License-Identifier: Apache-2.0
// rooms: ledger
//
// A publisher's state: what is read is what would be written.
//
// Input: the text.
#include "ledger/store_state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_store_state state;
    if (ov_store_state_read(ov_span_make(data, size), &state) != OV_OK) {
        return 0;
    }
    if ((state.has_newest && state.newest_index >= state.head.size) ||
        (state.has_current && !state.has_newest) ||
        (state.has_current && state.current_index > state.newest_index)) {
        abort();
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_store_state_add(&text, &state);
    if (!ov_span_is_equal(ov_buf_span(&text), ov_span_make(data, size))) {
        abort();
    }
    return 0;
}
