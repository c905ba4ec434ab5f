// SPDX-License-Identifier: Apache-2.0
// In which block of its memory clamscan would put a part.
//
// Its rules lie in blocks that are filled one after another. How much a rule takes is known but for
// rounding and for tables that are moved when they grow, and how much room there is before the
// first new block was measured (clamscan 1.4.6, x86-64): what comes out is an estimate.
#include "rules/emit_state.h"

enum {
    FIRST_BYTES = 180,     // left in the very first block, besides room for one part
    EARLY_BYTES = 1 << 20, // left in those that were there before any rule
    BLOCK_BYTES = 262144,
    PART_BYTES = 136,    // what is kept of a part besides its bytes and its name
    PLAIN_BYTES = 72,    // likewise of a plain pattern
    SUFFIX_BYTES = 12,   // ".UNOFFICIAL" behind a name, and its end
    LIST_BYTES = 24,     // an entry in the list of a node of the tree
    NODE_BYTES = 24,     // a node
    BRANCH_BYTES = 2048, // its branches, one for each byte
    HEADER_BYTES = 3,    // before each of these
    TABLE_BYTES = 8,     // in the tables of all parts, entries and nodes
};

static uint32_t find_block(uint64_t bytes) {
    if (bytes < FIRST_BYTES) {
        return 0;
    }
    bytes -= FIRST_BYTES;
    return bytes < EARLY_BYTES ? 1 : 2 + (uint32_t)((bytes - EARLY_BYTES) / BLOCK_BYTES);
}

// Whether the set of bits had not held this one.
static bool put_bit(uint8_t *bits, uint32_t at) {
    bool is_new = (bits[at / 8] >> at % 8 & 1) == 0;
    bits[at / 8] |= (uint8_t)(1u << at % 8);
    return is_new;
}

// What the tree grows by when a path is put in.
static uint64_t grow_tree(struct ov_emit_tree *tree, const struct ov_emit_part *part) {
    const uint64_t node = NODE_BYTES + HEADER_BYTES + TABLE_BYTES;
    const uint64_t branches = BRANCH_BYTES + HEADER_BYTES;
    uint32_t two = (uint32_t)part->path[0] << 8 | part->path[1];
    uint64_t bytes = LIST_BYTES + HEADER_BYTES + TABLE_BYTES;
    bytes += put_bit(tree->ones, part->path[0]) ? node + branches : 0;
    bytes += put_bit(tree->twos, two) ? node : 0;
    if (part->depth > 2) {
        bytes += put_bit(tree->inner, two) ? branches : 0;
        bytes += node; // most of them are new
    }
    return bytes;
}

void ov_emit_place_part(struct ov_emit_places *places, const struct ov_rule *rule,
                        struct ov_emit_part *part) {
    part->block = find_block(places->bytes);
    places->bytes += PART_BYTES + HEADER_BYTES + TABLE_BYTES;
    places->bytes += 2 * (uint64_t)part->cell_count + HEADER_BYTES;
    if (rule->kind == OV_RULE_BODY) {
        places->bytes += rule->name.size + SUFFIX_BYTES + HEADER_BYTES;
    }
    places->bytes += grow_tree(&places->trees[part->target % OV_IMAGE_TARGETS], part);
}

void ov_emit_place_plain(struct ov_emit_places *places, const struct ov_rule *rule) {
    places->bytes += PLAIN_BYTES + rule->source.size / 2 + 2 * HEADER_BYTES;
    places->bytes += rule->name.size + SUFFIX_BYTES + HEADER_BYTES;
}
