// SPDX-License-Identifier: Apache-2.0
// The random numbers that compiled AutoIt scripts are xored with.
#include "format/exe/autoit.h"

enum {
    TWISTER_WORDS = 624,
    TWISTER_MIDDLE = 397,
    RANROT_WORDS = 17,
    RANROT_OTHER_AT = 10,
    RANROT_WARM_UP = 9,
};

// ---- EA05: MT19937 -----------------------------------------------------------------------------

struct twister {
    uint32_t words[TWISTER_WORDS];
    unsigned at;
};

static void seed_twister(uint32_t seed, struct twister *ret_twister) {
    uint32_t *words = ret_twister->words;
    words[0] = seed;
    for (uint32_t i = 1; i < TWISTER_WORDS; i++) {
        words[i] = 1812433253U * (words[i - 1] ^ words[i - 1] >> 30) + i;
    }
    ret_twister->at = TWISTER_WORDS;
}

static void twist(struct twister *twister) {
    uint32_t *words = twister->words;
    for (unsigned i = 0; i < TWISTER_WORDS; i++) {
        uint32_t both = (words[i] & 0x80000000) | (words[(i + 1) % TWISTER_WORDS] & 0x7fffffff);
        words[i] = words[(i + TWISTER_MIDDLE) % TWISTER_WORDS] ^ both >> 1 ^
                   ((both & 1) != 0 ? 0x9908b0df : 0);
    }
    twister->at = 0;
}

static uint8_t draw_twister(struct twister *twister) {
    if (twister->at == TWISTER_WORDS) {
        twist(twister);
    }
    uint32_t word = twister->words[twister->at++];
    word ^= word >> 11;
    word ^= word << 7 & 0x9d2c5680;
    word ^= word << 15 & 0xefc60000;
    word ^= word >> 18;
    return (uint8_t)(word >> 1); // of the 31 bits that make a number which is not negative
}

// ---- EA06: RANROT-B ----------------------------------------------------------------------------

struct ranrot {
    uint32_t words[RANROT_WORDS];
    unsigned at, other_at;
};

static uint32_t rotate(uint32_t word, unsigned count) {
    return word << count | word >> (32 - count);
}

static uint32_t step_ranrot(struct ranrot *ranrot) {
    uint32_t word =
        rotate(ranrot->words[ranrot->at], 9) + rotate(ranrot->words[ranrot->other_at], 13);
    ranrot->words[ranrot->at] = word;
    ranrot->at = (ranrot->at + RANROT_WORDS - 1) % RANROT_WORDS;
    ranrot->other_at = (ranrot->other_at + RANROT_WORDS - 1) % RANROT_WORDS;
    return word;
}

static void seed_ranrot(uint32_t seed, struct ranrot *ret_ranrot) {
    for (unsigned i = 0; i < RANROT_WORDS; i++) {
        seed = seed * 2891336453U + 1;
        ret_ranrot->words[i] = seed;
    }
    ret_ranrot->at = 0;
    ret_ranrot->other_at = RANROT_OTHER_AT;
    for (unsigned i = 0; i < RANROT_WARM_UP; i++) {
        step_ranrot(ret_ranrot);
    }
}

// Every other number goes by; the highest byte is what a fraction times 256 gives.
static uint8_t draw_ranrot(struct ranrot *ranrot) {
    step_ranrot(ranrot);
    return (uint8_t)(step_ranrot(ranrot) >> 24);
}

// ---- both --------------------------------------------------------------------------------------

void ov_autoit_decrypt(enum ov_autoit format, uint32_t seed, struct ov_span bytes,
                       struct ov_buf *plain) {
    uint8_t *out = ov_buf_extend(plain, bytes.size);
    if (out == NULL) {
        return;
    }
    struct twister twister;
    struct ranrot ranrot;
    if (format == OV_AUTOIT_EA05) {
        seed_twister(seed, &twister);
        for (size_t i = 0; i < bytes.size; i++) {
            out[i] = bytes.data[i] ^ draw_twister(&twister);
        }
    } else {
        seed_ranrot(seed & 0xffff, &ranrot);
        for (size_t i = 0; i < bytes.size; i++) {
            out[i] = bytes.data[i] ^ draw_ranrot(&ranrot);
        }
    }
}
