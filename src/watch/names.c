// SPDX-License-Identifier: Apache-2.0
// What inodes are called: the kernel's parts of a path as a path of ours.
#include "watch/recorder_state.h"

#include "watch/plaintext.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
    MINOR_BITS = 20,
    MINOR_MASK = (1 << MINOR_BITS) - 1,
    MODE_TYPE = 0170000,
};

struct ov_trace_inode ov_record_inode(const struct watch_inode *inode) {
    return (struct ov_trace_inode){
        .device = inode->device, .inode = inode->inode, .generation = inode->generation};
}

static enum ov_trace_kind kind_of(const struct watch_name *name, bool has_place) {
    switch (name->mode & MODE_TYPE) {
    case S_IFREG:
        return has_place || (strcmp(name->filesystem, "tmpfs") != 0 &&
                             strcmp(name->filesystem, "hugetlbfs") != 0)
                   ? OV_TRACE_KIND_FILE
                   : OV_TRACE_KIND_MEMORY;
    case S_IFDIR:
        return OV_TRACE_KIND_FOLDER;
    case S_IFIFO:
        return OV_TRACE_KIND_PIPE;
    case S_IFCHR:
        return strcmp(name->filesystem, "devpts") == 0 ? OV_TRACE_KIND_TERMINAL
                                                       : OV_TRACE_KIND_DEVICE;
    case S_IFBLK:
        return OV_TRACE_KIND_DEVICE;
    default:
        return OV_TRACE_KIND_OTHER;
    }
}

// The parts of a path come from its end; a part without its end is not there.
static void turn_around(const struct watch_name *name, struct ov_buf *path) {
    size_t used = name->used < sizeof name->path ? name->used : sizeof name->path;
    size_t end = used;
    ov_buf_reset(path);
    if (name->is_cut != 0) {
        ov_buf_add_text(path, "/...");
    }
    while (end > 0) {
        size_t start = end - 1; // of the 0 behind the part
        while (start > 0 && name->path[start - 1] != 0) {
            start--;
        }
        ov_buf_add_u8(path, '/');
        ov_buf_add(path, &name->path[start], end - 1 - start);
        end = start;
    }
    if (path->size == 0) {
        ov_buf_add_u8(path, '/');
    }
}

static const char *known_path(const struct ov_recorder *recorder,
                              const struct ov_known_name *name) {
    return (const char *)recorder->paths.data + name->at;
}

// Whether that inode has this name here and now. That costs more than all else that is done for a
// file, so it is asked of few.
static enum ov_trace_presence look(const struct ov_recorder *recorder,
                                   const struct ov_known_name *name) {
    const struct watch_inode *key = &name->key;
    struct stat info;
    if (!name->has_place) {
        return OV_TRACE_UNKNOWN;
    }
    if (lstat(known_path(recorder, name), &info) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? OV_TRACE_GONE : OV_TRACE_UNKNOWN;
    }
    bool is_same = info.st_ino == key->inode && major(info.st_dev) == key->device >> MINOR_BITS &&
                   minor(info.st_dev) == (key->device & MINOR_MASK);
    return is_same ? OV_TRACE_THERE : OV_TRACE_UNKNOWN;
}

static enum ov_status write_name(struct ov_recorder *recorder, const struct ov_known_name *name,
                                 enum ov_trace_presence presence) {
    const struct ov_trace_name record = {
        .inode = ov_record_inode(&name->key),
        .kind = name->kind,
        .presence = presence,
        .size_bytes = name->size_bytes,
        .filesystem = ov_span_text(name->filesystem),
        .path = ov_span_part(ov_buf_span(&recorder->paths), name->at, name->size),
    };
    return recorder->is_trial ? OV_OK : ov_trace_write_name(recorder->trace, &record);
}

enum ov_status ov_recorder_take_name(struct ov_recorder *recorder, const struct watch_name *told) {
    struct ov_buf *path = &recorder->path;
    struct ov_known_name *name = ov_table_get(&recorder->names, &told->inode);
    if (name == NULL) {
        return OV_MEMORY;
    }
    turn_around(told, &recorder->inner);
    ov_buf_reset(path);
    bool has_place = ov_places_add_path(&recorder->places, name->key.device,
                                        ov_buf_span(&recorder->inner), path);
    TRY(ov_buf_status(&recorder->inner));
    TRY(ov_buf_status(path));
    struct ov_span known = ov_span_part(ov_buf_span(&recorder->paths), name->at, name->size);
    if (name->size > 0 && ov_span_is_equal(known, ov_buf_span(path)) &&
        name->size_bytes == told->size_bytes) {
        return OV_OK;
    }
    bool is_any = told->is_opened == 0; // of all names that it has
    if (is_any && name->is_opened && look(recorder, name) == OV_TRACE_THERE) {
        return OV_OK;
    }
    name->is_opened = !is_any;
    name->has_place = has_place && told->is_cut == 0;
    name->kind = kind_of(told, has_place);
    name->at = recorder->paths.size;
    name->size = path->size;
    name->size_bytes = told->size_bytes;
    memcpy(name->filesystem, told->filesystem, sizeof name->filesystem);
    ov_buf_add(&recorder->paths, path->data, path->size);
    ov_buf_add_u8(&recorder->paths, 0); // for lstat
    TRY(ov_buf_status(&recorder->paths));
    if (recorder->plaintext != NULL && !recorder->is_trial &&
        look(recorder, name) == OV_TRACE_THERE) {
        TRY(ov_plaintext_consider(recorder->plaintext, known_path(recorder, name)));
    }
    return write_name(recorder, name, OV_TRACE_UNKNOWN);
}

enum ov_status ov_recorder_tell_kept(struct ov_recorder *recorder) {
    for (size_t i = 0; i < recorder->totals.count; i++) {
        const struct ov_total *total = ov_table_item(&recorder->totals, i);
        bool is_written = total->sum.writes > 0 || total->sum.dirty_pages > 0;
        struct ov_known_name *name =
            is_written ? ov_table_find(&recorder->names, &total->key.inode) : NULL;
        if (name == NULL || name->is_told) {
            continue;
        }
        enum ov_trace_presence presence = look(recorder, name);
        name->is_told = true;
        TRY(presence != OV_TRACE_UNKNOWN ? write_name(recorder, name, presence) : OV_OK);
    }
    return OV_OK;
}
