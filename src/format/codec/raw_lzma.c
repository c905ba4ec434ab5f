// SPDX-License-Identifier: Apache-2.0
// The LZMA decoder for streams out of packed programs (LZMA specification of the LZMA SDK).
#include "format/codec/raw_lzma.h"

enum {
    STATES = 12,
    LITERAL_STATES = 7, // below this the last thing was a byte
    POSITIONS_MAX = 16,
    LENGTH_CLASSES = 4, // by length, for distances
    SLOTS_TREE = 64,
    SLOT_BITS = 6,
    NEAR_DISTANCES = 128, // those whose lower bits all have probabilities
    NEAR_SLOTS_END = 14,
    ALIGN_BITS = 4,
    LENGTH_MIN = 2,
    LITERAL_TREE = 0x300,
    LITERAL_BITS_MAX = 8,
    POSITION_BITS_MAX = 4,
    PROBABILITY_BITS = 11,
    PROBABILITY_START = 1 << (PROBABILITY_BITS - 1),
    PROBABILITY_SHIFT = 5,
    TIME_CHECK_STEPS = 1 << 16,
};

struct lengths {
    uint16_t choice[2];
    uint16_t low[POSITIONS_MAX][8], middle[POSITIONS_MAX][8];
    uint16_t high[256];
};

// All probabilities but those of literals. Nothing but 16-bit numbers.
struct model {
    uint16_t is_match[STATES][POSITIONS_MAX];
    uint16_t is_repeat[STATES];
    uint16_t is_other[STATES];  // not the last distance,
    uint16_t is_third[STATES];  // nor the one before it,
    uint16_t is_fourth[STATES]; // nor the third
    uint16_t is_long[STATES][POSITIONS_MAX];
    uint16_t slots[LENGTH_CLASSES][SLOTS_TREE];
    uint16_t near[NEAR_DISTANCES];
    uint16_t align[1 << ALIGN_BITS];
    struct lengths match, repeat;
};

struct decoder {
    const struct ov_raw_lzma *lzma;
    struct ov_cursor *in;
    struct ov_place *place;
    uint32_t range, code;
    unsigned state;
    uint32_t distances[4]; // the last one first
    struct model *model;
    uint16_t *literals;
};

// ---- bits --------------------------------------------------------------------------------------

static void normalize(struct decoder *decoder) {
    if (decoder->range >> 24 == 0) {
        decoder->range <<= 8;
        decoder->code = decoder->code << 8 | ov_cursor_u8(decoder->in);
    }
}

static unsigned read_bit(struct decoder *decoder, uint16_t *probability) {
    normalize(decoder);
    uint32_t bound = (decoder->range >> PROBABILITY_BITS) * *probability;
    if (decoder->code < bound) {
        decoder->range = bound;
        unsigned left = (1u << PROBABILITY_BITS) - *probability;
        *probability = (uint16_t)(*probability + (left >> PROBABILITY_SHIFT));
        return 0;
    }
    decoder->range -= bound;
    decoder->code -= bound;
    *probability = (uint16_t)(*probability - (*probability >> PROBABILITY_SHIFT));
    return 1;
}

static uint32_t read_direct(struct decoder *decoder, unsigned bits) {
    uint32_t value = 0;
    for (; bits > 0; bits--) {
        normalize(decoder);
        decoder->range >>= 1;
        bool is_one = decoder->code >= decoder->range;
        decoder->code -= is_one ? decoder->range : 0;
        value = value << 1 | is_one;
    }
    return value;
}

static uint32_t read_tree(struct decoder *decoder, uint16_t *tree, unsigned bits) {
    uint32_t node = 1;
    for (unsigned i = 0; i < bits; i++) {
        node = node << 1 | read_bit(decoder, &tree[node]);
    }
    return node - (1u << bits);
}

// The lowest bit comes first.
static uint32_t read_reverse(struct decoder *decoder, uint16_t *tree, unsigned bits) {
    uint32_t node = 1, value = 0;
    for (unsigned i = 0; i < bits; i++) {
        unsigned bit = read_bit(decoder, &tree[node]);
        node = node << 1 | bit;
        value |= bit << i;
    }
    return value;
}

// ---- numbers -----------------------------------------------------------------------------------

static uint32_t read_length(struct decoder *decoder, struct lengths *lengths, unsigned position) {
    if (read_bit(decoder, &lengths->choice[0]) == 0) {
        return LENGTH_MIN + read_tree(decoder, lengths->low[position], 3);
    }
    if (read_bit(decoder, &lengths->choice[1]) == 0) {
        return LENGTH_MIN + 8 + read_tree(decoder, lengths->middle[position], 3);
    }
    return LENGTH_MIN + 16 + read_tree(decoder, lengths->high, 8);
}

// A distance, which is at least 1; 0 where an end mark would stand.
static uint32_t read_distance(struct decoder *decoder, uint32_t length) {
    uint32_t class =
        length - LENGTH_MIN < LENGTH_CLASSES ? length - LENGTH_MIN : LENGTH_CLASSES - 1;
    uint32_t slot = read_tree(decoder, decoder->model->slots[class], SLOT_BITS);
    if (slot < 4) {
        return slot + 1;
    }
    unsigned bits = (slot >> 1) - 1;
    uint32_t base = (2 | (slot & 1)) << bits;
    if (slot < NEAR_SLOTS_END) {
        return base + read_reverse(decoder, &decoder->model->near[base - slot], bits) + 1;
    }
    uint32_t top = read_direct(decoder, bits - ALIGN_BITS) << ALIGN_BITS;
    return base + top + read_reverse(decoder, decoder->model->align, ALIGN_BITS) + 1;
}

