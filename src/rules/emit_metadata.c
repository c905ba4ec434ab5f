// SPDX-License-Identifier: Apache-2.0
// What is asked of members of containers, and the magics of file types, as they stand in an image.
#include "rules/emit_state.h"

_Static_assert((int)OV_METADATA_EITHER == (int)OV_ENCRYPTED_EITHER, "encrypted");

// Puts bytes into the code section, up to a multiple of 8 as everything in it; where.
static uint32_t put_bytes(struct ov_buf *code, const void *bytes, size_t size) {
    uint32_t at = (uint32_t)code->size;
    ov_buf_add(code, bytes, size);
    ov_buf_align(code, 8);
    return at;
}

void ov_emit_metadata(struct ov_emit *emit, const struct ov_rule *rule, uint32_t number) {
    const struct ov_metadata *asked = rule->metadata;
    struct ov_image_metadata record = {
        .rule = number,
        .container = asked->container,
        .encrypted = asked->encrypted,
        .flags = (uint8_t)((asked->has_checksum ? OV_METADATA_CHECKSUM : 0) |
                           (asked->is_name_caseless ? OV_METADATA_CASELESS : 0)),
        .checksum = asked->checksum,
        .container_min = asked->container_size.min,
        .container_max = asked->container_size.max,
        .packed_min = asked->packed_size.min,
        .packed_max = asked->packed_size.max,
        .plain_min = asked->plain_size.min,
        .plain_max = asked->plain_size.max,
        .position_min = asked->position.min,
        .position_max = asked->position.max,
        .name_bytes = (uint32_t)asked->name.size,
    };
    if (record.name_bytes > 0) {
        record.name_at = put_bytes(emit->code, asked->name.data, asked->name.size);
    }
    ov_buf_add(emit->metadata, &record, sizeof record);
}

enum ov_status ov_emit_magics(struct ov_emit *emit) {
    for (size_t i = 0; i < emit->set->magic_count; i++) {
        const struct ov_type_magic *magic = &emit->set->magics[i];
        struct ov_image_magic record = {
            .offset = magic->offset,
            .bytes_at = put_bytes(emit->code, magic->bytes, magic->size),
            .bytes = magic->size,
            .type = magic->type,
        };
        ov_buf_add(emit->magics, &record, sizeof record);
    }
    TRY(ov_buf_status(emit->code));
    return ov_buf_status(emit->magics);
}
