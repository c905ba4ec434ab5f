// SPDX-License-Identifier: Apache-2.0
// One tree for every checkpoint: the log's entries, fetched, hashed and mirrored.
#include "cmd/log_monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SLICE_FILES = 64,    // of each kind that are fetched at once
    FILES_MAX = 1 << 14, // a log of four million entries
    TILE_BYTES = OV_TILE_WIDTH * OV_SHA256_BYTES,
};

// Some files of level 0, from number `first` on. In each pair the entries come first, then the
// tile.
struct slice {
    uint64_t layout; // the size of the tree whose files are asked for
    uint64_t first;
    size_t count;
    struct ov_tile_path paths[2 * SLICE_FILES];
    struct ov_file_map maps[2 * SLICE_FILES];
    unsigned widths[SLICE_FILES]; // of what was got
    bool is_missing;
};

// What is fetched towards one size.
struct growth {
    struct ov_monitor *monitor;
    uint64_t target;
    struct ov_log_writer writer;
    struct ov_entries entries;
    struct slice slice;
};

// ---- fetching -----------------------------------------------------------------------------------

static void release_slice(struct slice *slice) {
    for (size_t i = 0; i < 2 * SLICE_FILES; i++) {
        ov_file_map_close(&slice->maps[i]);
    }
    memset(slice, 0, sizeof *slice);
}

static enum ov_status name_file(const struct slice *slice, size_t index, unsigned width,
                                struct ov_tile_path *ret_path) {
    uint64_t number = slice->first + index / 2;
    return index % 2 == 0 ? ov_entries_path(number, width, ret_path)
                          : ov_tile_path(0, number, width, ret_path);
}

// Brings the files from index `from` on; `width` is that of the last pair.
static enum ov_status bring(struct ov_monitor *monitor, struct slice *slice, size_t from,
                            unsigned width) {
    static struct ov_fetch_get wants[2 * SLICE_FILES];
    struct ov_stage stage = {0};
    size_t count = 2 * slice->count - from;
    enum ov_status status = OV_OK;
    for (size_t i = 0; i < count; i++) {
        size_t index = from + i;
        bool is_last = index / 2 == slice->count - 1;
        slice->widths[index / 2] = is_last ? width : (unsigned)OV_TILE_WIDTH;
        TRY(name_file(slice, index, slice->widths[index / 2], &slice->paths[index]));
        wants[i] = (struct ov_fetch_get){
            .path = slice->paths[index].text,
            .most_bytes = index % 2 == 0 ? (uint64_t)OV_ENTRIES_BYTES_MAX : (uint64_t)TILE_BYTES,
            .may_miss = true,
        };
    }
    TRY(ov_monitor_bring(monitor, wants, count, &stage));
    for (size_t i = 0; i < count && status == OV_OK; i++) {
        slice->is_missing = slice->is_missing || stage.fds[i] < 0;
        ov_file_map_close(&slice->maps[from + i]);
        status =
            stage.fds[i] < 0 ? OV_OK : ov_file_map_open_fd(stage.fds[i], &slice->maps[from + i]);
    }
    if (status != OV_OK) {
        ov_monitor_fail(monitor, "what was fetched", ov_status_text(status));
    }
    ov_stage_close(&stage);
    return status;
}

// A partial file that is not there is taken from the full one (tlog-tiles, "Partial Tiles").
static enum ov_status take_slice(struct growth *growth, uint64_t first, uint64_t end) {
    struct slice *slice = &growth->slice;
    uint64_t layout = slice->layout;
    release_slice(slice);
    slice->layout = layout;
    slice->first = first;
    slice->count = end - first < SLICE_FILES ? (size_t)(end - first) : (size_t)SLICE_FILES;
    unsigned width = ov_tile_width(layout, 0, first + slice->count - 1);
    TRY(bring(growth->monitor, slice, 0, width));
    if (slice->is_missing && width < OV_TILE_WIDTH) {
        slice->is_missing = false;
        for (size_t i = 0; i + 2 < 2 * slice->count; i++) {
            slice->is_missing = slice->is_missing || slice->maps[i].bytes.data == NULL;
        }
        TRY(bring(growth->monitor, slice, 2 * slice->count - 2, OV_TILE_WIDTH));
    }
    return OV_OK;
}

// ---- hashing ------------------------------------------------------------------------------------

