// SPDX-License-Identifier: Apache-2.0
// Packages and workbooks that open with Excel's own password ([MS-OFFCRYPTO] 2.3).
#include "format/office/office_password.h"

#include "base/digest.h"
#include "format/codec/cipher.h"
#include "format/office/office_agile.h"

enum {
    SALT_BYTES = 16,
    SPIN_COUNT = 50000, // of standard encryption
    PACKAGE_HEADER_BYTES = 8,
    AGILE_DOCUMENT_AT = 8,
    BIFF_BLOCK_BYTES = 1024, // after which RC4 begins with another key
    BIFF_FILE_PASS = 0x2f,
    BIFF_SHEET = 0x85,
    BIFF_SHEET_PLAIN_BYTES = 4,
    FILE_PASS_RC4 = 1,
    OLD_KEY_BYTES = 5, // 40 bits, whatever was asked for
    OLD_ROUNDS = 16,
    PACKAGE_STEP_BYTES = 4096,
};

static const uint8_t password[] = "V\0e\0l\0v\0e\0t\0S\0w\0e\0a\0t\0s\0h\0o\0p";

struct key {
    uint8_t bytes[2 * OV_SHA1_BYTES];
    size_t size;
};

// What an EncryptionHeader and an EncryptionVerifier say (2.3.2, 2.3.3).
struct lock {
    uint32_t key_bits;
    struct ov_span salt, verifier, verifier_hash;
};

static struct ov_span password_span(void) {
    return ov_span_make(password, sizeof password); // its last NUL is the high half of the p
}

// The digest of two runs of bytes, one behind the other. `ret_bytes` may be where one of them is.
static void hash_both(enum ov_hash_kind kind, struct ov_span a, struct ov_span b,
                      uint8_t *ret_bytes) {
    struct ov_digest digest;
    ov_digest_init(kind, &digest);
    ov_digest_update(&digest, a);
    ov_digest_update(&digest, b);
    ov_digest_finish(&digest, ret_bytes);
}

// A number as four bytes.
struct number {
    uint8_t bytes[4];
};

static struct number make_number(uint32_t value) {
    return (struct number){
        {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)}};
}

// Reads behind the version; `hash_bytes` is what a stored hash takes.
static enum ov_status read_lock(struct ov_cursor *in, size_t hash_bytes, struct lock *ret_lock) {
    ov_cursor_skip(in, 4); // flags
    uint32_t header_bytes = ov_cursor_u32le(in);
    size_t header_at = in->at;
    ov_cursor_skip(in, 16);
    ret_lock->key_bits = ov_cursor_u32le(in);
    ov_cursor_seek(in, (uint64_t)header_at + header_bytes);
    uint32_t salt_bytes = ov_cursor_u32le(in);
    ret_lock->salt = ov_cursor_bytes(in, SALT_BYTES);
    ret_lock->verifier = ov_cursor_bytes(in, SALT_BYTES);
    ov_cursor_skip(in, 4);
    ret_lock->verifier_hash = ov_cursor_bytes(in, hash_bytes);
    return in->has_failed || salt_bytes != SALT_BYTES ? OV_UNSUPPORTED : OV_OK;
}

// ---- packages ----------------------------------------------------------------------------------

// 2.3.4.7.
static struct key make_package_key(const struct lock *lock) {
    uint8_t hash[OV_SHA1_BYTES] = {0};
    struct ov_span hashed = ov_span_make(hash, sizeof hash);
    hash_both(OV_HASH_SHA1, lock->salt, password_span(), hash);
    for (uint32_t i = 0; i < SPIN_COUNT; i++) {
        struct number number = make_number(i);
        hash_both(OV_HASH_SHA1, ov_span_make(number.bytes, 4), hashed, hash);
    }
    struct number block = make_number(0);
    hash_both(OV_HASH_SHA1, hashed, ov_span_make(block.bytes, 4), hash);
    struct key key = {.size = lock->key_bits / 8};
    for (unsigned half = 0; half < 2; half++) {
        uint8_t pad[OV_DIGEST_BLOCK];
        memset(pad, half == 0 ? 0x36 : 0x5c, sizeof pad);
        for (size_t i = 0; i < sizeof hash; i++) {
            pad[i] ^= hash[i];
        }
        ov_sha1(ov_span_make(pad, sizeof pad), &key.bytes[(size_t)half * OV_SHA1_BYTES]);
    }
    return key;
}

// Each block by itself, whole blocks alone.
static void decrypt_blocks(const struct ov_aes *aes, struct ov_span in, uint8_t *ret_bytes) {
    for (size_t at = 0; at + OV_AES_BLOCK <= in.size; at += OV_AES_BLOCK) {
        uint8_t none[OV_AES_BLOCK] = {0};
        ov_aes_decrypt(aes, none, ov_span_part(in, at, OV_AES_BLOCK), &ret_bytes[at]);
    }
}

