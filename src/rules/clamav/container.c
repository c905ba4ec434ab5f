// SPDX-License-Identifier: Apache-2.0
// Containers: .cvd .cld .cud. A header of 512 bytes, then a tar file, mostly inside gzip. They are
// unpacked in memory; their signatures are not checked here.
#include "rules/clamav/readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    HEADER_BYTES = 512,
    TAR_BLOCK = 512,
    TAR_NAME_BYTES = 100,
    TAR_SIZE_AT = 124,
    TAR_SIZE_BYTES = 12,
    TAR_TYPE_AT = 156,
    MEMBERS_MAX = 4096,
    FIRST_ROOM_BYTES = 1 << 20,
    GZIP_WINDOW = 15 + 16, // zlib: the largest window, gzip framing
    NAME_BYTES = 4096,
    UNREAD_KINDS = 4,
};

static const size_t UNPACKED_MAX = (size_t)2 << 30; // today's largest, unpacked, is 0.4 GB

static enum ov_status tell(struct ov_ruleset *set, uint32_t file, const char *reason) {
    return ov_ruleset_add_problem(set, (struct ov_place){.file = file}, (struct ov_span){0}, false,
                                  reason);
}

uint64_t ov_clamav_container_version(struct ov_span bytes) {
    struct ov_span fields[3] = {0};
    uint64_t version = 0;
    struct ov_span header = ov_span_part(bytes, 0, HEADER_BYTES);
    bool is_read = ov_fields_split(header, ':', fields, 3) >= 3 &&
                   ov_span_is_text(fields[0], "ClamAV-VDB") &&
                   ov_number_read(fields[2], UINT64_MAX, &version);
    return is_read ? version : 0;
}

// ---- gzip -----------------------------------------------------------------------------------

struct unpacked {
    uint8_t *data;
    size_t size;
    size_t room;
    size_t cap;
};

static bool make_room(struct unpacked *out) {
    size_t room = out->room == 0 ? FIRST_ROOM_BYTES : out->room * 2;
    room = room > out->cap ? out->cap : room;
    uint8_t *data = room > out->room ? realloc(out->data, room) : NULL;
    if (data == NULL) {
        return false;
    }
    out->data = data;
    out->room = room;
    return true;
}

// Unpacks all gzip members; gives the sentence that says why not, or NULL.
static const char *run_inflate(z_stream *stream, struct unpacked *out) {
    for (;;) {
        if (out->size == out->room && !make_room(out)) {
            return "unpacks to more than the memory allowed for rules";
        }
        size_t left = out->room - out->size;
        stream->next_out = out->data + out->size;
        stream->avail_out = left > UINT32_MAX ? UINT32_MAX : (uInt)left;
        uInt before = stream->avail_out;
        int code = inflate(stream, Z_NO_FLUSH);
        out->size += before - stream->avail_out;
        if (code == Z_STREAM_END) {
            return NULL;
        }
        if (code != Z_OK && (code != Z_BUF_ERROR || stream->avail_out > 0)) {
            return stream->avail_in == 0 ? "its gzip data ends too early"
                                         : "its gzip data is damaged";
        }
    }
}