static void check_tile(struct growth *growth, size_t index, unsigned count) {
    const struct slice *slice = &growth->slice;
    struct ov_span tile = slice->maps[2 * index + 1].bytes;
    bool is_right = tile.size == slice->widths[index] * (size_t)OV_SHA256_BYTES;
    for (unsigned i = 0; i < count && is_right; i++) {
        struct ov_tree_hash hash;
        ov_leaf_hash(growth->entries.entries[i], &hash);
        is_right = memcmp(ov_span_part(tile, (size_t)i * OV_SHA256_BYTES, OV_SHA256_BYTES).data,
                          hash.bytes, OV_SHA256_BYTES) == 0;
    }
    if (!is_right) {
        ov_monitor_find(growth->monitor, "damaged", slice->paths[2 * index + 1].text,
                        "has not the hashes of the entries");
    }
}

// Adds those of the entries that the mirror does not have.
static enum ov_status add_file(struct growth *growth, size_t index) {
    const struct slice *slice = &growth->slice;
    uint64_t number = slice->first + index;
    unsigned count = ov_tile_width(growth->target, 0, number);
    if (ov_entries_read(slice->maps[2 * index].bytes, slice->widths[index], &growth->entries) !=
        OV_OK) {
        ov_monitor_find(growth->monitor, "damaged", slice->paths[2 * index].text,
                        "is no bundle of %u entries", slice->widths[index]);
        return OV_DAMAGED;
    }
    check_tile(growth, index, count);
    for (unsigned i = 0; i < count; i++) {
        if (number * OV_TILE_WIDTH + i >= growth->writer.edge.size) {
            TRY(ov_log_writer_add(&growth->writer, growth->entries.entries[i]));
        }
    }
    return OV_OK;
}

static enum ov_status say_mirror(struct ov_monitor *monitor, const struct ov_tile_flaw *flaw,
                                 enum ov_status status) {
    char what[OV_TILE_PATH_ROOM + 16];
    (void)snprintf(what, sizeof what, "the mirror: %s", flaw->path.text);
    ov_monitor_fail(monitor, what,
                    status == OV_SYSTEM ? strerror(errno)
                    : flaw->why != NULL ? flaw->why
                                        : ov_status_text(status));
    return OV_SYSTEM;
}

// Brings all entries up to the target. OV_END: the log does not have them.
static enum ov_status take_entries(struct growth *growth) {
    uint64_t end = (growth->target + OV_TILE_WIDTH - 1) / OV_TILE_WIDTH;
    uint64_t first = growth->writer.edge.size / OV_TILE_WIDTH;
    if (end - first > FILES_MAX) {
        ov_monitor_fail(growth->monitor, "the log", "has more entries than a round takes");
        return OV_LIMIT;
    }
    while (first < end) {
        TRY(take_slice(growth, first, end));
        for (size_t i = 0; i < growth->slice.count; i++) {
            bool has_entries = growth->slice.maps[2 * i].bytes.size > 0;
            enum ov_status status = has_entries ? add_file(growth, i) : OV_END;
            if (growth->writer.status != OV_OK) {
                return say_mirror(growth->monitor, &growth->writer.flaw, growth->writer.status);
            }
            TRY(status);
        }
        first += growth->slice.count;
    }
    return OV_OK;
}

// ---- what it leads to ---------------------------------------------------------------------------

// The first checkpoint of this size that nothing was said about; NULL when there is none.
static struct ov_monitor_head *find_head(struct ov_monitor *monitor, uint64_t size,
                                         size_t *ret_number) {
    for (size_t i = 0; i < ov_monitor_source_count(monitor); i++) {
        struct ov_monitor_head *head = &monitor->heads[i];
        if (head->is_there && !head->is_settled && head->opened.head.size == size) {
            *ret_number = i;
            return head;
        }
    }
    return NULL;
}

static void settle(struct ov_monitor *monitor, uint64_t size, bool is_mirrored) {
    struct ov_monitor_head *head;
    size_t number;
    while ((head = find_head(monitor, size, &number)) != NULL) {
        head->is_settled = true;
        head->is_right = is_mirrored;
        head->is_mirrored = is_mirrored;
    }
}

