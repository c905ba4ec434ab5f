// SPDX-License-Identifier: Apache-2.0
// HTML: links with what is shown for them.
#include "format/html/html_links.h"

enum { ARENA_BYTES = 64 << 20 };

struct record {
    enum ov_link_kind kind;
    size_t shown_at, shown_size; // in `text`
    size_t leads_at, leads_size;
};

static struct record *get_record(struct ov_html_links *links, size_t number) {
    return (struct record *)links->records.data + (number - 1);
}

// ---- what is shown -----------------------------------------------------------------------------

static void add_high(struct ov_html_name *shown, uint32_t high) {
    const uint8_t bytes[3] = {(uint8_t)(high >> 16), (uint8_t)(high >> 8), (uint8_t)high};
    size_t first = bytes[0] != 0 ? 0 : bytes[1] != 0 ? 1 : 2;
    for (size_t i = first; i < 3; i++) {
        if (shown->size + 1 < OV_HTML_NAME_BYTES) {
            ov_html_name_add(shown, bytes[i]);
        }
    }
}

// Appends text as it stands in the document, with the full stops of other scripts as dots. Bytes
// from 0x80 on at its very end are lost, as for clamscan.
static void add_shown(struct ov_html_name *shown, struct ov_span text) {
    uint32_t high = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (high != 0 && (byte < 0x80 || high >= 0x10000)) {
            bool is_short_stop = high == 0xa1;
            if (ov_html_is_full_stop(high, byte)) {
                ov_html_name_add(shown, '.');
                high = 0;
                if (is_short_stop) {
                    continue;
                }
            } else {
                add_high(shown, high);
                high = 0;
            }
        }
        if (byte >= 0x80) {
            high = high << 8 | byte;
        } else {
            ov_html_name_add(shown, byte);
        }
    }
}

static void add_piece(struct ov_html *html) {
    struct ov_html_links *links = html->links;
    if (links->open != 0 && links->shown_from != SIZE_MAX && links->shown_from < html->at) {
        struct ov_span piece = ov_span_make(html->piece, sizeof html->piece);
        add_shown(&links->shown,
                  ov_span_part(piece, links->shown_from, html->at - links->shown_from));
    }
}

void ov_html_links_resume(struct ov_html *html) {
    if (html->links != NULL && html->links->shown_from != SIZE_MAX) {
        html->links->shown_from = html->at;
    }
}

void ov_html_links_pause(struct ov_html *html) {
    struct ov_html_links *links = html->links;
    if (links != NULL && links->open != 0) {
        add_piece(html);
        links->shown_from = SIZE_MAX;
    }
}

void ov_html_links_end_piece(struct ov_html *html) {
    if (html->links != NULL) {
        add_piece(html);
    }
}

// ---- records -----------------------------------------------------------------------------------

static size_t keep_text(struct ov_html_links *links, struct ov_span text) {
    size_t at = links->text.size;
    ov_buf_add(&links->text, text.data, text.size);
    return at;
}

// A value in quotes is kept without them.
static struct ov_span drop_quotes(struct ov_span value) {
    bool is_quoted = value.size > 0 && value.data[0] == '"';
    return is_quoted ? ov_span_part(value, 1, value.size > 1 ? value.size - 2 : 0) : value;
}

static void add_record(struct ov_html_links *links, enum ov_link_kind kind, struct ov_span shown,
                       struct ov_span leads_to) {
    struct record record = {.kind = kind,
                            .shown_at = keep_text(links, shown),
                            .shown_size = shown.size,
                            .leads_at = keep_text(links, leads_to),
                            .leads_size = leads_to.size};
    ov_buf_add(&links->records, &record, sizeof record);
}

// What was shown for the open link is all there is.
static void close_link(struct ov_html_links *links) {
    if (ov_buf_status(&links->records) == OV_OK) {
        struct record *record = get_record(links, links->open);
        record->shown_at = keep_text(links, ov_html_name_span(&links->shown));
        record->shown_size = links->shown.size;
    }
    links->open = 0;
    links->shown.size = 0;
}

// The address of the link that is open; empty when none is.
static struct ov_span open_address(const struct ov_html_links *links) {
    if (links->open == 0 || ov_buf_status(&links->records) != OV_OK) {
        return ov_span_make(NULL, 0);
    }
    const struct record *record = (const struct record *)links->records.data + (links->open - 1);
    return ov_span_part(ov_buf_span(&links->text), record->leads_at, record->leads_size);
}

// Text of `links->text` moves when more is added: addresses are copied first.
static void copy_text(struct ov_html_name *copy, struct ov_span text) {
    copy->size = text.size < OV_HTML_NAME_BYTES ? text.size : OV_HTML_NAME_BYTES;
    if (copy->size > 0) {
        memcpy(copy->bytes, text.data, copy->size);
    }
}

// ---- tags --------------------------------------------------------------------------------------

// What stands in a form leads to where the form does. clamscan has one place for text: what was
// shown so far for a link around the form is lost.
static void add_of_form(struct ov_html_links *links, struct ov_span address) {
    if (links->has_action) {
        add_record(links, OV_LINK_OTHER, drop_quotes(address), ov_html_name_span(&links->action));
        links->shown.size = 0;
    }
}

