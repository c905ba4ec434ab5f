// SPDX-License-Identifier: Apache-2.0
// HTML: its views without comments, without tags, and of its scripts alone; the data it carries.
#include "format/format.h"
#include "format/html/html_reader.h"

enum {
    VIEWS_BYTES_MAX = 40 << 20, // of the document; larger ones have no views (MaxHTMLNormalize)
    TEXT_BYTES_MAX = 8 << 20,   // larger ones have none without tags (MaxHTMLNoTags)
};

// What of a part there is room for.
static struct ov_span cut(struct ov_walk *walk, struct ov_span part) {
    size_t room = ov_walk_room(walk);
    if (part.size > room) {
        ov_walk_note_cut(walk);
    }
    return ov_span_part(part, 0, room);
}

// The data: URLs, as mails, in the order in which they stand.
static enum ov_status walk_data(const struct ov_html *html) {
    struct ov_span all = ov_buf_span(&html->data);
    struct ov_cursor ends = ov_cursor_init(ov_buf_span(&html->data_ends));
    for (uint64_t begin = 0, end; ov_cursor_left(&ends) > 0; begin = end) {
        end = ov_cursor_u64le(&ends);
        TRY(ov_walk_member(html->walk, ov_span_part(all, begin, end - begin), ov_span_make(NULL, 0),
                           OV_FILETYPE_NONE));
    }
    return OV_OK;
}

static enum ov_status walk_views(struct ov_html *html) {
    struct ov_walk *walk = html->walk;
    TRY(ov_html_walk_style(html));
    TRY(ov_walk_view(walk, cut(walk, ov_buf_span(&html->plain)), OV_FILETYPE_HTML));
    if (html->in.size <= TEXT_BYTES_MAX) {
        TRY(ov_walk_view(walk, cut(walk, ov_buf_span(&html->text)), OV_FILETYPE_HTML));
    }
    if (html->scripts.size > 0) {
        struct ov_span scripts = cut(walk, ov_buf_span(&html->scripts));
        TRY(ov_walk_view(walk, scripts, OV_FILETYPE_HTML));
        TRY(ov_walk_view(walk, scripts, OV_FILETYPE_TEXT_ASCII));
    }
    return walk_data(html);
}

static enum ov_status walk_document(struct ov_span document, struct ov_walk *walk) {
    if (document.size > VIEWS_BYTES_MAX) {
        return OV_OK;
    }
    struct ov_html *html = ov_arena_alloc(walk->arena, sizeof *html);
    if (html == NULL) {
        return OV_MEMORY;
    }
    html->walk = walk;
    html->in = document;
    enum ov_status status = ov_html_read(html);
    if (status == OV_OK || status == OV_DAMAGED) {
        enum ov_status walked = walk_views(html);
        status = walked != OV_OK ? walked : status;
    }
    ov_html_release(html);
    return status;
}

static enum ov_status walk_html(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_document(in->bytes, walk);
}

// Little-endian UTF-16 as bytes, as clamscan has it: what is beyond them is mixed into one. In the
// other order it leaves zeros out and no more, so that what is beyond a byte stays two.
static size_t narrow_unit(bool is_big, struct ov_span unit, uint8_t ret_bytes[2]) {
    if (!is_big) {
        ret_bytes[0] = (uint8_t)((unit.data[1] << 4) + unit.data[0]);
        return 1;
    }
    size_t size = 0;
    for (size_t i = 0; i < 2; i++) {
        ret_bytes[size] = unit.data[i];
        size += unit.data[i] != 0;
    }
    return size;
}

static enum ov_status walk_wide(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span wide = in->bytes;
    if (wide.size / 2 > VIEWS_BYTES_MAX) {
        return OV_OK;
    }
    bool is_big = wide.size >= 2 && (wide.data[0] == 0 || wide.data[0] == 0xfe);
    OV_CLEANUP(ov_buf_release) struct ov_buf narrow = {0};
    for (size_t i = 0; i + 1 < wide.size; i += 2) {
        uint8_t bytes[2];
        ov_buf_add(&narrow, bytes, narrow_unit(is_big, ov_span_part(wide, i, 2), bytes));
    }
    TRY(ov_buf_status(&narrow));
    return walk_document(ov_buf_span(&narrow), walk);
}

// In these mixtures of small and capital letters, as clamscan knows them.
static const struct ov_magic magics_html[] = {
    OV_MAGIC(0, "<%@ LANGUAGE ="),          OV_MAGIC(OV_MAGIC_ANYWHERE, "<html>"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<Html>"),  OV_MAGIC(OV_MAGIC_ANYWHERE, "<HTML>"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<head>"),  OV_MAGIC(OV_MAGIC_ANYWHERE, "<Head>"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<HEAD>"),  OV_MAGIC(OV_MAGIC_ANYWHERE, "<img"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<Img"),    OV_MAGIC(OV_MAGIC_ANYWHERE, "<IMG"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<script"), OV_MAGIC(OV_MAGIC_ANYWHERE, "<Script"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<SCRIPT"), OV_MAGIC(OV_MAGIC_ANYWHERE, "<iframe"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<IFRAME"), OV_MAGIC(OV_MAGIC_ANYWHERE, "<table"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<TABLE"),  OV_MAGIC(OV_MAGIC_ANYWHERE, "<object"),
    OV_MAGIC(OV_MAGIC_ANYWHERE, "<Object"), OV_MAGIC(OV_MAGIC_ANYWHERE, "<OBJECT"),
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_HTML, OV_MAGICS(magics_html), .walk = walk_html},
    {.type = OV_FILETYPE_HTML_UTF16, .walk = walk_wide},
};

OV_FORMAT_SET(html, formats);
