// SPDX-License-Identifier: Apache-2.0
//
// RC4 and AES, with which documents are locked.
//
// To open files of others alone: no secret of ours is touched, so no care is taken that the time
// does not depend on the bytes. RC4 as published in 1994; AES from FIPS 197. Worker
// process only.
#pragma once

#include "base/span.h"

enum { OV_AES_BLOCK = 16 };

struct ov_rc4 {
    uint8_t state[256];
    uint8_t i, j;
};

// A key of 1 to 256 bytes.
void ov_rc4_init(struct ov_span key, struct ov_rc4 *ret_rc4);

// Writes in.size bytes; `ret_bytes` may be where `in` is.
void ov_rc4_apply(struct ov_rc4 *rc4, struct ov_span in, uint8_t *ret_bytes);

struct ov_aes {
    uint8_t keys[15][OV_AES_BLOCK];
    unsigned rounds;
};

// A key of 16, 24 or 32 bytes; false for others.
bool ov_aes_init(struct ov_span key, struct ov_aes *ret_aes);

// CBC without padding: whole blocks alone, what is left over is not read. `iv` goes on with the
// last block. `ret_bytes` may be where `in` is.
void ov_aes_encrypt(const struct ov_aes *aes, uint8_t iv[OV_AES_BLOCK], struct ov_span in,
                    uint8_t *ret_bytes);
void ov_aes_decrypt(const struct ov_aes *aes, uint8_t iv[OV_AES_BLOCK], struct ov_span in,
                    uint8_t *ret_bytes);
