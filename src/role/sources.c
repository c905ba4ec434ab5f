// SPDX-License-Identifier: Apache-2.0
// Lists rule sources in the order in which they are loaded.
#include "role/sources.h"

#include "catalog/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Takes over `path`.
static enum ov_status add(struct ov_sources *sources, char *path, bool is_member) {
    if (path != NULL && sources->count == sources->room) {
        size_t room = sources->room == 0 ? 64 : sources->room * 2;
        struct ov_source *items = reallocarray(sources->items, room, sizeof *items);
        if (items != NULL) {
            sources->items = items;
            sources->room = room;
        }
    }
    if (path == NULL || sources->count == sources->room) {
        free(path);
        return OV_MEMORY;
    }
    sources->items[sources->count++] = (struct ov_source){.path = path, .is_member = is_member};
    return OV_OK;
}

void ov_sources_release(struct ov_sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->items[i].path);
        free(sources->items[i].label);
    }
    free(sources->items);
    *sources = (struct ov_sources){0};
}

static enum ov_status add_folder(struct ov_sources *sources, const char *path) {
    OV_CLEANUP(ov_rule_folder_release) struct ov_rule_folder folder = {0};
    TRY(ov_rule_folder_list(path, &folder));
    for (size_t i = 0; i < folder.count; i++) {
        char *inside = NULL;
        struct stat info;
        if (asprintf(&inside, "%s/%s", path, folder.names[i]) < 0) {
            return OV_MEMORY;
        }
        if (stat(inside, &info) == 0 && S_ISDIR(info.st_mode)) {
            free(inside);
        } else {
            TRY(add(sources, inside, true));
        }
    }
    return OV_OK;
}

enum ov_status ov_sources_add(struct ov_sources *sources, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return OV_SYSTEM;
    }
    return S_ISDIR(info.st_mode) ? add_folder(sources, path) : add(sources, strdup(path), false);
}

enum ov_status ov_sources_add_labelled(struct ov_sources *sources, const char *path,
                                       const char *label) {
    char *copy = strdup(label);
    enum ov_status status = copy != NULL ? add(sources, strdup(path), false) : OV_MEMORY;
    if (status != OV_OK) {
        free(copy);
        return status;
    }
    sources->items[sources->count - 1].label = copy;
    sources->items[sources->count - 1].name = copy;
    return OV_OK;
}
