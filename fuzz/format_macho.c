// SPDX-License-Identifier: Apache-2.0
// rooms: format base
//
// Mach-O headers of a hostile file.
#include "format_exe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span file = ov_span_make(data, size);
    struct ov_arena arena;
    ov_arena_init(&arena, ARENA_BYTES);
    (void)read_checked(ov_macho_read, file, &arena);
    struct ov_span image;
    for (uint32_t i = 0; ov_macho_image(file, i, &image) == OV_OK; i++) {
        if (image.size > size || image.data < data || image.data > data + size) {
            abort();
        }
    }
    ov_arena_release(&arena);
    return 0;
}
