// SPDX-License-Identifier: Apache-2.0
// Archives of xar, as packages of macOS are: a table of contents in XML, packed by zlib, and a
// heap.
//
// github.com/mackyle/xar, wiki "xarformat".
#include "format/codec/codec.h"
#include "format/codec/digits.h"
#include "format/format.h"
#include "format/office/xml_scan.h"

enum {
    DEPTH_MAX = 64,
    PENDING_MAX = 16, // pieces of one file: its data, and attributes
    PATH_BYTES_MAX = 4096,
};

// Something in the heap.
struct piece {
    uint64_t offset, length, size;
    struct ov_span style; // of its packing, a MIME type
    bool has_data;
};

// Files stand inside one another, as directories do. The data of a file may come before its name.
struct file {
    size_t path_bytes; // of what stands above it
    bool has_name;
    struct piece pending[PENDING_MAX];
    uint32_t pending_count;
};

struct xar {
    struct ov_walk *walk;
    struct ov_span heap;
    struct ov_xml xml;
    struct file *files; // from the outermost on
    uint32_t depth;
    bool is_in_piece; // <data> or <ea>
    struct piece piece;
    struct ov_span element; // whose text comes next
    struct ov_buf path;
    bool is_damaged;
};

// ---- what stands in the heap -------------------------------------------------------------------

static bool has_suffix(struct ov_span text, const char *end) {
    size_t size = strlen(end);
    return text.size >= size && ov_span_is_text(ov_span_from(text, text.size - size), end);
}

// What is called lzma is xz or lzma; the bytes say which.
static bool choose_codec(const struct piece *piece, struct ov_span packed,
                         enum ov_codec *ret_codec) {
    if (has_suffix(piece->style, "x-gzip") || has_suffix(piece->style, "zlib")) {
        bool is_gzip = ov_span_has_prefix(packed, "\x1f\x8b");
        *ret_codec = is_gzip ? OV_CODEC_GZIP : OV_CODEC_ZLIB;
    } else if (has_suffix(piece->style, "x-bzip2")) {
        *ret_codec = OV_CODEC_BZIP2;
    } else if (has_suffix(piece->style, "x-lzma") || has_suffix(piece->style, "x-xz")) {
        bool is_xz = ov_span_has_prefix(packed, "\xfd"
                                                "7zXZ");
        *ret_codec = is_xz ? OV_CODEC_XZ : OV_CODEC_LZMA;
    } else {
        return false;
    }
    return true;
}

static enum ov_status tell_piece(struct xar *xar, const struct piece *piece) {
    struct ov_span packed = ov_span_part(xar->heap, piece->offset, piece->length);
    struct ov_span name = ov_span_part(ov_buf_span(&xar->path), 0, PATH_BYTES_MAX);
    enum ov_codec codec = OV_CODEC_ZLIB;
    xar->is_damaged = xar->is_damaged || packed.size < piece->length;
    if (!choose_codec(piece, packed, &codec)) {
        return ov_walk_stored(xar->walk, packed, name);
    }
    struct ov_child child = {
        .name = name, .packed_bytes = piece->length, .plain_bytes = piece->size};
    enum ov_status worst = OV_OK;
    TRY(ov_codec_tell(codec, packed, &child, xar->walk, &worst));
    xar->is_damaged = xar->is_damaged || worst == OV_DAMAGED;
    return OV_OK;
}

static enum ov_status tell_pending(struct xar *xar) {
    struct file *file = &xar->files[xar->depth - 1];
    for (uint32_t i = 0; i < file->pending_count; i++) {
        TRY(tell_piece(xar, &file->pending[i]));
    }
    file->pending_count = 0;
    return OV_OK;
}

// ---- the table of contents ---------------------------------------------------------------------

static enum ov_status open_file(struct xar *xar) {
    if (xar->depth == DEPTH_MAX) {
        return OV_DAMAGED;
    }
    if (xar->depth > 0) {
        TRY(tell_pending(xar));
    }
    xar->files[xar->depth++] = (struct file){.path_bytes = xar->path.size};
    return OV_OK;
}

static enum ov_status close_file(struct xar *xar) {
    if (xar->depth == 0) {
        return OV_OK;
    }
    TRY(tell_pending(xar));
    xar->path.size = xar->files[--xar->depth].path_bytes;
    return OV_OK;
}