static bool fits_package(const struct ov_aes *aes, const struct lock *lock) {
    uint8_t verifier[SALT_BYTES], stored[2 * OV_AES_BLOCK], hash[OV_SHA1_BYTES];
    decrypt_blocks(aes, lock->verifier, verifier);
    decrypt_blocks(aes, lock->verifier_hash, stored);
    ov_sha1(ov_span_make(verifier, sizeof verifier), hash);
    return memcmp(hash, stored, sizeof hash) == 0;
}

static enum ov_status decrypt_package(struct ov_walk *walk, const struct ov_aes *aes,
                                      struct ov_span package, struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(package);
    uint64_t size = ov_cursor_u64le(&in);
    struct ov_span rest = ov_span_from(package, PACKAGE_HEADER_BYTES);
    for (size_t at = 0; at < rest.size; at += PACKAGE_STEP_BYTES) {
        struct ov_span part = ov_span_part(rest, at, PACKAGE_STEP_BYTES);
        size_t whole = part.size / OV_AES_BLOCK * OV_AES_BLOCK;
        uint8_t *bytes = ov_buf_extend(plain, whole);
        if (bytes == NULL) {
            return OV_MEMORY;
        }
        decrypt_blocks(aes, part, bytes);
        TRY(ov_walk_has_time(walk));
    }
    plain->size = size < plain->size ? (size_t)size : plain->size;
    return OV_OK;
}

enum ov_status ov_package_open(struct ov_walk *walk, struct ov_span info, struct ov_span package,
                               struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(info);
    unsigned major = ov_cursor_u16le(&in), minor = ov_cursor_u16le(&in);
    if (major == 4 && minor == 4) {
        struct ov_span document = ov_span_from(info, AGILE_DOCUMENT_AT);
        return ov_agile_open(walk, document, package, password_span(), plain);
    }
    struct lock lock = {0};
    if (minor != 2) {
        return OV_UNSUPPORTED;
    }
    TRY(read_lock(&in, (size_t)2 * OV_AES_BLOCK, &lock));
    TRY(ov_walk_has_time(walk));
    struct key key = make_package_key(&lock);
    struct ov_aes aes;
    if (!ov_aes_init(ov_span_make(key.bytes, key.size), &aes) || !fits_package(&aes, &lock)) {
        return OV_UNSUPPORTED;
    }
    return decrypt_package(walk, &aes, package, plain);
}

// ---- workbooks ---------------------------------------------------------------------------------

// How a workbook makes the key of each block: the first bytes of a digest of a base and a number.
struct workbook_lock {
    enum ov_hash_kind kind;
    uint8_t base[OV_SHA1_BYTES];
    size_t base_bytes, key_bytes;
};

static void start_block(const struct workbook_lock *lock, uint32_t block, struct ov_rc4 *ret_rc4) {
    uint8_t key[OV_SHA1_BYTES];
    struct number number = make_number(block);
    hash_both(lock->kind, ov_span_make(lock->base, lock->base_bytes), ov_span_make(number.bytes, 4),
              key);
    size_t size = lock->key_bytes;
    if (lock->kind == OV_HASH_SHA1 && size == OLD_KEY_BYTES) { // 2.3.5.2: filled up with zeros
        memset(&key[size], 0, sizeof key - size);
        size = SALT_BYTES;
    }
    ov_rc4_init(ov_span_make(key, size), ret_rc4);
}

static bool fits_workbook(const struct workbook_lock *lock, struct ov_span verifier,
                          struct ov_span verifier_hash) {
    uint8_t plain[SALT_BYTES], stored[OV_SHA1_BYTES], hash[OV_SHA1_BYTES];
    struct ov_rc4 rc4;
    start_block(lock, 0, &rc4);
    ov_rc4_apply(&rc4, verifier, plain);
    ov_rc4_apply(&rc4, verifier_hash, stored);
    ov_digest_of(lock->kind, ov_span_make(plain, sizeof plain), hash);
    return memcmp(hash, stored, ov_hash_bytes(lock->kind)) == 0;
}

// 2.3.6.2.
static enum ov_status open_old(struct ov_cursor *in, struct workbook_lock *ret_lock) {
    struct ov_span salt = ov_cursor_bytes(in, SALT_BYTES);
    struct ov_span verifier = ov_cursor_bytes(in, SALT_BYTES);
    struct ov_span verifier_hash = ov_cursor_bytes(in, OV_MD5_BYTES);
    if (in->has_failed) {
        return OV_UNSUPPORTED;
    }
    uint8_t first[OV_MD5_BYTES];
    ov_md5(password_span(), first);
    struct ov_digest digest;
    ov_digest_init(OV_HASH_MD5, &digest);
    for (unsigned i = 0; i < OLD_ROUNDS; i++) {
        ov_digest_update(&digest, ov_span_make(first, OLD_KEY_BYTES));
        ov_digest_update(&digest, salt);
    }
    *ret_lock = (struct workbook_lock){
        .kind = OV_HASH_MD5, .base_bytes = OLD_KEY_BYTES, .key_bytes = OV_MD5_BYTES};
    ov_digest_finish(&digest, ret_lock->base);
    return fits_workbook(ret_lock, verifier, verifier_hash) ? OV_OK : OV_UNSUPPORTED;
}

