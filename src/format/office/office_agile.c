// SPDX-License-Identifier: Apache-2.0
// Agile encryption ([MS-OFFCRYPTO] 2.3.4.10 to 2.3.4.15): AES in CBC, keys made by SHA-1 or SHA-2.
#include "format/office/office_agile.h"

#include "base/digest.h"
#include "base/sha512.h"
#include "format/codec/base64.h"
#include "format/codec/cipher.h"
#include "format/office/xml_scan.h"

enum {
    FIELD_BYTES = 64, // a salt, a hash, a key: none is longer
    SEGMENT_BYTES = 4096,
    PACKAGE_HEADER_BYTES = 8,
    SPINS_MAX = 1000000, // Office writes 100,000
    SPINS_BETWEEN_CLOCKS = 10000,
    BLOCK_KEY_BYTES = 8,
};

struct field {
    uint8_t bytes[FIELD_BYTES];
    size_t size;
};

typedef void hash_function(struct ov_span bytes, uint8_t *ret_bytes);

// What keyData and encryptedKey have in common, and what the second alone has.
struct agile {
    hash_function *hash;
    size_t hash_bytes, key_bytes;
    uint32_t spin_count;
    struct field salt, verifier, verifier_hash, key;
};

static struct ov_span span_of(const struct field *field) {
    return ov_span_make(field->bytes, field->size);
}

// ---- the document ------------------------------------------------------------------------------

static uint32_t read_decimal(struct ov_span text) {
    uint32_t value = 0;
    for (size_t i = 0; i < text.size && text.data[i] >= '0' && text.data[i] <= '9' && i < 9; i++) {
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

static enum ov_status read_field(const struct ov_xml *xml, const char *name,
                                 struct field *ret_field) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct ov_base64_signs signs;
    enum ov_status status =
        ov_base64_decode(ov_xml_attribute(xml, name), OV_BASE64_ALL, FIELD_BYTES, &plain, &signs);
    if (status != OV_OK) {
        return status == OV_MEMORY ? status : OV_UNSUPPORTED;
    }
    memset(ret_field, 0, sizeof *ret_field);
    memcpy(ret_field->bytes, plain.size > 0 ? plain.data : (const uint8_t *)"", plain.size);
    ret_field->size = plain.size;
    return OV_OK;
}

static bool pick_hash(struct ov_span name, struct agile *agile) {
    static const struct {
        const char *name;
        hash_function *hash;
        size_t bytes;
    } hashes[] = {{"SHA1", ov_sha1, OV_SHA1_BYTES},
                  {"SHA-1", ov_sha1, OV_SHA1_BYTES},
                  {"SHA256", ov_sha256, OV_SHA256_BYTES},
                  {"SHA384", ov_sha384, OV_SHA384_BYTES},
                  {"SHA512", ov_sha512, OV_SHA512_BYTES}};
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        if (ov_span_is_text(name, hashes[i].name)) {
            agile->hash = hashes[i].hash;
            agile->hash_bytes = hashes[i].bytes;
            return true;
        }
    }
    return false;
}

static enum ov_status read_element(const struct ov_xml *xml, struct agile *ret_agile) {
    bool is_built = ov_span_is_text(ov_xml_attribute(xml, "cipherAlgorithm"), "AES") &&
                    ov_span_is_text(ov_xml_attribute(xml, "cipherChaining"), "ChainingModeCBC") &&
                    pick_hash(ov_xml_attribute(xml, "hashAlgorithm"), ret_agile);
    ret_agile->key_bytes = read_decimal(ov_xml_attribute(xml, "keyBits")) / 8;
    ret_agile->spin_count = read_decimal(ov_xml_attribute(xml, "spinCount"));
    if (!is_built || ret_agile->key_bytes > FIELD_BYTES || ret_agile->spin_count > SPINS_MAX) {
        return OV_UNSUPPORTED;
    }
    TRY(read_field(xml, "saltValue", &ret_agile->salt));
    TRY(read_field(xml, "encryptedVerifierHashInput", &ret_agile->verifier));
    TRY(read_field(xml, "encryptedVerifierHashValue", &ret_agile->verifier_hash));
    return read_field(xml, "encryptedKeyValue", &ret_agile->key);
}

static enum ov_status read_document(struct ov_span info, struct agile *ret_data,
                                    struct agile *ret_key) {
    struct ov_xml xml = ov_xml_init(info);
    for (enum ov_xml_event event = ov_xml_next(&xml); event != OV_XML_END;
         event = ov_xml_next(&xml)) {
        if (event == OV_XML_TEXT || event == OV_XML_CLOSE) {
            continue;
        }
        if (ov_span_is_text(xml.name, "keyData")) {
            TRY(read_element(&xml, ret_data));
        } else if (ov_span_is_text(xml.name, "encryptedKey")) {
            return read_element(&xml, ret_key);
        }
    }
    return OV_UNSUPPORTED;
}

// ---- keys --------------------------------------------------------------------------------------

