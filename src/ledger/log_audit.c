// SPDX-License-Identifier: Apache-2.0
// Checking a log's folder from its entries up.
#include "ledger/log.h"

#include "ledger/log_edge.h"
#include "ledger/tile_file.h"

#include <errno.h>
#include <stdlib.h>

// How often a writer may be faster than what is left to do, which is a few files.
enum { OUTRUN_MAX = 1000 };

// An audit under way; on the heap for its size.
struct work {
    int folder;
    bool is_outrun; // what failed last is that a partial file is not there
    struct ov_log_audit *audit;
    struct ov_log_edge edge;
    struct ov_entries entries;
    struct ov_tile_hashes tile; // one that is compared
    struct ov_buf bytes;        // of a bundle
};

static void free_work(struct work **work) {
    if (*work != NULL) {
        ov_buf_release(&(*work)->bytes);
        int error = errno;
        free(*work);
        errno = error;
    }
}

// Notes which file a failure was about, and hands it on.
static enum ov_status note_flaw(struct work *work, const struct ov_tile_path *path,
                                enum ov_status status, const char *damaged) {
    if (status != OV_OK) {
        work->audit->flaw.path = *path;
        work->audit->flaw.why = ov_tile_flaw_text(status, damaged);
    }
    return status;
}

static bool is_outrun(enum ov_status status, unsigned width) {
    return status == OV_SYSTEM && errno == ENOENT && width < OV_TILE_WIDTH;
}

static enum ov_status compare_tile(void *arg, const struct ov_log_tile *tile) {
    struct work *work = (struct work *)arg;
    struct ov_tile_path path;
    TRY(ov_tile_path(tile->level, tile->number, tile->width, &path));
    enum ov_status status =
        ov_tile_read(work->folder, tile->level, tile->number, tile->width, &work->tile);
    work->is_outrun = is_outrun(status, tile->width);
    TRY(note_flaw(work, &path, status, "has another size than its name says"));
    bool is_same = memcmp(work->tile.hashes, tile->bytes.data, tile->bytes.size) == 0;
    return note_flaw(work, &path, is_same ? OV_OK : OV_DAMAGED,
                     "has not the hashes of the entries");
}

static enum ov_status check_entry(struct work *work, struct ov_span entry) {
    struct ov_log_sink sink = {.arg = work, .put = compare_tile};
    struct ov_log_audit *audit = work->audit;
    ov_leaf_hash(entry, &audit->leaf);
    struct ov_tree_hash hash = audit->leaf; // the caller's struct is not ours to rely on
    if (audit->on_entry != NULL) {
        TRY(audit->on_entry(audit->arg, work->edge.size, entry));
    }
    return ov_log_edge_push(&work->edge, &hash, &sink);
}

// Goes on with the hashes of entries that are not there.
static enum ov_status skip_bundle(struct work *work, uint64_t number) {
    struct ov_log_sink sink = {.arg = work, .put = compare_tile};
    struct ov_tile_hashes tile;
    struct ov_tile_path path;
    TRY(ov_tile_path(0, number, OV_TILE_WIDTH, &path));
    TRY(note_flaw(work, &path, ov_tile_read(work->folder, 0, number, OV_TILE_WIDTH, &tile),
                  "has another size than its name says"));
    TRY(work->audit->on_missing(work->audit->arg, number, &tile));
    for (unsigned i = 0; i < OV_TILE_WIDTH; i++) {
        TRY(ov_log_edge_push(&work->edge, &tile.hashes[i], &sink));
    }
    return OV_OK;
}

static enum ov_status check_bundle(struct work *work, uint64_t number, unsigned width) {
    struct ov_tile_path path;
    TRY(ov_entries_path(number, width, &path));
    enum ov_status status =
        ov_entries_load(work->folder, number, width, &work->bytes, &work->entries);
    unsigned done = (unsigned)(work->edge.size % OV_TILE_WIDTH); // read from a smaller one
    if (status == OV_SYSTEM && errno == ENOENT && width == OV_TILE_WIDTH && done == 0 &&
        work->audit->on_missing != NULL) {
        return skip_bundle(work, number);
    }
    work->is_outrun = is_outrun(status, width);
    TRY(note_flaw(work, &path, status, "is no bundle of that many entries"));
    for (unsigned i = 0; i < done; i++) {
        struct ov_tree_hash leaf;
        ov_leaf_hash(work->entries.entries[i], &leaf);
        bool is_same = ov_tree_hash_is_equal(&leaf, &work->edge.hashes[0][i]);
        TRY(note_flaw(work, &path, is_same ? OV_OK : OV_DAMAGED,
                      "has other entries than it had before"));
    }
    for (unsigned i = done; i < width; i++) {
        TRY(check_entry(work, work->entries.entries[i]));
    }
    return OV_OK;
}

static enum ov_status check_root(struct work *work, const struct ov_tree_hash *expected) {
    static const struct ov_tile_path none;
    struct ov_tree_hash root;
    ov_log_edge_root(&work->edge, &root);
    enum ov_status status = ov_tree_hash_is_equal(&root, expected) ? OV_OK : OV_DAMAGED;
    return note_flaw(work, &none, status, "the entries lead to another root than the signed one");
}

// Goes on from what was read, to the end of this head's tree.
static enum ov_status check_to(struct work *work, const struct ov_tree_head *head) {
    struct ov_log_sink sink = {.arg = work, .put = compare_tile};
    work->is_outrun = false;
    while (work->edge.size < head->size) {
        uint64_t number = work->edge.size / OV_TILE_WIDTH;
        TRY(check_bundle(work, number, ov_tile_width(head->size, 0, number)));
    }
    TRY(ov_log_edge_put_partial(&work->edge, 0, &sink));
    return check_root(work, &head->root);
}

// Whether the file that was not there belongs to a head that is no longer in place.
static bool has_newer(const struct ov_log_audit *audit, struct ov_tree_head *head) {
    struct ov_tree_head newer;
    int error = errno;
    bool is_there = audit->on_outrun != NULL && audit->on_outrun(audit->arg, &newer) == OV_OK &&
                    newer.size > head->size && newer.size <= OV_NUMBER_MAX;
    if (is_there) {
        *head = newer;
    }
    errno = error;
    return is_there;
}

enum ov_status ov_log_audit(int folder, const struct ov_tree_head *head,
                            struct ov_log_audit *audit) {
    audit->flaw = (struct ov_tile_flaw){0};
    if (head->size > OV_NUMBER_MAX) {
        return OV_INVALID;
    }
    OV_CLEANUP(free_work) struct work *work = (struct work *)calloc(1, sizeof *work);
    if (work == NULL) {
        return OV_MEMORY;
    }
    work->folder = folder;
    work->audit = audit;
    ov_buf_init(&work->bytes);
    struct ov_tree_head newest = *head;
    enum ov_status status = check_to(work, &newest);
    for (unsigned i = 0; i < OUTRUN_MAX && work->is_outrun && has_newer(audit, &newest); i++) {
        audit->flaw = (struct ov_tile_flaw){0};
        status = check_to(work, &newest);
    }
    return status;
}