static enum ov_status close_piece(struct xar *xar) {
    bool has_piece = xar->is_in_piece && xar->piece.has_data && xar->depth > 0;
    xar->is_in_piece = false;
    if (!has_piece) {
        return OV_OK;
    }
    struct file *file = &xar->files[xar->depth - 1];
    if (file->pending_count == PENDING_MAX) {
        TRY(tell_pending(xar));
    }
    file->pending[file->pending_count++] = xar->piece;
    return OV_OK;
}

static void take_name(struct xar *xar, struct ov_span text) {
    struct file *file = &xar->files[xar->depth - 1];
    if (file->has_name) {
        return;
    }
    file->has_name = true;
    if (xar->path.size > 0) {
        ov_buf_add_u8(&xar->path, '/');
    }
    ov_buf_add(&xar->path, text.data, text.size);
}

static void take_text(struct xar *xar, struct ov_span text) {
    struct piece *piece = &xar->piece;
    if (!xar->is_in_piece) {
        if (xar->depth > 0 && ov_span_is_text(xar->element, "name")) {
            take_name(xar, text);
        }
    } else if (ov_span_is_text(xar->element, "offset")) {
        piece->has_data = ov_digits_read(text, 10, &piece->offset) || piece->has_data;
    } else if (ov_span_is_text(xar->element, "length")) {
        (void)ov_digits_read(text, 10, &piece->length);
    } else if (ov_span_is_text(xar->element, "size")) {
        (void)ov_digits_read(text, 10, &piece->size);
    }
}

static bool is_piece(struct ov_span name) {
    return ov_span_is_text(name, "data") || ov_span_is_text(name, "ea");
}

static enum ov_status take_event(struct xar *xar, enum ov_xml_event event) {
    struct ov_span name = xar->xml.name;
    if (event == OV_XML_TEXT) {
        take_text(xar, xar->xml.text);
        return OV_OK;
    }
    if (event == OV_XML_CLOSE) {
        xar->element = ov_span_make(NULL, 0);
        return is_piece(name)                  ? close_piece(xar)
               : ov_span_is_text(name, "file") ? close_file(xar)
                                               : OV_OK;
    }
    xar->element = event == OV_XML_OPEN ? name : ov_span_make(NULL, 0);
    if (xar->is_in_piece && ov_span_is_text(name, "encoding")) {
        xar->piece.style = ov_xml_attribute(&xar->xml, "style");
    }
    if (event == OV_XML_OPEN && is_piece(name)) {
        xar->is_in_piece = true;
        xar->piece = (struct piece){0};
    }
    return event == OV_XML_OPEN && ov_span_is_text(name, "file") ? open_file(xar) : OV_OK;
}

static enum ov_status walk_contents(struct xar *xar, struct ov_span contents) {
    xar->xml = ov_xml_init(contents);
    enum ov_xml_event event;
    while ((event = ov_xml_next(&xar->xml)) != OV_XML_END) {
        TRY(ov_walk_has_time(xar->walk));
        TRY(take_event(xar, event));
    }
    while (xar->depth > 0) { // what was not closed
        xar->is_damaged = true;
        TRY(close_file(xar));
    }
    return OV_OK;
}

// ---- the walk ----------------------------------------------------------------------------------

static enum ov_status walk_xar(struct ov_cursor *in, struct ov_walk *walk) {
    ov_cursor_skip(in, 4);
    uint16_t header_bytes = ov_cursor_u16be(in);
    ov_cursor_skip(in, 2);
    uint64_t packed_bytes = ov_cursor_u64be(in);
    struct ov_span packed = ov_span_part(ov_span_from(in->bytes, header_bytes), 0, packed_bytes);
    struct xar xar = {.walk = walk,
                      .heap = ov_span_from(ov_span_from(in->bytes, header_bytes), packed_bytes),
                      .files = ov_arena_array(walk->arena, DEPTH_MAX, sizeof(struct file))};
    if (xar.files == NULL) {
        return OV_MEMORY;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf contents = {0};
    size_t used = 0;
    enum ov_status unpacked = ov_codec_unpack(OV_CODEC_ZLIB, packed, walk, &contents, &used);
    if (unpacked == OV_MEMORY) {
        return unpacked;
    }
    TRY(ov_walk_stored(walk, ov_buf_span(&contents), ov_span_text("toc")));
    enum ov_status status = walk_contents(&xar, ov_buf_span(&contents));
    ov_buf_release(&xar.path);
    TRY(status);
    return xar.is_damaged ? OV_DAMAGED : unpacked;
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "xar!")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_XAR, OV_MAGICS(magics), .walk = walk_xar},
};

OV_FORMAT_SET(xar, formats);
