// SPDX-License-Identifier: Apache-2.0
// Streams of Hangul documents of version 5 (Hancom, "HWP Document File Formats 5.0").
#include "format/codec/cipher.h"
#include "format/codec/codec.h"
#include "format/office/hwp.h"

enum {
    FLAGS_AT = 36,
    FLAG_PACKED = 1,
    FLAG_LOCKED = 2, // with a password
    FLAG_IS_HWP = 1 << 30,
    // A document that is only to be read ("for distribution") begins its streams with one record:
    // what the key is made of.
    KEY_RECORD_TAG = 0x1c,
    KEY_RECORD_HEADER = 4,
    KEY_RECORD_BYTES = 256,
    KEY_AT = 4,
    KEY_AT_MASK = 15,
};

enum ov_status ov_hwp_tell_packed(struct ov_walk *walk, struct ov_span packed, struct ov_span name,
                                  enum ov_status *io_worst) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t used;
    enum ov_status status = ov_codec_unpack(OV_CODEC_DEFLATE, packed, walk, &plain, &used);
    if (status == OV_MEMORY) {
        return status;
    }
    ov_walk_keep_worst(io_worst, status);
    if (plain.size > 0) {
        TRY(ov_walk_member(walk, ov_buf_span(&plain), name, OV_FILETYPE_NONE));
    }
    if (status == OV_DAMAGED) {
        TRY(ov_walk_stored(walk, packed, name));
    }
    return ov_walk_has_time(walk);
}

enum ov_status ov_hwp5_open(struct ov_ole *ole) {
    OV_CLEANUP(ov_buf_release) struct ov_buf stream = {0};
    for (uint32_t i = 0; i < ole->entry_count && ole->hwp_flags == 0; i++) {
        if (!ov_ole_is_named(&ole->entries[i], "FileHeader")) {
            continue;
        }
        TRY(ov_ole_read(ole, i, &stream));
        struct ov_cursor in = ov_cursor_init(ov_buf_span(&stream));
        ov_cursor_seek(&in, FLAGS_AT);
        if (ov_span_has_prefix(in.bytes, "HWP Document File")) {
            ole->hwp_flags = ov_cursor_u32le(&in) | FLAG_IS_HWP;
        }
    }
    if ((ole->hwp_flags & FLAG_LOCKED) != 0) {
        ov_walk_fact(ole->walk, OV_FACT_ENCRYPTED);
    }
    return OV_OK;
}

static bool is_any_of(const struct ov_ole_entry *entry, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (ov_ole_is_named(entry, names[i])) {
            return true;
        }
    }
    return false;
}

bool ov_hwp5_is_packed(const struct ov_ole *ole, uint32_t entry) {
    static const char *const storages[] = {"BodyText", "ViewText", "BinData", "Scripts",
                                           "DocHistory"};
    static const char *const streams[] = {"DocInfo"};
    uint32_t parent = ole->entries[entry].parent;
    if ((ole->hwp_flags & FLAG_PACKED) == 0 || (ole->hwp_flags & FLAG_LOCKED) != 0) {
        return false;
    }
    return is_any_of(&ole->entries[entry], streams, sizeof streams / sizeof *streams) ||
           (parent < ole->entry_count &&
            is_any_of(&ole->entries[parent], storages, sizeof storages / sizeof *storages));
}

// ---- documents for distribution ----------------------------------------------------------------

// The numbers of rand() in Microsoft's C library, with which the record is hidden.
static unsigned draw_number(uint32_t *io_state) {
    *io_state = *io_state * 214013 + 2531011;
    return *io_state >> 16 & 0x7fff;
}

// Reads the key out of the record at the start of a stream; false when there is none.
static bool read_key(struct ov_span stream, uint8_t ret_key[OV_AES_BLOCK]) {
    struct ov_cursor in = ov_cursor_init(stream);
    uint32_t header = ov_cursor_u32le(&in);
    struct ov_span record = ov_cursor_bytes(&in, KEY_RECORD_BYTES);
    if (in.has_failed || (header & 0x3ff) != KEY_RECORD_TAG || header >> 20 != KEY_RECORD_BYTES) {
        return false;
    }
    struct ov_cursor seed = ov_cursor_init(record);
    uint32_t state = ov_cursor_u32le(&seed);
    unsigned key_at = KEY_AT + (state & KEY_AT_MASK);
    uint8_t mask = 0;
    unsigned run = 0;
    for (unsigned i = 0; i < key_at + OV_AES_BLOCK; i++) {
        if (run == 0) {
            mask = (uint8_t)draw_number(&state);
            run = (draw_number(&state) & 15) + 1;
        }
        run--;
        if (i >= key_at) {
            ret_key[i - key_at] = record.data[i] ^ mask;
        }
    }
    return true;
}

static enum ov_status decrypt(struct ov_span stream, struct ov_buf *plain) {
    uint8_t key[OV_AES_BLOCK];
    struct ov_aes aes;
    if (!read_key(stream, key) || !ov_aes_init(ov_span_make(key, sizeof key), &aes)) {
        return OV_END;
    }
    struct ov_span rest = ov_span_from(stream, KEY_RECORD_HEADER + KEY_RECORD_BYTES);
    for (size_t at = 0; at + OV_AES_BLOCK <= rest.size; at += OV_AES_BLOCK) {
        uint8_t iv[OV_AES_BLOCK] = {0}; // each block by itself
        uint8_t block[OV_AES_BLOCK];
        ov_aes_decrypt(&aes, iv, ov_span_part(rest, at, OV_AES_BLOCK), block);
        ov_buf_add(plain, block, sizeof block);
    }
    return ov_buf_status(plain);
}

enum ov_status ov_hwp5_tell(struct ov_ole *ole, struct ov_span stream, struct ov_span name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status worst = OV_OK;
    enum ov_status status = decrypt(stream, &plain);
    if (status != OV_END) {
        TRY(status);
        stream = ov_buf_span(&plain);
    }
    TRY(ov_hwp_tell_packed(ole->walk, stream, name, &worst));
    ole->is_damaged |= worst == OV_DAMAGED;
    return OV_OK;
}
