// SPDX-License-Identifier: Apache-2.0
// Reads, writes and checks public keys.
#include "ledger/key.h"

#include "base/cursor.h"
#include "base/digest.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "ledger/encoding.h"

#include <sodium.h>
#include <stdio.h>

enum { ID_DIGITS = 8, MATERIAL_BYTES_MAX = 1 + OV_KEY_ML_DSA_BYTES };

// ---- names --------------------------------------------------------------------------------------

static uint32_t code_point(struct ov_span sequence) {
    if (sequence.size == 1) {
        return sequence.data[0];
    }
    uint32_t value = sequence.data[0] & (0x7fu >> sequence.size);
    for (size_t i = 1; i < sequence.size; i++) {
        value = value << 6 | (sequence.data[i] & 0x3fu);
    }
    return value;
}

// Unicode's White_Space, all of it; the ASCII controls among it are refused with the others.
static bool is_space(uint32_t point) {
    return point == ' ' || point == 0x85 || point == 0xa0 || point == 0x1680 ||
           (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 ||
           point == 0x202f || point == 0x205f || point == 0x3000;
}

bool ov_key_name_is_good(struct ov_span name) {
    size_t at = 0;
    while (at < name.size) {
        unsigned length = ov_utf8_length(ov_span_from(name, at));
        if (length == 0) {
            return false;
        }
        uint32_t point = code_point(ov_span_part(name, at, length));
        if (point < ' ' || point == '+' || is_space(point)) {
            return false;
        }
        at += length;
    }
    return name.size > 0;
}

static enum ov_status copy_name(struct ov_span name, struct ov_key *key) {
    if (!ov_key_name_is_good(name)) {
        return OV_DAMAGED;
    }
    if (name.size > OV_KEY_NAME_BYTES_MAX) {
        return OV_UNSUPPORTED;
    }
    memcpy(key->name, name.data, name.size);
    return OV_OK;
}

// ---- keys ---------------------------------------------------------------------------------------

// signed-note, "Signatures": the first four bytes of SHA-256(name LF type key).
static uint32_t compute_id(struct ov_span name, struct ov_span material) {
    uint8_t hash[OV_SHA256_BYTES];
    struct ov_digest digest;
    ov_digest_init(OV_HASH_SHA256, &digest);
    ov_digest_update(&digest, name);
    ov_digest_update(&digest, ov_span_text("\n"));
    ov_digest_update(&digest, material);
    ov_digest_finish(&digest, hash);
    struct ov_cursor cursor = ov_cursor_init(ov_span_make(hash, sizeof hash));
    return ov_cursor_u32be(&cursor);
}

// Fills in what the type and key bytes say.
static enum ov_status take_material(struct ov_span material, struct ov_key *key) {
    struct ov_span bytes = ov_span_from(material, 1);
    switch (material.size > 0 ? material.data[0] : 0) {
    case OV_KEY_NOTE:
    case OV_KEY_COSIGNATURE:
        // Not the points that make one signature fit many messages, and one spelling for each.
        if (bytes.size != OV_KEY_BYTES || crypto_core_ed25519_is_valid_point(bytes.data) != 1) {
            return OV_DAMAGED;
        }
        memcpy(key->bytes, bytes.data, OV_KEY_BYTES);
        break;
    case OV_KEY_ML_DSA:
        if (bytes.size != OV_KEY_ML_DSA_BYTES) {
            return OV_DAMAGED;
        }
        ov_sha256(bytes, key->bytes);
        break;
    default:
        return OV_UNSUPPORTED;
    }
    key->type = (enum ov_key_type)material.data[0];
    key->id = compute_id(ov_span_text(key->name), material);
    return OV_OK;
}

// Cuts off what stands before the next '+'.
static enum ov_status take_part(struct ov_span *rest, struct ov_span *ret_part) {
    size_t size = ov_span_find(*rest, 0, '+');
    if (size == rest->size) {
        return OV_DAMAGED;
    }
    *ret_part = ov_span_part(*rest, 0, size);
    *rest = ov_span_from(*rest, size + 1);
    return OV_OK;
}

static enum ov_status check_id(struct ov_span digits, uint32_t id) {
    char right[ID_DIGITS + 1];
    (void)snprintf(right, sizeof right, "%08x", id);
    return ov_span_is_text(digits, right) ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_key_read(struct ov_span vkey, struct ov_key *ret_key) {
    struct ov_key key = {0};
    struct ov_span name, digits, rest = vkey;
    uint8_t material[MATERIAL_BYTES_MAX];
    size_t size = 0;
    TRY(take_part(&rest, &name));
    TRY(take_part(&rest, &digits)); // base64 may have '+', too
    TRY(copy_name(name, &key));
    enum ov_status status = ov_base64_read(rest, material, sizeof material, &size);
    if (status != OV_OK) {
        return status == OV_LIMIT ? OV_UNSUPPORTED : status;
    }
    TRY(take_material(ov_span_make(material, size), &key));
    TRY(check_id(digits, key.id));
    *ret_key = key;
    return OV_OK;
}

enum ov_status ov_key_make(const char *name, enum ov_key_type type,
                           const uint8_t bytes[OV_KEY_BYTES], struct ov_key *ret_key) {
    struct ov_key key = {0};
    uint8_t material[1 + OV_KEY_BYTES];
    if (type == OV_KEY_ML_DSA || copy_name(ov_span_text(name), &key) != OV_OK) {
        return OV_INVALID;
    }
    material[0] = (uint8_t)type;
    memcpy(material + 1, bytes, OV_KEY_BYTES);
    enum ov_status status = take_material(ov_span_make(material, sizeof material), &key);
    if (status != OV_OK) {
        return status == OV_UNSUPPORTED ? OV_INVALID : status;
    }
    *ret_key = key;
    return OV_OK;
}

enum ov_status ov_key_add(struct ov_buf *buf, const struct ov_key *key) {
    uint8_t material[1 + OV_KEY_BYTES];
    if (key->type == OV_KEY_ML_DSA) {
        return OV_UNSUPPORTED;
    }
    material[0] = (uint8_t)key->type;
    memcpy(material + 1, key->bytes, OV_KEY_BYTES);
    ov_buf_printf(buf, "%s+%08x+", key->name, key->id);
    ov_base64_add(buf, ov_span_make(material, sizeof material));
    return OV_OK;
}

bool ov_key_can_verify(const struct ov_key *key) {
    return key->type != OV_KEY_ML_DSA;
}

bool ov_key_is_same_material(const struct ov_key *a, const struct ov_key *b) {
    return (a->type == OV_KEY_ML_DSA) == (b->type == OV_KEY_ML_DSA) &&
           memcmp(a->bytes, b->bytes, OV_KEY_BYTES) == 0;
}

enum ov_status ov_key_verify(const struct ov_key *key, struct ov_span message,
                             const uint8_t signature[OV_SIGNATURE_BYTES]) {
    bool is_good =
        ov_key_can_verify(key) &&
        crypto_sign_verify_detached(signature, message.data, message.size, key->bytes) == 0;
    return is_good ? OV_OK : OV_DENIED;
}
