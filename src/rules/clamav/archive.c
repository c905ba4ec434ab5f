// SPDX-License-Identifier: Apache-2.0
// Unpacks ClamAV containers: the header, gzip, and tar as far as they use it.
#include "rules/clamav/archive.h"

#include "rules/feed/gunzip.h"
#include "rules/reader.h"

#include <stdlib.h>
#include <strings.h>

enum {
    TAR_BLOCK = 512,
    TAR_NAME_BYTES = 100,
    TAR_SIZE_AT = 124,
    TAR_SIZE_BYTES = 12,
    TAR_TYPE_AT = 156,
    MEMBERS_MAX = 4096,
};

static const size_t UNPACKED_MAX = (size_t)2 << 30; // today's largest, unpacked, is 0.4 GB

uint64_t ov_clamav_container_version(struct ov_span bytes) {
    struct ov_span fields[3] = {0};
    uint64_t version = 0;
    struct ov_span header = ov_span_part(bytes, 0, OV_CLAMAV_HEADER_BYTES);
    bool is_read = ov_fields_split(header, ':', fields, 3) >= 3 &&
                   ov_span_is_text(fields[0], "ClamAV-VDB") &&
                   ov_decimal_read(fields[2], UINT64_MAX, &version);
    return is_read ? version : 0;
}

static const char *explain(enum ov_status status) {
    switch (status) {
    case OV_END:
        return "its gzip data ends too early";
    case OV_DAMAGED:
        return "its gzip data is damaged";
    case OV_LIMIT:
        return "unpacks to more than the memory allowed for rules";
    default:
        return "cannot be unpacked: no memory";
    }
}

enum ov_status ov_clamav_archive_open(struct ov_span bytes, size_t most_bytes,
                                      struct ov_clamav_archive *ret_archive) {
    struct ov_clamav_archive archive = {0};
    if (!ov_span_has_prefix(bytes, "ClamAV-VDB:") || bytes.size < OV_CLAMAV_HEADER_BYTES) {
        ret_archive->why = "no ClamAV-VDB header of 512 bytes at the start";
        return OV_DAMAGED;
    }
    struct ov_span body = ov_span_from(bytes, OV_CLAMAV_HEADER_BYTES);
    if (ov_span_has_prefix(body, "COPYING")) {
        archive.tar = body;
        *ret_archive = archive;
        return OV_OK;
    }
    struct ov_buf plain = {0};
    size_t used = 0;
    size_t most = most_bytes < UNPACKED_MAX ? most_bytes : UNPACKED_MAX;
    enum ov_status status = ov_gunzip(body, most, &plain, &used);
    if (status != OV_OK) {
        ret_archive->why = explain(status);
        ov_buf_release(&plain);
        return status == OV_END ? OV_DAMAGED : status;
    }
    void *block = plain.size > 0 ? realloc(plain.data, plain.size) : NULL; // made smaller
    archive.block = block != NULL ? block : plain.data;
    archive.block_bytes = block != NULL ? plain.size : plain.room;
    archive.tar = ov_span_make(archive.block, plain.size);
    archive.has_tail = used < body.size;
    *ret_archive = archive;
    return OV_OK;
}

void ov_clamav_archive_close(struct ov_clamav_archive *archive) {
    free(archive->block);
    *archive = (struct ov_clamav_archive){0};
}

// ---- tar ------------------------------------------------------------------------------------

// An octal number field; false when it holds something else.
static bool read_octal(struct ov_span field, uint64_t *ret_number) {
    uint64_t number = 0;
    size_t at = 0;
    while (at < field.size && field.data[at] == ' ') {
        at++;
    }
    for (; at < field.size && field.data[at] >= '0' && field.data[at] <= '7'; at++) {
        number = number << 3 | (field.data[at] - '0');
    }
    *ret_number = number;
    return at == field.size || field.data[at] == ' ' || field.data[at] == '\0';
}

static bool is_file_name(struct ov_span name) {
    return name.size > 0 && ov_span_find(name, 0, '/') == name.size && name.data[0] != '.';
}

// Endings of containers, in any case, as the endings of files are taken.
static bool is_container_name(struct ov_span name) {
    static const char *const endings[] = {".cvd", ".cld", ".cud"};
    struct ov_span end = ov_span_from(name, name.size - (name.size < 4 ? name.size : 4));
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (end.size == 4 && strncasecmp((const char *)end.data, endings[i], 4) == 0) {
            return true;
        }
    }
    return false;
}

static enum ov_status refuse(struct ov_clamav_archive *archive, const char *why) {
    archive->why = why;
    return OV_DAMAGED;
}

enum ov_status ov_clamav_archive_next(struct ov_clamav_archive *archive,
                                      struct ov_clamav_member *ret_member) {
    struct ov_span head = ov_span_part(archive->tar, archive->at, TAR_BLOCK);
    if (head.size < TAR_BLOCK || head.data[0] == 0) {
        return OV_END;
    }
    struct ov_span rest = ov_span_from(archive->tar, archive->at + TAR_BLOCK);
    struct ov_span name = ov_span_part(head, 0, TAR_NAME_BYTES);
    name.size = ov_span_find(name, 0, 0);
    uint64_t size = 0;
    uint8_t type = head.data[TAR_TYPE_AT];
    if (!read_octal(ov_span_part(head, TAR_SIZE_AT, TAR_SIZE_BYTES), &size) || size > rest.size ||
        archive->member_count >= MEMBERS_MAX) {
        return refuse(archive, "its tar data is damaged");
    }
    bool is_regular = type == '0' || type == '\0';
    if (!is_regular || !is_file_name(name) || is_container_name(name)) {
        return refuse(archive, "holds something else than plain rule files");
    }
    size_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    archive->at += TAR_BLOCK + (padded < rest.size ? padded : rest.size);
    archive->member_count++;
    *ret_member = (struct ov_clamav_member){.name = name, .bytes = ov_span_part(rest, 0, size)};
    return OV_OK;
}
