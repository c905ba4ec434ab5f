// SPDX-License-Identifier: Apache-2.0
// Encrypted PDF files that the empty password opens (ISO 32000-2, 7.6; revision 5 is Adobe's
// extension level 3).
#include "base/digest.h"
#include "base/sha512.h"
#include "format/codec/cipher.h"
#include "format/pdf/pdf.h"

enum {
    PAD_BYTES = 32,
    KEY_BYTES_MAX = 16,            // of what MD5 makes
    HASHED_BYTES = 64 * (64 + 48), // longest input of one round of algorithm 2.B
};

// What stands for a password that is too short (7.6.4.3.2), here for all of it.
static const uint8_t padding[PAD_BYTES] = {
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08,
    0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
};

// What the encryption dictionary says, as far as keys are made of it.
struct locks {
    int64_t version, revision, bits;
    uint32_t permissions;
    uint8_t owner[48], user[48];
    uint8_t owner_key[32], user_key[32]; // /OE, /UE
    struct ov_buf id;                    // first half of the file's identifier
};

static void release_locks(struct locks *locks) {
    ov_buf_release(&locks->id);
}

// ---- the dictionary ----------------------------------------------------------------------------

// Reads a string into exactly `size` bytes; what is missing is zero.
static void read_fixed(struct ov_pdf *pdf, struct ov_span value, uint8_t *ret_bytes, size_t size) {
    const struct ov_pdf_object *object = NULL;
    struct ov_cursor in = ov_cursor_init(ov_pdf_resolve(pdf, value, 0, &object));
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    if (token.kind == OV_PDF_STRING || token.kind == OV_PDF_HEX) {
        token.text = ov_span_part(token.text, 0, 1024);
        ov_pdf_string_add(&token, &plain);
    }
    memset(ret_bytes, 0, size);
    if (plain.size > 0) {
        memcpy(ret_bytes, plain.data, plain.size < size ? plain.size : size);
    }
}

static void read_id(struct ov_pdf *pdf, struct ov_span value, struct ov_buf *ret_id) {
    const struct ov_pdf_object *object = NULL;
    struct ov_cursor in = ov_cursor_init(ov_pdf_resolve(pdf, value, 0, &object));
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    if (token.kind == OV_PDF_ARRAY_OPEN) {
        ov_pdf_token_read(&in, &token);
    }
    if (token.kind == OV_PDF_STRING || token.kind == OV_PDF_HEX) {
        token.text = ov_span_part(token.text, 0, 1024);
        ov_pdf_string_add(&token, ret_id);
    }
}

static bool is_false(struct ov_span value) {
    return ov_span_has_prefix(value, "false");
}

enum ov_pdf_method ov_pdf_crypt_named(struct ov_pdf *pdf, struct ov_span name) {
    struct ov_cursor in = ov_cursor_init(name);
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    struct ov_pdf_dict all = {0}, one = {0};
    if (token.kind == OV_PDF_NAME && !ov_pdf_name_is(token.text, "Identity") &&
        ov_pdf_dict_of(pdf, pdf->crypt.filters, &all)) {
        (void)ov_pdf_dict_of(pdf, ov_pdf_dict_find(all.text, token.text), &one);
    }
    struct ov_span method = one.values[OV_PDF_CFM];
    return ov_pdf_value_is(method, "V2")      ? OV_PDF_RC4
           : ov_pdf_value_is(method, "AESV2") ? OV_PDF_AES_128
           : ov_pdf_value_is(method, "AESV3") ? OV_PDF_AES_256
                                              : OV_PDF_IDENTITY;
}

static void read_methods(struct ov_pdf *pdf, const struct ov_pdf_dict *dict, int64_t version) {
    struct ov_pdf_crypt *crypt = &pdf->crypt;
    if (version < 4) {
        crypt->streams = crypt->strings = crypt->files = OV_PDF_RC4;
        return;
    }
    crypt->filters = dict->values[OV_PDF_CF];
    crypt->is_metadata_plain = is_false(dict->values[OV_PDF_ENCRYPT_METADATA]);
    crypt->streams = ov_pdf_crypt_named(pdf, dict->values[OV_PDF_STM_F]);
    crypt->strings = ov_pdf_crypt_named(pdf, dict->values[OV_PDF_STR_F]);
    crypt->files = dict->values[OV_PDF_EFF].size > 0
                       ? ov_pdf_crypt_named(pdf, dict->values[OV_PDF_EFF])
                       : crypt->streams;
}

