// SPDX-License-Identifier: Apache-2.0
// rooms: format base
//
// PE headers, version strings, import text and icons of a hostile file.
#include "format/exe/icon.h"
#include "format_exe.h"

static void check_icons(struct ov_span file, const struct ov_exe *exe, struct ov_arena *arena) {
    const struct ov_icon *icons = NULL;
    uint32_t count = 0;
    struct ov_budget budget;
    struct ov_limits limits = ov_limits_default();
    ov_budget_init(&budget, &limits);
    check(ov_pe_icons(file, exe, &budget, arena, &icons, &count));
    for (uint32_t i = 0; i < count; i++) {
        if (icons[i].side < 16 || icons[i].side > OV_ICON_SIDE_MAX || icons[i].colored > 100) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span file = ov_span_make(data, size);
    struct ov_arena arena;
    ov_arena_init(&arena, ARENA_BYTES);
    struct ov_exe exe = read_checked(ov_pe_read, file, &arena);
    if (exe.is_readable || exe.is_hashable) {
        struct ov_span text = {0};
        check(ov_pe_version_offsets(file, &arena, &exe));
        check(ov_pe_import_text(file, &exe, &arena, &text));
        check_icons(file, &exe, &arena);
        for (uint32_t i = 0; i < exe.version_count; i++) {
            // Ascending, inside the file, with room for a key.
            bool is_ordered = i == 0 || exe.version_offsets[i - 1] <= exe.version_offsets[i];
            if (!is_ordered || exe.version_offsets[i] >= size) {
                abort();
            }
        }
        for (uint32_t i = 0; i < exe.section_count; i++) {
            const struct ov_exe_section *section = &exe.sections[i];
            if (section->raw_bytes > 0 && section->raw_offset + section->raw_bytes > size) {
                abort(); // hashes are taken over these bytes
            }
        }
    }
    ov_arena_release(&arena);
    return 0;
}