// ---- steps -------------------------------------------------------------------------------------

static uint8_t byte_back(const struct ov_place *place, uint32_t distance) {
    return distance <= place->at ? place->data[place->at - distance] : 0;
}

static bool unpack_literal(struct decoder *decoder, size_t written) {
    const struct ov_raw_lzma *lzma = decoder->lzma;
    struct ov_place *place = decoder->place;
    uint32_t before = written > 0 ? byte_back(place, 1) : 0;
    uint32_t kind = (uint32_t)(written & ((1u << lzma->literal_position_bits) - 1));
    kind = kind << lzma->literal_bits | before >> (8 - lzma->literal_bits);
    uint16_t *tree = &decoder->literals[(size_t)kind * LITERAL_TREE];
    uint32_t node = 1;
    if (decoder->state >= LITERAL_STATES) { // another byte than the match would have had
        uint32_t expected = byte_back(place, decoder->distances[0]);
        bool is_same = true;
        while (node < 0x100 && is_same) {
            unsigned wanted = expected >> 7 & 1;
            expected <<= 1;
            unsigned bit = read_bit(decoder, &tree[((1 + wanted) << 8) + node]);
            node = node << 1 | bit;
            is_same = bit == wanted;
        }
    }
    while (node < 0x100) {
        node = node << 1 | read_bit(decoder, &tree[node]);
    }
    decoder->state = decoder->state < 4 ? 0 : decoder->state - (decoder->state < 10 ? 3 : 6);
    return ov_place_put(place, (uint8_t)node);
}

// Which of the last distances is meant; it becomes the last one.
static void choose_distance(struct decoder *decoder) {
    uint32_t *distances = decoder->distances;
    unsigned which = 1;
    if (read_bit(decoder, &decoder->model->is_third[decoder->state]) != 0) {
        which = 2 + read_bit(decoder, &decoder->model->is_fourth[decoder->state]);
    }
    uint32_t distance = distances[which];
    for (; which > 0; which--) {
        distances[which] = distances[which - 1];
    }
    distances[0] = distance;
}

static uint32_t read_repeat(struct decoder *decoder, unsigned position) {
    struct model *model = decoder->model;
    bool is_after_byte = decoder->state < LITERAL_STATES;
    if (read_bit(decoder, &model->is_other[decoder->state]) != 0) {
        choose_distance(decoder);
    } else if (read_bit(decoder, &model->is_long[decoder->state][position]) == 0) {
        decoder->state = is_after_byte ? 9 : 11;
        return 1;
    }
    decoder->state = is_after_byte ? 8 : 11;
    return read_length(decoder, &model->repeat, position);
}

static uint32_t read_match(struct decoder *decoder, unsigned position) {
    uint32_t *distances = decoder->distances;
    for (unsigned i = 3; i > 0; i--) {
        distances[i] = distances[i - 1];
    }
    decoder->state = decoder->state < LITERAL_STATES ? 7 : 10;
    uint32_t length = read_length(decoder, &decoder->model->match, position);
    distances[0] = read_distance(decoder, length);
    return length;
}

static bool unpack_step(struct decoder *decoder, size_t written) {
    struct model *model = decoder->model;
    unsigned position = (unsigned)(written & ((1u << decoder->lzma->position_bits) - 1));
    if (read_bit(decoder, &model->is_match[decoder->state][position]) == 0) {
        return unpack_literal(decoder, written);
    }
    bool is_repeat = read_bit(decoder, &model->is_repeat[decoder->state]) != 0;
    uint32_t length = is_repeat ? read_repeat(decoder, position) : read_match(decoder, position);
    size_t left = decoder->place->size - decoder->place->at;
    return !decoder->in->has_failed &&
           ov_place_copy(decoder->place, decoder->distances[0], length < left ? length : left);
}

static bool make_model(struct decoder *decoder, struct ov_arena *arena) {
    const struct ov_raw_lzma *lzma = decoder->lzma;
    size_t literals = (size_t)LITERAL_TREE << (lzma->literal_bits + lzma->literal_position_bits);
    size_t others = sizeof *decoder->model / sizeof(uint16_t);
    uint16_t *all = ov_arena_array(arena, others + literals, sizeof *all);
    if (all == NULL) {
        return false;
    }
    for (size_t i = 0; i < others + literals; i++) {
        all[i] = PROBABILITY_START;
    }
    decoder->model = (struct model *)all;
    decoder->literals = &all[others];
    return true;
}

enum ov_status ov_raw_lzma_unpack(const struct ov_raw_lzma *lzma, struct ov_cursor *in,
                                  struct ov_walk *walk, struct ov_place *place) {
    if (lzma->literal_bits > LITERAL_BITS_MAX || lzma->literal_position_bits > POSITION_BITS_MAX ||
        lzma->position_bits > POSITION_BITS_MAX) {
        return OV_UNSUPPORTED;
    }
    struct decoder decoder = {
        .lzma = lzma, .in = in, .place = place, .range = UINT32_MAX, .distances = {1, 1, 1, 1}};
    if (!make_model(&decoder, walk->arena)) {
        return OV_MEMORY;
    }
    decoder.code = ov_cursor_u32be(in);
    size_t begin = place->at;
    for (uint64_t step = 1; place->at < place->size; step++) {
        if (step % TIME_CHECK_STEPS == 0) {
            TRY(ov_walk_has_time(walk));
        }
        if (!unpack_step(&decoder, place->at - begin) || in->has_failed) {
            return OV_DAMAGED;
        }
    }
    return OV_OK;
}
