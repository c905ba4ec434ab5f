// SPDX-License-Identifier: Apache-2.0
// Signatures by RSA. What should stand behind the signature is put together and compared as a
// whole (RFC 8017, 8.2.2 and 9.2), so that there is no padding to be read, and none to be misread.
#include "trust/rsa.h"

#include <gmp.h>

enum { PADDING_MIN = 8 };

struct ov_span ov_rsa_strip(struct ov_span number) {
    size_t zeros = 0;
    while (zeros < number.size && number.data[zeros] == 0) {
        zeros++;
    }
    return ov_span_from(number, zeros);
}

// RFC 8017, 9.2: 00 01 ff .. ff 00, what names the digest, the digest. OV_DAMAGED: no room.
static enum ov_status put_message(enum ov_sign_hash hash, const uint8_t *digest, size_t size,
                                  uint8_t ret_bytes[OV_RSA_BYTES_MAX]) {
    struct ov_span prefix = ov_sign_hash_prefix(hash);
    size_t digest_bytes = ov_sign_hash_bytes(hash);
    size_t tail = prefix.size + digest_bytes;
    if (prefix.size == 0 || size > OV_RSA_BYTES_MAX || size < tail + 3 + PADDING_MIN) {
        return OV_DAMAGED;
    }
    memset(ret_bytes, 0xff, size);
    ret_bytes[0] = 0;
    ret_bytes[1] = 1;
    ret_bytes[size - tail - 1] = 0;
    memcpy(&ret_bytes[size - tail], prefix.data, prefix.size);
    memcpy(&ret_bytes[size - digest_bytes], digest, digest_bytes);
    return OV_OK;
}

static void read_number(struct ov_span bytes, mpz_t number) {
    mpz_import(number, bytes.size, 1, 1, 1, 0, bytes.data);
}

// A modulus is odd, and so is an exponent; with 1 anybody could sign.
static bool is_sound(const struct ov_rsa_key *key) {
    struct ov_span n = key->modulus, e = key->exponent;
    return n.size >= OV_RSA_BYTES_MIN && n.size <= OV_RSA_BYTES_MAX && n.data[0] != 0 &&
           n.data[n.size - 1] % 2 == 1 && e.size >= 1 && e.size <= n.size &&
           e.data[e.size - 1] % 2 == 1 && (e.size > 1 || e.data[0] > 1);
}

enum ov_status ov_rsa_recover(const struct ov_rsa_key *key, struct ov_span signature,
                              uint8_t *ret_bytes, size_t size) {
    signature = ov_rsa_strip(signature);
    if (!is_sound(key) || signature.size == 0 || signature.size > key->modulus.size) {
        return OV_DAMAGED;
    }
    mpz_t n, e, s, m;
    mpz_inits(n, e, s, m, NULL);
    read_number(key->modulus, n);
    read_number(key->exponent, e);
    read_number(signature, s);
    bool is_valid = false;
    if (mpz_cmp(s, n) < 0) { // RFC 8017, 5.2.2, step 1
        mpz_powm(m, s, e, n);
        size_t used = (mpz_sizeinbase(m, 2) + 7) / 8;
        is_valid = used <= size;
        if (is_valid) {
            memset(ret_bytes, 0, size);
            (void)mpz_export(&ret_bytes[size - used], NULL, 1, 1, 1, 0, m);
        }
    }
    mpz_clears(n, e, s, m, NULL);
    return is_valid ? OV_OK : OV_DAMAGED;
}

bool ov_rsa_verify(const struct ov_rsa_key *key, struct ov_span signature, enum ov_sign_hash hash,
                   const uint8_t *digest) {
    uint8_t wanted[OV_RSA_BYTES_MAX], found[OV_RSA_BYTES_MAX];
    size_t size = key->modulus.size;
    return put_message(hash, digest, size, wanted) == OV_OK &&
           ov_rsa_recover(key, signature, found, size) == OV_OK && memcmp(found, wanted, size) == 0;
}