// ---- revisions 2 to 4 (algorithms 2, 4 and 5) --------------------------------------------------

static void make_key(const struct ov_pdf *pdf, const struct locks *locks, size_t key_bytes,
                     uint8_t ret_key[KEY_BYTES_MAX]) {
    uint8_t permissions[4];
    for (unsigned i = 0; i < sizeof permissions; i++) {
        permissions[i] = (uint8_t)(locks->permissions >> 8 * i);
    }
    struct ov_digest digest;
    ov_digest_init(OV_HASH_MD5, &digest);
    ov_digest_update(&digest, ov_span_make(padding, sizeof padding));
    ov_digest_update(&digest, ov_span_make(locks->owner, PAD_BYTES));
    ov_digest_update(&digest, ov_span_make(permissions, sizeof permissions));
    ov_digest_update(&digest, ov_buf_span(&locks->id));
    if (locks->revision >= 4 && pdf->crypt.is_metadata_plain) {
        ov_digest_update(&digest, ov_span_make("\xff\xff\xff\xff", 4));
    }
    ov_digest_finish(&digest, ret_key);
    for (int i = 0; locks->revision >= 3 && i < 50; i++) {
        ov_md5(ov_span_make(ret_key, key_bytes), ret_key);
    }
}

// Whether the key makes the user's entry.
static bool is_key(const struct locks *locks, struct ov_span key) {
    uint8_t made[PAD_BYTES], turned[KEY_BYTES_MAX];
    struct ov_rc4 rc4;
    if (locks->revision == 2) {
        ov_rc4_init(key, &rc4);
        ov_rc4_apply(&rc4, ov_span_make(padding, sizeof padding), made);
        return memcmp(made, locks->user, sizeof made) == 0;
    }
    struct ov_digest digest;
    ov_digest_init(OV_HASH_MD5, &digest);
    ov_digest_update(&digest, ov_span_make(padding, sizeof padding));
    ov_digest_update(&digest, ov_buf_span(&locks->id));
    ov_digest_finish(&digest, made);
    for (unsigned i = 0; i < 20; i++) {
        for (size_t k = 0; k < key.size; k++) {
            turned[k] = (uint8_t)(key.data[k] ^ i);
        }
        ov_rc4_init(ov_span_make(turned, key.size), &rc4);
        ov_rc4_apply(&rc4, ov_span_make(made, OV_MD5_BYTES), made);
    }
    return memcmp(made, locks->user, OV_MD5_BYTES) == 0;
}

// Tries the length that is stated, in bits or, as some write it, in bytes, and the usual ones.
static void open_by_md5(struct ov_pdf *pdf, const struct locks *locks) {
    int64_t stated = locks->bits >= 40 ? locks->bits / 8 : locks->bits;
    int64_t sizes[] = {locks->revision == 2 ? 5 : stated, 16, 5};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !pdf->crypt.has_key; i++) {
        if (sizes[i] < 5 || sizes[i] > KEY_BYTES_MAX) {
            continue;
        }
        pdf->crypt.key_bytes = (size_t)sizes[i];
        make_key(pdf, locks, pdf->crypt.key_bytes, pdf->crypt.key);
        pdf->crypt.has_key = is_key(locks, ov_span_make(pdf->crypt.key, pdf->crypt.key_bytes));
    }
}

// ---- revisions 5 and 6 (algorithms 2.A and 2.B) ------------------------------------------------

