// SPDX-License-Identifier: Apache-2.0
// One package of an rpm database.
//
// rpm's documentation, "RPM v4 header format": how many entries and how many bytes of data, both
// u32be; entries of 16 bytes (tag, type, offset, count); the data.
#include "survey/readers.h"

#include "base/buf.h"
#include "base/cursor.h"

enum {
    TAG_NAME = 1000,
    TAG_VERSION = 1001,
    TAG_RELEASE = 1002,
    TYPE_STRING = 6,
    ENTRY_BYTES = 16,
    ENTRIES_MAX = 65535, // what rpm itself allows
};

struct header {
    struct ov_span name, version, release;
};

static struct ov_span take_string(struct ov_span data, uint32_t offset) {
    struct ov_span text = ov_span_from(data, offset);
    size_t end = ov_span_find(text, 0, 0);
    return end < text.size ? ov_span_part(text, 0, end) : ov_span_make(NULL, 0);
}

static void take_entry(struct header *header, uint32_t tag, struct ov_span text) {
    switch (tag) {
    case TAG_NAME:
        header->name = text;
        break;
    case TAG_VERSION:
        header->version = text;
        break;
    case TAG_RELEASE:
        header->release = text;
        break;
    default:
        break;
    }
}

static enum ov_status read_header(struct ov_span blob, struct header *ret_header) {
    struct ov_cursor in = ov_cursor_init(blob);
    struct header header = {0};
    uint64_t entry_count = ov_cursor_u32be(&in);
    uint32_t data_bytes = ov_cursor_u32be(&in);
    entry_count = ov_cursor_count(&in, entry_count, ENTRY_BYTES);
    struct ov_cursor entries = ov_cursor_init(ov_cursor_bytes(&in, entry_count * ENTRY_BYTES));
    struct ov_span data = ov_cursor_bytes(&in, data_bytes);
    if (in.has_failed || entry_count > ENTRIES_MAX) {
        return OV_DAMAGED;
    }
    for (uint64_t i = 0; i < entry_count; i++) {
        uint32_t tag = ov_cursor_u32be(&entries);
        uint32_t type = ov_cursor_u32be(&entries);
        uint32_t offset = ov_cursor_u32be(&entries);
        ov_cursor_skip(&entries, 4);
        if (type == TYPE_STRING) {
            take_entry(&header, tag, take_string(data, offset));
        }
    }
    *ret_header = header;
    return header.name.size > 0 ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_survey_rpm_header(struct ov_span blob, struct ov_survey_out *out) {
    OV_CLEANUP(ov_buf_release) struct ov_buf detail = {0};
    struct header header;
    TRY(read_header(blob, &header));
    ov_buf_add(&detail, header.version.data, header.version.size);
    if (header.release.size > 0) {
        ov_buf_add_u8(&detail, '-');
        ov_buf_add(&detail, header.release.data, header.release.size);
    }
    TRY(ov_buf_status(&detail));
    out->count++;
    ov_survey_tell(out, OV_FACT_PACKAGE, header.name, ov_buf_span(&detail));
    return OV_OK;
}
