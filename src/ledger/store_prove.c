// SPDX-License-Identifier: Apache-2.0
// Single entries of a log's folder, and proofs that they stand in it.
#include "ledger/proof.h"
#include "ledger/store.h"

enum ov_status ov_store_entry(int folder, uint64_t index, uint64_t size, struct ov_buf *bytes,
                              struct ov_span *ret_entry) {
    struct ov_entries entries;
    if (index >= size) {
        return OV_INVALID;
    }
    uint64_t number = index / OV_TILE_WIDTH;
    TRY(ov_entries_load(folder, number, ov_tile_width(size, 0, number), bytes, &entries));
    *ret_entry = entries.entries[index % OV_TILE_WIDTH];
    return OV_OK;
}

enum ov_status ov_store_prove(int folder, uint64_t index, const struct ov_tree_head *head,
                              struct ov_span checkpoint, struct ov_buf *buf) {
    OV_CLEANUP(ov_buf_release) struct ov_buf bytes = {0};
    struct ov_span entry;
    struct ov_tree_hash leaf;
    struct ov_tile_reader reader;
    struct ov_proof proof = {.index = index, .checkpoint = checkpoint};
    TRY(ov_store_entry(folder, index, head->size, &bytes, &entry));
    ov_leaf_hash(entry, &leaf);
    ov_tile_reader_init(folder, head->size, &reader);
    struct ov_tree_source source = ov_tile_reader_source(&reader);
    TRY(ov_inclusion_prove(&source, index, head->size, &proof.path));
    TRY(ov_inclusion_verify(index, &leaf, &proof.path, head)); // tiles are not to be believed
    ov_proof_add(buf, &proof, entry);
    return ov_buf_status(buf);
}
