// SPDX-License-Identifier: Apache-2.0
// Opens rule sources in the order in which they are loaded.
#include "role/sources.h"

#include "base/span.h"
#include "rules/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Takes over `path`.
static enum ov_status add(struct ov_sources *sources, char *path, struct ov_file_map map,
                          int error) {
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
        ov_file_map_close(&map);
        return OV_MEMORY;
    }
    sources->items[sources->count++] = (struct ov_source){.path = path, .map = map, .error = error};
    return OV_OK;
}

void ov_sources_release(struct ov_sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->items[i].path);
        ov_file_map_close(&sources->items[i].map);
    }
    free(sources->items);
    *sources = (struct ov_sources){0};
}

static enum ov_status add_member(struct ov_sources *sources, const char *folder, const char *name) {
    char *path = NULL;
    struct stat info;
    struct ov_file_map map = {0};
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        return OV_MEMORY;
    }
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        free(path);
        return OV_OK;
    }
    enum ov_status status = ov_file_map_open(path, &map);
    return add(sources, path, map, status == OV_OK ? 0 : errno);
}

static enum ov_status add_folder(struct ov_sources *sources, const char *path) {
    OV_CLEANUP(ov_rule_folder_release) struct ov_rule_folder folder = {0};
    TRY(ov_rule_folder_list(path, &folder));
    for (size_t i = 0; i < folder.count; i++) {
        TRY(add_member(sources, path, folder.names[i]));
    }
    return OV_OK;
}

enum ov_status ov_sources_add(struct ov_sources *sources, const char *path) {
    struct ov_file_map map = {0};
    struct stat info;
    if (stat(path, &info) != 0) {
        return OV_SYSTEM;
    }
    if (S_ISDIR(info.st_mode)) {
        return add_folder(sources, path);
    }
    TRY(ov_file_map_open(path, &map));
    return add(sources, strdup(path), map, 0);
}

// The other container of the same database, or NULL.
static const struct ov_source *find_twin(const struct ov_sources *sources, const char *path) {
    const char *ending = ov_rule_folder_twin(path);
    size_t size = strlen(path);
    for (size_t i = 0; ending != NULL && i < sources->count; i++) {
        const char *other = sources->items[i].path;
        if (strlen(other) == size && strncmp(other, path, size - 3) == 0 &&
            strcmp(other + size - 3, ending) == 0) {
            return &sources->items[i];
        }
    }
    return NULL;
}

void ov_sources_drop_superseded(struct ov_sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        struct ov_source *source = &sources->items[i];
        const struct ov_source *twin = find_twin(sources, source->path);
        if (twin != NULL &&
            ov_rule_folder_is_superseded(source->path, source->map.bytes, twin->map.bytes)) {
            source->path[0] = '\0'; // kept until release, passed over when loading
        }
    }
}
