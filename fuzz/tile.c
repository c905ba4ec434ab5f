// SPDX-License-Identifier: Apache-2.0
// rooms: ledger base
//
// Bytes of a foreign log: entry bundles, names of tiles, and proofs.
//
// Input: a byte that says what, and the rest. 0: a width less one, and a bundle. 1: a level, eight
// bytes of number, two of width. 2 and 3: an index or an old size and a size, eight bytes each, a
// leaf hash or old root, a root, and the hashes of a proof. 4: a leaf for each byte; all proofs
// that there are for one place in that tree are made, and must hold.
#include "ledger/entries.h"

#include <stdlib.h>

enum { LEAVES_MAX = 300 };

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void read_bundle(struct ov_cursor *cursor) {
    unsigned width = ov_cursor_u8(cursor) + 1U;
    struct ov_span bytes = ov_cursor_bytes(cursor, ov_cursor_left(cursor));
    struct ov_entries entries;
    if (ov_entries_read(bytes, width, &entries) != OV_OK) {
        return;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    require(entries.count == width);
    for (unsigned i = 0; i < width; i++) {
        require(ov_entries_add(&again, entries.entries[i]) == OV_OK);
    }
    require(ov_span_is_equal(ov_buf_span(&again), bytes)); // one spelling
}

// What a path says, read back in the plainest way.
static void check_path(const char *text, uint64_t number, unsigned width) {
    uint64_t read = 0;
    const char *end = strstr(text, ".p/");
    struct ov_span path = ov_span_text(text);
    struct ov_span digits = ov_span_part(path, 0, end != NULL ? (size_t)(end - text) : path.size);
    size_t from = ov_span_find(digits, ov_span_find(digits, 0, '/') + 1, '/') + 1;
    for (size_t i = from; i < digits.size; i++) {
        uint8_t byte = digits.data[i];
        read = byte >= '0' && byte <= '9' ? read * 10 + (uint64_t)(byte - '0') : read;
        require((byte >= '0' && byte <= '9') || byte == 'x' || byte == '/');
    }
    require(read == number);
    require((end != NULL ? strtoul(end + 3, NULL, 10) : OV_TILE_WIDTH) == width);
}

static void write_paths(struct ov_cursor *cursor) {
    unsigned level = ov_cursor_u8(cursor);
    uint64_t number = ov_cursor_u64be(cursor);
    unsigned width = ov_cursor_u16be(cursor);
    struct ov_tile_path path;
    if (ov_tile_path(level, number, width, &path) == OV_OK) {
        check_path(path.text, number, width);
    }
    if (ov_entries_path(number, width, &path) == OV_OK) {
        check_path(path.text, number, width);
    }
    require(ov_tile_width(number, level, number >> 8) <= OV_TILE_WIDTH);
}

static struct ov_tree_hash read_hash(struct ov_cursor *cursor) {
    struct ov_tree_hash hash = {0};
    struct ov_span bytes = ov_cursor_bytes(cursor, sizeof hash.bytes);
    if (bytes.size > 0) {
        memcpy(hash.bytes, bytes.data, sizeof hash.bytes);
    }
    return hash;
}

static void verify_proof(struct ov_cursor *cursor, bool is_inclusion) {
    static const struct ov_tree_hash none[8];
    uint64_t first = ov_cursor_u64be(cursor);
    struct ov_tree_head head = {.size = ov_cursor_u64be(cursor)};
    struct ov_tree_head old_head = {.size = first, .root = read_hash(cursor)};
    struct ov_tree_proof proof = {0};
    head.root = read_hash(cursor);
    while (ov_cursor_left(cursor) >= sizeof *proof.hashes && proof.count < OV_TREE_PROOF_MAX) {
        proof.hashes[proof.count++] = read_hash(cursor);
    }
    if (is_inclusion) {
        require(ov_inclusion_verify(first, &old_head.root, &proof, &head) != OV_OK ||
                first < head.size);
        size_t count = head.size - first - 1 <= 8 ? (size_t)(head.size - first - 1) : 0;
        (void)!ov_tail_verify(first, head.size, &proof, none, count);
    } else {
        require(ov_consistency_verify(&old_head, &head, &proof) != OV_OK ||
                (first > 0 && first <= head.size));
    }
}

// ---- a tree of what was given -------------------------------------------------------------------

struct leaves {
    size_t count;
    struct ov_tree_hash hashes[LEAVES_MAX];
};

static enum ov_status read_leaves(void *arg, unsigned level, uint64_t index,
                                  struct ov_tree_hash *ret_hash) {
    const struct leaves *leaves = (const struct leaves *)arg;
    struct ov_tree tree;
    require(level < 16 && (index + 1) << level <= leaves->count);
    ov_tree_init(&tree);
    for (uint64_t i = index << level; i < (index + 1) << level; i++) {
        ov_tree_append(&tree, &leaves->hashes[i]);
    }
    ov_tree_root(&tree, ret_hash);
    return OV_OK;
}

static void prove(struct ov_cursor *cursor) {
    static struct leaves leaves;
    size_t place = ov_cursor_u8(cursor);
    struct ov_tree_source source = {.arg = &leaves, .read = read_leaves};
    struct ov_tree_head head, old_head = {.size = place + 1};
    struct ov_tree_proof proof;
    leaves.count = 0;
    while (ov_cursor_left(cursor) > 0 && leaves.count < LEAVES_MAX) {
        ov_leaf_hash(ov_cursor_bytes(cursor, 1), &leaves.hashes[leaves.count++]);
    }
    if (place >= leaves.count) {
        return;
    }
    head.size = leaves.count;
    require(ov_tree_root_at(&source, head.size, &head.root) == OV_OK);
    require(ov_tree_root_at(&source, old_head.size, &old_head.root) == OV_OK);
    require(ov_inclusion_prove(&source, place, head.size, &proof) == OV_OK);
    require(ov_inclusion_verify(place, &leaves.hashes[place], &proof, &head) == OV_OK);
    require(ov_tail_verify(place, head.size, &proof, &leaves.hashes[place + 1],
                           leaves.count - place - 1) == OV_OK);
    require(ov_consistency_prove(&source, place + 1, head.size, &proof) == OV_OK);
    require(ov_consistency_verify(&old_head, &head, &proof) == OV_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_cursor cursor = ov_cursor_init(ov_span_make(data, size));
    switch (ov_cursor_u8(&cursor)) {
    case 0:
        read_bundle(&cursor);
        break;
    case 1:
        write_paths(&cursor);
        break;
    case 2:
        verify_proof(&cursor, true);
        break;
    case 3:
        verify_proof(&cursor, false);
        break;
    case 4:
        prove(&cursor);
        break;
    default:
        break;
    }
    return 0;
}
