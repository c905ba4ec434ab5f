// SPDX-License-Identifier: Apache-2.0
// Adding entries to a log's folder: bundles and tiles, each file whole and durable.
#include "ledger/log.h"

#include "base/durable.h"
#include "base/fd.h"
#include "ledger/log_edge.h"
#include "ledger/tile_file.h"

#include <errno.h>
#include <unistd.h>

enum { FILE_MODE = 0644 }; // for everybody: the folder is served

// Notes which file a failure was about, and hands it on.
static enum ov_status note_flaw(struct ov_log_writer *writer, const struct ov_tile_path *path,
                                enum ov_status status, const char *damaged) {
    if (status != OV_OK) {
        writer->flaw.path = *path;
        writer->flaw.why = ov_tile_flaw_text(status, damaged);
    }
    return status;
}

// ---- files --------------------------------------------------------------------------------------

static bool has_content(int folder, const struct ov_tile_path *path, struct ov_span bytes) {
    OV_AUTO_FD fd = -1;
    OV_CLEANUP(ov_file_map_close) struct ov_file_map map = {0};
    uint64_t size = 0;
    return ov_tile_file_open(folder, path, &fd, &size) == OV_OK && size == bytes.size &&
           ov_file_map_open_fd(fd, &map) == OV_OK && ov_span_is_equal(map.bytes, bytes);
}

static enum ov_status put_file(struct ov_log_writer *writer, const struct ov_tile_path *path,
                               struct ov_span bytes) {
    enum ov_status status = OV_OK;
    if (has_content(writer->folder, path, bytes)) {
        status = ov_durable_keep(writer->folder, path->text);
    } else {
        status = ov_durable_write(writer->folder, path->text, bytes, FILE_MODE);
    }
    if (status == OV_SYSTEM) {
        writer->flaw = (struct ov_tile_flaw){.path = *path, .why = "cannot be written"};
    }
    return status;
}

static enum ov_status put_tile(void *arg, const struct ov_log_tile *tile) {
    struct ov_tile_path path;
    TRY(ov_tile_path(tile->level, tile->number, tile->width, &path));
    return put_file((struct ov_log_writer *)arg, &path, tile->bytes);
}

// The bundle of the entries that the last tile of level 0 has, `width` of them.
static enum ov_status put_entries(struct ov_log_writer *writer, unsigned width) {
    struct ov_tile_path path;
    TRY(ov_entries_path(writer->edge.size / OV_TILE_WIDTH, width, &path));
    return put_file(writer, &path, ov_buf_span(&writer->entries));
}

// ---- opening ------------------------------------------------------------------------------------

static enum ov_status read_edge(struct ov_log_writer *writer, uint64_t size) {
    for (unsigned level = 0; level < OV_TILE_LEVELS; level++) {
        struct ov_tile_hashes tile;
        struct ov_tile_path path;
        uint64_t number = size >> level * OV_TILE_LEVEL_BITS >> OV_TILE_LEVEL_BITS;
        unsigned width = ov_tile_width(size, level, number);
        if (width == 0) {
            continue;
        }
        TRY(ov_tile_path(level, number, width, &path));
        TRY(note_flaw(writer, &path, ov_tile_read(writer->folder, level, number, width, &tile),
                      "has another size than its name says"));
        memcpy(writer->edge.hashes[level], tile.hashes, width * sizeof *tile.hashes);
    }
    writer->edge.size = size;
    return OV_OK;
}

// Reads the entries of the last bundle, which must be those that the tile has the hashes of. They
// stay where they were read: there may be megabytes of them.
static enum ov_status read_entries(struct ov_log_writer *writer, uint64_t number, unsigned width) {
    struct ov_entries found;
    struct ov_tile_path path;
    size_t size = 0;
    TRY(ov_entries_path(number, width, &path));
    TRY(note_flaw(writer, &path,
                  ov_entries_load(writer->folder, number, width, &writer->entries, &found),
                  "is no bundle of that many entries"));
    for (unsigned i = 0; i < width; i++) {
        struct ov_tree_hash hash;
        ov_leaf_hash(found.entries[i], &hash);
        if (!ov_tree_hash_is_equal(&hash, &writer->edge.hashes[0][i])) {
            return note_flaw(writer, &path, OV_DAMAGED, "has other entries than its tile says");
        }
        size += sizeof(uint16_t) + found.entries[i].size;
    }
    writer->entries.size = size; // they may have come from the full bundle
    return OV_OK;
}

static enum ov_status read_end(struct ov_log_writer *writer, uint64_t size) {
    uint64_t number = size / OV_TILE_WIDTH;
    unsigned width = (unsigned)(size % OV_TILE_WIDTH);
    TRY(read_edge(writer, size));
    return width > 0 ? read_entries(writer, number, width) : OV_OK;
}

enum ov_status ov_log_writer_open(int folder, uint64_t size, struct ov_log_writer *ret_writer) {
    if (size > OV_NUMBER_MAX) {
        return OV_INVALID;
    }
    memset(ret_writer, 0, sizeof *ret_writer);
    ret_writer->folder = folder;
    ret_writer->flushed_size = size;
    ov_buf_init(&ret_writer->entries);
    enum ov_status status = read_end(ret_writer, size);
    if (status != OV_OK) {
        int error = errno;
        ov_log_writer_close(ret_writer);
        errno = error;
    }
    return status;
}

// ---- adding -------------------------------------------------------------------------------------

static enum ov_status add_entry(struct ov_log_writer *writer, struct ov_span entry) {
    struct ov_log_sink sink = {.arg = writer, .put = put_tile};
    struct ov_tree_hash hash;
    bool is_last = writer->edge.size % OV_TILE_WIDTH == OV_TILE_WIDTH - 1;
    TRY(ov_entries_add(&writer->entries, entry));
    if (is_last) {
        TRY(put_entries(writer, OV_TILE_WIDTH));
        ov_buf_reset(&writer->entries);
    }
    ov_leaf_hash(entry, &hash);
    return ov_log_edge_push(&writer->edge, &hash, &sink);
}

enum ov_status ov_log_writer_add(struct ov_log_writer *writer, struct ov_span entry) {
    TRY(writer->status);
    if (entry.size > OV_ENTRY_BYTES_MAX) {
        return OV_INVALID;
    }
    writer->status = add_entry(writer, entry);
    return writer->status;
}

static enum ov_status put_partial(struct ov_log_writer *writer) {
    struct ov_log_sink sink = {.arg = writer, .put = put_tile};
    unsigned width = (unsigned)(writer->edge.size % OV_TILE_WIDTH);
    if (width > 0 && writer->edge.size != writer->flushed_size) {
        TRY(put_entries(writer, width));
    }
    return ov_log_edge_put_partial(&writer->edge, writer->flushed_size, &sink);
}

enum ov_status ov_log_writer_flush(struct ov_log_writer *writer) {
    TRY(writer->status);
    writer->status = put_partial(writer);
    if (writer->status == OV_OK) {
        writer->flushed_size = writer->edge.size;
    }
    return writer->status;
}

void ov_log_writer_head(const struct ov_log_writer *writer, struct ov_tree_head *ret_head) {
    ret_head->size = writer->edge.size;
    ov_log_edge_root(&writer->edge, &ret_head->root);
}

void ov_log_writer_close(struct ov_log_writer *writer) {
    ov_buf_release(&writer->entries);
}