// The root of all that the log's own tiles say: whether it stands by a tree that is not ours.
static enum ov_status read_tiles(struct growth *growth, struct ov_tree_hash *ret_root) {
    uint64_t end = (growth->target + OV_TILE_WIDTH - 1) / OV_TILE_WIDTH;
    struct ov_tree tree;
    ov_tree_init(&tree);
    for (uint64_t first = 0; first < end; first += growth->slice.count) {
        TRY(take_slice(growth, first, end));
        for (size_t i = 0; i < growth->slice.count; i++) {
            struct ov_span tile = growth->slice.maps[2 * i + 1].bytes;
            size_t count = ov_tile_width(growth->target, 0, first + i);
            if (tile.size < count * OV_SHA256_BYTES) {
                return OV_DAMAGED;
            }
            for (size_t k = 0; k < count; k++) {
                struct ov_tree_hash hash;
                memcpy(hash.bytes, ov_span_part(tile, k * OV_SHA256_BYTES, OV_SHA256_BYTES).data,
                       sizeof hash.bytes);
                ov_tree_append(&tree, &hash);
            }
        }
    }
    ov_tree_root(&tree, ret_root);
    return OV_OK;
}

// A signed tree that the entries do not lead to: another history when a witness has it, or when the
// log's own tiles lead there; else the log only serves what it did not sign.
static void tell_mismatch(struct growth *growth, size_t number) {
    struct ov_monitor *monitor = growth->monitor;
    const struct ov_monitor_head *head = &monitor->heads[number];
    const struct ov_monitor_state *state = &monitor->state;
    char what[OV_MONITOR_TEXT_BYTES];
    char why[OV_MONITOR_TEXT_BYTES];
    struct ov_tree_hash root;
    (void)snprintf(what, sizeof what, "%s", ov_monitor_source_name(monitor, number));
    bool stands = state->head.size > 0 && read_tiles(growth, &root) == OV_OK &&
                  ov_tree_hash_is_equal(&root, &head->opened.head.root);
    bool has_other = state->head.size > 0 || (number > 0 && monitor->heads[0].is_there);
    if (stands) {
        (void)snprintf(why, sizeof why,
                       "shows a tree of %" PRIu64 " entries that does not begin with the %" PRIu64
                       " that were seen before",
                       growth->target, state->head.size);
    } else {
        (void)snprintf(why, sizeof why,
                       "shows a tree of %" PRIu64 " entries that those of the log do not lead to",
                       growth->target);
    }
    if (has_other && (stands || number > 0)) {
        ov_monitor_tell_split(monitor, ov_buf_span(&head->note),
                              state->head.size > 0 ? ov_buf_span(&state->note)
                                                   : ov_buf_span(&monitor->heads[0].note),
                              what, why);
    } else {
        ov_monitor_find(monitor, "damaged", what, "%s", why);
    }
}

static enum ov_status take_root(struct growth *growth, struct ov_monitor_head *head,
                                size_t number) {
    struct ov_monitor *monitor = growth->monitor;
    struct ov_tree_head reached;
    ov_log_writer_head(&growth->writer, &reached);
    if (!ov_tree_hash_is_equal(&reached.root, &head->opened.head.root)) {
        tell_mismatch(growth, number);
        settle(monitor, growth->target, false);
        return OV_OK;
    }
    enum ov_status status = ov_log_writer_flush(&growth->writer);
    if (status != OV_OK) {
        return say_mirror(monitor, &growth->writer.flaw, status);
    }
    ov_buf_reset(&monitor->state.note);
    ov_buf_add(&monitor->state.note, head->note.data, head->note.size);
    monitor->state.head = reached;
    settle(monitor, growth->target, true);
    return ov_buf_status(&monitor->state.note);
}

static void tell_withheld(struct ov_monitor *monitor, size_t number, uint64_t size) {
    char what[OV_MONITOR_TEXT_BYTES];
    char path[OV_MONITOR_PATH_BYTES];
    (void)snprintf(what, sizeof what, "%s", ov_monitor_source_name(monitor, number));
    ov_monitor_keep(monitor, ov_buf_span(&monitor->heads[number].note), path, sizeof path);
    ov_monitor_find(monitor, "withheld", what,
                    "shows %" PRIu64 " entries that the log has signed, and it does not hand them "
                    "out (the signed checkpoint is kept: %s)",
                    size, path);
}

