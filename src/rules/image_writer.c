// SPDX-License-Identifier: Apache-2.0
// Puts sections together into one image.
#include "rules/image_writer.h"

#include "base/digest.h"

#include <stdlib.h>

void ov_image_writer_init(struct ov_image_writer *ret_writer) {
    memset(ret_writer, 0, sizeof *ret_writer);
}

void ov_image_writer_release(struct ov_image_writer *writer) {
    for (uint32_t i = 0; i < writer->section_count; i++) {
        ov_buf_release(&writer->sections[i].bytes);
    }
    writer->section_count = 0;
}

struct ov_buf *ov_image_writer_add(struct ov_image_writer *writer, uint32_t type,
                                   uint32_t variant) {
    if (writer->section_count == OV_IMAGE_SECTIONS_MAX) {
        return NULL;
    }
    struct ov_image_writer_section *section = &writer->sections[writer->section_count++];
    section->type = type;
    section->variant = variant;
    ov_buf_init(&section->bytes);
    return &section->bytes;
}

static int compare_sections(const void *a, const void *b) {
    const struct ov_image_writer_section *left = a, *right = b;
    if (left->type != right->type) {
        return left->type > right->type ? 1 : -1;
    }
    return (left->variant > right->variant) - (left->variant < right->variant);
}

// The table of where everything will stand.
static uint64_t plan_sections(struct ov_image_writer *writer,
                              struct ov_image_section_record *ret_records) {
    uint64_t at = sizeof(struct ov_image_header) + writer->section_count * sizeof *ret_records;
    for (uint32_t i = 0; i < writer->section_count; i++) {
        at = (at + OV_IMAGE_ALIGN - 1) / OV_IMAGE_ALIGN * OV_IMAGE_ALIGN;
        struct ov_image_section_record *record = &ret_records[i];
        *record = (struct ov_image_section_record){
            .type = writer->sections[i].type,
            .variant = writer->sections[i].variant,
            .offset = at,
            .bytes = writer->sections[i].bytes.size,
        };
        ov_sha256(ov_buf_span(&writer->sections[i].bytes), record->digest);
        at += record->bytes;
    }
    return at;
}

static void write_head(const struct ov_image_writer *writer,
                       const struct ov_image_section_record *records, uint64_t image_bytes,
                       struct ov_buf *image) {
    struct ov_image_header header = {
        .magic = {'O', 'V', 'I', 'M', 'A', 'G', 'E', '\n'},
        .version = OV_IMAGE_VERSION,
        .header_bytes = sizeof header,
        .image_bytes = image_bytes,
        .section_count = writer->section_count,
        .rule_count = writer->rule_count,
        .hash_rule_count = writer->hash_rule_count,
        .window_overlap = writer->window_overlap,
    };
    struct ov_span table = ov_span_make(records, writer->section_count * sizeof *records);
    struct ov_digest digest;
    ov_digest_init(OV_HASH_SHA256, &digest);
    ov_digest_update(&digest, ov_span_make(&header, sizeof header));
    ov_digest_update(&digest, table);
    ov_digest_finish(&digest, header.digest);
    ov_buf_add(image, &header, sizeof header);
    ov_buf_add(image, table.data, table.size);
}

enum ov_status ov_image_writer_finish(struct ov_image_writer *writer, struct ov_buf *ret_image) {
    for (uint32_t i = 0; i < writer->section_count; i++) {
        TRY(ov_buf_status(&writer->sections[i].bytes));
    }
    qsort(writer->sections, writer->section_count, sizeof writer->sections[0], compare_sections);
    struct ov_image_section_record *records = calloc(OV_IMAGE_SECTIONS_MAX, sizeof *records);
    if (records == NULL) {
        return OV_MEMORY;
    }
    uint64_t image_bytes = plan_sections(writer, records);
    write_head(writer, records, image_bytes, ret_image);
    free(records);
    for (uint32_t i = 0; i < writer->section_count; i++) {
        ov_buf_align(ret_image, OV_IMAGE_ALIGN);
        struct ov_span bytes = ov_buf_span(&writer->sections[i].bytes);
        ov_buf_add(ret_image, bytes.data, bytes.size);
        ov_buf_release(&writer->sections[i].bytes);
    }
    return ov_buf_status(ret_image);
}
