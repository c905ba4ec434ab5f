// SPDX-License-Identifier: Apache-2.0
// OLE 1 objects as RTF holds them ([MS-OLEDS] 2.2).
#include "format/office/ole_package.h"
#include "format/office/rtf.h"

#include <strings.h>

enum {
    KIND_LINKED = 1,
    KIND_EMBEDDED = 2,
    KIND_PRESENTATION = 5,
    REST_BYTES_MIN = 16, // less behind an object is padding
};

static const char OLE2_MARK[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

static struct ov_span find_ole2(struct ov_span bytes) {
    const uint8_t *hit =
        bytes.size > 0 ? memmem(bytes.data, bytes.size, OLE2_MARK, sizeof OLE2_MARK - 1) : NULL;
    return hit != NULL ? ov_span_from(bytes, (size_t)(hit - bytes.data))
                       : ov_span_part(bytes, bytes.size, 0);
}

// A length, and as many bytes, the last of which is NUL ([MS-OLEDS] 2.1.4).
static struct ov_span read_text(struct ov_cursor *in) {
    struct ov_span text = ov_cursor_bytes(in, ov_cursor_u32le(in));
    return ov_span_part(text, 0, ov_span_find(text, 0, 0));
}

static bool is_class(struct ov_span name, const char *expected) {
    return name.size == strlen(expected) &&
           strncasecmp((const char *)name.data, expected, name.size) == 0;
}

// The data of one object. OLE 2 that begins further on is told from there too: readers find it.
static enum ov_status tell_data(struct ov_walk *walk, struct ov_span data, struct ov_span name) {
    struct ov_span file, label;
    uint32_t size;
    bool is_package = is_class(name, "Package") || ov_span_has_prefix(data, "\x02");
    if (is_package && ov_ole_package_read(data, &file, &label, &size) && file.size > 0) {
        return ov_walk_stored(walk, file, label);
    }
    struct ov_span inner = find_ole2(ov_span_from(data, 1));
    if (data.size > 0) {
        TRY(ov_walk_stored(walk, data, name));
    }
    return inner.size > 0 && !ov_span_has_prefix(data, OLE2_MARK)
               ? ov_walk_stored(walk, inner, name)
               : OV_OK;
}

// One object; the cursor goes behind it. OV_END when there is none.
static enum ov_status tell_one(struct ov_walk *walk, struct ov_cursor *in) {
    struct ov_cursor ahead = *in;
    (void)ov_cursor_u32le(&ahead); // version: any, for readers
    uint32_t kind = ov_cursor_u32le(&ahead);
    struct ov_span name = read_text(&ahead);
    if (kind == KIND_PRESENTATION) {
        ov_cursor_skip(&ahead, 8); // width and height
    } else if (kind == KIND_EMBEDDED) {
        (void)read_text(&ahead);
        (void)read_text(&ahead);
    }
    uint32_t size = ov_cursor_u32le(&ahead);
    if ((kind != KIND_EMBEDDED && kind != KIND_PRESENTATION) || ahead.has_failed) {
        return OV_END;
    }
    struct ov_span data = ov_span_part(ahead.bytes, ahead.at, size);
    ov_cursor_skip(&ahead, data.size);
    *in = ahead;
    return kind == KIND_EMBEDDED ? tell_data(walk, data, name) : OV_OK;
}

enum ov_status ov_rtf_object_tell(struct ov_walk *walk, struct ov_span bytes, bool is_main) {
    struct ov_cursor in = ov_cursor_init(bytes);
    while (ov_cursor_left(&in) > 0) {
        TRY(ov_walk_has_time(walk));
        size_t before = in.at;
        enum ov_status status = tell_one(walk, &in);
        if (in.at == before) {
            break; // no object
        }
        TRY(status);
    }
    struct ov_span rest = ov_span_from(bytes, in.at);
    struct ov_span ole2 = find_ole2(rest);
    struct ov_span none = ov_span_make(NULL, 0);
    if (is_main && rest.size >= REST_BYTES_MIN && ole2.size < rest.size) {
        TRY(ov_walk_stored(walk, rest, none));
    }
    return ole2.size > 0 ? ov_walk_stored(walk, ole2, none) : OV_OK;
}
