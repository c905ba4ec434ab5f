// SPDX-License-Identifier: Apache-2.0
// RC4 and AES (FIPS 197) in plain C.
#include "format/codec/cipher.h"

// ---- RC4 ---------------------------------------------------------------------------------------

static void swap(uint8_t *a, uint8_t *b) {
    uint8_t byte = *a;
    *a = *b;
    *b = byte;
}

void ov_rc4_init(struct ov_span key, struct ov_rc4 *ret_rc4) {
    *ret_rc4 = (struct ov_rc4){0};
    for (unsigned i = 0; i < 256; i++) {
        ret_rc4->state[i] = (uint8_t)i;
    }
    uint8_t j = 0;
    for (unsigned i = 0; i < 256 && key.size > 0; i++) {
        j = (uint8_t)(j + ret_rc4->state[i] + key.data[i % key.size]);
        swap(&ret_rc4->state[i], &ret_rc4->state[j]);
    }
}

void ov_rc4_apply(struct ov_rc4 *rc4, struct ov_span in, uint8_t *ret_bytes) {
    for (size_t k = 0; k < in.size; k++) {
        rc4->i++;
        rc4->j = (uint8_t)(rc4->j + rc4->state[rc4->i]);
        swap(&rc4->state[rc4->i], &rc4->state[rc4->j]);
        uint8_t at = (uint8_t)(rc4->state[rc4->i] + rc4->state[rc4->j]);
        ret_bytes[k] = in.data[k] ^ rc4->state[at];
    }
}

// ---- AES ---------------------------------------------------------------------------------------

// FIPS 197, figure 7.
static const uint8_t sbox[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
};

// Its inverse, made at the first call; of constants, so that it is always the same.
static const uint8_t *get_inverse(void) {
    static uint8_t inverse[256];
    if (inverse[sbox[1]] == 0) {
        for (unsigned i = 0; i < 256; i++) {
            inverse[sbox[i]] = (uint8_t)i;
        }
    }
    return inverse;
}

// Four bytes times x in GF(2^8), side by side.
static uint32_t times_x(uint32_t word) {
    uint32_t high = word & 0x80808080;
    return ((word ^ high) << 1) ^ (high >> 7) * 0x1b;
}

static uint32_t turn(uint32_t word, unsigned bits) {
    return word >> bits | word << (32 - bits);
}

static uint32_t load(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void store(uint32_t word, uint8_t *ret_bytes) {
    for (unsigned i = 0; i < 4; i++) {
        ret_bytes[i] = (uint8_t)(word >> 8 * i);
    }
}

// MixColumns of one column: 2, 3, 1, 1 times its bytes (5.1.3).
static uint32_t mix(uint32_t column) {
    uint32_t twice = times_x(column);
    return twice ^ turn(column ^ twice, 8) ^ turn(column, 16) ^ turn(column, 24);
}

// And back: 14, 11, 13, 9 times (5.3.3), which is the same after 5, 0, 4, 0 times.
static uint32_t unmix(uint32_t column) {
    uint32_t four = times_x(times_x(column ^ turn(column, 16)));
    return mix(column ^ four);
}

bool ov_aes_init(struct ov_span key, struct ov_aes *ret_aes) {
    if (key.size != 16 && key.size != 24 && key.size != 32) {
        return false;
    }
    *ret_aes = (struct ov_aes){.rounds = (unsigned)key.size / 4 + 6};
    uint8_t *bytes = ret_aes->keys[0];
    memcpy(bytes, key.data, key.size);
    uint8_t constant = 1;
    for (size_t at = key.size; at < (ret_aes->rounds + 1) * OV_AES_BLOCK; at += 4) {
        uint8_t word[4];
        memcpy(word, &bytes[at - 4], sizeof word);
        if (at % key.size == 0) {
            uint8_t first = word[0];
            word[0] = sbox[word[1]] ^ constant;
            word[1] = sbox[word[2]];
            word[2] = sbox[word[3]];
            word[3] = sbox[first];
            constant = (uint8_t)times_x(constant);
        } else if (key.size == 32 && at % key.size == 16) {
            for (unsigned i = 0; i < 4; i++) {
                word[i] = sbox[word[i]];
            }
        }
        for (unsigned i = 0; i < 4; i++) {
            bytes[at + i] = bytes[at + i - key.size] ^ word[i];
        }
    }
    return true;
}

static void add_key(const struct ov_aes *aes, unsigned round, uint8_t block[OV_AES_BLOCK]) {
    for (unsigned i = 0; i < OV_AES_BLOCK; i++) {
        block[i] ^= aes->keys[round][i];
    }
}

// One column after SubBytes and ShiftRows, or after their inverses: `step` is 5 or 13.
static uint32_t gather(const uint8_t table[256], unsigned step, const uint8_t block[OV_AES_BLOCK],
                       unsigned column) {
    uint32_t word = 0;
    for (unsigned row = 0; row < 4; row++) {
        word |= (uint32_t)table[block[(4 * column + row * step) % OV_AES_BLOCK]] << 8 * row;
    }
    return word;
}

static void encrypt_block(const struct ov_aes *aes, uint8_t block[OV_AES_BLOCK]) {
    add_key(aes, 0, block);
    for (unsigned round = 1; round <= aes->rounds; round++) {
        uint8_t before[OV_AES_BLOCK];
        memcpy(before, block, sizeof before);
        for (unsigned column = 0; column < 4; column++) {
            uint32_t word = gather(sbox, 5, before, column);
            store(round < aes->rounds ? mix(word) : word, &block[4 * column]);
        }
        add_key(aes, round, block);
    }
}

static void decrypt_block(const struct ov_aes *aes, const uint8_t *inverse,
                          uint8_t block[OV_AES_BLOCK]) {
    add_key(aes, aes->rounds, block);
    for (unsigned round = aes->rounds; round-- > 0;) {
        uint8_t before[OV_AES_BLOCK];
        memcpy(before, block, sizeof before);
        for (unsigned column = 0; column < 4; column++) {
            uint32_t word =
                gather(inverse, 13, before, column) ^ load(&aes->keys[round][4 * column]);
            store(round > 0 ? unmix(word) : word, &block[4 * column]);
        }
    }
}

void ov_aes_encrypt(const struct ov_aes *aes, uint8_t iv[OV_AES_BLOCK], struct ov_span in,
                    uint8_t *ret_bytes) {
    for (size_t at = 0; at + OV_AES_BLOCK <= in.size; at += OV_AES_BLOCK) {
        for (unsigned i = 0; i < OV_AES_BLOCK; i++) {
            iv[i] ^= in.data[at + i];
        }
        encrypt_block(aes, iv);
        memcpy(&ret_bytes[at], iv, OV_AES_BLOCK);
    }
}

void ov_aes_decrypt(const struct ov_aes *aes, uint8_t iv[OV_AES_BLOCK], struct ov_span in,
                    uint8_t *ret_bytes) {
    const uint8_t *inverse = get_inverse();
    for (size_t at = 0; at + OV_AES_BLOCK <= in.size; at += OV_AES_BLOCK) {
        uint8_t packed[OV_AES_BLOCK], block[OV_AES_BLOCK];
        memcpy(packed, &in.data[at], sizeof packed);
        memcpy(block, packed, sizeof block);
        decrypt_block(aes, inverse, block);
        for (unsigned i = 0; i < OV_AES_BLOCK; i++) {
            ret_bytes[at + i] = block[i] ^ iv[i];
        }
        memcpy(iv, packed, OV_AES_BLOCK);
    }
}
