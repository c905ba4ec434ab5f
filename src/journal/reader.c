// SPDX-License-Identifier: Apache-2.0
// Reads entries by their number, and holds them against the checkpoint's root.
#include "journal/reader.h"

#include "journal/frames.h"

#include <errno.h>
#include <stdlib.h>

enum { CATCH_UPS_MAX = 100 };

// ---- what is pending ----------------------------------------------------------------------------

static size_t count_frames(struct ov_span frames) {
    struct ov_cursor cursor = ov_cursor_init(frames);
    struct ov_span bytes;
    size_t count = 0;
    while (ov_frame_read(&cursor, &bytes) == OV_OK) {
        count++;
    }
    return count;
}

static enum ov_status find_pending(struct ov_journal_reader *reader) {
    struct ov_span frames = ov_buf_span(&reader->snapshot.pending);
    struct ov_cursor cursor = ov_cursor_init(frames);
    struct ov_span bytes;
    reader->count = reader->head.size;
    reader->pending = (struct ov_span *)calloc(count_frames(frames) + 1, sizeof *reader->pending);
    if (reader->pending == NULL) {
        return OV_MEMORY;
    }
    while (ov_frame_read(&cursor, &bytes) == OV_OK) {
        struct ov_entry entry;
        bool is_sealed = ov_entry_read(bytes, &entry) == OV_OK && entry.seq < reader->head.size &&
                         reader->count == reader->head.size;
        if (!is_sealed) {
            reader->pending[reader->count - reader->head.size] = bytes;
            reader->count++;
        }
    }
    return OV_OK;
}

// ---- what is sealed -----------------------------------------------------------------------------

// That the hashes of this bundle's tile are those of the tree: all of them go into the proof of the
// first one.
static enum ov_status check_tile(struct ov_journal_reader *reader, uint64_t first) {
    struct ov_tree_source source = ov_tile_reader_source(&reader->tiles);
    struct ov_tree_proof proof;
    struct ov_tree_hash leaf;
    TRY(ov_inclusion_prove(&source, first, reader->head.size, &proof));
    TRY(source.read(source.arg, 0, first, &leaf));
    return ov_inclusion_verify(first, &leaf, &proof, &reader->head);
}

static enum ov_status load_bundle(struct ov_journal_reader *reader, uint64_t number) {
    if (reader->has_bundle && reader->number == number) {
        return OV_OK;
    }
    reader->has_bundle = false;
    unsigned width = ov_tile_width(reader->head.size, 0, number);
    enum ov_status status =
        ov_entries_load(reader->tiles.folder, number, width, &reader->bytes, &reader->entries);
    if (status == OV_SYSTEM && errno == ENOENT) {
        return OV_END;
    }
    TRY(status);
    TRY(check_tile(reader, number * OV_TILE_WIDTH));
    reader->number = number;
    reader->has_bundle = true;
    return OV_OK;
}

static enum ov_status get_sealed(struct ov_journal_reader *reader, uint64_t seq,
                                 struct ov_span *ret_bytes) {
    struct ov_tree_source source = ov_tile_reader_source(&reader->tiles);
    struct ov_tree_hash expected;
    struct ov_tree_hash leaf;
    TRY(load_bundle(reader, seq / OV_TILE_WIDTH));
    struct ov_span bytes = reader->entries.entries[seq % OV_TILE_WIDTH];
    TRY(source.read(source.arg, 0, seq, &expected));
    ov_leaf_hash(bytes, &leaf);
    if (!ov_tree_hash_is_equal(&leaf, &expected)) {
        return OV_DAMAGED;
    }
    *ret_bytes = bytes;
    return OV_OK;
}

// ---- others who write ---------------------------------------------------------------------------

// Whether a file was not there because a seal came since the snapshot was taken: it puts another in
// the place of the last bundle and of its tiles, and removes them.
static bool is_outrun(const struct ov_journal_reader *reader, enum ov_status status) {
    bool is_missing = status == OV_END || (status == OV_SYSTEM && errno == ENOENT);
    return is_missing && ov_journal_snapshot_is_old(reader->tiles.folder, &reader->snapshot);
}

