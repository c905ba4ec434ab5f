// SPDX-License-Identifier: Apache-2.0
// Opens rule sources in the order in which they are loaded.
#include "role/sources.h"

#include "base/span.h"

#include <dirent.h>
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

static bool has_ending(const char *name, const char *ending) {
    size_t size = strlen(name);
    size_t end = strlen(ending);
    return size > end && strcmp(name + size - end, ending) == 0;
}

// ClamAV loads ignore lists first, then the daily database, then all else.
static int rank(const char *name) {
    if (has_ending(name, ".ign") || has_ending(name, ".ign2")) {
        return 0;
    }
    if (strcmp(name, "daily.cld") == 0 || strcmp(name, "daily.cvd") == 0) {
        return 1;
    }
    if (strcmp(name, "local.gdb") == 0 || strcmp(name, "daily.cfg") == 0) {
        return 2;
    }
    return has_ending(name, ".crb") ? 3 : 4;
}

static int compare_entries(const struct dirent **a, const struct dirent **b) {
    int difference = rank((*a)->d_name) - rank((*b)->d_name);
    return difference != 0 ? difference : strcmp((*a)->d_name, (*b)->d_name);
}

static int has_dot(const struct dirent *entry) {
    return entry->d_name[0] != '.' && strchr(entry->d_name, '.') != NULL;
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

static enum ov_status add_folder(struct ov_sources *sources, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, has_dot, compare_entries);
    if (count < 0) {
        return OV_SYSTEM;
    }
    enum ov_status status = OV_OK;
    for (int i = 0; i < count; i++) {
        if (status == OV_OK) {
            status = add_member(sources, folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
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

// The third field of a container's header: ClamAV-VDB:time:version:... 0 when there is none.
static uint64_t read_version(struct ov_span bytes) {
    struct ov_span header = ov_span_part(bytes, 0, 512);
    size_t at = ov_span_find(header, 0, ':');
    at = at < header.size ? ov_span_find(header, at + 1, ':') : at;
    uint64_t version = 0;
    for (at++; at < header.size && header.data[at] >= '0' && header.data[at] <= '9'; at++) {
        version = version < UINT32_MAX ? version * 10 + (header.data[at] - '0') : version;
    }
    return version;
}

// The other container of the same name, or NULL.
static const struct ov_source *find_twin(const struct ov_sources *sources, size_t index) {
    const char *path = sources->items[index].path;
    size_t stem = strlen(path) - 4;
    const char *ending = has_ending(path, ".cvd") ? ".cld" : ".cvd";
    for (size_t i = 0; i < sources->count; i++) {
        const char *other = sources->items[i].path;
        if (strlen(other) == stem + 4 && strncmp(other, path, stem) == 0 &&
            strcmp(other + stem, ending) == 0) {
            return &sources->items[i];
        }
    }
    return NULL;
}

static bool is_superseded(const struct ov_sources *sources, size_t index) {
    const struct ov_source *source = &sources->items[index];
    bool is_cvd = has_ending(source->path, ".cvd");
    if (!is_cvd && !has_ending(source->path, ".cld")) {
        return false;
    }
    const struct ov_source *twin = find_twin(sources, index);
    if (twin == NULL) {
        return false;
    }
    uint64_t own = read_version(source->map.bytes);
    uint64_t other = read_version(twin->map.bytes);
    return is_cvd ? other > 0 && other >= own : other > own;
}

void ov_sources_drop_superseded(struct ov_sources *sources) {
    for (size_t i = 0; i < sources->count; i++) {
        if (is_superseded(sources, i)) {
            sources->items[i].path[0] = '\0'; // kept until release, passed over when loading
        }
    }
}
