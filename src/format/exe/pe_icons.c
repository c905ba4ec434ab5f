// SPDX-License-Identifier: Apache-2.0
// Which icons of a PE are looked at: those of its first group (type 14), by their numbers (type 3).
#include "format/exe/icon.h"
#include "format/exe/pe_resources.h"

enum {
    TYPE_ICON = 3,
    TYPE_GROUP = 14,
    GROUP_BYTES = 6, // reserved, type, count; entries follow (ICONDIR in Microsoft's ICO)
    GROUP_ENTRY_BYTES = 14,
    ENTRIES_MAX = 100,   // clamscan's limit
    PICTURES_MAX = 1024, // an entry may have a picture for each language
};

struct icon_walk {
    struct ov_span file;
    const struct ov_exe *exe;
    struct ov_budget *budget;
    struct ov_arena *arena;
    struct ov_icon_picture picture;
    struct ov_icon *icons;
    uint32_t count, room;
    uint32_t entry_count;
    bool has_group;
    uint32_t group; // name of the first
};

static enum ov_status add_icon(struct icon_walk *walk, const struct ov_icon *icon) {
    if (walk->count == walk->room) {
        uint32_t room = walk->room == 0 ? 16 : walk->room * 2;
        struct ov_icon *icons = ov_arena_array(walk->arena, room, sizeof *icons);
        if (icons == NULL) {
            return OV_MEMORY;
        }
        for (uint32_t i = 0; i < walk->count; i++) {
            icons[i] = walk->icons[i];
        }
        walk->icons = icons;
        walk->room = room;
    }
    walk->icons[walk->count++] = *icon;
    return OV_OK;
}

static enum ov_status take_icon(void *arg, uint32_t name, uint32_t entry_rva) {
    struct icon_walk *walk = arg;
    (void)name;
    if (walk->count == PICTURES_MAX || !ov_budget_has_time(walk->budget)) {
        return OV_LIMIT;
    }
    // The size that the entry tells does not matter.
    struct ov_cursor entry = ov_pe_open_address(walk->file, walk->exe, entry_rva);
    uint32_t rva = ov_cursor_u32le(&entry);
    struct ov_cursor in = ov_pe_open_address(walk->file, walk->exe, rva);
    struct ov_icon icon;
    if (entry.has_failed || in.has_failed ||
        !ov_icon_picture_draw(walk->file, in.at, &walk->picture)) {
        return OV_OK;
    }
    ov_icon_measure(&walk->picture, &icon);
    return add_icon(walk, &icon);
}

// Takes the icons that the group names.
static enum ov_status take_group(void *arg, uint32_t name, uint32_t entry_rva) {
    struct icon_walk *walk = arg;
    if (walk->has_group && name != walk->group) {
        return OV_END;
    }
    walk->has_group = true;
    walk->group = name;
    uint32_t size;
    struct ov_cursor found = ov_pe_open_resource(walk->file, walk->exe, entry_rva, &size);
    struct ov_cursor in = ov_cursor_init(ov_cursor_bytes(&found, size));
    ov_cursor_skip(&in, 4);
    uint32_t count = ov_cursor_u16le(&in);
    for (; !found.has_failed && count > 0 && ov_cursor_left(&in) >= GROUP_ENTRY_BYTES; count--) {
        ov_cursor_skip(&in, GROUP_ENTRY_BYTES - 2);
        struct ov_pe_resources icons = {.file = walk->file,
                                        .exe = walk->exe,
                                        .type = TYPE_ICON,
                                        .name = ov_cursor_u16le(&in),
                                        .take = take_icon,
                                        .arg = walk};
        TRY(ov_pe_resources_walk(&icons));
        if (++walk->entry_count == ENTRIES_MAX) {
            return OV_LIMIT;
        }
    }
    return OV_OK;
}

enum ov_status ov_pe_icons(struct ov_span file, const struct ov_exe *exe, struct ov_budget *budget,
                           struct ov_arena *arena, const struct ov_icon **ret_icons,
                           uint32_t *ret_count) {
    *ret_icons = NULL;
    *ret_count = 0;
    if (exe->pe.is_library || exe->pe.resources_rva == 0) {
        return OV_OK;
    }
    struct icon_walk walk = {.file = file, .exe = exe, .budget = budget, .arena = arena};
    walk.picture.points = ov_arena_array(arena, OV_ICON_POINTS_MAX, sizeof *walk.picture.points);
    if (walk.picture.points == NULL) {
        return OV_MEMORY;
    }
    struct ov_pe_resources groups = {.file = file,
                                     .exe = exe,
                                     .type = TYPE_GROUP,
                                     .name = OV_PE_ANY_NAME,
                                     .take = take_group,
                                     .arg = &walk};
    enum ov_status status = ov_pe_resources_walk(&groups);
    *ret_icons = walk.icons;
    *ret_count = walk.count;
    return status == OV_LIMIT ? OV_OK : status;
}
