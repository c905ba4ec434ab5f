// SPDX-License-Identifier: Apache-2.0
// Holds an image against the digests in it.
#include "catalog/image_check.h"

#include "base/cursor.h"
#include "base/digest.h"
#include "match/layout.h"

#include <stddef.h>
#include <stdio.h>

static enum ov_status refuse(char *reason, const char *what, uint64_t at) {
    (void)snprintf(reason, OV_IMAGE_CHECK_REASON_BYTES, "%s (byte %llu)", what,
                   (unsigned long long)at);
    return OV_DAMAGED;
}

static enum ov_status check_header(struct ov_span image, const struct ov_image_header *header,
                                   char *reason) {
    if (memcmp(header->magic, OV_IMAGE_MAGIC, sizeof header->magic) != 0) {
        return refuse(reason, "no image: the magic is missing", 0);
    }
    if (header->version != OV_IMAGE_VERSION || header->header_bytes != sizeof *header) {
        return refuse(reason, "an image of another version: build it again",
                      offsetof(struct ov_image_header, version));
    }
    if (header->image_bytes != image.size) {
        return refuse(reason, "the file is shorter or longer than its header says",
                      offsetof(struct ov_image_header, image_bytes));
    }
    uint64_t table = (uint64_t)header->section_count * sizeof(struct ov_image_section_record);
    if (header->section_count > OV_IMAGE_SECTIONS_MAX || table > image.size - sizeof *header) {
        return refuse(reason, "more sections than fit",
                      offsetof(struct ov_image_header, section_count));
    }
    struct ov_image_header blank = *header;
    memset(blank.digest, 0, sizeof blank.digest);
    uint8_t digest[OV_SHA256_BYTES];
    struct ov_digest state;
    ov_digest_init(OV_HASH_SHA256, &state);
    ov_digest_update(&state, ov_span_make(&blank, sizeof blank));
    ov_digest_update(&state, ov_span_part(image, sizeof blank, (size_t)table));
    ov_digest_finish(&state, digest);
    if (memcmp(digest, header->digest, sizeof digest) != 0) {
        return refuse(reason, "header and section table do not have the digest they state",
                      offsetof(struct ov_image_header, digest));
    }
    return OV_OK;
}

// One section and the zeros before it; *end is where the one before ended.
static enum ov_status check_section(struct ov_span image,
                                    const struct ov_image_section_record *record, uint64_t *end,
                                    char *reason) {
    uint64_t start = (*end + OV_IMAGE_ALIGN - 1) / OV_IMAGE_ALIGN * OV_IMAGE_ALIGN;
    if (record->offset != start || start > image.size || record->bytes > image.size - start) {
        return refuse(reason, "a section does not follow the one before, or is cut off", *end);
    }
    for (uint64_t at = *end; at < start; at++) {
        if (image.data[at] != 0) {
            return refuse(reason, "a byte between two sections is not zero", at);
        }
    }
    uint8_t digest[OV_SHA256_BYTES];
    ov_sha256(ov_span_part(image, (size_t)start, (size_t)record->bytes), digest);
    if (memcmp(digest, record->digest, sizeof digest) != 0) {
        (void)snprintf(reason, OV_IMAGE_CHECK_REASON_BYTES,
                       "section %u.%u does not have the digest stated for it (byte %llu)",
                       record->type, record->variant, (unsigned long long)start);
        return OV_DAMAGED;
    }
    *end = start + record->bytes;
    return OV_OK;
}

enum ov_status ov_image_check(struct ov_span image, char ret_reason[OV_IMAGE_CHECK_REASON_BYTES]) {
    struct ov_image_header header;
    struct ov_cursor cursor = ov_cursor_init(image);
    struct ov_span bytes = ov_cursor_bytes(&cursor, sizeof header);
    if (bytes.size != sizeof header) {
        return refuse(ret_reason, "no image: shorter than a header", image.size);
    }
    memcpy(&header, bytes.data, sizeof header);
    TRY(check_header(image, &header, ret_reason));
    uint64_t end =
        sizeof header + (uint64_t)header.section_count * sizeof(struct ov_image_section_record);
    for (uint32_t i = 0; i < header.section_count; i++) {
        struct ov_image_section_record record;
        bytes = ov_cursor_bytes(&cursor, sizeof record);
        if (bytes.size != sizeof record) {
            return refuse(ret_reason, "the section table is cut off", image.size);
        }
        memcpy(&record, bytes.data, sizeof record);
        TRY(check_section(image, &record, &end, ret_reason));
    }
    return end == image.size ? OV_OK : refuse(ret_reason, "bytes after the last section", end);
}
