// SPDX-License-Identifier: Apache-2.0
// Looking for an entry, from the end of a log on.
#include "cmd/log_entries.h"

enum ov_status ov_log_entries_find(int folder, uint64_t size, void *arg,
                                   bool (*is_it)(void *arg, uint64_t index, struct ov_span entry),
                                   uint64_t *ret_index) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_entries entries;
    for (uint64_t number = size / OV_TILE_WIDTH + 1; number-- > 0;) {
        unsigned width = ov_tile_width(size, 0, number);
        if (width == 0) {
            continue;
        }
        ov_buf_reset(&bytes);
        TRY(ov_entries_load(folder, number, width, &bytes, &entries));
        for (unsigned i = entries.count; i-- > 0;) {
            uint64_t index = number * OV_TILE_WIDTH + i;
            if (is_it(arg, index, entries.entries[i])) {
                *ret_index = index;
                return OV_OK;
            }
        }
    }
    return OV_END;
}