static struct field hash_both(const struct agile *agile, struct ov_span a, struct ov_span b) {
    uint8_t both[2 * FIELD_BYTES];
    a = ov_span_part(a, 0, FIELD_BYTES);
    b = ov_span_part(b, 0, FIELD_BYTES);
    memcpy(both, a.data, a.size);
    memcpy(&both[a.size], b.data, b.size);
    struct field hash = {.size = agile->hash_bytes};
    agile->hash(ov_span_make(both, a.size + b.size), hash.bytes);
    return hash;
}

static struct field hash_number(const struct agile *agile, struct ov_span before, uint32_t number,
                                struct ov_span after) {
    uint8_t bytes[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                        (uint8_t)(number >> 24)};
    struct ov_span four = ov_span_make(bytes, sizeof bytes);
    return before.size > 0 ? hash_both(agile, before, four) : hash_both(agile, four, after);
}

// 2.3.4.11, up to what all keys have in common.
static enum ov_status spin(struct ov_walk *walk, const struct agile *agile, struct ov_span password,
                           struct field *ret_hash) {
    struct ov_span none = ov_span_make("", 0);
    struct field hash = hash_both(agile, span_of(&agile->salt), password);
    for (uint32_t i = 0; i < agile->spin_count; i++) {
        hash = hash_number(agile, none, i, span_of(&hash));
        if (i % SPINS_BETWEEN_CLOCKS == 0) {
            TRY(ov_walk_has_time(walk));
        }
    }
    *ret_hash = hash;
    return OV_OK;
}

// Decrypts one field by the key that stands for it, in place.
static bool open_field(const struct agile *agile, const struct field *hash,
                       const uint8_t block_key[BLOCK_KEY_BYTES], struct field *field) {
    struct field key = hash_both(agile, span_of(hash), ov_span_make(block_key, BLOCK_KEY_BYTES));
    if (key.size < agile->key_bytes) {
        memset(&key.bytes[key.size], 0x36, agile->key_bytes - key.size);
    }
    struct ov_aes aes;
    if (!ov_aes_init(ov_span_make(key.bytes, agile->key_bytes), &aes)) {
        return false;
    }
    uint8_t iv[OV_AES_BLOCK];
    memset(iv, 0x36, sizeof iv);
    struct ov_span salt = ov_span_part(span_of(&agile->salt), 0, sizeof iv);
    memcpy(iv, salt.data, salt.size);
    ov_aes_decrypt(&aes, iv, span_of(field), field->bytes);
    return true;
}

// 2.3.4.13: whether the password fits; if so, the key of the package.
static enum ov_status open_key(struct ov_walk *walk, struct agile *agile, struct ov_span password,
                               struct field *ret_key) {
    static const uint8_t for_verifier[] = {0xfe, 0xa7, 0xd2, 0x76, 0x3b, 0x4b, 0x9e, 0x79};
    static const uint8_t for_hash[] = {0xd7, 0xaa, 0x0f, 0x6d, 0x30, 0x61, 0x34, 0x4e};
    static const uint8_t for_key[] = {0x14, 0x6e, 0x0b, 0xe7, 0xab, 0xac, 0xd0, 0xd6};
    struct field spun;
    TRY(spin(walk, agile, password, &spun));
    if (!open_field(agile, &spun, for_verifier, &agile->verifier) ||
        !open_field(agile, &spun, for_hash, &agile->verifier_hash) ||
        !open_field(agile, &spun, for_key, &agile->key)) {
        return OV_UNSUPPORTED;
    }
    struct field hash = hash_both(agile, span_of(&agile->verifier), ov_span_make("", 0));
    if (memcmp(hash.bytes, agile->verifier_hash.bytes, agile->hash_bytes) != 0) {
        return OV_UNSUPPORTED;
    }
    *ret_key = agile->key;
    return OV_OK;
}

// ---- the package -------------------------------------------------------------------------------

enum ov_status ov_agile_open(struct ov_walk *walk, struct ov_span info, struct ov_span package,
                             struct ov_span password, struct ov_buf *plain) {
    struct agile data = {0}, key = {0};
    TRY(read_document(info, &data, &key));
    struct field secret;
    TRY(open_key(walk, &key, password, &secret));
    struct ov_aes aes;
    if (data.hash == NULL || secret.size < data.key_bytes ||
        !ov_aes_init(ov_span_make(secret.bytes, data.key_bytes), &aes)) {
        return OV_UNSUPPORTED;
    }
    struct ov_cursor in = ov_cursor_init(package);
    uint64_t size = ov_cursor_u64le(&in);
    struct ov_span rest = ov_span_from(package, PACKAGE_HEADER_BYTES);
    struct ov_span none = ov_span_make("", 0);
    for (size_t at = 0; at < rest.size; at += SEGMENT_BYTES) {
        struct ov_span part = ov_span_part(rest, at, SEGMENT_BYTES);
        struct field iv =
            hash_number(&data, span_of(&data.salt), (uint32_t)(at / SEGMENT_BYTES), none);
        uint8_t *bytes = ov_buf_extend(plain, part.size / OV_AES_BLOCK * OV_AES_BLOCK);
        if (bytes == NULL) {
            return OV_MEMORY;
        }
        ov_aes_decrypt(&aes, iv.bytes, part, bytes);
        TRY(ov_walk_has_time(walk));
    }
    plain->size = size < plain->size ? (size_t)size : plain->size;
    return OV_OK;
}