// 2.3.5.2.
static enum ov_status open_crypto_api(struct ov_cursor *in, struct workbook_lock *ret_lock) {
    struct lock lock;
    TRY(read_lock(in, OV_SHA1_BYTES, &lock));
    uint32_t bits = lock.key_bits == 0 ? OLD_KEY_BYTES * 8 : lock.key_bits;
    if (bits < OLD_KEY_BYTES * 8 || bits > SALT_BYTES * 8) {
        return OV_UNSUPPORTED;
    }
    *ret_lock = (struct workbook_lock){
        .kind = OV_HASH_SHA1, .base_bytes = OV_SHA1_BYTES, .key_bytes = bits / 8};
    hash_both(OV_HASH_SHA1, lock.salt, password_span(), ret_lock->base);
    return fits_workbook(ret_lock, lock.verifier, lock.verifier_hash) ? OV_OK : OV_UNSUPPORTED;
}

static enum ov_status open_file_pass(struct ov_span body, struct workbook_lock *ret_lock) {
    struct ov_cursor in = ov_cursor_init(body);
    if (ov_cursor_u16le(&in) != FILE_PASS_RC4) {
        return OV_UNSUPPORTED; // XOR
    }
    unsigned major = ov_cursor_u16le(&in), minor = ov_cursor_u16le(&in);
    if (major == 1 && minor == 1) {
        return open_old(&in, ret_lock);
    }
    return minor == 2 ? open_crypto_api(&in, ret_lock) : OV_UNSUPPORTED;
}

// How many bytes at the start of a record's body are not encrypted ([MS-XLS] 2.2.10).
static size_t count_plain(unsigned record, size_t size) {
    switch (record) {
    case 0x809:          // BOF
    case BIFF_FILE_PASS: // and others by which the file is opened
    case 0xe1:           // InterfaceHdr
    case 0x138:          // RRDHead
    case 0x194:          // UsrExcl
    case 0x195:          // FileLock
    case 0x196:          // RRDInfo
        return size;
    case BIFF_SHEET:
        return size < BIFF_SHEET_PLAIN_BYTES ? size : BIFF_SHEET_PLAIN_BYTES;
    default:
        return 0;
    }
}

// The key stream runs over all bytes of the stream, also over those that it is not used for.
static void decrypt_block(struct ov_rc4 *rc4, struct ov_span in, const uint8_t *is_plain,
                          uint8_t *ret_bytes) {
    ov_rc4_apply(rc4, in, ret_bytes);
    for (size_t i = 0; i < in.size; i++) {
        if (is_plain[i] != 0) {
            ret_bytes[i] = in.data[i];
        }
    }
}

// Marks headers and plain parts of the records with 1.
static enum ov_status mark_plain(struct ov_span stream, struct ov_buf *marks,
                                 struct workbook_lock *ret_lock) {
    struct ov_cursor in = ov_cursor_init(stream);
    enum ov_status status = OV_UNSUPPORTED;
    while (ov_cursor_left(&in) >= 4 && !marks->has_failed) {
        unsigned record = ov_cursor_u16le(&in);
        size_t size = ov_cursor_u16le(&in);
        struct ov_span body = ov_span_part(stream, in.at, size);
        ov_cursor_skip(&in, size);
        if (record == BIFF_FILE_PASS && status != OV_OK) {
            status = open_file_pass(body, ret_lock);
            TRY(status);
        }
        // What stands in front of it was not encrypted.
        size_t plain = status == OV_OK ? count_plain(record, body.size) : body.size;
        static const uint8_t ones[4] = {1, 1, 1, 1};
        ov_buf_add(marks, ones, sizeof ones);
        uint8_t *rest = ov_buf_extend(marks, body.size);
        if (rest != NULL) {
            memset(rest, 1, plain);
        }
    }
    (void)ov_buf_extend(marks, stream.size - marks->size);
    TRY(ov_buf_status(marks));
    return status;
}

enum ov_status ov_workbook_open(struct ov_walk *walk, struct ov_span stream, struct ov_buf *plain) {
    OV_CLEANUP(ov_buf_release) struct ov_buf marks = {0};
    struct workbook_lock lock;
    TRY(mark_plain(stream, &marks, &lock));
    uint8_t *bytes = ov_buf_extend(plain, stream.size);
    if (bytes == NULL) {
        return OV_MEMORY;
    }
    for (size_t at = 0; at < stream.size; at += BIFF_BLOCK_BYTES) {
        struct ov_rc4 rc4;
        start_block(&lock, (uint32_t)(at / BIFF_BLOCK_BYTES), &rc4);
        decrypt_block(&rc4, ov_span_part(stream, at, BIFF_BLOCK_BYTES), &marks.data[at],
                      &bytes[at]);
        TRY(ov_walk_has_time(walk));
    }
    return OV_OK;
}
