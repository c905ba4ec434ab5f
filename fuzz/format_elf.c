// SPDX-License-Identifier: Apache-2.0
// rooms: format base
//
// ELF headers of a hostile file.
#include "format_exe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span file = ov_span_make(data, size);
    struct ov_arena arena;
    ov_arena_init(&arena, ARENA_BYTES);
    (void)read_checked(ov_elf_read, file, &arena);
    ov_arena_release(&arena);
    return 0;
}