static void begin_link(struct ov_html *html) {
    struct ov_html_links *links = html->links;
    struct ov_span address = ov_html_find_value(html, "href");
    struct ov_span title = ov_html_find_value(html, "title");
    if (address.size == 0) {
        return;
    }
    if (links->open != 0) {
        close_link(links); // links do not nest
    }
    links->shown.size = 0;
    if (title.data != NULL) {
        add_shown(&links->shown, address);
        add_record(links, OV_LINK_OTHER, drop_quotes(title), ov_html_name_span(&links->shown));
    }
    add_of_form(links, address);
    add_record(links, OV_LINK_TEXT, ov_span_make(NULL, 0), drop_quotes(address));
    links->open = links->records.size / sizeof(struct record);
    links->shown_from = html->at;
    links->shown.size = 0;
}

static void begin_form(struct ov_html *html) {
    struct ov_html_links *links = html->links;
    struct ov_span action = ov_html_find_value(html, "action");
    if (action.data != NULL) {
        links->action.size = 0;
        add_shown(&links->action, action);
        links->has_action = true;
    }
}

// Pictures, frames and areas are shown, and lead to where the link around them does.
static void add_shown_address(struct ov_html *html, const char *attribute, enum ov_link_kind kind) {
    struct ov_html_links *links = html->links;
    struct ov_span address = ov_html_find_value(html, attribute);
    if (address.size > 0) {
        struct ov_html_name around;
        copy_text(&around, open_address(links));
        add_record(links, kind, drop_quotes(address), ov_html_name_span(&around));
        add_of_form(links, address);
    }
}

void ov_html_links_tag(struct ov_html *html) {
    struct ov_html_links *links = html->links;
    struct ov_span tag = ov_html_name_span(&html->tag);
    if (links == NULL) {
        return;
    }
    if (links->open != 0 && links->shown_from == SIZE_MAX) {
        links->shown_from = html->at;
    }
    if (ov_span_is_text(tag, "a")) {
        begin_link(html);
    } else if (ov_span_is_text(tag, "form")) {
        begin_form(html);
    } else if (ov_span_is_text(tag, "img")) {
        add_shown_address(html, "src", OV_LINK_IMAGE);
        add_shown_address(html, "dynsrc", OV_LINK_OTHER);
    } else if (ov_span_is_text(tag, "iframe")) {
        add_shown_address(html, "src", OV_LINK_OTHER);
    } else if (ov_span_is_text(tag, "area")) {
        add_shown_address(html, "href", OV_LINK_OTHER);
    }
}

void ov_html_links_end_tag(struct ov_html *html) {
    struct ov_html_links *links = html->links;
    struct ov_span tag = ov_html_name_span(&html->tag);
    if (links == NULL) {
        return;
    }
    if (links->open != 0) {
        if (ov_span_is_text(tag, "/a")) {
            close_link(links);
        }
        links->shown_from = html->at;
    }
    links->has_action = links->has_action && !ov_span_is_text(tag, "/form");
}

// ---- all of them -------------------------------------------------------------------------------

static enum ov_status tell_records(const struct ov_html_links *links, struct ov_walk *walk) {
    struct ov_span text = ov_buf_span(&links->text);
    const struct record *records = (const struct record *)links->records.data;
    size_t count = links->records.size / sizeof *records;
    for (size_t i = 0; i < count; i++) {
        struct ov_link link = {
            .kind = records[i].kind,
            .leads_to = ov_span_part(text, records[i].leads_at, records[i].leads_size),
            .shown = ov_span_part(text, records[i].shown_at, records[i].shown_size),
        };
        TRY(ov_walk_has_time(walk));
        TRY(walk->sink->link(walk->sink->arg, &link));
    }
    return OV_OK;
}

static enum ov_status read_links(struct ov_html *html, struct ov_html_links *links) {
    enum ov_status status = ov_html_read(html);
    if (status == OV_DAMAGED) {
        return OV_OK;
    }
    TRY(status);
    if (links->open != 0) {
        close_link(links);
    }
    TRY(ov_buf_status(&links->records));
    TRY(ov_buf_status(&links->text));
    return tell_records(links, html->walk);
}

static enum ov_status tell_links(struct ov_span document, struct ov_walk *walk) {
    struct ov_html *html = ov_arena_alloc(walk->arena, sizeof *html);
    struct ov_html_links *links = ov_arena_alloc(walk->arena, sizeof *links);
    if (html == NULL || links == NULL) {
        return OV_MEMORY;
    }
    html->walk = walk;
    html->in = document;
    html->links = links;
    links->shown_from = SIZE_MAX;
    enum ov_status status = read_links(html, links);
    ov_html_release(html);
    ov_buf_release(&links->records);
    ov_buf_release(&links->text);
    return status;
}

enum ov_status ov_html_links_tell(struct ov_span document, struct ov_walk *walk) {
    struct ov_arena arena; // a mail may have thousands of parts
    ov_arena_init(&arena, ARENA_BYTES);
    struct ov_walk own = *walk;
    own.arena = &arena;
    enum ov_status status = tell_links(document, &own);
    ov_arena_release(&arena);
    return status;
}