// One round of algorithm 2.B; returns the last byte that was encrypted. The password is empty.
static uint8_t hash_round(struct ov_span extra, uint8_t hash[64], size_t *hash_bytes) {
    uint8_t bytes[HASHED_BYTES];
    size_t size = 0;
    for (unsigned i = 0; i < 64; i++) {
        memcpy(&bytes[size], hash, *hash_bytes);
        size += *hash_bytes;
        if (extra.size > 0) {
            memcpy(&bytes[size], extra.data, extra.size);
            size += extra.size;
        }
    }
    struct ov_aes aes;
    (void)ov_aes_init(ov_span_make(hash, 16), &aes);
    uint8_t iv[OV_AES_BLOCK];
    memcpy(iv, &hash[16], sizeof iv);
    struct ov_span packed = ov_span_make(bytes, size);
    ov_aes_encrypt(&aes, iv, packed, bytes);
    unsigned sum = 0; // 256 is 1 modulo 3: the sum of the digits will do
    for (unsigned i = 0; i < 16; i++) {
        sum += bytes[i];
    }
    *hash_bytes = 32 + sum % 3 * 16;
    switch (sum % 3) {
    case 0:
        ov_sha256(packed, hash);
        break;
    case 1:
        ov_sha384(packed, hash);
        break;
    default:
        ov_sha512(packed, hash);
    }
    return bytes[size - 1];
}

// The hash of the empty password with a salt of 8 bytes, and for the owner's with /U.
static void hash_password(const struct locks *locks, const uint8_t *salt, struct ov_span extra,
                          uint8_t ret_hash[32]) {
    uint8_t start[8 + sizeof locks->user], hash[64];
    memcpy(start, salt, 8);
    if (extra.size > 0) {
        memcpy(&start[8], extra.data, extra.size);
    }
    ov_sha256(ov_span_make(start, 8 + extra.size), hash);
    size_t hash_bytes = 32;
    uint8_t last = 0;
    for (unsigned i = 0; locks->revision >= 6 && (i < 64 || last > i - 32); i++) {
        last = hash_round(extra, hash, &hash_bytes);
    }
    memcpy(ret_hash, hash, 32);
}

// Tries the empty password as that of the user or the owner: 32 bytes of hash, a salt to check it,
// a salt for the key.
static void open_by_sha(struct ov_pdf *pdf, const struct locks *locks, const uint8_t entry[48],
                        const uint8_t packed_key[32], struct ov_span extra) {
    uint8_t hash[32];
    hash_password(locks, &entry[32], extra, hash);
    if (pdf->crypt.has_key || memcmp(hash, entry, sizeof hash) != 0) {
        return;
    }
    hash_password(locks, &entry[40], extra, hash);
    struct ov_aes aes;
    uint8_t iv[OV_AES_BLOCK] = {0};
    (void)ov_aes_init(ov_span_make(hash, sizeof hash), &aes);
    ov_aes_decrypt(&aes, iv, ov_span_make(packed_key, 32), pdf->crypt.key);
    pdf->crypt.key_bytes = 32;
    pdf->crypt.has_key = true;
}

// ---- together ----------------------------------------------------------------------------------

static void read_locks(struct ov_pdf *pdf, const struct ov_pdf_dict *dict,
                       const struct ov_pdf_dict *trailer, struct locks *ret_locks) {
    const struct ov_span *values = dict->values;
    *ret_locks = (struct locks){
        .version = ov_pdf_integer(pdf, values[OV_PDF_V], 0),
        .revision = ov_pdf_integer(pdf, values[OV_PDF_R], 0),
        .bits = ov_pdf_integer(pdf, values[OV_PDF_LENGTH], 40),
        .permissions = (uint32_t)ov_pdf_integer(pdf, values[OV_PDF_P], 0),
    };
    read_fixed(pdf, values[OV_PDF_O], ret_locks->owner, sizeof ret_locks->owner);
    read_fixed(pdf, values[OV_PDF_U], ret_locks->user, sizeof ret_locks->user);
    read_fixed(pdf, values[OV_PDF_OE], ret_locks->owner_key, sizeof ret_locks->owner_key);
    read_fixed(pdf, values[OV_PDF_UE], ret_locks->user_key, sizeof ret_locks->user_key);
    read_id(pdf, trailer->values[OV_PDF_ID], &ret_locks->id);
}

