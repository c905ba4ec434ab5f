// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets of executables share: headers are read, and what must hold of them.
#pragma once

#include "format/exe.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { ARENA_BYTES = 16 << 20 };

typedef enum ov_status exe_reader(struct ov_span file, struct ov_arena *arena,
                                  struct ov_exe *ret_exe);

static inline void check(enum ov_status status) {
    if (status != OV_OK && status != OV_MEMORY) {
        abort(); // a broken file is an answer, not an error
    }
}

static inline struct ov_exe read_checked(exe_reader *read, struct ov_span file,
                                         struct ov_arena *arena) {
    struct ov_exe exe = {0};
    check(read(file, arena, &exe));
    if (exe.is_readable && !exe.has_entry) {
        abort();
    }
    volatile uint64_t sum = 0;
    for (uint32_t i = 0; i < exe.section_count; i++) {
        sum += exe.sections[i].raw_offset + exe.sections[i].address;
    }
    return exe;
}