static const char *unpack(struct ov_span packed, struct unpacked *out) {
    z_stream stream = {0};
    if (packed.size > UINT32_MAX || inflateInit2(&stream, GZIP_WINDOW) != Z_OK) {
        return "cannot be unpacked: too large, or no memory";
    }
    stream.next_in = (z_const Bytef *)packed.data;
    stream.avail_in = (uInt)packed.size;
    const char *why = run_inflate(&stream, out);
    inflateEnd(&stream);
    return why;
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

// Members that are not read, counted by their reason, so that a container of hundreds of programs
// is one remark and not hundreds.
struct unread {
    const char *why[UNREAD_KINDS];
    unsigned count[UNREAD_KINDS];
};

static void note_unread(struct unread *unread, const char *why) {
    for (unsigned i = 0; i < UNREAD_KINDS; i++) {
        if (unread->why[i] == NULL || strcmp(unread->why[i], why) == 0) {
            unread->why[i] = why;
            unread->count[i]++;
            return;
        }
    }
}

static enum ov_status tell_unread(struct ov_ruleset *set, uint32_t file,
                                  const struct unread *unread) {
    for (unsigned i = 0; i < UNREAD_KINDS && unread->why[i] != NULL; i++) {
        TRY(ov_ruleset_add_problemf(set, (struct ov_place){.file = file}, (struct ov_span){0}, true,
                                    "%u member%s: %s", unread->count[i],
                                    unread->count[i] == 1 ? "" : "s", unread->why[i]));
    }
    return OV_OK;
}

static enum ov_status read_member(struct ov_ruleset *set, uint32_t file, struct ov_span name,
                                  struct ov_span bytes, bool is_official, struct unread *unread) {
    if (name.size >= 5 && memcmp(name.data + name.size - 5, ".info", 5) == 0) {
        return OV_OK; // what it promises is not checked here
    }
    char path[NAME_BYTES];
    snprintf(path, sizeof path, "%s!%.*s", set->files[file].path, (int)name.size,
             (const char *)name.data);
    const char *why = ov_ruleset_why_unread(set, path);
    if (why != NULL) {
        note_unread(unread, why);
        return OV_OK;
    }
    uint32_t member;
    TRY(ov_ruleset_add_file(set, path, bytes, is_official, &member));
    enum ov_status status = ov_ruleset_read_file(set, member);
    return status == OV_UNSUPPORTED ? OV_OK : status; // COPYING and other company
}

static bool is_container_name(struct ov_span name) {
    return name.size >= 4 && (memcmp(name.data + name.size - 4, ".cvd", 4) == 0 ||
                              memcmp(name.data + name.size - 4, ".cld", 4) == 0 ||
                              memcmp(name.data + name.size - 4, ".cud", 4) == 0);
}

static enum ov_status read_tar(struct ov_ruleset *set, uint32_t file, struct ov_span tar,
                               bool is_official) {
    struct unread unread = {0};
    size_t at = 0;
    for (unsigned members = 0; at + TAR_BLOCK <= tar.size && tar.data[at] != 0; members++) {
        struct ov_span head = ov_span_part(tar, at, TAR_BLOCK);
        struct ov_span name = ov_span_part(head, 0, TAR_NAME_BYTES);
        name.size = ov_span_find(name, 0, 0);
        uint64_t size = 0;
        uint8_t type = head.data[TAR_TYPE_AT];
        at += TAR_BLOCK;
        if (!read_octal(ov_span_part(head, TAR_SIZE_AT, TAR_SIZE_BYTES), &size) ||
            size > tar.size - at || members >= MEMBERS_MAX) {
            return tell(set, file, "its tar data is damaged");
        }
        bool is_regular = type == '0' || type == '\0';
        if (!is_regular || !is_file_name(name) || is_container_name(name)) {
            return tell(set, file, "holds something else than plain rule files");
        }
        TRY(read_member(set, file, name, ov_span_part(tar, at, size), is_official, &unread));
        size_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
        at = padded > tar.size - at ? tar.size : at + padded;
    }
    return tell_unread(set, file, &unread);
}

enum ov_status ov_clamav_read_container(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    struct ov_span bytes = set->files[file].bytes;
    if (!ov_span_has_prefix(bytes, "ClamAV-VDB:") || bytes.size < HEADER_BYTES) {
        return tell(set, file, "no ClamAV-VDB header of 512 bytes at the start");
    }
    struct ov_span body = ov_span_part(bytes, HEADER_BYTES, bytes.size - HEADER_BYTES);
    if (ov_span_has_prefix(body, "COPYING")) {
        return read_tar(set, file, body, mode == 1);
    }
    size_t heap = ov_ruleset_heap_left(set);
    struct unpacked out = {.cap = heap < UNPACKED_MAX ? heap : UNPACKED_MAX};
    const char *why = unpack(body, &out);
    enum ov_status status = why == NULL ? ov_ruleset_hold_block(set, out.data, out.room) : OV_OK;
    if (why != NULL || status != OV_OK) {
        free(out.data);
        return why != NULL ? tell(set, file, why) : status;
    }
    return read_tar(set, file, ov_span_make(out.data, out.size), mode == 1);
}
