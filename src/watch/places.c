// SPDX-License-Identifier: Apache-2.0
// Reads mountinfo, and joins paths.
#include "watch/places.h"

#include "base/cursor.h"
#include "base/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ARENA_BYTES = 64 << 20,
    TEXT_BYTES_MAX = 16 << 20,
    MINOR_BITS = 20,
};

static bool read_number(struct ov_span text, uint32_t *ret_number) {
    uint64_t number = 0;
    if (text.size == 0 || text.size > 10) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    *ret_number = (uint32_t)number;
    return number <= UINT32_MAX;
}

static bool read_device(struct ov_span text, uint32_t *ret_device) {
    size_t colon = ov_span_find(text, 0, ':');
    uint32_t major;
    uint32_t minor;
    bool is_read = colon < text.size && read_number(ov_span_part(text, 0, colon), &major) &&
                   read_number(ov_span_from(text, colon + 1), &minor);
    if (is_read) {
        *ret_device = major << MINOR_BITS | minor;
    }
    return is_read;
}

static bool is_octal(uint8_t byte) {
    return byte >= '0' && byte <= '7';
}

// Blanks and their like stand as \ooo.
static enum ov_status unescape(struct ov_arena *arena, struct ov_span text,
                               struct ov_span *ret_text) {
    uint8_t *bytes = ov_arena_alloc(arena, text.size + 1);
    size_t size = 0;
    if (bytes == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < text.size; i++) {
        bool is_escape = text.data[i] == '\\' && i + 3 < text.size && is_octal(text.data[i + 1]) &&
                         is_octal(text.data[i + 2]) && is_octal(text.data[i + 3]);
        if (is_escape) {
            bytes[size++] = (uint8_t)((text.data[i + 1] - '0') << 6 |
                                      (text.data[i + 2] - '0') << 3 | (text.data[i + 3] - '0'));
            i += 3;
        } else {
            bytes[size++] = text.data[i];
        }
    }
    *ret_text = ov_span_make(bytes, size);
    return OV_OK;
}

static enum ov_status read_line(struct ov_cursor line, struct ov_places *places) {
    struct ov_place *place = &places->places[places->count];
    (void)ov_cursor_until(&line, ' '); // the mount's id
    (void)ov_cursor_until(&line, ' '); // its parent's
    struct ov_span device = ov_cursor_until(&line, ' ');
    struct ov_span root = ov_cursor_until(&line, ' ');
    struct ov_span point = ov_cursor_until(&line, ' ');
    bool is_whole_line = ov_cursor_left(&line) > 0; // there are options, and the file system's type
    if (!is_whole_line || !read_device(device, &place->device)) {
        return OV_OK;
    }
    TRY(unescape(&places->arena, root, &place->root));
    TRY(unescape(&places->arena, point, &place->point));
    places->count++;
    return OV_OK;
}

enum ov_status ov_places_read(struct ov_span text, struct ov_places *ret_places) {
    struct ov_places *places = ret_places;
    size_t lines = 1;
    *places = (struct ov_places){0};
    ov_arena_init(&places->arena, ARENA_BYTES);
    for (size_t i = 0; i < text.size; i++) {
        lines += text.data[i] == '\n';
    }
    places->places = calloc(lines, sizeof *places->places);
    if (places->places == NULL) {
        return OV_MEMORY;
    }
    struct ov_cursor cursor = ov_cursor_init(text);
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span line = ov_cursor_until(&cursor, '\n');
        if (ov_cursor_status(&cursor) != OV_OK) {
            break; // a line without its end
        }
        TRY(read_line(ov_cursor_init(line), places));
    }
    return OV_OK;
}

enum ov_status ov_places_load(struct ov_places *ret_places) {
    *ret_places = (struct ov_places){0};
    OV_AUTO_FD fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    if (fd < 0) {
        return OV_SYSTEM;
    }
    for (;;) { // it tells no size
        uint8_t *room = ov_buf_reserve(&text, 65536);
        if (room == NULL || text.size > TEXT_BYTES_MAX) {
            return OV_MEMORY;
        }
        ssize_t size = read(fd, room, 65536);
        if (size < 0) {
            return OV_SYSTEM;
        }
        if (size == 0) {
            break;
        }
        ov_buf_commit(&text, (size_t)size);
    }
    return ov_places_read(ov_buf_span(&text), ret_places);
}

void ov_places_release(struct ov_places *places) {
    free(places->places);
    ov_arena_release(&places->arena);
    *places = (struct ov_places){0};
}

static bool is_whole(struct ov_span root) {
    return ov_span_is_text(root, "/");
}

// Whether `path` is that folder or lies in it.
static bool lies_in(struct ov_span path, struct ov_span root) {
    if (is_whole(root)) {
        return true;
    }
    bool begins =
        path.size >= root.size && ov_span_is_equal(ov_span_part(path, 0, root.size), root);
    return begins && (path.size == root.size || path.data[root.size] == '/');
}

bool ov_places_add_path(const struct ov_places *places, uint32_t device, struct ov_span path,
                        struct ov_buf *buf) {
    const struct ov_place *best = NULL;
    for (size_t i = 0; i < places->count; i++) {
        const struct ov_place *place = &places->places[i];
        // The whole file system before a part of it, the first mount before later ones.
        bool is_better = best == NULL || (is_whole(place->root) && !is_whole(best->root));
        if (place->device == device && is_better && lies_in(path, place->root)) {
            best = place;
        }
    }
    if (best == NULL) {
        ov_buf_add(buf, path.data, path.size);
        return false;
    }
    struct ov_span rest = is_whole(best->root) ? path : ov_span_from(path, best->root.size);
    if (!is_whole(best->point)) {
        ov_buf_add(buf, best->point.data, best->point.size);
    }
    if (is_whole(best->point) || !ov_span_is_text(rest, "/")) {
        ov_buf_add(buf, rest.data, rest.size);
    }
    return true;
}
