// SPDX-License-Identifier: Apache-2.0
// Bundles: ustar with one value for every field.
#include "ledger/bundle.h"

#include "base/fd.h"

#include <stdio.h>

enum {
    BLOCK_BYTES = 512,
    END_BLOCKS = 2,
    // Where the fields of a header stand, and how long they are (POSIX.1-1988 section 10.1.1).
    MODE_AT = 100,
    UID_AT = 108,
    GID_AT = 116,
    SIZE_AT = 124,
    TIME_AT = 136,
    SUM_AT = 148,
    SUM_BYTES = 8,
    TYPE_AT = 156,
    MAGIC_AT = 257,
};

// ---- names and headers ----------------------------------------------------------------------

static bool is_name_byte(uint8_t byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '+' || byte == '-';
}

bool ov_bundle_name_is_valid(struct ov_span name) {
    bool is_start = true;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        bool is_slash = byte == '/';
        bool is_allowed = is_start ? is_name_byte(byte) && byte != '.' && byte != '-'
                                   : is_slash || is_name_byte(byte);
        if (!is_allowed) {
            return false;
        }
        is_start = is_slash;
    }
    return !is_start && name.size <= OV_BUNDLE_NAME_BYTES;
}

struct header {
    char bytes[BLOCK_BYTES];
};

static struct header make_header(const char *name, uint64_t size) {
    struct header header = {0};
    char text[16];
    unsigned sum = 0;
    memcpy(header.bytes, name, strlen(name));
    memcpy(header.bytes + MODE_AT, "0000644", 7);
    memcpy(header.bytes + UID_AT, "0000000", 7);
    memcpy(header.bytes + GID_AT, "0000000", 7);
    (void)snprintf(text, sizeof text, "%011llo", (unsigned long long)size);
    memcpy(header.bytes + SIZE_AT, text, 11);
    memcpy(header.bytes + TIME_AT, "00000000000", 11);
    memset(header.bytes + SUM_AT, ' ', SUM_BYTES); // as which it is summed
    header.bytes[TYPE_AT] = '0';
    memcpy(header.bytes + MAGIC_AT, "ustar\00000", 8);
    for (unsigned i = 0; i < BLOCK_BYTES; i++) {
        sum += (uint8_t)header.bytes[i];
    }
    (void)snprintf(text, sizeof text, "%06o", sum);
    memcpy(header.bytes + SUM_AT, text, 7);
    return header;
}

static size_t padding_of(uint64_t size) {
    return (BLOCK_BYTES - (size_t)(size % BLOCK_BYTES)) % BLOCK_BYTES;
}

static bool is_zero(struct ov_span bytes) {
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] != 0) {
            return false;
        }
    }
    return true;
}

// ---- reading ------------------------------------------------------------------------------------

struct ov_bundle ov_bundle_init(struct ov_span bytes) {
    return (struct ov_bundle){.bytes = bytes};
}

static enum ov_status read_end(const struct ov_bundle *bundle) {
    struct ov_span left = ov_span_from(bundle->bytes, bundle->at);
    return left.size == (size_t)END_BLOCKS * BLOCK_BYTES && is_zero(left) ? OV_END : OV_DAMAGED;
}

// The eleven octal digits of a header's size.
static enum ov_status read_size(struct ov_span block, uint64_t *ret_size) {
    uint64_t size = 0;
    for (unsigned i = 0; i < 11; i++) {
        uint8_t digit = block.data[SIZE_AT + i];
        if (digit < '0' || digit > '7') {
            return OV_DAMAGED;
        }
        size = size << 3 | (uint64_t)(digit - '0');
    }
    *ret_size = size;
    return OV_OK;
}

// Reads name and size out of a header, and refuses it unless it is the one that these two give.
static enum ov_status read_header(struct ov_span block, struct ov_bundle_file *ret_file,
                                  uint64_t *ret_size) {
    struct ov_span name = ov_span_part(block, 0, OV_BUNDLE_NAME_BYTES);
    name = ov_span_part(name, 0, ov_span_find(name, 0, 0));
    if (!ov_bundle_name_is_valid(name)) {
        return OV_DAMAGED;
    }
    (void)snprintf(ret_file->name, sizeof ret_file->name, "%.*s", (int)name.size,
                   (const char *)name.data);
    TRY(read_size(block, ret_size));
    struct header expected = make_header(ret_file->name, *ret_size);
    bool is_equal = memcmp(block.data, expected.bytes, BLOCK_BYTES) == 0;
    return is_equal ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_bundle_next(struct ov_bundle *bundle, struct ov_bundle_file *ret_file) {
    struct ov_span block = ov_span_part(bundle->bytes, bundle->at, BLOCK_BYTES);
    struct ov_bundle_file file = {0};
    uint64_t size = 0;
    if (block.size < BLOCK_BYTES || block.data[0] == 0) {
        return read_end(bundle);
    }
    TRY(read_header(block, &file, &size));
    if (strcmp(file.name, bundle->last_name) <= 0 || bundle->file_count >= OV_BUNDLE_FILES_MAX) {
        return OV_DAMAGED;
    }
    size_t at = bundle->at + BLOCK_BYTES;
    file.bytes = ov_span_part(bundle->bytes, at, (size_t)size);
    struct ov_span padding = ov_span_part(bundle->bytes, at + file.bytes.size, padding_of(size));
    if (file.bytes.size != size || padding.size != padding_of(size) || !is_zero(padding)) {
        return OV_DAMAGED;
    }
    bundle->at = at + file.bytes.size + padding.size;
    bundle->file_count++;
    memcpy(bundle->last_name, file.name, sizeof file.name);
    *ret_file = file;
    return OV_OK;
}

// ---- writing ------------------------------------------------------------------------------------

void ov_bundle_write_init(int fd, struct ov_bundle_writer *ret_writer) {
    *ret_writer = (struct ov_bundle_writer){.fd = fd};
    ov_digest_init(OV_HASH_SHA256, &ret_writer->digest);
}

static enum ov_status put(struct ov_bundle_writer *writer, struct ov_span bytes) {
    ov_digest_update(&writer->digest, bytes);
    writer->size_bytes += bytes.size;
    return ov_fd_write_all(writer->fd, bytes);
}

static enum ov_status put_zeros(struct ov_bundle_writer *writer, size_t size) {
    static const uint8_t zeros[END_BLOCKS * BLOCK_BYTES];
    return put(writer, ov_span_make(zeros, size));
}

enum ov_status ov_bundle_write_file(struct ov_bundle_writer *writer, const char *name,
                                    struct ov_span bytes) {
    if (!ov_bundle_name_is_valid(ov_span_text(name)) || strcmp(name, writer->last_name) <= 0) {
        return OV_INVALID;
    }
    if (bytes.size > OV_BUNDLE_FILE_BYTES_MAX) {
        return OV_LIMIT;
    }
    struct header header = make_header(name, bytes.size);
    TRY(put(writer, ov_span_make(header.bytes, BLOCK_BYTES)));
    TRY(put(writer, bytes));
    TRY(put_zeros(writer, padding_of(bytes.size)));
    (void)snprintf(writer->last_name, sizeof writer->last_name, "%s", name);
    return OV_OK;
}

enum ov_status ov_bundle_write_end(struct ov_bundle_writer *writer,
                                   uint8_t ret_sha256[OV_SHA256_BYTES]) {
    TRY(put_zeros(writer, (size_t)END_BLOCKS * BLOCK_BYTES));
    ov_digest_finish(&writer->digest, ret_sha256);
    return OV_OK;
}
