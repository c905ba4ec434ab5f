// SPDX-License-Identifier: Apache-2.0
// Opening and verifying a compiled image.
#include "match/image.h"

#include "base/digest.h"
#include "base/fd.h"

#include <stddef.h>
#include <stdio.h>

// Writes the reason and gives OV_DAMAGED.
static enum ov_status refuse(char *reason, const char *what, uint64_t at) {
    (void)snprintf(reason, OV_IMAGE_REASON_BYTES, "%s (byte %llu)", what, (unsigned long long)at);
    return OV_DAMAGED;
}

// The SHA-256 of the header, with its digest zeroed, and the section table.
static void digest_head(const struct ov_image_header *header, struct ov_span table,
                        uint8_t ret_digest[OV_SHA256_BYTES]) {
    struct ov_image_header copy = *header;
    memset(copy.digest, 0, sizeof copy.digest);
    struct ov_digest digest;
    ov_digest_init(OV_HASH_SHA256, &digest);
    ov_digest_update(&digest, ov_span_make(&copy, sizeof copy));
    ov_digest_update(&digest, table);
    ov_digest_finish(&digest, ret_digest);
}

static enum ov_status check_header(struct ov_span bytes, const struct ov_image_header *header,
                                   char *reason) {
    if (memcmp(header->magic, OV_IMAGE_MAGIC, sizeof header->magic) != 0) {
        return refuse(reason, "no image: the magic is missing", 0);
    }
    if (header->version != OV_IMAGE_VERSION) {
        return refuse(reason, "an image of another version: build it again", 8);
    }
    if (header->header_bytes != sizeof *header) {
        return refuse(reason, "the header has another size", 12);
    }
    if (header->image_bytes != bytes.size) {
        return refuse(reason, "the file is shorter or longer than its header says", 16);
    }
    uint64_t table_bytes = (uint64_t)header->section_count * sizeof(struct ov_image_section_record);
    if (header->section_count > OV_IMAGE_SECTIONS_MAX ||
        table_bytes > bytes.size - sizeof *header) {
        return refuse(reason, "more sections than fit", 24);
    }
    return OV_OK;
}

static uint64_t align_up(uint64_t at) {
    return (at + OV_IMAGE_ALIGN - 1) / OV_IMAGE_ALIGN * OV_IMAGE_ALIGN;
}

// Sections stand in the order of the table, each at the first aligned place after the one before,
// and the file ends with the last: so there is one way to lay an image out, and no byte is unused.
static enum ov_status check_sections(const struct ov_image *image, char *reason) {
    uint64_t previous = 0;
    uint64_t end = sizeof *image->header + (uint64_t)image->section_count * sizeof *image->sections;
    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct ov_image_section_record *section = &image->sections[i];
        uint64_t at = sizeof *image->header + (uint64_t)i * sizeof *section;
        uint64_t order = (uint64_t)section->type << 32 | section->variant;
        if (order <= previous) {
            return refuse(reason, "the section table is out of order", at);
        }
        previous = order;
        if (section->offset % OV_IMAGE_ALIGN != 0 || section->offset > image->bytes.size ||
            section->bytes > image->bytes.size - section->offset) {
            return refuse(reason, "a section lies outside the file", at + 8);
        }
        if (section->offset != align_up(end)) {
            return refuse(reason, "a section does not follow the one before", at + 8);
        }
        end = section->offset + section->bytes;
    }
    return end == image->bytes.size ? OV_OK : refuse(reason, "bytes after the last section", end);
}

enum ov_status ov_image_open(struct ov_span bytes, struct ov_image *ret_image,
                             char ret_reason[OV_IMAGE_REASON_BYTES]) {
    if (bytes.size < sizeof(struct ov_image_header)) {
        return refuse(ret_reason, "no image: shorter than a header", bytes.size);
    }
    if ((uintptr_t)bytes.data % 16 != 0) {
        return refuse(ret_reason, "the image is not aligned in memory", 0);
    }
    struct ov_image image = {.bytes = bytes};
    image.header = (const void *)bytes.data;
    TRY(check_header(bytes, image.header, ret_reason));
    image.sections = (const void *)(bytes.data + sizeof *image.header);
    image.section_count = image.header->section_count;
    uint8_t digest[OV_SHA256_BYTES];
    digest_head(image.header,
                ov_span_make(image.sections, image.section_count * sizeof *image.sections), digest);
    if (memcmp(digest, image.header->digest, sizeof digest) != 0) {
        return refuse(ret_reason, "header and section table do not have the digest they state", 32);
    }
    TRY(check_sections(&image, ret_reason));
    *ret_image = image;
    return OV_OK;
}

// What fills up to the alignment is in no digest: zeros, or the image was changed.
static enum ov_status check_padding(struct ov_span bytes, uint64_t from, uint64_t to,
                                    char *reason) {
    for (; from < to; from++) {
        if (bytes.data[from] != 0) {
            return refuse(reason, "a byte between two sections is not zero", from);
        }
    }
    return OV_OK;
}

enum ov_status ov_image_verify(const struct ov_image *image,
                               char ret_reason[OV_IMAGE_REASON_BYTES]) {
    uint64_t end = sizeof *image->header + (uint64_t)image->section_count * sizeof *image->sections;
    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct ov_image_section_record *section = &image->sections[i];
        TRY(check_padding(image->bytes, end, section->offset, ret_reason));
        end = section->offset + section->bytes;
        uint8_t digest[OV_SHA256_BYTES];
        ov_sha256(ov_span_part(image->bytes, section->offset, section->bytes), digest);
        if (memcmp(digest, section->digest, sizeof digest) != 0) {
            (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES,
                           "section %u.%u does not have the digest stated for it (byte %llu)",
                           section->type, section->variant, (unsigned long long)section->offset);
            return OV_DAMAGED;
        }
    }
    return OV_OK;
}

struct ov_span ov_image_section(const struct ov_image *image, uint32_t type, uint32_t variant) {
    uint64_t wanted = (uint64_t)type << 32 | variant;
    uint32_t low = 0, high = image->section_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct ov_image_section_record *section = &image->sections[middle];
        uint64_t order = (uint64_t)section->type << 32 | section->variant;
        if (order == wanted) {
            return ov_span_part(image->bytes, section->offset, section->bytes);
        }
        if (order < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return ov_span_make(NULL, 0);
}

const void *ov_image_array(const struct ov_image *image, uint32_t type, uint32_t variant,
                           size_t item_bytes, uint32_t *ret_count) {
    struct ov_span section = ov_image_section(image, type, variant);
    size_t count = section.size / item_bytes;
    *ret_count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
    return section.data;
}

void ov_image_prefetch_filter(const struct ov_image *image, uint32_t target) {
    uint32_t count;
    const struct ov_image_target *targets =
        ov_image_array(image, OV_SECTION_TARGETS, 0, sizeof *targets, &count);
    for (uint32_t type = OV_SECTION_FILTER_BLOOM; type <= OV_SECTION_FILTER_ENTRIES; type++) {
        if (target < count) {
            ov_mapped_prefetch(ov_image_section(image, type, targets[target].filter));
        }
    }
}
