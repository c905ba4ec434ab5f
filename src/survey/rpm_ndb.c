// SPDX-License-Identifier: Apache-2.0
// The rpm database "ndb" (Packages.db): pages of slots, each of which tells where a package stands.
//
// rpm's lib/backend/ndb/rpmpkg.c, whose comments give the layout.
#include "survey/readers.h"

#include "base/cursor.h"

enum {
    PAGE_BYTES = 4096,
    BLOCK_BYTES = 16,
    HEADER_MAGIC = 0x506d7052, // "RpmP"
    SLOT_MAGIC = 0x746f6c53,   // "Slot"
    BLOB_MAGIC = 0x53626c42,   // "BlbS"
    HEADER_BYTES = 32,
    SLOT_BYTES = 16,
    SLOT_PAGES_MAX = 4096, // a million packages
};

static enum ov_status read_blob(struct ov_span bytes, uint32_t number, uint64_t block,
                                struct ov_survey_out *out) {
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_cursor_seek(&in, block * BLOCK_BYTES);
    uint32_t magic = ov_cursor_u32le(&in);
    uint32_t same = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 4); // generation
    struct ov_span blob = ov_cursor_bytes(&in, ov_cursor_u32le(&in));
    if (in.has_failed || magic != BLOB_MAGIC || same != number) {
        return OV_DAMAGED;
    }
    return ov_survey_rpm_header(blob, out);
}

enum ov_status ov_survey_rpm_ndb(struct ov_span bytes, struct ov_survey_out *out) {
    struct ov_cursor in = ov_cursor_init(bytes);
    uint32_t magic = ov_cursor_u32le(&in);
    uint32_t version = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, 4); // generation
    uint64_t page_count = ov_cursor_u32le(&in);
    ov_cursor_seek(&in, HEADER_BYTES);
    if (in.has_failed || magic != HEADER_MAGIC || version != 0 || page_count == 0 ||
        page_count > SLOT_PAGES_MAX) {
        return OV_DAMAGED;
    }
    uint64_t slot_count = (page_count * PAGE_BYTES - HEADER_BYTES) / SLOT_BYTES;
    for (uint64_t i = 0; i < slot_count; i++) {
        uint32_t slot_magic = ov_cursor_u32le(&in);
        uint32_t number = ov_cursor_u32le(&in);
        uint32_t block = ov_cursor_u32le(&in);
        ov_cursor_skip(&in, 4); // blocks
        if (in.has_failed || slot_magic != SLOT_MAGIC) {
            return OV_DAMAGED;
        }
        enum ov_status status =
            block > 0 && number > 0 ? read_blob(bytes, number, block, out) : OV_OK;
        if (status == OV_DAMAGED) {
            ov_survey_problem(out, "a package cannot be read", 0);
        } else {
            TRY(status);
        }
    }
    return OV_OK;
}
