// SPDX-License-Identifier: Apache-2.0
//
// A log's folder: adding entries to it, and checking all that stands in it. What is signed about
// it, the checkpoint, is not of this file. The bytes: docs/formats/log.md.
//
// The folder's descriptor is borrowed. Adding: one process at a time, which holds a lock of its
// own.
#pragma once

#include "ledger/entries.h"
#include "ledger/tile.h"

// The last tile of each level as far as it is filled: all that it takes to go on from a size.
struct ov_log_edge {
    uint64_t size; // of the tree; says how many hashes of each row count
    struct ov_tree_hash hashes[OV_TILE_LEVELS][OV_TILE_WIDTH];
};

// The root of the tree with this edge.
void ov_log_edge_root(const struct ov_log_edge *edge, struct ov_tree_hash *ret_root);

// ---- adding entries -----------------------------------------------------------------------------
//
// A bundle or tile is written when it is full; those at the end, which are partial, by the flush.
// Each file is put in its place whole and durably (base/durable.h), once. One that is there already
// with the same bytes stays; one with other bytes, left by a run that died, is replaced. Files of
// the size that was opened are never replaced: their names are of other numbers or widths. So a
// writer that is opened again at the old size after a crash, and given the same entries, makes the
// same folder.
//
// About 80 KiB; release with _close.
struct ov_log_writer {
    int folder;
    struct ov_log_edge edge;
    struct ov_buf entries;    // the last bundle as far as it is filled
    uint64_t flushed_size;    // of the tree that stands in the folder
    enum ov_status status;    // of the first call that failed: nothing is done after it
    struct ov_tile_flaw flaw; // what that call says of a file
};

// Goes on after `size` entries: reads the last bundle and tiles again, and compares their leaf
// hashes. 0 starts a log. The caller compares ov_log_writer_head with the root that was signed for
// that size: only then are the tiles the right ones. OV_SYSTEM (errno), OV_DAMAGED, OV_UNSUPPORTED;
// ret_writer->flaw names the file then, and there is nothing to close.
enum ov_status ov_log_writer_open(int folder, uint64_t size, struct ov_log_writer *ret_writer);

// Adds an entry; its index is the size before. OV_INVALID when it is too long (the writer goes on),
// OV_SYSTEM when a full file could not be written.
enum ov_status ov_log_writer_add(struct ov_log_writer *writer, struct ov_span entry);

// Writes the partial files: from now on the folder has everything of the new size.
enum ov_status ov_log_writer_flush(struct ov_log_writer *writer);

// Entries and root, with what was added and is not flushed.
void ov_log_writer_head(const struct ov_log_writer *writer, struct ov_tree_head *ret_head);

// Forgets what was not flushed.
void ov_log_writer_close(struct ov_log_writer *writer);

// ---- checking a folder --------------------------------------------------------------------------

// What an audit calls for each entry, in order. Another status than OV_OK ends the audit with it.
typedef enum ov_status ov_log_entry_fn(void *arg, uint64_t index, struct ov_span entry);

struct ov_log_audit {
    ov_log_entry_fn *on_entry; // may be NULL
    // Called instead for a full bundle that is not there, with the leaf hashes that its tile has:
    // they count once the audit has passed. NULL: a bundle that is missing is a difference.
    enum ov_status (*on_missing)(void *arg, uint64_t number, const struct ov_tile_hashes *hashes);
    // Called when a partial file is not there, of a log whose writer removes those that newer ones
    // take the place of: gives the head that is there by now, which must be of a larger tree, and
    // the audit goes on to that one. Any failure, or NULL: the file that is missing is a
    // difference.
    enum ov_status (*on_outrun)(void *arg, struct ov_tree_head *ret_head);
    void *arg;
    struct ov_tree_hash leaf; // of the entry that on_entry is called for
    struct ov_tile_flaw flaw; // the first difference; why is NULL when there is none
};

// Reads all entries of the tree, hashes them, compares each tile of this size byte for byte (a
// partial one that is not there, with the start of the full one), and the root with the head. The
// first difference ends it: OV_DAMAGED (OV_UNSUPPORTED for a compressed bundle), OV_SYSTEM (errno)
// for a file that cannot be read; audit->flaw names the file. What more stands in the folder is not
// looked at. on_entry has seen entries before the head is known to be theirs: what they say counts
// once the audit has passed.
enum ov_status ov_log_audit(int folder, const struct ov_tree_head *head,
                            struct ov_log_audit *audit);