enum ov_status ov_pdf_crypt_open(struct ov_pdf *pdf, const struct ov_pdf_dict *trailer) {
    const struct ov_pdf_object *object = NULL;
    struct ov_span value = ov_pdf_resolve(pdf, trailer->values[OV_PDF_ENCRYPT], 0, &object);
    struct ov_pdf_dict dict;
    if (!ov_pdf_dict_of(pdf, value, &dict)) {
        return OV_OK; // null, or nothing that anybody could read
    }
    OV_CLEANUP(release_locks) struct locks locks;
    read_locks(pdf, &dict, trailer, &locks);
    TRY(ov_buf_status(&locks.id));
    pdf->crypt =
        (struct ov_pdf_crypt){.is_encrypted = true, .number = object != NULL ? object->number : 0};
    read_methods(pdf, &dict, locks.version);
    if (locks.revision >= 2 && locks.revision <= 4) {
        open_by_md5(pdf, &locks);
    } else if (locks.revision == 5 || locks.revision == 6) {
        struct ov_span user = ov_span_make(locks.user, sizeof locks.user);
        open_by_sha(pdf, &locks, locks.user, locks.user_key, ov_span_make(NULL, 0));
        open_by_sha(pdf, &locks, locks.owner, locks.owner_key, user);
    }
    return OV_OK;
}

// ---- strings and streams (algorithms 1 and 1.A) ------------------------------------------------

// The key of one object.
static size_t make_object_key(const struct ov_pdf_crypt *crypt, enum ov_pdf_method method,
                              const struct ov_pdf_object *object, uint8_t ret_key[32]) {
    memcpy(ret_key, crypt->key, sizeof crypt->key);
    if (method == OV_PDF_AES_256) {
        return sizeof crypt->key;
    }
    uint8_t bytes[sizeof crypt->key + 9];
    size_t size = crypt->key_bytes;
    memcpy(bytes, crypt->key, size);
    for (unsigned i = 0; i < 3; i++) {
        bytes[size++] = (uint8_t)(object->number >> 8 * i);
    }
    bytes[size++] = (uint8_t)object->generation;
    bytes[size++] = (uint8_t)(object->generation >> 8);
    size_t key_bytes = size < OV_MD5_BYTES ? size : OV_MD5_BYTES;
    if (method == OV_PDF_AES_128) {
        memcpy(&bytes[size], "sAlT", 4);
        size += 4;
        key_bytes = OV_MD5_BYTES;
    }
    ov_md5(ov_span_make(bytes, size), ret_key);
    return key_bytes;
}

// The first block is where the chain starts; the last byte says how many at the end are padding.
static void decrypt_aes(struct ov_span key, struct ov_span bytes, struct ov_buf *plain) {
    struct ov_aes aes;
    struct ov_span packed = ov_span_from(bytes, OV_AES_BLOCK);
    size_t size = packed.size - packed.size % OV_AES_BLOCK;
    uint8_t *start = size > 0 ? ov_buf_extend(plain, size) : NULL;
    if (start == NULL || !ov_aes_init(key, &aes)) {
        return;
    }
    uint8_t iv[OV_AES_BLOCK];
    memcpy(iv, bytes.data, sizeof iv);
    ov_aes_decrypt(&aes, iv, ov_span_part(packed, 0, size), start);
    uint8_t pad = plain->data[plain->size - 1];
    if (pad >= 1 && pad <= OV_AES_BLOCK) {
        plain->size -= pad;
    }
}

void ov_pdf_decrypt(const struct ov_pdf *pdf, enum ov_pdf_method method,
                    const struct ov_pdf_object *object, struct ov_span bytes,
                    struct ov_buf *plain) {
    uint8_t key_bytes[32];
    size_t size = make_object_key(&pdf->crypt, method, object, key_bytes);
    struct ov_span key = ov_span_make(key_bytes, size);
    if (method == OV_PDF_RC4) {
        struct ov_rc4 rc4;
        ov_rc4_init(key, &rc4);
        uint8_t *start = bytes.size > 0 ? ov_buf_extend(plain, bytes.size) : NULL;
        if (start != NULL) {
            ov_rc4_apply(&rc4, bytes, start);
        }
    } else {
        decrypt_aes(key, bytes, plain);
    }
}