// Goes on at the checkpoint that is there now. What was read before stands in it as well, since a
// journal only grows; one that became smaller is no such one.
static enum ov_status catch_up(struct ov_journal_reader *reader) {
    struct ov_journal_snapshot snapshot;
    struct ov_tree_head head;
    TRY(ov_journal_snapshot_take(reader->tiles.folder, &snapshot));
    enum ov_status status = ov_journal_snapshot_head(&snapshot, &head);
    if (status == OV_OK && head.size < reader->head.size) {
        status = OV_DAMAGED;
    }
    if (status != OV_OK) {
        ov_journal_snapshot_release(&snapshot);
        return status;
    }
    ov_journal_snapshot_release(&reader->snapshot);
    free(reader->pending);
    reader->pending = NULL;
    reader->snapshot = snapshot;
    reader->head = head;
    reader->has_bundle = false;
    ov_tile_reader_init(reader->tiles.folder, head.size, &reader->tiles);
    return find_pending(reader);
}

static enum ov_status get_once(struct ov_journal_reader *reader, uint64_t seq,
                               struct ov_entry *ret_entry) {
    struct ov_span bytes;
    struct ov_entry entry;
    if (seq >= reader->count) {
        return OV_INVALID;
    }
    if (seq < reader->head.size) {
        TRY(get_sealed(reader, seq, &bytes));
    } else {
        bytes = reader->pending[seq - reader->head.size];
    }
    TRY(ov_entry_read(bytes, &entry));
    TRY(entry.seq == seq ? OV_OK : OV_DAMAGED);
    *ret_entry = entry;
    return OV_OK;
}

enum ov_status ov_journal_reader_get(struct ov_journal_reader *reader, uint64_t seq,
                                     struct ov_entry *ret_entry) {
    enum ov_status status = get_once(reader, seq, ret_entry);
    for (unsigned i = 0; i < CATCH_UPS_MAX && is_outrun(reader, status); i++) {
        TRY(catch_up(reader));
        status = get_once(reader, seq, ret_entry);
    }
    reader->missing_count += status == OV_END;
    return status;
}

enum ov_status ov_journal_reader_root(struct ov_journal_reader *reader, uint64_t size,
                                      struct ov_tree_hash *ret_root) {
    struct ov_tree_source source = ov_tile_reader_source(&reader->tiles);
    enum ov_status status = ov_tree_root_at(&source, size, ret_root);
    for (unsigned i = 0; i < CATCH_UPS_MAX && is_outrun(reader, status); i++) {
        TRY(catch_up(reader));
        status = ov_tree_root_at(&source, size, ret_root);
    }
    return status;
}

// ---- open and free ------------------------------------------------------------------------------

static enum ov_status open_reader(int folder, struct ov_journal_reader *reader) {
    TRY(ov_journal_snapshot_take(folder, &reader->snapshot));
    TRY(ov_journal_snapshot_head(&reader->snapshot, &reader->head));
    ov_tile_reader_init(folder, reader->head.size, &reader->tiles);
    return find_pending(reader);
}

enum ov_status ov_journal_reader_open(int folder, struct ov_journal_reader **ret_reader) {
    struct ov_journal_reader *reader = (struct ov_journal_reader *)calloc(1, sizeof *reader);
    if (reader == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = open_reader(folder, reader);
    if (status != OV_OK) {
        ov_journal_reader_free(reader);
        return status;
    }
    *ret_reader = reader;
    return OV_OK;
}

void ov_journal_reader_free(struct ov_journal_reader *reader) {
    int error = errno;
    if (reader != NULL) {
        ov_journal_snapshot_release(&reader->snapshot);
        ov_buf_release(&reader->bytes);
        free(reader->pending);
        free(reader);
    }
    errno = error;
}
