// SPDX-License-Identifier: Apache-2.0
// Folders of a file system that are still to be read.
#include "format/archive/folders.h"

enum {
    FOLDERS_MAX = 1 << 15,
    PATH_BYTES_MAX = 1024,
};

enum ov_status ov_folders_add(struct ov_folders *folders, struct ov_walk *walk,
                              struct ov_folder folder) {
    if (folders->count >= FOLDERS_MAX) {
        ov_budget_note(walk->budget, OV_LIMIT_FILES);
        return OV_LIMIT;
    }
    struct ov_folder *copy = ov_arena_alloc(walk->arena, sizeof *copy);
    struct ov_span path = ov_span_part(folder.path, 0, PATH_BYTES_MAX);
    char *text = ov_arena_text(walk->arena, path);
    if (copy == NULL || text == NULL) {
        return OV_MEMORY;
    }
    *copy = (struct ov_folder){
        .path = ov_span_make(text, path.size), .at = folder.at, .size = folder.size};
    *(folders->last != NULL ? &folders->last->next : &folders->first) = copy;
    folders->last = copy;
    folders->count++;
    return OV_OK;
}
