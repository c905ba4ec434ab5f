// SPDX-License-Identifier: Apache-2.0
// Reading and writing entry bundles.
#include "ledger/entries.h"

#include "base/fd.h"
#include "ledger/tile_file.h"

#include <errno.h>
#include <unistd.h>

// Whether these bytes, which are no bundle, are a gzip file (RFC 1952 section 2.3.1): a log may
// store bundles so when its server says so, and a copy of its folder then has them.
static bool is_gzip(struct ov_span bytes) {
    return ov_span_has_prefix(bytes, "\x1f\x8b\x08"); // deflate, the one method there is
}

enum ov_status ov_entries_read(struct ov_span bytes, unsigned width,
                               struct ov_entries *ret_entries) {
    if (width == 0 || width > OV_TILE_WIDTH) {
        return OV_INVALID;
    }
    struct ov_cursor cursor = ov_cursor_init(bytes);
    struct ov_entries found = {.count = width};
    for (unsigned i = 0; i < width; i++) {
        found.entries[i] = ov_cursor_bytes(&cursor, ov_cursor_u16be(&cursor));
    }
    if (ov_cursor_status(&cursor) != OV_OK || ov_cursor_left(&cursor) > 0) {
        return is_gzip(bytes) ? OV_UNSUPPORTED : OV_DAMAGED;
    }
    *ret_entries = found;
    return OV_OK;
}

enum ov_status ov_entries_add(struct ov_buf *bundle, struct ov_span entry) {
    if (entry.size > OV_ENTRY_BYTES_MAX) {
        return OV_INVALID;
    }
    ov_buf_add_u8(bundle, (uint8_t)(entry.size >> 8));
    ov_buf_add_u8(bundle, (uint8_t)entry.size);
    ov_buf_add(bundle, entry.data, entry.size);
    return ov_buf_status(bundle);
}

static enum ov_status load_file(int folder, const struct ov_tile_path *path, struct ov_buf *bytes) {
    OV_AUTO_FD fd = -1;
    uint64_t size = 0;
    size_t done = 0;
    TRY(ov_tile_file_open(folder, path, &fd, &size));
    if (size > OV_ENTRIES_BYTES_MAX) {
        return OV_DAMAGED;
    }
    ov_buf_reset(bytes);
    uint8_t *room = ov_buf_reserve(bytes, (size_t)size + 1); // never NULL for nothing
    if (room == NULL) {
        return OV_MEMORY;
    }
    TRY(ov_fd_read_full(fd, room, (size_t)size, &done));
    ov_buf_commit(bytes, done);
    return OV_OK;
}

enum ov_status ov_entries_load(int folder, uint64_t number, unsigned width, struct ov_buf *bytes,
                               struct ov_entries *ret_entries) {
    struct ov_tile_path path;
    unsigned stored = width;
    TRY(ov_entries_path(number, width, &path));
    enum ov_status status = load_file(folder, &path, bytes);
    if (status == OV_SYSTEM && errno == ENOENT && width < OV_TILE_WIDTH) {
        stored = OV_TILE_WIDTH;
        TRY(ov_entries_path(number, stored, &path));
        status = load_file(folder, &path, bytes);
    }
    TRY(status);
    TRY(ov_entries_read(ov_buf_span(bytes), stored, ret_entries));
    ret_entries->count = width;
    return OV_OK;
}
