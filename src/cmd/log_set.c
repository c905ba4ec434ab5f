// SPDX-License-Identifier: Apache-2.0
// Files of a release, taken from the bundle before and from disk.
#include "cmd/log_set.h"

#include "base/say.h"
#include "catalog/folder.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static enum ov_status say(const char *path, enum ov_status status) {
    ov_say_error(path, status == OV_SYSTEM ? strerror(errno) : ov_status_text(status), NULL);
    return status;
}

void ov_log_set_release(struct ov_log_set *set) {
    for (size_t i = 0; i < set->map_count; i++) {
        ov_file_map_close(&set->maps[i]);
    }
    free(set->maps);
    free(set->files);
    *set = (struct ov_log_set){0};
}

// ---- one file -----------------------------------------------------------------------------------

static struct ov_log_set_file *find_file(const struct ov_log_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->files[i].name, name) == 0) {
            return &set->files[i];
        }
    }
    return NULL;
}

// Room for one more of what is counted; the bytes of one are `size`.
static enum ov_status make_room(void **items, size_t count, size_t *room, size_t size) {
    if (count < *room) {
        return OV_OK;
    }
    size_t wanted = *room == 0 ? 16 : *room * 2;
    void *more = reallocarray(*items, wanted, size);
    if (more == NULL) {
        return OV_MEMORY;
    }
    *items = more;
    *room = wanted;
    return OV_OK;
}

static enum ov_status add_file(struct ov_log_set *set, const char *name, struct ov_span bytes,
                               bool is_new) {
    struct ov_log_set_file *file = find_file(set, name);
    if (file != NULL && file->is_new && is_new) {
        ov_say_error(name, "two files of this name", "name one, or their folder");
        return OV_INVALID;
    }
    if (file == NULL) {
        void *files = set->files;
        if (make_room(&files, set->count, &set->room, sizeof *set->files) != OV_OK) {
            return say(name, OV_MEMORY);
        }
        set->files = files;
        file = &set->files[set->count++];
    }
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    file->bytes = bytes;
    file->is_new = is_new;
    return OV_OK;
}

// A mapping that lives as long as the set.
static enum ov_status keep_map(struct ov_log_set *set, struct ov_file_map map) {
    void *maps = set->maps;
    if (make_room(&maps, set->map_count, &set->map_room, sizeof *set->maps) != OV_OK) {
        ov_file_map_close(&map);
        return OV_MEMORY;
    }
    set->maps = maps;
    set->maps[set->map_count++] = map;
    return OV_OK;
}

// ---- what is added ------------------------------------------------------------------------------

enum ov_status ov_log_set_add_bundle(struct ov_log_set *set, int bundle) {
    struct ov_file_map map = {0};
    struct ov_bundle_file file;
    enum ov_status status = ov_file_map_open_fd(bundle, &map);
    if (status == OV_OK) {
        status = keep_map(set, map);
    }
    if (status != OV_OK) {
        return say("bundle", status);
    }
    struct ov_bundle reader = ov_bundle_init(map.bytes);
    while ((status = ov_bundle_next(&reader, &file)) == OV_OK) {
        TRY(add_file(set, file.name, file.bytes, false));
    }
    return status == OV_END ? OV_OK : say("bundle", status);
}

static enum ov_status add_rule_file(struct ov_log_set *set, const char *path, const char *name) {
    struct ov_file_map map = {0};
    if (!ov_bundle_name_is_valid(ov_span_text(name))) {
        ov_say_error(name, "no file of a release may have this name",
                     "up to 100 of A-Z a-z 0-9 . _ + - in parts joined by '/', none of which "
                     "begins with a dot or a minus");
        return OV_INVALID;
    }
    enum ov_status status = ov_file_map_open(path, &map);
    if (status == OV_OK) {
        status = keep_map(set, map);
    }
    return status == OV_OK ? add_file(set, name, map.bytes, true) : say(path, status);
}

static enum ov_status add_entry(struct ov_log_set *set, const FTSENT *entry, size_t name_at) {
    switch (entry->fts_info) {
    case FTS_F:
        return ov_rule_file_is_known(entry->fts_name)
                   ? add_rule_file(set, entry->fts_path, entry->fts_path + name_at)
                   : OV_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = entry->fts_errno;
        return say(entry->fts_path, OV_SYSTEM);
    default:
        return OV_OK;
    }
}

static enum ov_status add_folder(struct ov_log_set *set, const char *path) {
    char *paths[] = {(char *)(uintptr_t)path, NULL};
    size_t name_at = strlen(path);
    const FTSENT *entry;
    enum ov_status status = OV_OK;
    FTS *walk = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    if (walk == NULL) {
        return say(path, OV_SYSTEM);
    }
    name_at += path[name_at - 1] == '/' ? 0 : 1;
    while (status == OV_OK && (entry = fts_read(walk)) != NULL) {
        status = add_entry(set, entry, name_at);
    }
    (void)fts_close(walk);
    return status;
}

enum ov_status ov_log_set_add_path(struct ov_log_set *set, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return say(path, OV_SYSTEM);
    }
    if (S_ISDIR(info.st_mode)) {
        return add_folder(set, path);
    }
    const char *slash = strrchr(path, '/');
    return add_rule_file(set, path, slash != NULL ? slash + 1 : path);
}

enum ov_status ov_log_set_remove(struct ov_log_set *set, const char *name) {
    struct ov_log_set_file *file = find_file(set, name);
    if (file == NULL) {
        return OV_END;
    }
    *file = set->files[--set->count];
    return OV_OK;
}

// ---- the bundle ---------------------------------------------------------------------------------

static int compare_files(const void *left, const void *right) {
    const struct ov_log_set_file *a = left;
    const struct ov_log_set_file *b = right;
    return strcmp(a->name, b->name);
}

enum ov_status ov_log_set_write(struct ov_log_set *set, int fd, uint8_t ret_sha256[OV_SHA256_BYTES],
                                uint64_t *ret_bytes) {
    struct ov_bundle_writer writer;
    if (set->count == 0 || set->count > OV_BUNDLE_FILES_MAX) {
        ov_say_error("release", set->count == 0 ? "has no file" : "has more than 10,000 files",
                     NULL);
        return OV_INVALID;
    }
    qsort(set->files, set->count, sizeof *set->files, compare_files);
    ov_bundle_write_init(fd, &writer);
    for (size_t i = 0; i < set->count; i++) {
        const struct ov_log_set_file *file = &set->files[i];
        enum ov_status status = ov_bundle_write_file(&writer, file->name, file->bytes);
        if (status != OV_OK) {
            return say(file->name, status);
        }
    }
    enum ov_status status = ov_bundle_write_end(&writer, ret_sha256);
    if (status != OV_OK) {
        return say("bundle", status);
    }
    *ret_bytes = writer.size_bytes;
    return OV_OK;
}
