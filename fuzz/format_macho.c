// SPDX-License-Identifier: Apache-2.0
// rooms: format base
//
// Mach-O headers of a hostile file.
#include "format/exe.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { ARENA_BYTES = 16 << 20 };

static void check(enum ov_status status) {
    if (status != OV_OK && status != OV_MEMORY) {
        abort(); // a broken file is an answer, not an error
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span file = ov_span_make(data, size);
    struct ov_arena arena;
    ov_arena_init(&arena, ARENA_BYTES);
    struct ov_exe exe = {0};
    check(ov_macho_read(file, &arena, &exe));
    if (exe.is_readable && !exe.has_entry) {
        abort();
    }
    volatile uint64_t sum = 0;
    for (uint32_t i = 0; i < exe.section_count; i++) {
        sum += exe.sections[i].raw_offset + exe.sections[i].address;
    }
    struct ov_span image;
    for (uint32_t i = 0; ov_macho_image(file, i, &image) == OV_OK; i++) {
        if (image.size > size || image.data < data || image.data > data + size) {
            abort();
        }
    }
    ov_arena_release(&arena);
    return 0;
}