static enum ov_status grow_to(struct ov_monitor *monitor, uint64_t size) {
    static struct growth growth;
    size_t number = 0;
    struct ov_monitor_head *head = find_head(monitor, size, &number);
    const struct ov_monitor_head *log = &monitor->heads[0];
    if (head == NULL) {
        return OV_INVALID;
    }
    growth.monitor = monitor;
    growth.target = size;
    growth.slice.layout =
        log->is_there && log->opened.head.size > size ? log->opened.head.size : size;
    enum ov_status status =
        ov_log_writer_open(monitor->mirror, monitor->state.head.size, &growth.writer);
    if (status != OV_OK) {
        return say_mirror(monitor, &growth.writer.flaw, status);
    }
    status = take_entries(&growth);
    if (status == OV_END) {
        tell_withheld(monitor, number, size);
    }
    if (status == OV_OK) {
        status = take_root(&growth, head, number);
    }
    settle(monitor, size, false);
    ov_log_writer_close(&growth.writer);
    release_slice(&growth.slice);
    return status == OV_DAMAGED || status == OV_END || status == OV_LIMIT ? OV_OK : status;
}

// ---- what the mirror knows ----------------------------------------------------------------------

static enum ov_status root_at(struct ov_monitor *monitor, uint64_t size,
                              struct ov_tree_hash *ret_root) {
    static struct ov_tile_reader reader;
    ov_tile_reader_init(monitor->mirror, monitor->state.head.size, &reader);
    struct ov_tree_source source = ov_tile_reader_source(&reader);
    enum ov_status status = ov_tree_root_at(&source, size, ret_root);
    return status == OV_OK ? OV_OK : say_mirror(monitor, &reader.flaw, status);
}

static enum ov_status check_mirror(struct ov_monitor *monitor) {
    const struct ov_tree_head *head = &monitor->state.head;
    struct ov_tree_hash root;
    if (head->size == 0) {
        return OV_OK;
    }
    TRY(root_at(monitor, head->size, &root));
    if (!ov_tree_hash_is_equal(&root, &head->root)) {
        ov_monitor_fail(monitor, "the mirror", "its tiles do not lead to the root that was seen");
        return OV_SYSTEM;
    }
    return OV_OK;
}

// A tree that is not larger than the mirror's: its beginning, or another one.
static enum ov_status compare_known(struct ov_monitor *monitor, size_t number) {
    struct ov_monitor_head *head = &monitor->heads[number];
    char what[OV_MONITOR_TEXT_BYTES];
    char why[OV_MONITOR_TEXT_BYTES];
    struct ov_tree_hash root;
    TRY(root_at(monitor, head->opened.head.size, &root));
    head->is_settled = true;
    head->is_right = ov_tree_hash_is_equal(&root, &head->opened.head.root);
    head->is_mirrored = head->is_right && head->opened.head.size == monitor->state.head.size;
    if (!head->is_right) {
        (void)snprintf(what, sizeof what, "%s", ov_monitor_source_name(monitor, number));
        (void)snprintf(why, sizeof why,
                       "shows a tree of %" PRIu64 " entries that is not the beginning of the "
                       "%" PRIu64 " that were seen before",
                       head->opened.head.size, monitor->state.head.size);
        ov_monitor_tell_split(monitor, ov_buf_span(&head->note), ov_buf_span(&monitor->state.note),
                              what, why);
    }
    return OV_OK;
}

// The smallest tree that was not yet reached; 0 when there is none.
static uint64_t find_target(const struct ov_monitor *monitor) {
    uint64_t target = 0;
    for (size_t i = 0; i < ov_monitor_source_count(monitor); i++) {
        const struct ov_monitor_head *head = &monitor->heads[i];
        uint64_t size = head->opened.head.size;
        if (head->is_there && !head->is_settled && (target == 0 || size < target)) {
            target = size;
        }
    }
    return target;
}

enum ov_status ov_monitor_grow(struct ov_monitor *monitor) {
    uint64_t target;
    TRY(check_mirror(monitor));
    for (size_t i = 0; i < ov_monitor_source_count(monitor); i++) {
        const struct ov_monitor_head *head = &monitor->heads[i];
        if (head->is_there && !head->is_settled &&
            head->opened.head.size <= monitor->state.head.size) {
            TRY(compare_known(monitor, i));
        }
    }
    while ((target = find_target(monitor)) > 0) {
        enum ov_status status = grow_to(monitor, target);
        if (status != OV_OK) {
            return status == OV_PEER ? OV_OK : status; // told; what is here can still be read
        }
    }
    return OV_OK;
}
