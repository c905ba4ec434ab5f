// SPDX-License-Identifier: Apache-2.0
// Local headers, entries of the central directory, and where that directory is.
#include "format/archive/zip.h"

enum {
    EXTRA_ZIP64 = 1,
    LOCATOR_BYTES = 20,
    DIRECTORY_START = 0x02014b50,
    LOCAL_START = 0x04034b50,
    END64_START = 0x06064b50,
    LOCATOR_START = 0x07064b50,
    DISK_ANY = 0xffff,
};

static const uint32_t MANY = 0xffffffff; // the value stands in the zip64 extra field

bool ov_zip_is_method(unsigned method) {
    return method <= 12 || method == 14 || (method >= 16 && method <= 20) ||
           (method >= 93 && method <= 99);
}

bool ov_zip_is_encrypted(const struct ov_zip_reading *reading) {
    return (reading->flags & OV_ZIP_FLAG_ENCRYPTED) != 0 || reading->method == OV_ZIP_METHOD_AES;
}

// Takes the 64-bit values of those that have no room in the header, in their order (4.5.3).
static void read_zip64(struct ov_span extra, struct ov_zip_reading *reading, uint64_t *local_at) {
    struct ov_cursor in = ov_cursor_init(extra);
    while (ov_cursor_left(&in) >= 4) {
        uint16_t id = ov_cursor_u16le(&in);
        uint16_t size = ov_cursor_u16le(&in);
        struct ov_cursor field = ov_cursor_init(ov_span_part(extra, in.at, size));
        ov_cursor_skip(&in, size);
        if (id != EXTRA_ZIP64) {
            continue;
        }
        uint64_t *values[] = {&reading->plain_bytes, &reading->packed_bytes, local_at};
        for (size_t i = 0; i < 3; i++) {
            if (values[i] != NULL && *values[i] == MANY && ov_cursor_left(&field) >= 8) {
                *values[i] = ov_cursor_u64le(&field);
            }
        }
        return;
    }
}

// What both headers have in the same order, from the flags on to the sizes (4.3.7, 4.3.12).
static void read_common(struct ov_cursor *in, struct ov_zip_reading *reading) {
    reading->flags = ov_cursor_u16le(in);
    reading->method = ov_cursor_u16le(in);
    ov_cursor_skip(in, 4); // time and date
    reading->checksum = ov_cursor_u32le(in);
    reading->packed_bytes = ov_cursor_u32le(in);
    reading->plain_bytes = ov_cursor_u32le(in);
}

enum ov_status ov_zip_read_local(struct ov_cursor *in, struct ov_zip_reading *ret_reading) {
    struct ov_zip_reading reading = {0};
    bool is_local = ov_cursor_u32le(in) == LOCAL_START;
    ov_cursor_skip(in, 2);
    read_common(in, &reading);
    uint16_t name_bytes = ov_cursor_u16le(in);
    uint16_t extra_bytes = ov_cursor_u16le(in);
    reading.name = ov_cursor_bytes(in, name_bytes);
    read_zip64(ov_cursor_bytes(in, extra_bytes), &reading, NULL);
    bool has_descriptor = (reading.flags & OV_ZIP_FLAG_DESCRIPTOR) != 0;
    reading.is_open = has_descriptor && reading.packed_bytes == 0;
    *ret_reading = reading;
    return is_local ? ov_cursor_status(in) : OV_DAMAGED;
}

enum ov_status ov_zip_read_central(struct ov_cursor *in, uint64_t base,
                                   struct ov_zip_member *ret_member) {
    struct ov_zip_member member = {.has_central = true};
    struct ov_zip_reading *reading = &member.central;
    if (ov_cursor_u32le(in) != DIRECTORY_START) {
        return OV_DAMAGED;
    }
    ov_cursor_skip(in, 4); // versions
    read_common(in, reading);
    uint16_t name_bytes = ov_cursor_u16le(in);
    uint16_t extra_bytes = ov_cursor_u16le(in);
    uint16_t comment_bytes = ov_cursor_u16le(in);
    uint16_t disk = ov_cursor_u16le(in);
    member.is_elsewhere = disk != 0 && disk != DISK_ANY;
    ov_cursor_skip(in, 6); // attributes
    uint64_t local_at = ov_cursor_u32le(in);
    reading->name = ov_cursor_bytes(in, name_bytes);
    read_zip64(ov_cursor_bytes(in, extra_bytes), reading, &local_at);
    member.local_at = local_at + base;
    TRY(ov_cursor_status(in));
    // A comment that ends too soon hides nothing.
    ov_cursor_seek(in, in->at + comment_bytes);
    *ret_member = member;
    return OV_OK;
}

// ---- the end of the directory ------------------------------------------------------------------

static bool has_entry(struct ov_span file, uint64_t at) {
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, at);
    return ov_cursor_left(&in) >= OV_ZIP_CENTRAL_BYTES && ov_cursor_u32le(&in) == DIRECTORY_START;
}

static void add_directory(struct ov_span file, uint64_t at, uint64_t told_at,
                          struct ov_zip_end *end) {
    for (uint32_t i = 0; i < end->count; i++) {
        if (end->directories[i].at == at) {
            return;
        }
    }
    if (end->count < OV_ZIP_DIRECTORIES_MAX && has_entry(file, at)) {
        end->directories[end->count++] =
            (struct ov_zip_directory){.at = at, .base = at > told_at ? at - told_at : 0};
    }
}

// Most programs take the directory to lie right before its end record, whatever stands before the
// archive; others, clamscan among them, believe the offset as it is told.
static void add_both(struct ov_span file, uint64_t end_at, uint64_t size, uint64_t told_at,
                     struct ov_zip_end *end) {
    if (size <= end_at) {
        add_directory(file, end_at - size, told_at, end);
    }
    add_directory(file, told_at, told_at, end);
}

// The 64-bit end record that the locator before the end record points to (4.3.14, 4.3.15).
static void read_end64(struct ov_span file, size_t end_at, struct ov_zip_end *end) {
    if (end_at < LOCATOR_BYTES) {
        return;
    }
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, end_at - LOCATOR_BYTES);
    if (ov_cursor_u32le(&in) != LOCATOR_START) {
        return;
    }
    ov_cursor_skip(&in, 4);
    uint64_t told_at = ov_cursor_u64le(&in);
    const uint64_t record_bytes = 56;
    // With bytes before the archive it lies further on: right before its locator.
    uint64_t places[] = {told_at, end_at - LOCATOR_BYTES - record_bytes};
    for (size_t i = 0; i < 2; i++) {
        struct ov_cursor record = ov_cursor_init(file);
        ov_cursor_seek(&record, places[i]);
        if (ov_cursor_u32le(&record) == END64_START) {
            ov_cursor_skip(&record, 36);
            uint64_t size = ov_cursor_u64le(&record);
            uint64_t at = ov_cursor_u64le(&record);
            add_both(file, places[i], size, at, end);
            return;
        }
    }
}

struct ov_zip_end ov_zip_read_end(struct ov_span file, size_t at) {
    struct ov_zip_end end = {0};
    read_end64(file, at, &end);
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, (uint64_t)at + 4);
    uint16_t disk = ov_cursor_u16le(&in);
    uint16_t first_disk = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, 4);
    uint32_t size = ov_cursor_u32le(&in);
    uint32_t told_at = ov_cursor_u32le(&in);
    end.is_split = (disk != 0 && disk != DISK_ANY) || (first_disk != 0 && first_disk != DISK_ANY);
    add_both(file, at, size, told_at, &end);
    return end;
}
