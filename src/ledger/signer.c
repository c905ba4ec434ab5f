// SPDX-License-Identifier: Apache-2.0
// Secret keys: made, read, written, used, wiped.
#include "ledger/key.h"

#include "base/cursor.h"
#include "ledger/encoding.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>

enum { MATERIAL_BYTES = 1 + OV_KEY_SEED_BYTES };

static_assert(crypto_sign_BYTES == OV_SIGNATURE_BYTES, "Ed25519");
static_assert(crypto_sign_SEEDBYTES == OV_KEY_SEED_BYTES, "Ed25519");

void ov_signer_init(struct ov_signer *ret_signer) {
    *ret_signer = (struct ov_signer){0};
}

void ov_signer_release(struct ov_signer *signer) {
    sodium_free(signer->secret); // wipes
    ov_signer_init(signer);
}

enum ov_status ov_signer_from_seed(const char *name, enum ov_key_type type,
                                   const uint8_t seed[OV_KEY_SEED_BYTES],
                                   struct ov_signer *ret_signer) {
    uint8_t public[OV_KEY_BYTES];
    struct ov_signer signer = {0};
    if (sodium_init() < 0) {
        return OV_SYSTEM;
    }
    signer.secret = sodium_malloc(crypto_sign_SECRETKEYBYTES);
    if (signer.secret == NULL) {
        return OV_MEMORY;
    }
    (void)crypto_sign_seed_keypair(public, signer.secret, seed);
    enum ov_status status = ov_key_make(name, type, public, &signer.key);
    if (status != OV_OK) {
        ov_signer_release(&signer);
        return status;
    }
    *ret_signer = signer;
    return OV_OK;
}

enum ov_status ov_signer_new_random(const char *name, enum ov_key_type type,
                                    struct ov_signer *ret_signer) {
    uint8_t seed[OV_KEY_SEED_BYTES];
    if (sodium_init() < 0) {
        return OV_SYSTEM;
    }
    randombytes_buf(seed, sizeof seed);
    enum ov_status status = ov_signer_from_seed(name, type, seed, ret_signer);
    sodium_memzero(seed, sizeof seed);
    return status;
}

// Cuts `name` off, and gives what stands before the base64 as the vkey has it.
static enum ov_status read_parts(struct ov_span text, char ret_name[OV_KEY_NAME_BYTES_MAX + 1],
                                 uint8_t ret_material[MATERIAL_BYTES], struct ov_span *ret_digits) {
    static const char prefix[] = "PRIVATE+KEY+";
    if (!ov_span_has_prefix(text, prefix)) {
        return OV_DAMAGED;
    }
    struct ov_cursor cursor = ov_cursor_init(ov_span_from(text, sizeof prefix - 1));
    struct ov_span name = ov_cursor_until(&cursor, '+');
    struct ov_span digits = ov_cursor_until(&cursor, '+');
    struct ov_span base64 = ov_cursor_bytes(&cursor, ov_cursor_left(&cursor));
    size_t size = 0;
    if (!ov_key_name_is_good(name)) {
        return OV_DAMAGED;
    }
    if (name.size > OV_KEY_NAME_BYTES_MAX) {
        return OV_UNSUPPORTED;
    }
    TRY(ov_base64_read(base64, ret_material, MATERIAL_BYTES, &size));
    memcpy(ret_name, name.data, name.size);
    *ret_digits = digits;
    return size == MATERIAL_BYTES ? OV_OK : OV_DAMAGED;
}

static enum ov_status build(struct ov_span digits, const char *name, const uint8_t *material,
                            struct ov_signer *ret_signer) {
    struct ov_signer signer = {0};
    char right[9];
    if (material[0] != OV_KEY_NOTE && material[0] != OV_KEY_COSIGNATURE) {
        return OV_UNSUPPORTED;
    }
    TRY(ov_signer_from_seed(name, (enum ov_key_type)material[0], material + 1, &signer));
    (void)snprintf(right, sizeof right, "%08x", signer.key.id);
    if (!ov_span_is_text(digits, right)) {
        ov_signer_release(&signer);
        return OV_DAMAGED;
    }
    *ret_signer = signer;
    return OV_OK;
}

enum ov_status ov_signer_read(struct ov_span text, struct ov_signer *ret_signer) {
    char name[OV_KEY_NAME_BYTES_MAX + 1] = {0};
    uint8_t material[MATERIAL_BYTES];
    struct ov_span digits;
    if (text.size > 0 && text.data[text.size - 1] == '\n') {
        text.size--;
    }
    enum ov_status status = read_parts(text, name, material, &digits);
    if (status == OV_OK) {
        status = build(digits, name, material, ret_signer);
    }
    sodium_memzero(material, sizeof material);
    return status == OV_LIMIT ? OV_DAMAGED : status;
}

void ov_signer_add(struct ov_buf *buf, const struct ov_signer *signer) {
    uint8_t material[MATERIAL_BYTES];
    material[0] = (uint8_t)signer->key.type;
    (void)crypto_sign_ed25519_sk_to_seed(material + 1, signer->secret);
    ov_buf_printf(buf, "PRIVATE+KEY+%s+%08x+", signer->key.name, signer->key.id);
    ov_base64_add(buf, ov_span_make(material, sizeof material));
    sodium_memzero(material, sizeof material);
}

void ov_signer_wipe(struct ov_buf *buf) {
    if (buf->data != NULL) {
        sodium_memzero(buf->data, buf->room);
    }
    ov_buf_reset(buf);
}

void ov_signer_sign(const struct ov_signer *signer, struct ov_span message,
                    uint8_t ret_signature[OV_SIGNATURE_BYTES]) {
    (void)crypto_sign_detached(ret_signature, NULL, message.data, message.size, signer->secret);
}
